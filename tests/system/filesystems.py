"""Real file systems that get into real trouble, in a mount namespace of their own: nobody else sees them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self


class Mounts:
    """A mount namespace; it ends with the block, and what is mounted in it with it.

    Without root, a user namespace as well: then only tmpfs, overlays and bind mounts are to be had.

    Attributes:
        inside: put in front of a command, runs it in there.
    """

    def __init__(self) -> None:
        user = os.geteuid() != 0
        own = ["unshare", *(["--user", "--map-root-user"] if user else []), "--mount", "--propagation", "private"]
        self._holder = subprocess.Popen([*own, "sh", "-c", "echo there; exec sleep 300"], stdout=subprocess.PIPE)
        self.inside = (
            "nsenter",
            f"--target={self._holder.pid}",
            *(["--user", "--preserve-credentials"] if user else []),
            "--mount",
            "--",
        )

    def __enter__(self) -> Self:
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"there\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder.kill()
        self._holder.wait()
        assert self._holder.stdout is not None
        self._holder.stdout.close()

    def run(self, *command: str | Path) -> None:
        """Run a command in there to its end; it must succeed."""
        subprocess.run([*self.inside, *command], check=True, capture_output=True)

    def mount(self, *arguments: str | Path) -> None:
        self.run("mount", *arguments)

    def unmount(self, path: Path) -> None:
        self.run("umount", path)

    def seen(self, path: Path) -> Path:
        """What is at that path for those inside."""
        return Path(f"/proc/{self._holder.pid}/root{path}")


class Ext4:
    """An ext4 on a loop device, mounted at `at` so that it becomes read-only after an error; needs root."""

    def __init__(self, mounts: Mounts, image: Path, at: Path, *, mebibytes: int) -> None:
        self._mounts = mounts
        self._at = at
        with image.open("wb") as file:
            file.truncate(mebibytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
        said = subprocess.run(["losetup", "--find", "--show", image], check=True, capture_output=True, text=True)
        self.device = Path(said.stdout.strip())
        self.mount()

    def mount(self) -> None:
        self._mounts.mount("-o", "errors=remount-ro", self.device, self._at)

    def break_down(self) -> None:
        """What ext4 does when it has found an error: everything is refused from now on, open files too (EROFS)."""
        Path(f"/sys/fs/ext4/{self.device.name}/trigger_fs_error").write_text("1")

    def take_away(self) -> None:
        """Unmount it though files are open, as when it is pulled out: they live on, their names are gone."""
        self._mounts.run("umount", "--lazy", self._at)

    def repair(self) -> None:
        """What a person does with a file system that was unmounted."""
        done = subprocess.run(["e2fsck", "-f", "-y", self.device], check=False, capture_output=True, text=True)
        assert done.returncode in {0, 1}, done.stdout + done.stderr  # 1: errors were corrected

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """No write returns while the block runs, as with a network share whose server is away."""
        self._mounts.run("fsfreeze", "--freeze", self._at)
        try:
            yield
        finally:
            self._mounts.run("fsfreeze", "--unfreeze", self._at)

    def close(self) -> None:
        """Give the loop device back, once nobody uses it any more."""
        subprocess.run(["losetup", "--detach", self.device], check=True)
