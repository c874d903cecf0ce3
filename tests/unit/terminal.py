"""A command at a terminal, that asks and is answered."""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path


def talk(*arguments: str | Path, answers: list[tuple[str, str]], cwd: Path) -> tuple[int, str]:
    """Run `pi-sec-cam`; what it says, and its exit code.

    Args:
        answers: what it asks (the end of the line), and what is then typed.
    """
    ours, its = pty.openpty()
    shown = b""
    environment = {**os.environ, "TERM": "dumb", "NO_COLOR": "1"}
    # In a session of its own, so that it cannot ask at the terminal that the tests are run from.
    with subprocess.Popen(
        [sys.executable, "-m", "pi_sec_cam", *arguments],
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=cwd,
        env=environment,
        start_new_session=True,
    ) as program:
        os.close(its)
        try:
            for question, answer in answers:
                asked = b""
                while not asked.endswith(question.encode()):
                    more = _read(ours)
                    assert more, f"it does not ask {question!r}: {shown + asked!r}"
                    asked += more
                shown += asked
                os.write(ours, f"{answer}\n".encode())
            while more := _read(ours):
                shown += more
            program.wait(10)
        finally:
            program.kill()
    os.close(ours)
    return program.returncode, shown.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    """What it writes next; nothing once it has ended, or has written nothing for ten seconds."""
    try:
        return os.read(terminal, 65536) if select.select([terminal], [], [], 10)[0] else b""
    except OSError:  # how Linux says that the last writer has gone
        return b""
