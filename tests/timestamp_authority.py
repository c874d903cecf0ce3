"""A time-stamp authority on loopback: `openssl ts -reply` signs, behind HTTP, with certificates made for one run."""

import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CONFIGURATION = """\
[tsa]
default_tsa = stamps
[stamps]
serial = {folder}/serial
default_policy = 1.2.3.4.1
digests = {digests}
signer_digest = sha256
clock_precision_digits = 3
"""


@dataclass(frozen=True)
class Answer:
    """What the server says to one request.

    Attributes:
        repeat: how often the body is said.
    """

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    repeat: int = 1


@dataclass(frozen=True)
class Signer:
    """Who signs: PEM files of a certificate and its key."""

    certificate: Path
    key: Path


class TimestampAuthority:
    """Serves between `with` and its end; answers each request by `answer`, which a test may replace.

    Attributes:
        url: its address.
        root: the certificate that vouches for it (PEM).
        signer: who signs its stamps.
        asked: the headers and the body of each request so far.

    Args:
        folder: for its files; it is made.
        name: of who signs.
        tls: its certificate and key as a server (PEM); None: without TLS.
    """

    def __init__(self, folder: Path, name: str = "stamps of a test", *, tls: Path | None = None) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "serial").write_text("01\n")
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._root_name = _named(f"root of the {name}")
        self.root = folder / "root.pem"
        self.root.write_bytes(_pem(self._certificate(self._root_name, self._root_key, ca=True)))
        self.signer = self.mint(name)
        self.answer: Callable[[bytes], Answer] = lambda request: Answer(self.stamped(request))
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self._tls = tls

    def __enter__(self) -> Self:
        self._server = _server(self)
        if self._tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.server_address[1]}/tsa"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def mint(self, name: str, *, last_day: int = 9, usage: Any = ExtendedKeyUsageOID.TIME_STAMPING) -> Signer:
        """A certificate of this authority's root, valid until so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(_named(name), key, last_day=last_day, usage=usage)
        made = Signer(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        made.certificate.write_bytes(_pem(certificate))
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        made.key.write_bytes(key.private_bytes(*form))
        return made

    def stamped(self, request: bytes, *, signer: Signer | None = None, digests: str = "sha256") -> bytes:
        """What `openssl ts -reply` answers (TimeStampResp, DER); a refusal for other digests than these."""
        signer = signer or self.signer
        configuration, query, reply = (self._folder / name for name in ("ts.cnf", "request.tsq", "reply.tsr"))
        configuration.write_text(_CONFIGURATION.format(folder=self._folder, digests=digests))
        query.write_bytes(request)
        self._openssl(
            *("ts", "-reply", "-config", str(configuration), "-section", "stamps", "-queryfile", str(query)),
            *("-signer", str(signer.certificate), "-inkey", str(signer.key), "-out", str(reply)),
        )
        return reply.read_bytes()

    def signed_by_hand(self, tsr: bytes, signer: Signer) -> bytes:
        """The same stamp, signed anew as anyone can, also where `openssl ts` would refuse to."""
        content = self._folder / "content.der"
        self._openssl("ts", "-reply", "-in", self._kept("whole.tsr", tsr), "-token_out", "-out", str(content))
        unwrap = ("cms", "-verify", "-noverify", "-nosigs", "-no_content_verify", "-inform", "DER")
        self._openssl(*unwrap, "-in", str(content), "-out", f"{content}.tst")
        self._openssl(
            *("cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", f"{content}.tst", "-out", str(content)),
            *("-econtent_type", "1.2.840.113549.1.9.16.1.4"),  # id-ct-TSTInfo
            *("-signer", str(signer.certificate), "-inkey", str(signer.key)),
        )
        token = content.read_bytes()
        return _sequence(_sequence(b"\x02\x01\x00") + token)

    def holds(self, tsr: bytes, data: bytes) -> bool:
        """What `openssl ts -verify` says of a stamp."""
        command = ["openssl", "ts", "-verify", "-data", self._kept("data", data), "-in", self._kept("kept.tsr", tsr)]
        done = subprocess.run([*command, "-CAfile", str(self.root)], capture_output=True, check=False)
        return done.returncode == 0

    def _kept(self, name: str, data: bytes) -> str:
        path = self._folder / name
        path.write_bytes(data)
        return str(path)

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], capture_output=True, check=False, text=True)
        assert done.returncode == 0, done.stderr

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        ca: bool = False,
        last_day: int = 60,
        usage: Any = None,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._root_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(60))
            .not_valid_after(now + timedelta(last_day))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        return builder.sign(self._root_key, hashes.SHA256())


def _server(authority: TimestampAuthority) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            authority.asked.append((dict(self.headers), request))
            answer = authority.answer(request)
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/timestamp-reply", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) * answer.repeat))
            self.end_headers()
            try:
                for _ in range(answer.repeat):
                    self.wfile.write(answer.body)
            except OSError:
                self.close_connection = True  # the client has had enough

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _sequence(content: bytes) -> bytes:
    """DER."""
    length = len(content)
    if length < 128:
        return bytes((0x30, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x30, 0x80 | len(size))) + size + content
