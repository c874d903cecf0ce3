"""A Debian with libcamera and picamera2 in a directory, built once and cached, and programs run in it."""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
CACHE = CHECKOUT / ".cache"
SHIMS = Path(__file__).parent / "shims"

# Debian 12 has no libcamera with Python and a virtual pipeline; 13 has 0.4.
SUITE = "trixie"
PACKAGES = (
    *("ca-certificates", "python3", "python3-venv", "python3-pip", "python3-libcamera", "libcamera-ipa"),
    *("python3-prctl", "python3-numpy", "gcc", "libc6-dev", "python3-dev"),
)
WHEELS = ("picamera2==0.3.38", "opencv-python-headless>=4.8,<5")

INSTALL = """\
set -e
python3 -m venv --system-site-packages /opt/venv
/opt/venv/bin/pip install --quiet --retries 5 {wheels}
cc -shared -fPIC -O2 -Wall -Werror -o /opt/fakedma.so /opt/shims/fakedma.c
mkdir -p /usr/share/libcamera/pipeline/virtual
cp /opt/shims/virtual.yaml /usr/share/libcamera/pipeline/virtual/
"""

# libcamera 0.4.0 leaves a picture's status uninitialised; memory filled with a pattern makes it "success" always.
RUN = """\
export LD_PRELOAD=/opt/fakedma.so GLIBC_TUNABLES=glibc.malloc.perturb=255:glibc.malloc.tcache_count=0
export PYTHONPATH=/checkout:/opt/shims PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
cd /checkout
exec /opt/venv/bin/python -X faulthandler {program}
"""

# Runs in namespaces of its own, as root there: what is mounted ends with it. No device of the host is to be seen.
ENTER = """\
set -e
root=$1
mount -t proc proc "$root/proc"
mount -t tmpfs dev "$root/dev"
for device in null zero full random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm"
mount -t tmpfs tmp "$root/tmp"
{mounts}
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 {environment} /bin/sh -c "$2"
"""


def missing() -> str | None:
    """Why it cannot be built here, None if it can."""
    absent = [tool for tool in ("mmdebstrap", "unshare", "chroot") if shutil.which(tool) is None]
    return f"needs {', '.join(absent)}" if absent else None


def build() -> Path:
    """The root, from the cache or built (30 s and 170 MB of download; 700 MB on disk).

    Raises:
        RuntimeError: a step failed; with what it said.
    """
    shims = b"".join(path.read_bytes() for path in sorted(SHIMS.iterdir()) if path.is_file())
    recipe = repr((SUITE, PACKAGES, WHEELS, INSTALL, shims))
    place = CACHE / f"picamera2-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    if place.exists():
        return place
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        packed, root = Path(scratch) / "root.tar", Path(scratch) / "root"
        options = ["--variant=minbase", "--aptopt=Acquire::Retries 5", f"--include={','.join(PACKAGES)}"]
        _run(["mmdebstrap", "--quiet", *options, SUITE, str(packed), _mirror()])
        root.mkdir()
        _run(["tar", "-C", str(root), "--no-same-owner", "--exclude=./dev/*", "-xf", str(packed)])
        packed.unlink()
        shutil.copytree(SHIMS, root / "opt/shims", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
            if Path("/", name).exists():
                shutil.copy(Path("/", name), root / name)
        _run(_entered(root, INSTALL.format(wheels=shlex.join(WHEELS)), _pip_settings()))
        for former in CACHE.glob("picamera2-*"):
            shutil.rmtree(former)
        root.rename(place)
    return place


def run(root: Path, program: Path, results: Path, seconds: float) -> str:
    """Run a program of the checkout in the root; it writes to /results, seen here as `results`.

    Returns:
        What it printed.

    Raises:
        AssertionError: it failed or took too long; with what it printed.
    """
    inside = Path("/checkout") / program.relative_to(CHECKOUT)
    binds = [(CHECKOUT, root / "checkout"), (results, root / "results")]
    command = _entered(root, RUN.format(program=shlex.quote(str(inside))), {}, binds)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"took over {seconds} s:\n{(error.stderr or b'').decode(errors='replace')}") from None
    assert done.returncode == 0, f"status {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def _entered(
    root: Path, script: str, environment: dict[str, str], binds: list[tuple[Path, Path]] | None = None
) -> list[str]:
    mounts = [
        f"mkdir -p {shlex.quote(str(inside))} && mount --bind {shlex.quote(str(outside))} {shlex.quote(str(inside))}"
        for outside, inside in binds or []
    ]
    settings = shlex.join([f"{name}={value}" for name, value in environment.items()])
    enter = ENTER.format(mounts="\n".join(mounts), environment=settings)
    as_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    # A killed `unshare` takes the program with it.
    namespaces = ["unshare", *as_user, "--mount", "--pid", "--fork", "--kill-child"]
    return [*namespaces, "sh", "-c", enter, "enter", str(root), script]


def _mirror() -> str:
    """The host's own source of Debian packages."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True, check=False
    ).stdout
    own = re.search(r"^(https?://\S+/debian/?)$", targets, re.MULTILINE)
    return own[1] if own else "http://deb.debian.org/debian"


def _pip_settings() -> dict[str, str]:
    """Where pip fetches from, as the host says; certificates are at the same path inside."""
    wanted = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_DEFAULT_TIMEOUT", "HTTPS_PROXY", "https_proxy")
    return {name: os.environ[name] for name in wanted if name in os.environ}


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed with status {done.returncode}:\n{done.stdout}{done.stderr}")
