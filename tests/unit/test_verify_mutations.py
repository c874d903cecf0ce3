"""Any one thing done to a download is found, unless it is one of those that mean nothing."""

import shutil
from pathlib import Path
from random import Random

from tests.unit.camera_made import MadeCamera, made_bytes
from tests.unit.verified import verified

ROUNDS = 100


def test_any_change_is_found(tmp_path: Path) -> None:
    """Whole again after each: the changed file comes back."""
    camera = made(tmp_path / "store")
    random = Random(1)
    files = sorted(path for path in camera.top.rglob("*") if path.is_file())
    head = camera.head
    assert verified(camera, heads=[head]).findings == ()
    done: dict[str, int] = {}
    for _ in range(ROUNDS):
        path = random.choice(files)
        change = random.choice(CHANGES)
        other = random.choice([each for each in files if each.read_bytes() != path.read_bytes()])
        kept = {each: each.read_bytes() for each in (path, other)}
        added = change(path, other, random)
        found = verified(camera, heads=[head])
        what = f"{change.__name__} {path.relative_to(camera.top)} {other.relative_to(camera.top)}"
        assert found.findings, what
        assert found.verdict.wrong or found.verdict.open, what
        done[change.__name__] = done.get(change.__name__, 0) + 1
        for each, data in kept.items():
            each.parent.mkdir(exist_ok=True)
            each.write_bytes(data)
        if added is not None:
            shutil.rmtree(added) if added.is_dir() else added.unlink()
    assert len(done) == len(CHANGES)
    assert verified(camera, heads=[head]).findings == ()


def made(top: Path) -> MadeCamera:
    camera = MadeCamera(top, chunk_bytes=100)
    camera.event(3)
    event = camera.begin()
    for _ in range(5):
        event.chunk()
    camera.power_cut()
    camera.start()
    event.chunk()
    event.end()
    camera.event(1)
    camera.write_head()
    return camera


def delete(path: Path, other: Path, random: Random) -> None:
    path.unlink()


def cut(path: Path, other: Path, random: Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: random.randrange(len(data))])


def flip(path: Path, other: Path, random: Random) -> None:
    data = bytearray(path.read_bytes())
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def add_garbage(path: Path, other: Path, random: Random) -> None:
    place = random.randrange(path.stat().st_size)
    data = path.read_bytes()
    path.write_bytes(data[:place] + made_bytes(str(place), 20) + b"\n" + data[place:])


def drop_line(path: Path, other: Path, random: Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))


def replace(path: Path, other: Path, random: Random) -> None:
    path.write_bytes(other.read_bytes())


def swap(path: Path, other: Path, random: Random) -> None:
    data = path.read_bytes()
    if path.suffix == ".jsonl" == other.suffix and path.parent == other.parent:
        path.unlink()  # what evidence files are called means nothing
        return
    path.write_bytes(other.read_bytes())
    other.write_bytes(data)


def rename(path: Path, other: Path, random: Random) -> Path:
    return path.rename(path.with_name("video77.h264"))


def put_a_new_one(path: Path, other: Path, random: Random) -> Path:
    new = path.with_name("video88.h264")
    new.write_bytes(made_bytes("new", 50))
    return new


def copy_folder(path: Path, other: Path, random: Random) -> Path:
    folder = path.parent if "evidence" not in path.parts else path.parents[2] / "2026-03-01/12.00.00"
    return Path(shutil.copytree(folder, folder.parent / "23.00.00"))


CHANGES = [delete, cut, flip, add_garbage, drop_line, replace, swap, rename, put_a_new_one, copy_folder]
