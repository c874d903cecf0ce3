"""Says in plain words why FFmpeg could not open or read a source, and what to do."""

import socket
from pathlib import Path
from urllib.parse import unquote, urlsplit

import av

from pi_sec_cam.camera.address import without_password
from pi_sec_cam.errors import SourceAway, SourceError, SourceUnusable

# FFmpeg's own messages are never passed on whole: they contain the address with the password.


def is_live(url: str) -> bool:
    """Whether the source arrives at its own pace (a camera on the network), other than a file."""
    scheme, separator, _ = url.partition("://")
    return bool(separator) and scheme.lower() != "file"


def file_path(url: str) -> Path:
    """The path that a plain path or a file:// address means."""
    return Path(unquote(url[len("file://") :]) if url.lower().startswith("file://") else url)


def why_live(error: av.FFmpegError, url: str, *, opening: bool) -> SourceError:
    """Why a network source failed while it was opened, or later."""
    address = urlsplit(url)
    rtsp = address.scheme.lower().startswith("rtsp")
    match error:
        case av.HTTPUnauthorizedError() | av.HTTPForbiddenError():
            why = "refused the login; check user name and password in the address"
        case av.HTTPNotFoundError():
            why = f"is there, but has no stream {address.path or '/'}; check the path in the address"
        case av.ConnectionRefusedError():
            why = f"refuses connections; nothing listens at {address.netloc.rpartition('@')[2]}"
        case av.ExitError() | av.TimeoutError():
            why = "does not answer" if opening else "has fallen silent"
        case av.InvalidDataError() if opening and not rtsp:
            return SourceUnusable(
                f"{without_password(url)} is not video (a web page, perhaps); use the address of the stream itself"
            )
        case av.InvalidDataError() if opening:
            why = "does not answer as an RTSP camera does; check address and port"
        case av.OSError() if opening and not _known(address.hostname):
            why = f"cannot be reached: the name {address.hostname} is not known; check it, and the network"
        case _:
            why = f"{'cannot be opened' if opening else 'broke off the connection'} ({error.strerror})"
    return SourceAway(f"{without_password(url)} {why}")


def why_file(error: av.FFmpegError, path: Path, *, opening: bool) -> SourceError:
    """Why a file failed while it was opened, or later."""
    if isinstance(error, av.InvalidDataError):
        return SourceUnusable(f"{path} {_what_is_wrong(path) if opening else 'is damaged'}")
    if isinstance(error, av.OSError) and not opening:
        return SourceAway(f"{path} can no longer be read: {error.strerror} (is its disk still there?)")
    return SourceUnusable(f"{path} cannot be read: {error.strerror}")


def _what_is_wrong(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if not head:
        return "is empty"
    if head[4:8] == b"ftyp":
        return "is an MP4 without its index: it was cut off or never finished, and cannot be played"
    return "is not a video file, or is damaged at its beginning"


def _known(host: str | None) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except OSError:
        return False
