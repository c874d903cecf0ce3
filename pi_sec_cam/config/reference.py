"""Writes docs/configuration.md from the models: `python -m pi_sec_cam.config.reference >docs/configuration.md`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pi_sec_cam.config.configuration import CameraEntry, Configuration
from pi_sec_cam.config.rules import OF_A_CAMERA, OF_THE_FILE
from pi_sec_cam.config.shape import Kind, keys
from pi_sec_cam.config.values import Section
from pi_sec_cam.config.wording import allowed_text

_INTRODUCTION = """\
# Configuration

<!-- Generated from the models: python -m pi_sec_cam.config.reference >docs/configuration.md -->

The configuration is one JSON file, in UTF-8. It is named with `-c FILE`; without that, `config/camera_config.json` in
the current folder is taken, else `/etc/pi-sec-cam/camera_config.json`. An example with the most useful keys is
[config/camera_config.json](../config/camera_config.json). A file of the first generation loads as it is.

- Every key has a default: `{}` is a whole configuration. An unknown key is refused, with the nearest known one named.
- Nothing is converted: `"20"` is no number, `true` is not 1, `NaN` and a key that stands twice are refused. A whole
  number may stand where a number is meant.
- A path may begin with `~`, the home folder of the user that the daemon runs as. A relative path begins at the folder
  of the configuration file, wherever the daemon was started.
- `pi-sec-cam check` names all faults at once, each with its place (`motion.zones[0][2]`), what was found and what is
  allowed; secrets are never shown. It changes nothing and touches no camera. Exit codes: 0 the configuration can be
  used, 1 something failed while running, 2 the configuration or the command line is at fault. `check --json` is for
  scripts.
- `pi-sec-cam schema` prints the JSON Schema, which is also in
  [config/camera_config.schema.json](../config/camera_config.schema.json). With
  `"$schema": "./camera_config.schema.json"` at the top of the file, an editor that knows JSON Schema completes keys,
  explains them and marks faults.
- The file holds secrets (tokens, keys, passwords in addresses): let only the daemon's user read it (`chmod 600`).

## Several cameras

Each object in `cameras` is one camera of the same process: it has its own `cam_name`, and any of the keys that are
marked with ● below. What it does not say is as at the top level, key by key within sections; a list is replaced whole.
`null` in a camera takes back what the top level says. Keys without ● are the machine's and stand at the top level only.

```json
{
  "motion": {"rec_sec_before": 5},
  "cameras": [
    {"cam_name": "Door", "camera": {"backend": "picamera2"}},
    {"cam_name": "Yard", "camera": {"backend": "stream", "url": "rtsp://user:password@192.168.1.20/main"},
     "motion": {"min_trigger_area": 0.01}}
  ]
}
```

The first generation's servo on pin 7 and its infrared controller are defaults for a file without `cameras`. With
`cameras`, there are those that the file names.
"""


def reference() -> str:
    """The whole reference, in Markdown."""
    lines = [_INTRODUCTION, "## Rules between keys", ""]
    lines += [f"- {(rule.__doc__ or '').splitlines()[0]}" for rule in (*OF_A_CAMERA, *OF_THE_FILE)]
    lines += ["", *_section("Keys at the top level", Configuration)]
    return "\n".join(lines)


def _section(heading: str, section: type[Section], path: str = "") -> Iterator[str]:
    """A section's table, then those of the sections in it."""
    yield from (f"## {heading}", "", (section.__doc__ or "").strip(), "")
    yield from ("| key | allowed | default | unit | meaning |", "|---|---|---|---|---|")
    inner: list[tuple[str, type[Section]]] = []
    for key, kind in keys(section):
        mark = " ●" if not path and key in CameraEntry.model_fields else ""
        cells = (f"`{key}`{mark}", allowed_text(kind), _default(kind), kind.unit, _meaning(kind))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        inner += _inner(f"{path}{key}", kind)
    yield ""
    for heading_of, one in inner:
        yield from _section(heading_of, one, f"{heading_of.split(' ')[0].strip('`')}.")


def _inner(path: str, kind: Kind) -> Iterator[tuple[str, type[Section]]]:
    element = kind.element(0)
    for one in kind.sections:
        yield f"`{path}`", one
    for one in element.sections if element else ():
        if one is not CameraEntry:
            named = one.model_fields.get("kind")
            yield f"`{path}[]`" + (f" with kind {json.dumps(get_args(named.annotation)[0])}" if named else ""), one


def _default(kind: Kind) -> str:
    field = kind.field
    if field is None or field.is_required():
        return "(required)"
    if kind.sections:
        return "(see below)"
    value = field.get_default(call_default_factory=False)
    if isinstance(value, tuple):
        value = [one.model_dump() if isinstance(one, Section) else one for one in value]
    return f"`{json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)}`"


def _meaning(kind: Kind) -> str:
    text = (kind.field.description if kind.field else None) or ""
    return f"{text}. Never shown in messages" if kind.secret else text


if __name__ == "__main__":
    print(reference(), end="")
