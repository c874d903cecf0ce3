"""What is wrong with a configuration is said all at once: where, what was found, what is allowed; never a secret."""

from typing import Any

import pytest

from tests.unit.configurations import EVERYTHING, faults, load


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
        ("motion.masks", [[[0, 0], [1, 1]]], "[0]: a list of 2 is not allowed; it must be a list of at least 3 points "
            "[x, y]"),
        ("video_size", [], "a list of 0 is not allowed; it must be [width, height]: two even whole numbers from 64 "
            "to 4096"),
        ("motion.zones", [[[0, 0], [1, 2], [0, 1]]], "[0][1][1]: 2 is not allowed; it must be a number from 0 to 1"),
        ("motion.zones", [[[0, 0], [1, 1], [0.5, 0.5]]], "[0]: encloses no area"),
        ("server.mjpeg_framerate_cap", 0, "0 is not allowed; it must be a number above 0 and up to 120"),
        ("server.enabled", "false", '"false" is not allowed; it must be true or false (without quotes)'),
        ("server.enabled", 1, "1 is not allowed; it must be true or false"),
        ("server.server_port", 65536, "65536 is not allowed; it must be a whole number from 1 to 65535"),
        ("server.keyfile_path", 5, "5 is not allowed; it must be a path (~ is the home folder; a relative path begins "
            "at the folder of the configuration file), or null"),
        ("storage.max_age_days", 0, "0 is not allowed; it must be a number above 0 and up to 36500, or null"),
        ("camera.backend", "picam2", '"picam2" is not allowed; it must be "auto", "picamera2", "v4l2", "stream" or '
            '"scene"; did you mean "picamera2"?'),
        ("servos", {}, "an object is not allowed; it must be a list of objects (16 at most)"),
        ("cam_name", "", '"" must not be empty'),
        ("cam_name", 3, "3 is not allowed; it must be text that can name a folder: no / or \\, no dot before it, "
            "no space at either end, 200 bytes at most"),
        ("infrared_controller.on_command", "on\n", '"on\\n" is not allowed; it must be 1 to 32 plain ASCII characters'),
    ],
)  # fmt: skip
def test_a_fault_says_what_was_found_and_what_is_allowed(path: str, value: object, fault: str) -> None:
    assert faults(nested(path, value)) == [path + (fault if fault.startswith("[") else f": {fault}")]


@pytest.mark.parametrize(
    ("tree", "fault"),
    [
        ({"motion": {"min_triger_area": 1}}, 'motion.min_triger_area: unknown key; did you mean "min_trigger_area"?'),
        ({"motion": {"Min-Trigger-Area": 1}}, 'motion.Min-Trigger-Area: unknown key; did you mean "min_trigger_area"?'),
        ({"min_trigger_area": 1}, 'min_trigger_area: unknown here: "min_trigger_area" belongs under motion'),
        ({"min_triger_area": 1}, 'min_triger_area: unknown key; did you mean "min_trigger_area", which belongs under '
            "motion?"),
        ({"motion": {"framerate": 5}}, 'motion.framerate: unknown here: "framerate" belongs at the top level'),
        ({"scene": {}}, 'scene: unknown here: "scene" belongs under camera'),
        ({"location": {"latitud": 5}}, 'location.latitud: unknown key; did you mean "latitude"?'),
        ({"audio": {"xyzzy": 1}}, "audio.xyzzy: unknown key; known here: enabled, device, offset_ms"),
        ({"a.b \n": 1}, '["a.b \\n"]: unknown key; known here: cam_name'),
        ({"stores": [{"kind": "directory", "path": "/x", "bucket": "b"}]}, "stores[0].bucket: unknown key; known here: "
            "kind, path"),
        ({"servos": [{"board_pin": 7, "angel_on": 5}]}, 'servos[0].angel_on: unknown key; did you mean "angle_on"?'),
    ],
)  # fmt: skip
def test_an_unknown_key_is_named_with_the_nearest_known_one(tree: object, fault: str) -> None:
    (found,) = faults(tree)
    assert found.startswith(fault)


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
        {"evidence": {"timestamp_url": f"ftp://u:{secret}@h"}},
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
