"""The configuration's JSON Schema, by which editors complete keys, show their meaning and mark faults."""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from pi_sec_cam.config.configuration import Configuration


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12). It says of each key what it allows; rules between keys are left to `check`."""
    schema = Configuration.model_json_schema()
    for key in schema["$defs"]["CameraEntry"]["properties"].values():
        key.pop("default", None)  # one of several cameras takes what it does not say from the top level
    heading = {"$schema": GenerateJsonSchema.schema_dialect, "title": "Configuration of pi_sec_cam"}
    return heading | {key: value for key, value in schema.items() if key != "title"}


def json_schema_text() -> str:
    """The schema as it is written to a file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
