"""Whatever a file holds, reading it gives a configuration or a ConfigError, and the schema never knows better."""

import copy
import json
import math
import re
from typing import Any

import jsonschema
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from pi_sec_cam.cli.summary import notes, summary
from pi_sec_cam.config import Configuration, parse_configuration
from pi_sec_cam.config.schema import json_schema
from pi_sec_cam.errors import ConfigError
from tests.unit.configurations import EVERYTHING, FIRST_GENERATION, FOLDER

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
BOUNDED = settings(max_examples=300, deadline=None, database=None)

# Keys that mean something somewhere, and some that mean nothing anywhere.
KEYS = [*sorted(set(re.findall(r'"([^"]*)":', json.dumps(EVERYTHING)))), "xyzzy", "", "$", "\ud800"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-2, 200),
    st.floats(),
    st.floats(0, 1),
    st.text(max_size=8),
    st.characters(categories=["Cs", "Cc", "Cf"]),
    st.sampled_from(
        [
            "s3",
            "directory",
            "stream",
            "scene",
            "rtsp://u:geheim@h/x",
            "rtsp://[",
            "http://h:x",
            "%Y",
            "%",
            "~x/y",
            "10",
            "/dev/a",
        ]
    ),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=12,
)


def read(text: str) -> Configuration | ConfigError:
    """What a file with this text gives; a refusal must explain itself."""
    try:
        return parse_configuration(text, folder=FOLDER)
    except ConfigError as error:
        refusal = error
    lines = (str(refusal), *refusal.faults)
    assert all(line.isprintable() for line in lines)
    assert refusal.faults or "must hold an object" in str(refusal)
    assert len(set(lines)) == len(lines)
    return refusal


def all_places(tree: Any) -> list[tuple[Any, Any]]:
    """Each container with each of its keys or positions, from the top."""
    found = []
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        found += [(tree, key), *all_places(tree[key])]
    return found


def mutate(tree: Any, what: str, data: st.DataObject) -> None:
    """Changes one place: another value, one from elsewhere, gone, or a key more."""
    places = all_places(tree)
    holder, key = data.draw(st.sampled_from(places))
    if what == "replace":
        holder[key] = data.draw(JSON)
    elif what == "copy":
        other_holder, other = data.draw(st.sampled_from(places))
        holder[key] = copy.deepcopy(other_holder[other])
    elif what == "drop":
        del holder[key]
    elif isinstance(holder, dict):
        holder[data.draw(st.sampled_from(KEYS))] = data.draw(JSON)
    else:
        holder.append(data.draw(JSON))


@seed(1)
@BOUNDED
@given(st.text() | st.text(st.sampled_from("{}[]:,\"\\0123456789.eE+-truefalsnNI \n\t/*#'")))
def test_any_text(text: str) -> None:
    read(text)


@seed(2)
@BOUNDED
@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), JSON, max_size=8))
def test_any_object(tree: dict[str, Any]) -> None:
    read(json.dumps(tree))


@seed(3)
@settings(BOUNDED, max_examples=600)
@given(
    st.data(),
    st.sampled_from([FIRST_GENERATION, EVERYTHING]),
    st.lists(st.sampled_from(["replace", "copy", "drop", "add"]), min_size=1, max_size=4),
)
def test_good_files_with_changes(data: st.DataObject, good: dict[str, Any], changes: list[str]) -> None:
    tree = copy.deepcopy(good)
    for what in changes:
        if tree:
            mutate(tree, what, data)
    text = json.dumps(tree)
    whole = read(text)
    lines = whole.faults if isinstance(whole, ConfigError) else (*summary(whole), *notes(whole))
    # A secret that was copied to the place of something else, say the framerate, cannot be known for one.
    assert "copy" in changes or "geheim" not in "".join(lines)
    if isinstance(whole, Configuration):
        VALIDATOR.validate(json.loads(text))
        assert all(line.isprintable() for line in lines)
        for camera in whole.cameras_resolved():
            assert camera.cam_name
            assert math.isfinite(camera.framerate)


@seed(4)
@BOUNDED
@given(st.data())
def test_good_text_with_a_slip(data: st.DataObject) -> None:
    text = json.dumps(EVERYTHING, indent=1)
    start = data.draw(st.integers(0, len(text)))
    end = start + data.draw(st.integers(0, 3))
    read(
        text[:start]
        + data.draw(st.sampled_from(["", ",", "}", "]", '"', "'", "//", "{", "0", "\n", "é", "\\"]))
        + text[end:]
    )
