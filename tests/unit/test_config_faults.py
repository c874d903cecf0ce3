"""What is wrong with a configuration is said all at once: where, what was found, what is allowed; never a secret."""

import json
from typing import Any

import pytest

from tests.unit.configurations import EVERYTHING, FIRST_GENERATION, faults, load


def nested(path: str, value: object) -> dict[str, Any]:
    """A file with one key: `nested("motion.fps", 5)` is {"motion": {"fps": 5}}."""
    tree: object = value
    for key in reversed(path.split(".")):
        tree = {key: tree}
    assert isinstance(tree, dict)
    return tree


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("framerate", True, "true is not allowed; it must be a number from 1 to 120"),
        ("framerate", "20", '"20" is not allowed; it must be a number from 1 to 120 (without quotes)'),
        ("framerate", 500, "500 is not allowed; it must be a number from 1 to 120"),
        ("framerate", None, "null is not allowed; it must be a number from 1 to 120"),
        ("motion", None, "null is not allowed; it must be an object { … }"),
        ("motion.min_pixel_delta_trigger", 50.5, "50.5 is not allowed; it must be a whole number from 0 to 255"),
        ("motion.min_trigger_area", -0.1, "-0.1 is not allowed; it must be a number from 0 to 1"),
        ("motion.zones", [0.5], "[0]: 0.5 is not allowed; it must be a list of at least 3 points [x, y]"),
        ("motion.zones", [[[0, 0], [1, 1]]], "[0]: a list of 2 is not allowed; it must be a list of at least 3 points [x, y]"),
        ("motion.zones", [[[0, 0], [1, 2], [0, 1]]], "[0][1][1]: 2 is not allowed; it must be a number from 0 to 1"),
        ("motion.zones", [[[0, 0], [1, 1], [0.5, 0.5]]], "[0]: encloses no area"),
        ("server.mjpeg_framerate_cap", 0, "0 is not allowed; it must be a number above 0 and up to 120"),
        ("server.enabled", "false", '"false" is not allowed; it must be true or false (without quotes)'),
        ("server.enabled", 1, "1 is not allowed; it must be true or false"),
        ("server.server_port", 65536, "65536 is not allowed; it must be a whole number from 1 to 65535"),
        ("storage.directory", 5, "5 is not allowed; it must be a path (~ is the home folder; a relative path begins at the "
            "folder of the configuration file)"),
        ("storage.max_age_days", 0, "0 is not allowed; it must be a number above 0 and up to 36500, or null"),
        ("camera.backend", "picam2", '"picam2" is not allowed; it must be "auto", "picamera2", "v4l2", "stream" or "scene"; '
            'did you mean "picamera2"?'),
        ("servos", {}, "an object is not allowed; it must be a list of objects (16 at most)"),
        ("cam_name", "", '"" must not be empty'),
        ("cam_name", 3, "3 is not allowed; it must be text that can name a folder: no / or \\, no dot before it, "
            "no space at either end, 200 bytes at most"),
        ("infrared_controller.on_command", "on\n", '"on\\n" is not allowed; it must be 1 to 32 plain ASCII characters'),
    ],
)  # fmt: skip
def test_a_fault_says_what_was_found_and_what_is_allowed(path: str, value: object, fault: str) -> None:
    assert faults(nested(path, value)) == [path + (fault if fault.startswith("[") else f": {fault}")]


@pytest.mark.parametrize("value", [90, 270, 180.0, True, False, "180", -180, 360])
def test_only_half_turns_are_possible(value: object) -> None:
    (fault,) = faults({"rotation": value})
    assert "must be 0 or 180 (a quarter turn is not possible: turn the camera itself), or null" in fault


@pytest.mark.parametrize("value", [[1280], [1280, 720, 3], [1281, 720], [1280, 62], [4098, 720], [1280.0, 720], "1280x720"])
def test_video_sizes_are_two_even_numbers(value: object) -> None:
    (fault,) = faults({"video_size": value})
    assert fault.startswith("video_size")
    assert "from 64 to 4096" in fault


