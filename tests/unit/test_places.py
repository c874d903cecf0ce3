"""Which of a camera's stores a place can be."""

import pytest

from pi_sec_cam.home.places import of_fetched, of_store

STORES = {"dropbox", "s3-1a2b3c4d", "directory-5e6f7a8b"}


@pytest.mark.parametrize(
    ("places", "stores"),
    [
        (["dropbox:"], {"dropbox"}),
        (["dropbox:", "dropbox:Yard"], {"dropbox"}),
        (["s3://cameras/a at minio.home"], {"s3-1a2b3c4d"}),
        (["/mnt/nas"], STORES),
        (["s3://cameras", "dropbox:"], STORES),
        ([], STORES),
    ],
)
def test_what_was_fetched_is_of_the_store_that_it_was_fetched_from(places: list[str], stores: set[str]) -> None:
    assert set(filter(of_fetched(places), STORES)) == stores


def test_a_folder_may_be_a_copy_of_any_store() -> None:
    assert set(filter(of_store("folder"), STORES)) == STORES
    assert set(filter(of_store("s3"), STORES)) == {"s3-1a2b3c4d"}
