"""The loopback Dropbox as a program: prints what clients need, then does what it reads; one JSON object a line.

    python -m tests.loopback_dropbox [--port N]

It reads commands from stdin and answers each with a line: {"set": {"latency_s": 0.3, "serialised": true,
"bytes_per_s": 125000}}, {"stored": true} (path, size and time.monotonic of each file), {"stop": true}. It ends at the
end of stdin too.
"""

import argparse
import json
import sys

from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY


def main() -> None:
    parser = argparse.ArgumentParser(description="A Dropbox for tests, on loopback.")
    parser.add_argument("--port", type=int, default=0)
    dropbox = LoopbackDropbox()
    dropbox.port = parser.parse_args().port
    with dropbox:
        login = {"app_key": APP_KEY, "refresh_token": dropbox.tokens.new_refresh_token()}
        _say({"environment": dropbox.environment, **login})
        for line in sys.stdin:
            command = json.loads(line)
            if "stop" in command:
                return
            for name, value in command.get("set", {}).items():
                assert name in {"latency_s", "serialised", "idle_s", "bytes_per_s"}, name
                setattr(dropbox.uplink if name == "bytes_per_s" else dropbox, name, value)
            stored = dropbox.stored().values() if "stored" in command else ()
            _say([{"path": file.path, "bytes": len(file.data), "at_s": file.at_s} for file in stored])


def _say(found: object) -> None:
    print(json.dumps(found), flush=True)


main()
