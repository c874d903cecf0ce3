"""How commands on the same machine reach the daemon: one JSON line each way over a Unix socket of mode 0600.

Where the socket is stands in `daemon.lock` in the storage directory, which the daemon keeps locked while it runs. Its
name follows from the directory's path, so that it is found without that file too: `status` is wanted most when the disk
is gone.

The request is `{"command": NAME, "arguments": {…}}`, the answer `{"answer": …}` or `{"error": TEXT}`.
"""

from pi_sec_cam.local_socket.client import ask
from pi_sec_cam.local_socket.lock import DaemonLock
from pi_sec_cam.local_socket.server import LocalServer

__all__ = ["DaemonLock", "LocalServer", "ask"]
