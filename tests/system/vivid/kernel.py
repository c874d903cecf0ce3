"""Debian's kernel with an initial file system that hands over to the host's own files, built once and cached."""

import hashlib
import io
import lzma
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).parents[3] / ".cache"

# What the guest needs before it sees the host's files, and then the devices under test; dependencies are found.
TRANSPORT = ("virtio_pci", "9pnet_virtio", "9p")
DEVICES = ("vivid", "v4l2loopback")

# Mounts the host's root read-only, a directory of the test's for results, and runs one program. The places that are
# written lie under /run, because a checkout may lie anywhere else.
INIT = """\
#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
while read -r module arguments; do $bb insmod /modules/$module $arguments || exit 1; done < /modules/order
share=trans=virtio,version=9p2000.L,msize=512000
$bb mount -t 9p -o $share,ro,cache=loose host /host
for place in dev proc sys; do $bb mount -o bind /$place /host/$place; done
$bb mount -t tmpfs run /host/run
$bb mkdir -p /host/run/results /host/run/tmp
$bb mount -t 9p -o $share results /host/run/results
$bb chroot /host /bin/sh /run/results/command
echo "guest: status $?"
$bb poweroff -f
"""


@dataclass(frozen=True, slots=True)
class Guest:
    """What QEMU boots."""

    kernel: Path
    initrd: Path


def build(module_arguments: dict[str, str]) -> Guest:
    """The guest that loads its modules with these arguments, from the cache or built (8 s and 94 MB of download).

    Raises:
        RuntimeError: a package could not be fetched or unpacked, or a module not built; with what was said.
    """
    recipe = repr((INIT, TRANSPORT, DEVICES, sorted(module_arguments.items()), Path(__file__).read_bytes()))
    place = CACHE / f"vivid-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    guest = Guest(place / "vmlinuz", place / "initrd")
    if guest.initrd.exists():
        return guest
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        root = _unpacked(Path(scratch))
        built = Path(scratch) / "guest"
        built.mkdir()
        shutil.copy(next((root / "boot").glob("vmlinuz-*")), built / "vmlinuz")
        (built / "initrd").write_bytes(_initrd(root, module_arguments))
        for former in CACHE.glob("vivid-*"):
            shutil.rmtree(former)
        built.rename(place)
    return guest


def _unpacked(scratch: Path) -> Path:
    """The host's own Debian's newest kernel and a static busybox below `scratch`; nothing gets installed.

    With them a module that Debian has as source alone. apt works in directories of its own, so that this needs neither
    root nor lists that are up to date.
    """
    for directory in ("lists/partial", "cache/archives/partial", "packages", "root"):
        (scratch / directory).mkdir(parents=True)
    options = (
        "Acquire::Retries=5",
        "APT::Sandbox::User=",
        f"Dir::State::Lists={scratch}/lists",
        f"Dir::Cache={scratch}/cache",
    )
    settings = [part for option in options for part in ("-o", option)]
    _run(["apt-get", *settings, "--quiet", "update"], scratch)
    depends = _run(["apt-cache", *settings, "depends", "linux-image-amd64"], scratch)
    kernel = re.search(r"Depends: (linux-image-\S+)", depends)
    if not kernel:
        raise RuntimeError(f"apt knows no kernel package: {depends}")
    headers = kernel[1].replace("image", "headers")
    depends = _run(["apt-cache", *settings, "depends", headers], scratch)
    build = re.findall(r"Depends: (linux-headers-\S+|linux-kbuild-\S+)", depends)
    packages = [kernel[1], "busybox-static", headers, *build, "v4l2loopback-dkms"]
    _run(["apt-get", *settings, "download", *packages], scratch / "packages")
    for package in (scratch / "packages").glob("*.deb"):
        _run(["dpkg-deb", "-x", str(package), str(scratch / "root")], scratch)
    _build_loopback(scratch / "root" / "usr/src", headers)
    return scratch / "root"


def _build_loopback(sources: Path, headers: str) -> None:
    """Compile v4l2loopback, a camera that shows what another program writes into it."""
    makefile = sources / headers / "Makefile"
    makefile.write_text(makefile.read_text().replace("/usr/src/", f"{sources}/"))  # the one absolute path
    module = next(sources.glob("v4l2loopback-*"))
    _run(["make", "-C", str(sources / headers), f"M={module}", "modules"], sources)
    _run(["strip", "--strip-debug", str(module / "v4l2loopback.ko")], sources)


def _run(command: list[str], place: Path) -> str:
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _initrd(root: Path, module_arguments: dict[str, str]) -> bytes:
    files = [*root.glob("**/kernel/**/*.ko*"), *root.glob("usr/src/v4l2loopback-*/*.ko")]
    available = {p.name.split(".")[0].replace("-", "_"): p for p in files}
    loaded: dict[str, bytes] = {}
    for name in TRANSPORT + DEVICES:
        _load(name, available, loaded)
    order = "".join(f"{name}.ko {module_arguments.get(name, '')}\n" for name in loaded)
    busybox = next(p for p in (root / "bin/busybox", root / "usr/bin/busybox") if p.exists())
    archive = io.BytesIO()
    for directory in ("bin", "dev", "proc", "sys", "host", "modules"):
        _entry(archive, directory, b"", 0o040755)
    _entry(archive, "bin/busybox", busybox.read_bytes(), 0o100755)
    _entry(archive, "init", INIT.encode(), 0o100755)
    _entry(archive, "modules/order", order.encode(), 0o100644)
    for name, content in loaded.items():
        _entry(archive, f"modules/{name}.ko", content, 0o100644)
    _entry(archive, "TRAILER!!!", b"", 0)
    return archive.getvalue()


def _load(name: str, available: dict[str, Path], loaded: dict[str, bytes]) -> None:
    """Add a module after those that its .modinfo section says it depends on; what is built in has no file."""
    if name in loaded or name not in available:
        return
    content = available[name].read_bytes()
    if available[name].suffix == ".xz":
        content = lzma.decompress(content)
    depends = re.search(rb"\0depends=([^\0]*)\0", content)
    for other in depends[1].decode().split(",") if depends else []:
        _load(other.replace("-", "_"), available, loaded)
    loaded[name] = content


def _entry(archive: io.BytesIO, name: str, content: bytes, mode: int) -> None:
    """One member of a cpio archive in the "newc" form (Linux, Documentation/driver-api/early-userspace)."""
    numbers = (archive.tell() + 1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    archive.write(b"070701" + b"".join(b"%08X" % number for number in numbers) + name.encode() + b"\0")
    archive.write(b"\0" * (-archive.tell() % 4) + content)
    archive.write(b"\0" * (-archive.tell() % 4))
