"""Which names, patterns, addresses, sizes and pins can be used, and what is said of the others."""

from typing import Any

import pytest

from tests.unit.configurations import faults, load


@pytest.mark.parametrize("value", [90, 270, 180.0, True, False, "180", -180, 360])
def test_only_half_turns_are_possible(value: object) -> None:
    (fault,) = faults({"rotation": value})
    assert "must be 0 or 180 (a quarter turn is not possible: turn the camera itself), or null" in fault


@pytest.mark.parametrize(
    "value", [[1280], [1280, 720, 3], [1281, 720], [1280, 62], [4098, 720], [1280.0, 720], "1280x720"]
)
def test_video_sizes_are_two_even_numbers(value: object) -> None:
    (fault,) = faults({"video_size": value})
    assert fault.startswith("video_size")
    assert "from 64 to 4096" in fault


@pytest.mark.parametrize(
    "name",
    ["a/b", "a\\b", "/", ".", "..", ".hidden", " x", "x ", "a\nb", "a\x00b", "a\x7fb", "\ud800", "a\u202eb", "é" * 101],
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
        ("evidence/%H", "uses off-site for other things"),
        ("rehearsal", "uses off-site for other things"),
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
        (
            "camera.url",
            ["ftp://h/x", "rtmp://h/x", "javascript:x", "data:x"],
            "use rtsp, rtsps, http, https, file or a path",
        ),
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


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://h",
        "RTSP://u:p@h:554/x?y#z",
        "rtsps://[fe80::1]/",
        "https://h/x",
        "file:///x.mp4",
        "a b.mp4",
        "./c:1.mp4",
    ],
)
def test_addresses_that_can_be_used_are_taken(url: str) -> None:
    assert load({"camera": {"backend": "stream", "url": url}}).camera.url in {
        url,
        f"/etc/cameras/{url.removeprefix('./')}",
    }


@pytest.mark.parametrize("pin", [0, 1, 2, 4, 6, 9, 14, 17, 20, 25, 30, 34, 39, 41, -7])
def test_only_gpio_pins_can_drive_a_servo(pin: int) -> None:
    assert f"{pin} is no GPIO pin" in faults({"servos": [{"board_pin": pin}]})[0]


def test_home_must_be_known_only_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object) -> None:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert faults({})[0].startswith("storage.directory: the default begins with ~, but the home folder is not known")
    assert faults({"storage": {}})[0].startswith("storage.directory: ")
    load({"storage": {"directory": "/var/lib/cameras"}})
