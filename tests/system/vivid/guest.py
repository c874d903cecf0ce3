"""Run one Python program in a QEMU guest that sees the host's files and the kernel's test camera."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.system.vivid.kernel import Guest

QEMU = "qemu-system-x86_64"


def missing() -> str | None:
    """Why the guest cannot run here, None if it can."""
    absent = [tool for tool in (QEMU, "apt-get", "dpkg-deb", "make", "gcc", "strip") if shutil.which(tool) is None]
    return f"needs {', '.join(absent)}" if absent else None


def run(guest: Guest, program: Path, results: Path, seconds: float) -> str:
    """Run `program` with this interpreter in the guest; it writes its results to /run/results, seen here as `results`.

    The processor is emulated (TCG): about ten times slower than the host, and the same on every host. Two, as the
    daemon and the rest run side by side.

    Returns:
        All that the guest's console showed.

    Raises:
        AssertionError: the guest did not come to its end in time, or the program failed; with the console's text.
    """
    checkout = Path(__file__).parents[3]
    python = shlex.join([sys.executable, "-X", "faulthandler", str(program)])
    environment = f"PATH={shlex.quote(os.environ['PATH'])} HOME=/run/tmp TMPDIR=/run/tmp PYTHONDONTWRITEBYTECODE=1"
    (results / "command").write_text(f"cd {shlex.quote(str(checkout))} && {environment} exec {python}\n")
    command = [
        *(QEMU, "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "1024", "-nodefaults", "-no-user-config"),
        *("-display", "none", "-serial", "stdio", "-no-reboot"),
        *("-kernel", str(guest.kernel), "-initrd", str(guest.initrd)),
        *("-append", "console=ttyS0 quiet panic=-1 tsc=reliable random.trust_cpu=on"),
        *("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"),
        *("-virtfs", f"local,path={results},mount_tag=results,security_model=none"),
    ]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(
            f"the guest took over {seconds} s:\n{(error.stdout or b'').decode(errors='replace')}"
        ) from None
    console = (done.stdout + done.stderr).decode(errors="replace")
    assert "guest: status 0" in console, console
    return console
