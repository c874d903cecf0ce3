"""The JSON Schema and the reference say what the models say, and the files in the repository are fresh."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from pi_sec_cam.camera.scene.settings import SceneSettings
from pi_sec_cam.cli.check import schema
from pi_sec_cam.config.configuration import CameraEntry, Configuration
from pi_sec_cam.config.reference import reference
from pi_sec_cam.config.schema import json_schema
from pi_sec_cam.config.shape import WHOLE, Kind, keys, stand_in
from pi_sec_cam.config.source import Scene
from tests.unit.configurations import EVERYTHING, FIRST_GENERATION, REPOSITORY, faults

VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def kinds(kind: Kind) -> Iterator[tuple[str, Kind]]:
    """All keys of the file, those of list elements too; those of a camera are those of the top level."""
    element = kind.element(0)
    sections = (*kind.sections, *(element.sections if element else ()))
    for section in sections if sections != (CameraEntry,) else ():
        for key, inner in keys(section):
            yield key, inner
            yield from kinds(inner)


def test_the_schema_itself_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "tree",
    [{}, FIRST_GENERATION, EVERYTHING, json.loads((REPOSITORY / "config" / "camera_config.json").read_text())],
)
def test_good_files_satisfy_the_schema(tree: dict[str, Any]) -> None:
    VALIDATOR.validate(tree)


@pytest.mark.parametrize(
    "change",
    [
        {"framerate": "20"},
        {"framerate": 0},
        {"framerate": True},
        {"rotation": 90},
        {"video_size": [1280]},
        {"video_size": [1281, 720]},
        {"cam_name": "a/b"},
        {"cam_name": ".a"},
        {"framrate": 20},
        {"motion": {"min_triger_area": 0.1}},
        {"motion": {"min_trigger_area": 2}},
        {"motion": {"zones": [[[0, 0], [1, 1]]]}},
        {"motion": {"zones": [[[0, 0], [1, 1], [0, 2]]]}},
        {"camera": {"backend": "webcam"}},
        {"camera": {"scene": {"light": "noon"}}},
        {"servos": [{"board_pin": 1}]},
        {"servos": [{}]},
        {"server": {"server_port": 0}},
        {"server": {"api_key_header_name": "x api key"}},
        {"stores": [{"kind": "ftp"}]},
        {"stores": [{"kind": "s3", "bucket": "b"}]},
        {"remotes": [{"name": "a", "url": "https://h", "key": "k", "fingerprint": "ab"}]},
        {"cameras": [{}]},
        {"cameras": [{"cam_name": "A", "storage": {}}]},
    ],
)
def test_the_schema_refuses_what_reading_refuses(change: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(change)
    assert faults(change)


def test_each_key_is_explained_to_editors() -> None:
    def objects(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if "properties" in node:
                yield node
            for inner in node.values():
                yield from objects(inner)

    found = list(objects(json_schema()))
    assert len(found) > 12
    for one in found:
        assert one["additionalProperties"] is False
        for key, said in one["properties"].items():
            assert said.get("description"), key


def test_one_of_several_cameras_has_no_defaults_of_its_own() -> None:
    entry = json_schema()["$defs"]["CameraEntry"]["properties"]
    assert entry.keys() == CameraEntry.model_fields.keys()
    assert not any("default" in said for said in entry.values())


def test_the_schema_in_the_repository_is_fresh() -> None:
    written = CliRunner().invoke(schema)
    assert written.exit_code == 0
    file = REPOSITORY / "config" / "camera_config.schema.json"
    assert json.loads(file.read_text()) == json.loads(written.output), (
        "pi-sec-cam schema >config/camera_config.schema.json"
    )


def test_the_reference_in_the_repository_is_fresh() -> None:
    file = REPOSITORY / "docs" / "configuration.md"
    assert file.read_text() == reference(), "python -m pi_sec_cam.config.reference >docs/configuration.md"


def test_the_reference_holds_each_key_with_its_meaning() -> None:
    text = reference()
    all_kinds = dict(kinds(WHOLE))
    assert len(all_kinds) > 80
    for key, kind in all_kinds.items():
        assert kind.field is not None
        assert f"| `{key}`" in text
        assert (kind.field.description or "nothing said") in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert all(line.replace("\\|", "").count("|") == 6 for line in rows)


def test_each_key_that_must_be_there_has_an_example_that_is_right() -> None:
    for key in ("stores", "remotes", "servos", "cameras"):
        kind = WHOLE.key(key)
        assert kind is not None
        element = kind.element(0)
        assert element is not None
        tree = {key: [stand_in(element)]}
        VALIDATOR.validate(tree)
        Configuration.model_validate(tree)


def test_the_scene_s_keys_and_defaults_are_the_scene_s_own() -> None:
    written = Scene().model_dump()
    assert written.pop("duration_s") is None
    own = dataclasses.asdict(SceneSettings())
    own.pop("duration_s", None)
    assert written == own


def test_reading_a_configuration_imports_neither_schema_nor_reference_nor_cameras() -> None:
    code = (
        "import sys, pathlib, pi_sec_cam.config as c;"
        "c.load_configuration(pathlib.Path('config/camera_config.json'));"
        "print([m for m in sys.modules if m.startswith(('pi_sec_cam', 'av', 'cv2', 'numpy', 'rich'))])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    loaded = set(run.stdout.strip("[]\n").replace("'", "").split(", "))
    assert "pi_sec_cam.config.load" in loaded
    assert not {"pi_sec_cam.config.schema", "pi_sec_cam.config.reference"} & loaded
    assert {module.split(".")[1] for module in loaded if "." in module and module.startswith("pi_sec_cam.")} <= {
        "config",
        "errors",
    }
    assert all(module.startswith("pi_sec_cam") for module in loaded)
