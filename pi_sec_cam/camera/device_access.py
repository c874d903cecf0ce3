"""Why a device file cannot be used: who holds it, and which group may open it."""

import grp
import os
from pathlib import Path


def may_open(device: Path) -> bool:
    """Whether this user may read from and write to it."""
    return os.access(device, os.R_OK | os.W_OK)


def no_permission(device: Path) -> str:
    """What a user who may not open the device has to do."""
    try:
        group = grp.getgrgid(device.stat().st_gid).gr_name
    except (OSError, KeyError):
        group = "root"
    if group == "root":
        return f"no permission to open {device}: it belongs to root alone"
    return f"no permission to open {device}: join its group with `sudo usermod -aG {group} $USER` and log in again"


def holders(device: Path, proc: Path = Path("/proc")) -> list[str]:
    """Other programs that have the device open, as "name (process 123)"; of other users' programs only root sees."""
    wanted = os.path.realpath(device)
    found = []
    for process in proc.iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            if any(os.path.realpath(descriptor) == wanted for descriptor in (process / "fd").iterdir()):
                name = (process / "comm").read_text(errors="replace").strip()
                found.append(f"{name} (process {process.name})")
        except OSError:
            continue  # it ended meanwhile, or is not ours to look at
    return sorted(found)
