"""Runs the guest once (about 45 s) through all that in_guest.py does; each test looks at one part of it."""

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from tests.system.vivid import feed, guest, kernel

# One capturing node, and beside it an output and a metadata node, which are no cameras. Input 0 is a webcam.
# The second one keeps each plane of a picture in memory of its own.
VIVID = "n_devs=2 node_types=0x20101,0x1 num_inputs=1,1 input_types=0x0,0x0 multiplanar=1,2"
LOOPBACK = "devices=2 video_nr=8,9 card_label=Encoder,Webcam exclusive_caps=1,1"


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if platform.machine() != "x86_64":
        pytest.skip("the guest is an x86-64 one")
    why = guest.missing()
    assert why is None, why
    place = tmp_path_factory.mktemp("vivid")
    feed.write(place)
    built = kernel.build({"vivid": VIVID, "v4l2loopback": LOOPBACK})
    guest.run(built, Path(__file__).with_name("in_guest.py"), place, seconds=240)
    return place


@pytest.fixture(scope="session")
def seen(results: Path) -> dict[str, Any]:
    return dict(json.loads((results / "seen.json").read_text()))
