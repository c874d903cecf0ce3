"""Footage comes back from real servers, from among what was deleted, after a kill -9, and onto a disk that was full."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pi_sec_cam.cli.main import main
from pi_sec_cam.evidence.camera_key import raw
from pi_sec_cam.home import prune as prune_room
from pi_sec_cam.home.destination import ASIDE
from pi_sec_cam.home.owner_login import READ_SCOPES, OwnerLogin, keep_owner_login
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY, WRITE
from tests.s3_server import S3Server
from tests.system.filesystems import Mounts
from tests.unit.camera_made import MadeCamera

CHECKOUT = Path(__file__).parents[2]


@dataclass
class Server:
    """Where a camera sends to.

    Attributes:
        options: that name it on the command line.
        put: stores a file, or overwrites it.
        remove: deletes one file.
    """

    options: list[str]
    put: Callable[[str, bytes], object]
    remove: Callable[[str], object]


def dropbox() -> Iterator[Server]:
    with LoopbackDropbox() as server, server.as_dropbox():
        with server.lock:
            token = server.tokens.new_refresh_token(*READ_SCOPES, WRITE)
        keep_owner_login(
            OwnerLogin(app_key=APP_KEY, refresh_token=token, account=None, made="2026", scopes=(*READ_SCOPES, WRITE))
        )

        def put(path: str, data: bytes) -> None:
            with server.lock:
                server.files.upload("files/upload", {"path": f"/{path}", "mode": "overwrite"}, data)

        def remove(path: str) -> None:
            with server.lock:
                server.files.delete({"path": f"/{path}"})

        yield Server(["dropbox:"], put, remove)


def s3(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Server]:
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    with S3Server(folder) as server:
        bucket = server.make_bucket()
        server.keep_versions(bucket)
        login = server.make_login(anything)
        patch.setenv("AWS_ACCESS_KEY_ID", login.access_key_id)
        patch.setenv("AWS_SECRET_ACCESS_KEY", login.secret_access_key)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        client = server.client(login)
        yield Server(
            [f"s3://{bucket}/cameras", "--endpoint-url", server.url],
            lambda path, data: client.put_object(Bucket=bucket, Key=f"cameras/{path}", Body=data),
            lambda path: client.delete_object(Bucket=bucket, Key=f"cameras/{path}"),
        )


@pytest.fixture(params=["dropbox", "s3"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield from dropbox() if request.param == "dropbox" else s3(tmp_path, monkeypatch)


def files_below(top: Path) -> dict[str, bytes]:
    found = {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}
    return {path: data for path, data in found.items() if not path.startswith(".pi-sec-cam")}


def run(*arguments: str | Path, code: int) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def test_from_a_real_server_and_back_from_what_was_deleted_there(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = MadeCamera(tmp_path / "sent", "Höfchen 🐈", chunk_bytes=1_500_000)
    old = camera.event()
    camera.clock.advance(3 * 86400)
    new = camera.event()
    camera.stop()
    sent = files_below(tmp_path / "sent")
    for path, data in sent.items():
        server.put(path, data)
    key = ["-p", raw(camera.public_key).hex()]

    run("fetch", *server.options, "-o", tmp_path / "first", *key, code=0)
    assert files_below(tmp_path / "first") == sent

    server.put(f"{new.name}/video1.h264", b"x" * 1_500_000)
    server.remove(f"{new.name}/video0.h264")
    for path in sent:
        if path.startswith(old.name):
            server.remove(path)
    run("fetch", *server.options, "-o", tmp_path / "second", *key, code=1)
    run("fetch", *server.options, "--deleted", "-o", tmp_path / "recovered", *key, code=0)
    assert files_below(tmp_path / "recovered") == sent
    assert [path.stat().st_size for path in (tmp_path / "recovered" / ASIDE).rglob("video*")] == [1_500_000]

    monkeypatch.setattr(prune_room, "NEVER_YOUNGER", timedelta(minutes=-1))
    run("prune", *server.options, "--most", "1K", "--yes", code=0)
    said = run("verify", *server.options, *key, code=1)
    assert "pruned" in said.stdout
    assert f"{old.name}" in said.stdout, "which somebody else has deleted"
    listed = run("fetch", *server.options, "-o", tmp_path / "third", *key, code=1)
    assert not any("video" in path for path in files_below(tmp_path / "third")), listed.output


# A fetch that is killed when it has read so many pieces.
_KILLED = """
import os, signal, sys
from pi_sec_cam.evidence import footage
from pi_sec_cam.cli.main import main
footage._PIECE = 1000
whole, left = footage.FolderFootage.read, int(sys.argv.pop(1))
def read(self, path, begin=0):
    global left
    for piece in whole(self, path, begin):
        yield piece
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
footage.FolderFootage.read = read
main()
"""


def test_after_a_kill_at_any_moment_the_next_fetch_has_it_all(tmp_path: Path) -> None:
    camera = MadeCamera(tmp_path / "store", chunk_bytes=5500)
    camera.event()
    camera.event()
    camera.stop()
    out = tmp_path / "footage"
    command = ["fetch", str(tmp_path / "store"), "-o", str(out), "-p", raw(camera.public_key).hex()]
    sent = files_below(tmp_path / "store")
    kills = 0
    while True:
        program = [sys.executable, "-c", _KILLED, "7", *command]
        done = subprocess.run(program, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        here = files_below(out)
        whole = {path: data for path, data in here.items() if not path.endswith(".part")}
        assert whole.items() <= sent.items(), "under its own name stands only what is whole"
        if done.returncode != -signal.SIGKILL or whole == sent:
            break
        kills += 1
        assert kills < 30, "each goes on from where the one before it was"
    assert kills >= 5
    run(*command, code=0)
    assert files_below(out) == sent


def test_onto_a_disk_that_fills_up(tmp_path: Path) -> None:
    camera = MadeCamera(tmp_path / "store", chunk_bytes=1000)
    camera.event(chunks=40)
    camera.stop()
    out = tmp_path / "disk" / "footage"
    out.parent.mkdir()
    key = raw(camera.public_key).hex()
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with Mounts() as mounts:
        # Each file takes a page: there is room for their bytes, and not for them.
        mounts.mount("-t", "tmpfs", "-o", "size=120k", "tmpfs", out.parent)
        command = [*mounts.inside, sys.executable, "-m", "pi_sec_cam", "fetch", str(tmp_path / "store")]
        command += ["-o", str(out), "-p", key]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert "the disk is full" in done.stderr
        assert "the same command goes on from there" in done.stderr
        came = files_below(mounts.seen(out))
        assert len(came) > 5
        mounts.mount("-o", "remount,size=3m", out.parent)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert files_below(mounts.seen(out)) == files_below(tmp_path / "store")
