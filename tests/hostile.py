"""A server that answers every request in one bad way, over a plain socket."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

Behaviour = Callable[[socket.socket], None]
BEHAVIOURS: dict[str, Behaviour] = {}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DRIP = 0.1
"""Seconds between two bytes of a slow answer."""


def behaviour(function: Behaviour) -> Behaviour:
    BEHAVIOURS[function.__name__.replace("_", " ")] = function
    return function


def whole(body: bytes, head: bytes = HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def says(name: str, answer: bytes) -> None:
    """A behaviour that writes `answer` and closes."""
    BEHAVIOURS[name] = lambda connection: connection.sendall(answer)


@behaviour
def never_answers(connection: socket.socket) -> None:
    connection.recv(1)


@behaviour
def drips_the_head(connection: socket.socket) -> None:
    for byte in HEAD * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(DRIP)


@behaviour
def drips_the_body(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(DRIP)


@behaviour
def endless_chunks(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    while True:
        connection.sendall(chunk)


@behaviour
def huge_JSON(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 200000002\r\n\r\n[")
    for _ in range(2000):
        connection.sendall(b"1," * 50000)
    connection.sendall(b"1]")


@behaviour
def gzip_bomb(connection: socket.socket) -> None:
    """300 MB in 300 kB: members of a stream may follow each other (RFC 1952 section 2.2)."""
    body = gzip.compress(b" " * 3_000_000) * 100
    connection.sendall(whole(body, HEAD + b"Content-Encoding: gzip\r\n"))


@behaviour
def endless_head(connection: socket.socket) -> None:
    connection.sendall(HEAD)
    while True:
        connection.sendall(b"X-More: " + b"a" * 1000 + b"\r\n")


says("closes at once", b"")
says("closes in the head", HEAD[:30])
says("closes in the body", HEAD + b"Content-Length: 100\r\n\r\n{")
says("lies about the length", HEAD + b"Content-Length: 5\r\n\r\n" + b'{"metadata": {}, "content": []}')
says("negative length", HEAD + b"Content-Length: -1\r\n\r\n{}")
says("broken chunks", HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
says("not HTTP", b"SSH-2.0-OpenSSH_9.6\r\n")
says("no such status", b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n")
says("status is a word", b"HTTP/1.1 fine OK\r\nContent-Length: 0\r\n\r\n")
says("deep JSON", whole(b"[" * 100_000 + b"]" * 100_000))
says("deep JSON within limits", whole(b'{"a":' * 900 + b"1" + b"}" * 900))
says("duplicate keys", whole(b'{"content": [], "content": {}, "metadata": 1, "metadata": {}}'))
says("NaN", whole(b'{"metadata": {"size": NaN}, "content": []}'))
says("huge number", whole(b'{"metadata": {"size": ' + b"9" * 10_000 + b'}, "content": []}'))
says("infinite number", whole(b'{"metadata": {"size": 1e999}, "content": []}'))
says("lone surrogate", whole(rb'{"metadata": {"\ud800": "\udfff"}, "content": ["\ud800"]}'))
says("invalid UTF-8", whole(b'{"metadata": "\xff\xfe"}'))
says("byte order mark", whole(b'\xef\xbb\xbf{"metadata": {}, "content": []}'))
says("huge header", HEAD + b"X-Huge: " + b"a" * 1_000_000 + b"\r\n\r\n{}")
says("ten thousand headers", HEAD + b"".join(b"X-%d: 1\r\n" % n for n in range(10_000)) + b"\r\n{}")
says("binary header", whole(b"{}", HEAD + b"X-Bytes: \xff\x00\x1b[31m\r\n"))
says("redirect loop", b"HTTP/1.1 302 Found\r\nLocation: /v/again\r\nContent-Length: 0\r\n\r\n")
says("redirect nowhere", b"HTTP/1.1 302 Found\r\nLocation: http://[::bad\r\nContent-Length: 0\r\n\r\n")
says("204 with a body", b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}")
says(
    "interim answers", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + whole(b'{"metadata": {}, "content": []}')
)
says("wrong content type", whole(b'{"metadata": {}}', b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"))
says("unknown encoding", whole(b"{}", HEAD + b"Content-Encoding: br, zstd, nonsense\r\n"))
says("not gzip", whole(b"{}", HEAD + b"Content-Encoding: gzip\r\n"))


@contextlib.contextmanager
def listening(behave: Behaviour, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that does `behave` with each connection after the head of a request; yields its port."""
    closing = threading.Event()

    def serve(connection: socket.socket) -> None:
        # Whoever is answered badly hangs up: that is no error here.
        with contextlib.suppress(OSError, ssl.SSLError):
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    part = connection.recv(65536)
                    if not part:
                        return
                    head += part
                behave(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def accept() -> None:
            while not closing.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = server.accept()
                    connection.settimeout(None)
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        closing.set()
        thread.join()


def certificate(folder: Path, name: str, *, days: int) -> ssl.SSLContext:
    """A context with a self-signed certificate for the host `name`; expired when `days` is negative."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}{days}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
