"""What is configured and does not work is named; what nobody asked for is not."""

import json
from typing import Any

import pytest

from pi_sec_cam.absent_parts import absent_parts
from tests.unit.configurations import EVERYTHING, FIRST_GENERATION, REPOSITORY, load

INFRARED = {"infrared_controller": {"enabled": True, "serial_port": "/no/such/port"}}


def names(tree: object) -> list[str]:
    return [part.name for part in absent_parts(load(tree))]


def test_nothing_is_missed_that_nobody_asked_for() -> None:
    assert names({}) == []


def test_the_example_asks_for_nothing_that_is_absent() -> None:
    assert names((REPOSITORY / "config/camera_config.json").read_text()) == []


@pytest.mark.parametrize(
    ("tree", "name", "says"),
    [
        ({"server": EVERYTHING["server"]}, "server", "no command server yet"),
        (INFRARED, "infrared_controller of PiSecCam", "/no/such/port does not exist"),
        ({"servos": [{"board_pin": 7}, {"board_pin": 11}]}, "servos of PiSecCam", "pins 7, 11"),
        ({"audio": {"enabled": True}}, "audio of PiSecCam", "no sound yet"),
        ({"remotes": EVERYTHING["remotes"]}, "remotes[Garage]", "other machines"),
    ],
)
def test_each_part_is_named_when_it_is_configured(tree: dict[str, Any], name: str, says: str) -> None:
    (part,) = absent_parts(load(tree))
    assert part.name == name
    assert says in part.detail
    assert "geheim" not in part.detail


@pytest.mark.parametrize(
    "tree",
    [
        {"server": {"enabled": False}},
        {"infrared_controller": {"enabled": False}},
        {"servos": []},
        {"audio": {"enabled": False}},
        {"dropbox": {"token": "geheim"}, "stores": [{"kind": "directory", "path": "/mnt/nas"}]},
        {"storage": {"max_bytes": 10**10, "max_age_days": 14, "min_free_bytes": 5}},
    ],
)
def test_what_is_switched_off_or_works_is_not_missed(tree: dict[str, Any]) -> None:
    assert names(tree) == []


def test_a_port_that_exists_is_not_called_absent() -> None:
    (part,) = absent_parts(load({"infrared_controller": {"enabled": True, "serial_port": "/dev/null"}}))
    assert "does not exist" not in part.detail


def test_a_first_generation_file_asks_for_its_devices_and_server() -> None:
    assert names(FIRST_GENERATION) == ["server", "infrared_controller of PiSecCam", "servos of PiSecCam"]


def test_with_several_cameras_each_has_the_parts_that_are_written_down() -> None:
    found = names(json.dumps(EVERYTHING | {"audio": {"enabled": False}}))
    assert "servos of Door" in found
    assert not [name for name in found if name.endswith("of Yard")]
