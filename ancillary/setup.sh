#!/usr/bin/env bash
# Builds .venv in the checkout:  setup.sh run   what the camera needs
#                                setup.sh test  the same, with what the tests need
# A second run finds its stamp and does nothing. Root is used only for Debian packages that are missing, by sudo
# where one is not root, and that is said.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }

goal=${1:-run}
venv=.venv

# Where the environment is activated, its own Python comes first; an environment is not made out of itself.
PATH=${PATH//"$PWD/$venv/bin:"/}

on_a_pi() { grep -qs "Raspberry Pi" /proc/device-tree/model; }

# The given command, tried again when a download breaks.
retried() {
    local try
    for try in 1 2 3; do
        "$@" && return
        [ "$try" = 3 ] || { say "failed, trying again in $((try * 5)) s: $1 …"; sleep $((try * 5)); }
    done
    return 1
}

install_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "please install with your package manager: ${missing[*]}"
    local root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "please install as root: apt-get install ${missing[*]}"
        root=(sudo)
    fi
    say "installing Debian packages${root:+ with sudo}: ${missing[*]}"
    retried "${root[@]}" apt-get -qq update
    retried "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y "${missing[@]}" >/dev/null
}

usable() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

find_python() {
    local candidate
    # On a Pi, picamera2 comes with the system's Python and with no other.
    local candidates=("${PYTHON:-}" python3 python3.13 python3.12 python3.11 /usr/bin/python3)
    if on_a_pi; then candidates=("${PYTHON:-}" /usr/bin/python3); fi
    for candidate in "${candidates[@]}"; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null && usable "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

python=$(find_python) || {
    install_packages python3 python3-venv
    python=$(find_python) || die "Python 3.11, 3.12 or 3.13 with venv is needed; name one with PYTHON=/path/to/python3 make …"
}

system_site=()
if on_a_pi; then
    install_packages python3-picamera2 python3-opencv python3-numpy
    system_site=(--system-site-packages)
fi
if [ "$goal" = test ]; then
    mapfile -t packages < <(grep -v '^#' tests/debian-packages.txt)
    install_packages "${packages[@]}"
fi

stamp="$(cat pyproject.toml constraints.txt ancillary/setup.sh | sha256sum | cut -d' ' -f1) $python ${system_site[*]} $PWD"
stamp_file=$venv/setup-$goal.stamp
if [ -x $venv/bin/pi-sec-cam ] && [ "$(cat "$stamp_file" 2>/dev/null)" = "$stamp" ]; then exit 0; fi
# What the tests need contains what the camera needs.
if [ "$goal" = run ] && [ -x $venv/bin/pi-sec-cam ] && [ "$(cat $venv/setup-test.stamp 2>/dev/null)" = "$stamp" ]; then exit 0; fi

if ! [ -x $venv/bin/python ] || ! usable $venv/bin/python || [ "$(cat $venv/made-by 2>/dev/null)" != "$python ${system_site[*]} $PWD" ]; then
    say "making $venv with $python"
    rm -rf $venv
    "$python" -m venv "${system_site[@]}" $venv
    echo "$python ${system_site[*]} $PWD" >$venv/made-by
fi

constraints=constraints.txt
if on_a_pi; then
    # The system's picamera2 is built against the system's NumPy: ours must be the same one.
    constraints=$venv/constraints.txt
    grep -viE '^(numpy|opencv|simplejpeg)' constraints.txt >$constraints
    echo "numpy==$("$python" -c 'import numpy; print(numpy.__version__)')" >>$constraints
fi

extra=""
[ "$goal" = run ] || extra="[$goal]"
say "installing pi_sec_cam$extra and what it needs into $venv"
retried $venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 5 --timeout 60 \
    --constraint $constraints --editable ".$extra"
echo "$stamp" >"$stamp_file"
