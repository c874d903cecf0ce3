"""Files of the first generation load as they are, and mean what they meant."""

import json
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.config import load_configuration
from pi_sec_cam.config.values import Section
from tests.unit.configurations import FIRST_GENERATION, REPOSITORY, load


def values(section: Section, written: dict[str, Any]) -> dict[str, Any]:
    """The values of a section, in the form and for the keys of `written`."""
    found: dict[str, Any] = {}
    for key, before in written.items():
        value = getattr(section, key)
        if isinstance(value, Section):
            value = values(value, before)
        elif isinstance(value, tuple):
            pairs = zip(value, before, strict=True)
            value = [values(one, was) if isinstance(one, Section) else one for one, was in pairs]
        found[key] = value
    return found


def test_a_whole_file_loads_unchanged() -> None:
    assert values(load(FIRST_GENERATION), FIRST_GENERATION) == FIRST_GENERATION


def test_an_empty_object_means_the_first_generation_s_defaults() -> None:
    expected = FIRST_GENERATION | {"rotation": None}
    assert values(load({}), expected) == expected


@pytest.mark.parametrize("key", FIRST_GENERATION)
def test_each_key_may_be_missing(key: str) -> None:
    load({name: value for name, value in FIRST_GENERATION.items() if name != key})
    for inner in FIRST_GENERATION[key] if isinstance(FIRST_GENERATION[key], dict) else ():
        section = {name: value for name, value in FIRST_GENERATION[key].items() if name != inner}
        assert values(load({key: section}), {key: FIRST_GENERATION[key]}) == {key: FIRST_GENERATION[key]}


@pytest.mark.parametrize(
    "change",
    [
        {"cam_name": "Haustür links"},
        {"framerate": 7.5},
        {"video_size": [1640, 1232]},
        {"rotation": 0},
        {"servos": []},
        {
            "servos": [
                {"board_pin": 11, "angle_off": 0, "angle_on": 180},
                {"board_pin": 12, "angle_off": 9, "angle_on": 7.5},
            ]
        },
        {"motion": {"max_event_time": 10, "rec_sec_after": 8, "rec_sec_before": 8}},
        {"motion": {"max_event_time": 5, "rec_sec_after": 8, "rec_sec_before": 0}},
        {"motion": {"min_trigger_area": 0, "min_pixel_delta_trigger": 0, "rec_sec_after": 2.5}},
        {"formats": {"day_directory_format": "%Y/%m/%d", "time_directory_format": "%H-%M-%S"}},
        {"formats": {"day_directory_format": "%A", "time_directory_format": "%H.%M"}},
        {"formats": {"day_directory_format": "events", "time_directory_format": "%Y-%m-%d_%H%M"}},
        {"formats": {"overlay_date_format": ""}},
        {"dropbox": {"file_chunk_megs": 0.5, "token": "sl.abc"}},
        {"dropbox": {"public_pem_path": "/home/pi/owner.pem"}},
        {"server": {"certfile_path": "/c.pem", "keyfile_path": "/k.pem", "server_port": 443}},
        {"server": {"enabled": False}},
        {"infrared_controller": {"baudrate": 115200, "serial_port": "/dev/ttyUSB0", "serial_timeout": 0}},
    ],
)
def test_what_people_may_have_changed_still_loads(change: dict[str, Any]) -> None:
    tree = {
        key: value | change.get(key, {}) if isinstance(value, dict) else value
        for key, value in FIRST_GENERATION.items()
    }
    tree |= {key: value for key, value in change.items() if not isinstance(value, dict)}
    expected = {
        key: FIRST_GENERATION[key] | value if isinstance(value, dict) else value for key, value in change.items()
    }
    loaded = json.loads(json.dumps(values(load(tree), expected), default=str))
    assert loaded == expected


@pytest.mark.parametrize(
    ("written", "of_a_pi_camera", "of_others"),
    [({}, 180, 0), ({"rotation": None}, 180, 0), ({"rotation": 180}, 180, 180), ({"rotation": 0}, 0, 0)],
)
def test_rotation_180_is_the_default_for_a_pi_camera_alone(
    written: dict[str, Any], of_a_pi_camera: int, of_others: int
) -> None:
    camera = load(written).cameras_resolved()[0]
    assert camera.rotation_for("picamera2") == of_a_pi_camera
    assert [camera.rotation_for(backend) for backend in ("v4l2", "scene")] == [of_others] * 2


def test_the_example_is_the_first_generation_s_and_can_be_used() -> None:
    path = REPOSITORY / "config" / "camera_config.json"
    expected = FIRST_GENERATION | {
        "rotation": None,  # the default: nobody's webcam stands on its head
        # What needs hardware, or is not there yet, is off: a first start should not be one of complaints.
        "servos": [],
        "infrared_controller": FIRST_GENERATION["infrared_controller"] | {"enabled": False},
        "server": FIRST_GENERATION["server"] | {"enabled": False},
    }
    assert values(load_configuration(path), expected) == expected
    written = json.loads(path.read_text())
    for key, value in FIRST_GENERATION.items():
        assert key in written
        assert not isinstance(value, dict) or value.keys() <= written[key].keys()


def test_paths_begin_at_the_file_s_folder_or_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    file = tmp_path / "sub" / "c.json"
    file.parent.mkdir()
    written = {
        "storage": {"directory": "footage"},
        "dropbox": {"public_pem_path": "~/owner.pem"},
        "server": {"certfile_path": "/tls/cert.pem", "keyfile_path": "../key.pem"},
        "camera": {"backend": "stream", "url": "clips/yard.mp4", "detect_url": "file:///clips/small.mp4"},
    }
    file.write_text(json.dumps(written))
    monkeypatch.chdir(tmp_path)
    whole = load_configuration(Path("sub/c.json"))
    assert whole.storage.directory == file.parent / "footage"
    assert whole.dropbox.public_pem_path == Path("/home/someone/owner.pem")
    assert whole.server.certfile_path == Path("/tls/cert.pem")
    assert whole.server.keyfile_path == file.parent / "../key.pem"
    assert whole.camera.url == str(file.parent / "clips/yard.mp4")
    assert whole.camera.detect_url == "file:///clips/small.mp4"
    assert load({}).storage.directory == Path("/home/someone/pi_sec_cam")
