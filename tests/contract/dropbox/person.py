"""Somebody who runs a command and answers what it asks, having read what it said."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Answer = str | Callable[[str], str]


def answered(
    arguments: list[str], answers: list[Answer], environment: dict[str, str], folder: Path, prompt: str = "Code: "
) -> tuple[int, str]:
    """Run pi-sec-cam; each answer is given when `prompt` has come once more, or the prompt for the app's key.

    Args:
        answers: what is typed; a callable makes it of all that the command has said until then.

    Returns:
        The exit code, and all that it said, stderr too.
    """
    running = subprocess.Popen(
        [sys.executable, "-m", "pi_sec_cam", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
        cwd=folder,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    said = ""
    with running.stdin, running.stdout:
        for answer in answers:
            while not said.endswith((prompt, "App key: ")):
                more = os.read(running.stdout.fileno(), 4096).decode()
                assert more, said
                said += more
            typed = answer if isinstance(answer, str) else answer(said)
            running.stdin.write(f"{typed}\n".encode())
            running.stdin.flush()
            said += f"{typed}\n"
        running.stdin.close()
        said += running.stdout.read().decode()
    return running.wait(), said