@pytest.mark.parametrize(
    "name", ["a/b", "a\\b", "/", ".", "..", ".hidden", " x", "x ", "a\nb", "a\x00b", "a\x7fb", "\ud800", "a\u202eb", "é" * 101]
)
def test_names_that_cannot_be_folders_are_refused(name: str) -> None:
    (fault,) = faults({"cam_name": name})
    assert fault.startswith("cam_name: ")
    assert fault.isprintable()


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("%Y-%m-%d%", "begins no strftime code"),
        ("%Q", "begins no strftime code"),
        ("%99999999d", "begins no strftime code"),
        ("%Y/../..", "must not begin with a dot"),
        (".%Y", "must not begin with a dot"),
        ("%n%d", "control characters"),
        ("%H:%M ", "must not begin or end with a space"),
        ("", "must not be empty"),
        ("//", "must not be empty"),
        ("%Y\\%m", "must not contain / or \\"),
    ],
)
@pytest.mark.parametrize("key", ["day_directory_format", "time_directory_format"])
def test_patterns_that_give_no_folder_name_are_refused(key: str, pattern: str, said: str) -> None:
    (fault,) = faults({"formats": {key: pattern}})
    assert fault.startswith(f"formats.{key}: ")
    assert said in fault


@pytest.mark.parametrize(
    ("path", "urls", "said"),
    [
        ("camera.url", ["ftp://h/x", "rtmp://h/x", "javascript:x", "data:x"], "use rtsp, rtsps, http, https, file or a path"),
        ("camera.url", ["rtsp:/h/x", "http:h"], "lacks the slashes"),
        ("camera.url", ["rtsp://", "rtsp:///x", "http://?x", "rtsp://user:geheim@/x"], "names no host"),
        ("camera.url", ["rtsp://u:ge/heim@h/x", "rtsp://h:99999/x", "rtsp://[::1/x"], "not a well-formed address"),
        ("camera.url", ["rtsp://u:ge heim@h/x"], "must not contain a space"),
        ("camera.detect_url", ["ftp://h/x"], "use rtsp"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused(path: str, urls: list[str], said: str) -> None:
    for url in urls:
        tree: dict[str, Any] = {"camera": {"backend": "stream", "url": "x.mp4"}}
        tree["camera"][path.split(".")[1]] = url
        (fault,) = faults(tree)
        assert fault.startswith(f"{path}: ")
        assert said in fault


@pytest.mark.parametrize("url", ["rtsp://h", "RTSP://u:p@h:554/x?y#z", "rtsps://[fe80::1]/", "https://h/x", "file:///x.mp4", "a b.mp4", "./c:1.mp4"])
def test_addresses_that_can_be_used_are_taken(url: str) -> None:
    assert load({"camera": {"backend": "stream", "url": url}}).camera.url in {url, f"/etc/cameras/{url.removeprefix('./')}"}


@pytest.mark.parametrize("pin", [0, 1, 2, 4, 6, 9, 14, 17, 20, 25, 30, 34, 39, 41, -7])
def test_only_gpio_pins_can_drive_a_servo(pin: int) -> None:
    assert f"{pin} is no GPIO pin" in faults({"servos": [{"board_pin": pin}]})[0]


@pytest.mark.parametrize(
    ("tree", "fault"),
    [
        ({"motion": {"min_triger_area": 1}}, 'motion.min_triger_area: unknown key; did you mean "min_trigger_area"?'),
        ({"motion": {"Min-Trigger-Area": 1}}, 'motion.Min-Trigger-Area: unknown key; did you mean "min_trigger_area"?'),
        ({"min_trigger_area": 1}, 'min_trigger_area: unknown here: "min_trigger_area" belongs under motion'),
        ({"min_triger_area": 1}, 'min_triger_area: unknown key; did you mean "min_trigger_area", which belongs under motion?'),
        ({"motion": {"framerate": 5}}, 'motion.framerate: unknown here: "framerate" belongs at the top level'),
        ({"scene": {}}, 'scene: unknown here: "scene" belongs under camera'),
        ({"location": {"latitud": 5}}, 'location.latitud: unknown key; did you mean "latitude"?'),
        ({"audio": {"xyzzy": 1}}, "audio.xyzzy: unknown key; known here: enabled, device, offset_ms"),
        ({"a.b \n": 1}, '["a.b \\n"]: unknown key; known here: cam_name'),
        ({"stores": [{"kind": "directory", "path": "/x", "bucket": "b"}]}, "stores[0].bucket: unknown key; known here: kind, path"),
        ({"servos": [{"board_pin": 7, "angel_on": 5}]}, 'servos[0].angel_on: unknown key; did you mean "angle_on"?'),
    ],
)  # fmt: skip
def test_an_unknown_key_is_named_with_the_nearest_known_one(tree: object, fault: str) -> None:
    (found,) = faults(tree)
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("tree", "fault"),
    [
        ({"camera": {"backend": "stream"}}, "camera.url: is needed for backend"),
        ({"camera": {"url": "x.mp4"}}, 'camera.url: is only for backend "stream", but the backend is "auto"'),
        ({"camera": {"detect_url": "x.mp4"}}, 'camera.detect_url: is only for backend "stream"'),
        ({"camera": {"backend": "scene", "device": "/dev/video0"}}, "camera.device: is only for a local camera"),
        ({"camera": {"pace": "fast"}}, 'camera.pace: "fast" is only for files'),
        ({"camera": {"pace": "fast", "backend": "stream", "url": "rtsp://h"}}, 'camera.pace: "fast" is only for files'),
        ({"camera": {"backend": "stream", "url": "x.mp4"}, "rotation": 180}, "rotation: 180 is impossible for a stream"),
        ({"formats": {"day_directory_format": "x"}}, "formats.time_directory_format: together with day_directory_format"),
        ({"formats": {"time_directory_format": "%d"}}, "formats.time_directory_format: together with day_directory_format"),
        ({"infrared_controller": {"off_command": "on"}}, "infrared_controller.off_command: is the same as on_command"),
        ({"server": {"certfile_path": "c"}}, "server.keyfile_path: is needed too, as certfile_path is set"),
        ({"server": {"keyfile_path": "c"}}, "server.certfile_path: is needed too, as keyfile_path is set"),
        ({"location": {"longitude": 1}}, "location.latitude: is needed too, as longitude is set"),
        ({"dropbox": {"refresh_token": "x"}}, "dropbox.app_key: is needed too, as refresh_token is set"),
        ({"storage": {"sealed": True}}, "storage.sealed: needs the owner's public key"),
        ({"servos": [{"board_pin": 7}, {"board_pin": 7}]}, "servos[1].board_pin: pin 7 is already used by servos[0].board_pin"),
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
        ({"motion": 5, "camera": {"backend": "stream", "url": "x.mp4", "url": None}}, ["motion", "camera.url"]),
    ],
)  # fmt: skip
def test_a_rule_is_silent_where_one_of_its_keys_is_at_fault_itself(tree: dict[str, Any], places: list[str]) -> None:
    assert [fault.split(": ")[0] for fault in faults(tree)] == places


def test_secrets_are_never_shown() -> None:
    secret = "geheim"
    long = {"x" * 2000: secret}
    trees: list[dict[str, Any]] = [
        {"dropbox": secret},
        {"dropbox": {"token": [secret], "refresh_token": secret + "\n"}},
        {"dropbox": {"token": secret + "\0", "tokn": secret}},
        {"server": {"api_key": {secret: 1}}},
        {"server": {"api_key": secret * 400}},
        {"server": secret, "remotes": secret, "stores": secret, "cameras": [secret]},
        {"remotes": [{"name": "a", "url": f"https://u:{secret}@", "key": secret + "\n"}, secret]},
        {"camera": {"url": f"rtsp://u:{secret}@h:x/", "detect_url": f"rtsp://u:{secret}@h"}},
        {"cam_name": f"rtsp://u:{secret}@h/x"},
        {"stores": [{"kind": "s3", "bucket": "b", "access_key_id": "i", "secret_access_key": secret + "\n"}]},
        {"stores": [{"kind": "s3", "endpoint_url": f"ftp://u:{secret}@h", "secret_access_key": secret}]},
        {"api_keys": secret, "motion": long},
    ]
    for tree in trees:
        assert not [fault for fault in faults(tree) if secret in fault]
    assert secret not in repr(load(EVERYTHING))


def test_a_fault_is_one_short_printable_line() -> None:
    nasty = "\x1b[31m\ud800\u202e\n" * 50
    for tree in ({nasty: nasty}, {"camera": {"backend": nasty}}, {"motion": {nasty: 1, "fps": nasty}}):
        for fault in faults(tree):
            assert fault.isprintable()
            assert len(fault) < 500


def test_home_must_be_known_only_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object) -> None:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert faults({})[0].startswith('storage.directory: begins with ~, but the home folder is not known')
    assert faults({"storage": {}})[0].startswith("storage.directory: ")
    load({"storage": {"directory": "/var/lib/cameras"}})


def test_first_generation_keys_are_told_apart_from_new_ones_in_no_fault() -> None:
    assert faults(json.loads(json.dumps(FIRST_GENERATION)) | {"framerate": "x"}) == [
        'framerate: "x" is not allowed; it must be a number from 1 to 120'
    ]
