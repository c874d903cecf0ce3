"""What a daemon with a configuration would do, in a few lines for people; no secrets."""

from collections.abc import Container, Iterator
from pathlib import Path

from pi_sec_cam.camera.address import without_password
from pi_sec_cam.config import CameraConfiguration, Configuration
from pi_sec_cam.config.offsite import DirectoryStore, S3Store
from pi_sec_cam.config.recording import Storage
from pi_sec_cam.errors import KeyUnusable
from pi_sec_cam.evidence.stamp_exchange import authority_of
from pi_sec_cam.offsite.dropbox_login import login_path
from pi_sec_cam.sending import IDENTITY


def summary(whole: Configuration) -> list[str]:
    """One line for each camera and each service."""
    lines = [line for camera in whole.cameras_resolved() for line in _camera(camera)]
    storage = whole.storage
    sealed = "; sealed" if storage.sealed else ""
    lines.append(
        f"recordings: {storage.directory}/recordings (the oldest are deleted {_when_deleted(storage)}{sealed})"
    )
    lines.append(off_site(whole))
    if whole.evidence.timestamp_url is not None:
        lines.append(f"time stamps: once a day by {authority_of(whole.evidence.timestamp_url)}")
    server = whole.server
    lines.append(f"command server: {f'port {server.server_port}' if server.enabled else 'off'}")
    lines += [f"remote: {remote.name} at {without_password(remote.url)}" for remote in whole.remotes]
    return lines


def off_site(whole: Configuration) -> str:
    """Where events are sent, and whether they are sealed before."""
    stores = ", ".join(_stores(whole))
    if not stores:
        return "off-site: nothing"
    return f"off-site: {stores}; {'sealed' if whole.dropbox.public_pem_path is not None else 'NOT sealed'}"


def watched(whole: Configuration, *, demo: bool, stopped: Container[str] = ()) -> list[str]:
    """What the daemon watches now, a line or two for each camera; `stopped` are the names of those that are."""
    lines = []
    for camera in whole.cameras_resolved():
        if camera.cam_name in stopped:
            lines.append(f"{camera.cam_name}: stopped by the user; `pi-sec-cam start` makes it watch")
            continue
        watches, records = list(_camera(camera))[:2]
        if demo:
            width, height = camera.video_size
            watches = f"{camera.cam_name}: watches the demo scene, {width}×{height}: no camera is in use"
        lines += [watches, records]
    return lines


def notes(whole: Configuration) -> list[str]:
    """What works, but perhaps not as it was meant."""
    found = []
    for camera in whole.cameras_resolved():
        motion = camera.motion
        if motion.max_event_time <= motion.rec_sec_after:
            found.append(
                f"{camera.cam_name}: motion.max_event_time ({motion.max_event_time:g} s) is not longer than "
                f"rec_sec_after ({motion.rec_sec_after:g} s): recordings end before that has passed"
            )
    stores = list(_stores(whole))
    if not stores:
        found.append("nothing leaves this machine: who takes it takes the recordings too")
    elif whole.dropbox.public_pem_path is None:
        found.append("what goes off-site is not sealed: set dropbox.public_pem_path to the owner's public key")
    elif not hindrances(whole) and not _is_rehearsed(whole.dropbox.public_pem_path, whole.storage.directory / IDENTITY):
        found.append("nobody has tried yet to open what is sealed: `pi-sec-cam keys rehearse`")
    return found


def hindrances(whole: Configuration) -> list[str]:
    """Why the camera would not start on this machine, though the file is right."""
    found = []
    if any(isinstance(store, S3Store) for store in whole.stores):
        from pi_sec_cam.offsite.stores.s3 import library_missing

        if missing := library_missing():
            found.append(f"stores: {missing}")
    if whole.evidence.timestamp_url is not None:
        from pi_sec_cam.evidence import timestamp

        if missing := timestamp.library_missing():
            found.append(f"evidence.timestamp_url: {missing}")
    if whole.dropbox.public_pem_path is not None:
        from pi_sec_cam.offsite.owner_key import read_public_key

        try:
            read_public_key(whole.dropbox.public_pem_path)
        except KeyUnusable as error:
            found.append(f"dropbox.public_pem_path: {error}")
    return found


def _is_rehearsed(path: Path, identity: Path) -> bool:
    from pi_sec_cam.offsite.owner_key import read_public_key
    from pi_sec_cam.offsite.rehearsal import rehearsed

    return rehearsed(identity, read_public_key(path))


def _camera(camera: CameraConfiguration) -> Iterator[str]:
    motion = camera.motion
    yield f"{camera.cam_name}: {_source(camera)}"
    yield (
        f"{camera.cam_name}: records from {motion.rec_sec_before:g} s before a movement until "
        f"{motion.rec_sec_after:g} s after it, {motion.max_event_time:g} s at most; looks {motion.fps:g} times a second"
    )
    parts = [f"servo on pin {servo.board_pin}" for servo in camera.servos]
    if camera.infrared_controller.enabled:
        parts.append(f"infrared controller at {camera.infrared_controller.serial_port}")
    if camera.audio.enabled:
        parts.append(f"sound from {camera.audio.device or 'the default microphone'}")
    if parts:
        yield f"{camera.cam_name}: {', '.join(parts)}"


def _source(camera: CameraConfiguration) -> str:
    source = camera.camera
    if source.backend == "stream" and source.url is not None:
        return f"watches {without_password(source.url)}, recorded as it comes"
    what = {
        "auto": "the best local camera",
        "picamera2": "the Pi camera",
        "v4l2": "a V4L2 camera",
        "scene": "the rendered scene",
    }[source.backend]
    device = f" {source.device}" if source.device is not None else ""
    width, height = camera.video_size
    turned = f", turned by {camera.rotation}°" if camera.rotation else ""
    return f"watches {what}{device}, {width}×{height} at {camera.framerate:g} pictures a second{turned}"


def _when_deleted(storage: Storage) -> str:
    limits = [f"when less than {_gigabytes(storage.min_free_bytes)} are free"]
    if storage.max_bytes is not None:
        limits.insert(0, f"beyond {_gigabytes(storage.max_bytes)} in all")
    if storage.max_age_days is not None:
        limits.insert(0, f"after {storage.max_age_days:g} days")
    return " or ".join(limits)


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:g} GB"


def _stores(whole: Configuration) -> Iterator[str]:
    said = whole.dropbox
    if said.token or said.refresh_token or login_path(whole.storage.directory / IDENTITY).exists():
        yield "Dropbox"
    for store in whole.stores:
        yield str(store.path) if isinstance(store, DirectoryStore) else f"S3 bucket {store.bucket}"
