"""Files that cannot be read and text that is not JSON: said where, and what to do."""

import errno
import json
from pathlib import Path
from typing import NoReturn

import pytest

from pi_sec_cam.config import load_configuration
from pi_sec_cam.config.json_text import explain, parse_json
from pi_sec_cam.config.wording import NotANumber
from pi_sec_cam.errors import ConfigError
from tests.unit.configurations import faults, load


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("", "line 1, column 1", "empty"),
        (" \n ", "line 2, column 2", "empty"),
        ('{"framerate": 20,}', "line 1, column 17", "no comma before the closing }"),
        ('{"video_size": [1280, 720,\n]}', "line 1, column 26", "no comma before the closing ]"),
        ('{\n  "framerate": 20, // fast\n}', "line 2, column 20", "no comments"),
        ('# mine\n{"framerate": 20}', "line 1, column 1", "no comments"),
        ("{'framerate': 20}", "line 1, column 2", "double quotes"),
        ("{\"cam_name\": 'Door'}", "line 1, column 14", "double quotes"),
        ("{“framerate”: 20}", "line 1, column 2", "typographic"),
        ('{"server": {"enabled": True}}', "line 1, column 24", "true, false, null"),
        ('{"server": {"enabled": yes}}', "line 1, column 24", "true or false"),
        ('{\n "framerate": 20\n "rotation": 0}', "line 3, column 2", "is a comma missing before this?"),
        ('{"framerate" 20}', "line 1, column 14", "expected :"),
        ('{"framerate"=20}', "line 1, column 13", "expected :"),
        ('{"framerate": 20; "rotation": 0}', "line 1, column 17", "write a comma, not ;"),
        ('{"framerate": 20,, "rotation": 0}', "line 1, column 18", "one too many"),
        ('{"framerate": 020}', "line 1, column 16", "needless 0"),
        ('{"framerate": +20}', "line 1, column 15", "no + before it"),
        ('{"motion": {"min_trigger_area": .005}}', "line 1, column 33", "digit before its point"),
        ("{framerate: 20}", "line 1, column 2", "double quotes"),
        ('{"cam_name": Door}', "line 1, column 14", "needs double quotes"),
        ('{"cam_name": "Door}', "line 1, column 14", 'no closing "'),
        ('{"cam_name": "Do\nor"}', "line 1, column 17", "end of its line"),
        ('{"cam_name": "C:\\new\\door"}', "line 1, column 21", "written twice"),
        ('{"video_size": [1280, 720}', "line 1, column 26", "another kind of bracket"),
        ('{"framerate": 20}}', "line 1, column 18", "after the end"),
        ('{\n"motion": {\n"fps": 5', "line 3, column 9", "the { of line 2 is not closed"),
        ('{"cam_name": "a } b", "video_size": [1280', "line 1, column 42", "the [ of line 1 is not closed"),
        ('{"framerate":', "line 1, column 14", "the { of line 1 is not closed"),
    ],
)
def test_broken_text_is_explained(text: str, place: str, hint: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(f"{place}: ")
    assert hint in fault


@pytest.mark.parametrize("position", [16, 17])
def test_a_comma_too_many_is_found_wherever_python_looks_for_it(position: int) -> None:
    """Python 3.13 names the place of the comma, 3.12 that of the bracket."""
    text = '{"framerate": 20,}'
    assert explain(text, json.JSONDecodeError("…", text, position)).startswith(
        "line 1, column 17: there must be no comma"
    )


def test_broken_text_is_never_quoted_as_it_may_hold_secrets() -> None:
    for text in (
        '{"token": geheim}',
        '{"token": "geheim}',
        "{'token': 'geheim'}",
        '{"token" "geheim"}',
        '{"token": "geheim" x',
    ):
        assert "geheim" not in "".join(faults(text))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 5_000 + "1" + "}" * 5_000, '{"a":' * 40 + "1" + "}" * 40])
def test_absurd_nesting_is_refused(text: str) -> None:
    assert "nested too deeply" in faults(text)[0]


@pytest.mark.parametrize(("text", "found"), [("[1, 2]", "a list of 2"), ("3", "3"), ("null", "null"), ('"x"', '"x"')])
def test_the_file_must_hold_an_object(text: str, found: str) -> None:
    with pytest.raises(ConfigError, match=f"must hold an object .* but holds {found}"):
        load(text)


def test_doubled_keys_are_all_named_with_their_places() -> None:
    found = faults(
        '{"motion": {"fps": 5, "fps": 6}, "servos": [{"board_pin": 7, "board_pin": 7}], "framerate": 1, "framerate": 1}'
    )
    assert [fault.split(": ")[0] for fault in found] == ["motion.fps", "servos[0].board_pin", "framerate"]
    assert all("more than once" in fault for fault in found)


def test_a_doubled_key_hides_no_other_fault() -> None:
    found = faults('{"framerate": 500, "framerate": 5, "motion": {"fps": "5"}, "location": {"latitude": 1}}')
    assert [fault.split(": ")[0] for fault in found] == ["framerate", "motion.fps", "location.longitude"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400, "1" * 5000])
@pytest.mark.parametrize("key", ["rec_sec_after", "min_pixel_delta_trigger"])
def test_what_is_no_number_is_refused(number: str, key: str) -> None:
    (fault,) = faults(f'{{"motion": {{"{key}": {number}}}}}')
    assert fault.startswith(f"motion.{key}: {number[:50]}")
    assert "must be a" in fault
    assert len(fault) < 150


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 19, "1" * 5000])
def test_what_is_no_number_does_not_become_one(number: str) -> None:
    tree, _ = parse_json(f"[{number}]")
    assert isinstance(tree, list)
    assert isinstance(tree[0], NotANumber)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_bytes(b'\xef\xbb\xbf{"cam_name": "T\xc3\xbcr"}')
    assert load_configuration(file).cam_name == "Tür"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"cam_name": "Tür"}'.encode("latin-1"), r"not written in UTF-8 \(line 1\)"),
        ('{"cam_name": "Tür"}'.encode("utf-16"), "UTF-16"),
        (b" " * 1_000_001, "larger than"),
    ],
)
def test_what_is_not_utf_8_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "c.json"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load_configuration(file)


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.json: there is no such file"):
        load_configuration(tmp_path / "absent.json")
    with pytest.raises(ConfigError, match="is a folder"):
        load_configuration(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        load_configuration(Path("/etc/passwd/c.json"))


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:  # root may read everything, so the system cannot be asked to refuse
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match="may not be read by this user"):
        load_configuration(tmp_path / "c.json")
