"""Rules between keys: checked together with the keys themselves, and silent where a key of theirs is at fault."""

from typing import Any

import pytest

from tests.unit.configurations import EVERYTHING, faults, load


@pytest.mark.parametrize(
    ("tree", "fault"),
    [
        ({"camera": {"backend": "stream"}}, "camera.url: is needed for backend"),
        ({"camera": {"url": "x.mp4"}}, 'camera.url: is only for backend "stream", but the backend is "auto"'),
        ({"camera": {"detect_url": "x.mp4"}}, 'camera.detect_url: is only for backend "stream"'),
        ({"camera": {"backend": "scene", "device": "/dev/video0"}}, "camera.device: is only for a local camera"),
        ({"camera": {"backend": "picamera2", "device": "/dev/video0"}}, "camera.device: must be the number of a Pi"),
        ({"camera": {"pace": "fast"}}, 'camera.pace: "fast" is only for files'),
        ({"camera": {"pace": "fast", "backend": "stream", "url": "rtsp://h"}}, 'camera.pace: "fast" is only for files'),
        ({"camera": {"backend": "stream", "url": "x.mp4"}, "rotation": 180}, "rotation: 180 is impossible"),
        ({"formats": {"day_directory_format": "x"}}, "formats.time_directory_format: together with"),
        ({"formats": {"time_directory_format": "%d"}}, "formats.time_directory_format: together with"),
        ({"infrared_controller": {"off_command": "on"}}, "infrared_controller.off_command: is the same as on_command"),
        ({"server": {"certfile_path": "c"}}, "server.keyfile_path: is needed too, as certfile_path is set"),
        ({"server": {"keyfile_path": "c"}}, "server.certfile_path: is needed too, as keyfile_path is set"),
        ({"location": {"longitude": 1}}, "location.latitude: is needed too, as longitude is set"),
        ({"dropbox": {"refresh_token": "x"}}, "dropbox.app_key: is needed too, as refresh_token is set"),
        ({"storage": {"sealed": True}}, "storage.sealed: needs the owner's public key"),
        ({"servos": [{"board_pin": 7}, {"board_pin": 7}]}, "servos[1].board_pin: pin 7 is already used by"),
    ],
)  # fmt: skip
def test_rules_between_keys(tree: dict[str, Any], fault: str) -> None:
    (found,) = faults(tree)
    assert found.startswith(fault)


@pytest.mark.parametrize(
    "tree",
    [
        {"camera": {"backend": "stream", "url": "x.mp4", "pace": "fast", "at_end": "exit"}, "rotation": 0},
        {"camera": {"backend": "scene", "pace": "fast"}, "rotation": 180},
        {"camera": {"backend": "picamera2", "device": "1"}},
        {"infrared_controller": {"enabled": False, "off_command": "on"}},
        {"storage": {"sealed": True}, "dropbox": {"public_pem_path": "x.pem"}},
        {"location": {"latitude": 0, "longitude": 0}},
        EVERYTHING,
    ],
)  # fmt: skip
def test_what_may_stand_together(tree: dict[str, Any]) -> None:
    load(tree)


def test_faults_of_keys_and_between_keys_come_together() -> None:
    found = faults(
        '{"framerate": 0, "framerate": true, "motoin": {}, "motion": {"fps": NaN, "zones": [[[0, 0], [0, 0], [0, 0]]]},'
        '"server": {"certfile_path": "c", "server_port": 0}, "camera": {"backend": "stream", "device": "x"},'
        '"cameras": [{"cam_name": "A"}, {"framerate": "x", "location": {}}, 7], "stores": [{"kind": "ftp"}, {}, 5]}'
    )
    assert sorted(fault.split(": ")[0] for fault in found) == sorted(
        [
            "framerate", "framerate", "motoin", "motion.fps", "motion.zones[0]", "server.server_port",
            "server.keyfile_path", "cameras[0].camera.url", "cameras[0].camera.device", "cameras[1].cam_name",
            "cameras[1].framerate", "cameras[1].location", "cameras[1].camera.url", "cameras[1].camera.device",
            "cameras[2]",  # with nothing said of what is in it
            "stores[0].kind", "stores[1].kind", "stores[2]",
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tree", "places"),
    [
        # The address is there, but misspelt or of the wrong kind: that it is missing would be said in vain.
        ({"camera": {"backend": "stream", "urll": "x.mp4"}}, ["camera.urll"]),
        ({"camera": {"backend": "stream", "url": 5}}, ["camera.url"]),
        ({"camera": {"backend": "straem", "url": "x.mp4"}}, ["camera.backend"]),
        ({"server": {"certfile_path": "c", "keyfile_path": 5}}, ["server.keyfile_path"]),
        ({"storage": {"sealed": True}, "dropbox": "x"}, ["dropbox"]),
        ({"servos": [{"board_pin": 7}, {"board_pin": "7"}]}, ["servos[1].board_pin"]),
        ({"camera": {"backend": "stream", "url": 5}, "cameras": [{"cam_name": "A"}]}, ["camera.url"]),
        ({"motion": 5, "camera": {"backend": "stream"}}, ["motion", "camera.url"]),
    ],
)  # fmt: skip
def test_a_rule_is_silent_where_one_of_its_keys_is_at_fault_itself(tree: dict[str, Any], places: list[str]) -> None:
    assert [fault.split(": ")[0] for fault in faults(tree)] == places
