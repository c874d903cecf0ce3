"""The error tree: each error names the thing at fault and the way out, and each is also a builtin."""


class PiSecCamError(Exception):
    """Base of all errors that are meant for the user: shown as one message, without a traceback."""


class ConfigError(PiSecCamError, ValueError):
    """A configuration that cannot be used; `faults` holds one line for each thing that is wrong."""

    def __init__(self, message: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class SourceError(PiSecCamError):
    """A camera that does not deliver."""


class SourceAway(SourceError, ConnectionError):
    """A source that may come back by itself (unplugged, switched off, network down): tried again for ever."""


class SourceUnusable(SourceError, ValueError):
    """A source that will not work until someone changes it or the configuration (not video, say)."""


class StorageError(PiSecCamError, OSError):
    """A directory or disk that cannot be used."""


class EventStays(StorageError):
    """An event whose files cannot be deleted now; those of others may well be."""


class EventNotFound(PiSecCamError, KeyError):
    """No event with that id in the catalogue."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class CameraNotFound(PiSecCamError, KeyError):
    """No camera with that name in the configuration."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class DaemonUnreachable(PiSecCamError, ConnectionError):
    """No daemon answers for this storage directory.

    Attributes:
        silent: nobody is there at all, so that a command may do the work itself.
    """

    def __init__(self, message: str, *, silent: bool = False) -> None:
        super().__init__(message)
        self.silent = silent


class DaemonRefused(PiSecCamError, RuntimeError):
    """What the daemon says against a command."""


class WorkerStuck(PiSecCamError, RuntimeError):
    """Threads that did not end by their deadline; the message names them."""


class EventProtected(PiSecCamError, RuntimeError):
    """An event that may not be deleted: locked, or still being recorded."""


class AnnotationRefused(PiSecCamError, ValueError):
    """A label or note that events cannot have."""


class OffsiteError(PiSecCamError):
    """Something between this machine and the place elsewhere where footage goes."""


class TemporaryError(OffsiteError, ConnectionError):
    """A store that does not take a file now and may later, by itself: tried again for ever.

    Attributes:
        retry_after_s: how long the store asks to be left alone, None if it does not say.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreRefuses(TemporaryError):
    """A store that takes nothing until somebody does something (a revoked token, a full account); still tried again."""


class PermanentError(OffsiteError, ValueError):
    """A store that will never take this file, though it may well take others."""


class NameTaken(PermanentError):
    """A store that holds another file, with other bytes, under this name; it was left as it is."""


class Interrupted(OffsiteError):
    """An upload that was given up because something more urgent waits; nothing of it is stored under its name."""


class KeyUnusable(PiSecCamError, ValueError):
    """A file that is not the key that is needed: missing, no key, of another kind, or too small."""


class WrongPassphrase(KeyUnusable):
    """A private key that this passphrase does not open."""


class SealedFileDamaged(PiSecCamError, ValueError):
    """A sealed file that is cut, altered, or not one at all."""


class WrongKey(PiSecCamError, ValueError):
    """A sealed file that was sealed for another key."""
