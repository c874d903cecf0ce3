"""Several cameras in one file: each inherits the top level's values and overrides them key by key."""

from typing import Any

import pytest

from tests.unit.configurations import faults, load

SCENES: dict[str, Any] = {"camera": {"backend": "scene"}}


def test_without_cameras_the_top_level_is_the_camera() -> None:
    whole = load({"cam_name": "Door", "motion": {"fps": 3}})
    (camera,) = whole.cameras_resolved()
    assert (camera.cam_name, camera.motion, camera.servos) == ("Door", whole.motion, whole.servos)
    assert not hasattr(camera, "dropbox")


def test_each_camera_overrides_the_top_level_key_by_key() -> None:
    whole = load(
        SCENES
        | {
            "framerate": 10,
            "motion": {"rec_sec_before": 5, "rec_sec_after": 4, "zones": [[[0, 0], [1, 0], [1, 1]]]},
            "cameras": [
                {"cam_name": "A"},
                {"cam_name": "B", "framerate": 12, "motion": {"rec_sec_after": 9, "zones": []}},
                {"cam_name": "C", "camera": {"scene": {"light": "night"}}},
            ],
        }
    )
    a, b, c = whole.cameras_resolved()
    assert [camera.cam_name for camera in (a, b, c)] == ["A", "B", "C"]
    assert [camera.framerate for camera in (a, b, c)] == [10, 12, 10]
    assert [camera.motion.rec_sec_before for camera in (a, b, c)] == [5, 5, 5]
    assert [camera.motion.rec_sec_after for camera in (a, b, c)] == [4, 9, 4]
    assert [len(camera.motion.zones) for camera in (a, b, c)] == [1, 0, 1]
    assert [camera.camera.backend for camera in (a, b, c)] == ["scene"] * 3
    assert [camera.camera.scene.light for camera in (a, b, c)] == ["day", "day", "night"]
    assert all(camera.motion.max_event_time == 60 for camera in (a, b, c))


def test_null_takes_back_what_the_top_level_says() -> None:
    url = "rtsp://cam/main"
    whole = load(
        {
            "rotation": 180,
            "camera": {"backend": "stream", "url": url, "detect_url": url},
            "cameras": [{"cam_name": "A", "rotation": None, "camera": {"detect_url": None}}],
        }
    )
    (camera,) = whole.cameras_resolved()
    assert (camera.rotation, camera.camera.url, camera.camera.detect_url) == (None, url, None)


def test_servos_and_infrared_are_not_shared_by_default() -> None:
    whole = load(SCENES | {"cameras": [{"cam_name": "A"}, {"cam_name": "B", "infrared_controller": {"baudrate": 300}}]})
    a, b = whole.cameras_resolved()
    assert a.servos == b.servos == ()
    assert not a.infrared_controller.enabled
    assert b.infrared_controller.enabled
    named = load(SCENES | {"servos": [{"board_pin": 11}], "infrared_controller": {}, "cameras": [{"cam_name": "A"}]})
    (camera,) = named.cameras_resolved()
    assert [servo.board_pin for servo in camera.servos] == [11]
    assert camera.infrared_controller.enabled


@pytest.mark.parametrize(
    ("top", "own", "place", "said"),
    [
        (
            {"servos": [{"board_pin": 7}]},
            [{}, {}],
            "cameras[1].servos[0].board_pin",
            "pin 7 is already used by cameras[0]",
        ),
        (
            {"infrared_controller": {}},
            [{}, {}],
            "cameras[1].infrared_controller.serial_port",
            '"/dev/serial0" is already',
        ),
        ({}, [{"camera": {"backend": "auto"}}] * 2, "cameras[1].camera.backend", '"auto" is already taken'),
        (
            {},
            [{"camera": {"backend": "v4l2", "device": "/dev/video0"}}] * 2,
            "cameras[1].camera.device",
            '"/dev/video0" is',
        ),
    ],
)
def test_two_cameras_cannot_have_the_same_device(
    top: dict[str, Any], own: list[dict[str, Any]], place: str, said: str
) -> None:
    cameras = [{"cam_name": name} | SCENES | keys for name, keys in zip("AB", own, strict=True)]
    (fault,) = faults(top | {"cameras": cameras})
    assert fault.startswith(f"{place}: ")
    assert said in fault


def test_two_local_cameras_that_are_told_apart_are_fine() -> None:
    load({"cameras": [{"cam_name": "A"}, {"cam_name": "B", "camera": {"backend": "v4l2", "device": "/dev/video2"}}]})


def test_names_differ_even_without_regard_to_case() -> None:
    found = faults(SCENES | {"cameras": [{"cam_name": "Door"}, {"cam_name": "door"}]})
    assert found == ['cameras[1].cam_name: "door" is already the name of cameras[0].cam_name']
    remote = {"name": "DOOR", "url": "https://h", "key": "k"}
    assert "remotes[0].name" in faults({"cam_name": "Door", "remotes": [remote]})[0]


def test_names_differ_however_their_letters_are_put_together() -> None:
    """Some disks take both for one folder."""
    composed, apart = "Caf\N{LATIN CAPITAL LETTER E WITH ACUTE}", "Cafe\N{COMBINING ACUTE ACCENT}"
    (found,) = faults(SCENES | {"cameras": [{"cam_name": composed}, {"cam_name": apart}]})
    assert found.startswith("cameras[1].cam_name: ")


def test_an_inherited_fault_is_said_of_the_camera_that_inherits() -> None:
    found = faults({"rotation": 180, "cameras": [{"cam_name": "A", "camera": {"backend": "stream", "url": "x.mp4"}}]})
    assert len(found) == 1
    assert found[0].startswith("cameras[0].rotation: 180 is impossible for a stream")


def test_what_is_the_machine_s_does_not_stand_in_a_camera() -> None:
    found = faults(
        SCENES | {"cameras": [{"cam_name": "A", "storage": {}, "server": {}, "cameras": [], "min_trigger_area": 1}]}
    )
    assert found == [
        'cameras[0].storage: unknown here: "storage" belongs at the top level',
        'cameras[0].server: unknown here: "server" belongs at the top level',
        'cameras[0].cameras: unknown here: "cameras" belongs at the top level',
        'cameras[0].min_trigger_area: unknown here: "min_trigger_area" belongs under cameras[0].motion',
    ]


def test_each_camera_needs_a_name() -> None:
    assert faults({"cameras": [{}]})[0].startswith("cameras[0].cam_name: is missing; it must be text")
