"""HAR 1.2 as tools write it: with parts left out, nulls, bodies in files beside, in archives, in any order.

Entries are read one by one, so that a file may be larger than the memory. An entry that cannot be understood is
counted and named; it spoils nothing.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import contextlib
import io
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

import ijson
from requests.structures import CaseInsensitiveDict

from kuflow_conformance.description.openapi import VERSION, Description
from kuflow_conformance.errors import InvalidTraffic
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.traffic.seen import CLIENT, Seen, decoded

STDIN = "-"

LARGEST_ATTACHED = 64 * 2**20
"""Bytes of a body in a file beside that are read."""

Headers = CaseInsensitiveDict[str]
Attached = Callable[[str], bytes | None]
"""Gives the bytes of a file that lies beside the HAR file, by its name; None when there is none."""


class UnreadableEntry(Exception):
    """An entry lacks what no reader can do without; the message says what."""


@dataclass(frozen=True)
class Entry:
    """One request of a HAR file, as far as it was recorded. Bodies are None when they were not."""

    method: str
    url: str
    request_headers: Headers
    request_body: bytes | None
    status: int
    headers: Headers
    body: bytes | None
    started: datetime | None
    elapsed: float | None
    """Seconds; None when they were not recorded."""
    encoded: str = ""
    """A content encoding that could not be undone."""
    caller: str = CLIENT
    """Who sent it, by the name that a run gave; its credentials are taken out."""
    failure: str = ""
    """Why there is no answer, as a run says."""
    headers_known: bool = True
    exact_answer: bool = True
    exact_request: bool = True

    @property
    def base_url(self) -> str | None:
        """Where the API is, if the version of the API is part of the path."""
        parts = urlsplit(self.url)
        marker = f"/v{VERSION}"
        before, found, after = parts.path.partition(marker)
        return f"{parts.scheme}://{parts.netloc}{before}{marker}" if found and after[:1] in ("", "/") else None


def entries(source: str) -> Iterator[Entry | UnreadableEntry]:
    """The entries of a HAR file, of one in an archive, or of the standard input (``-``).

    Raises InvalidTraffic with one line when the file cannot be read, or is no HAR file.
    """
    with contextlib.ExitStack() as opened:
        content, attached = _open(source, opened)
        count = 0
        try:
            for raw in ijson.items(content, "log.entries.item", use_float=True):
                count += 1
                try:
                    yield entry_of(raw, attached)
                except UnreadableEntry as error:
                    yield UnreadableEntry(f"entry {count}: {error}")
        except (ijson.JSONError, UnicodeDecodeError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
            if count:  # cut short: what was read is judged all the same
                yield UnreadableEntry(f"after entry {count}: the file breaks off or is no JSON: {_line(error)}")
                return
            raise InvalidTraffic(f"{source}: not a HAR file: {_line(error)}") from None
        if not count and not _is_har(source, opened):
            raise InvalidTraffic(f"{source}: not a HAR file: there is no list log.entries in it")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def _open(source: str, opened: contextlib.ExitStack) -> tuple[IO[bytes], Attached]:
    if source == STDIN:
        return _without_mark(sys.stdin.buffer), lambda name: None
    path = Path(source)
    try:
        content: IO[bytes] = opened.enter_context(path.open("rb"))
        start = content.read(4)
        content.seek(0)
        if start != b"PK\x03\x04":
            return _without_mark(content), lambda name: _beside(path.parent, name)
        archive = opened.enter_context(zipfile.ZipFile(content))
        name = next((name for name in archive.namelist() if name.endswith(".har")), None)
        if name is None:
            raise InvalidTraffic(f"{source}: an archive without a .har file in it")
        inner = opened.enter_context(archive.open(name))
    except OSError as error:
        raise InvalidTraffic(f"{source}: cannot be read: {error.strerror}") from error
    except zipfile.BadZipFile as error:
        raise InvalidTraffic(f"{source}: not a whole archive: {error}") from None
    folder = name.rpartition("/")[0]
    return _without_mark(inner), lambda part: _in_archive(archive, f"{folder}/{part}".lstrip("/"))


def _without_mark(content: IO[bytes]) -> IO[bytes]:
    """`content` as UTF-8 without a byte order mark, whatever Unicode it is in."""
    buffered: Any = content if hasattr(content, "peek") else io.BufferedReader(cast(io.RawIOBase, content))
    start = buffered.peek(4)[:4]
    if start.startswith(codecs.BOM_UTF8):
        buffered.read(3)
    elif start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return io.BytesIO(codecs.getreader("utf-16")(buffered).read().encode())
    return cast(IO[bytes], buffered)


def _beside(folder: Path, name: str) -> bytes | None:
    path = folder / name
    if ".." in Path(name).parts or Path(name).is_absolute() or not path.is_file():
        return None
    with path.open("rb") as file:
        content = file.read(LARGEST_ATTACHED + 1)
    return content if len(content) <= LARGEST_ATTACHED else None


def _in_archive(archive: zipfile.ZipFile, name: str) -> bytes | None:
    try:
        with archive.open(name) as file:
            content = file.read(LARGEST_ATTACHED + 1)
    except (KeyError, zipfile.BadZipFile, RuntimeError):
        return None
    return content if len(content) <= LARGEST_ATTACHED else None


def _is_har(source: str, opened: contextlib.ExitStack) -> bool:
    """Whether a file without entries has the list that entries stand in."""
    if source == STDIN:
        return True
    content, _ = _open(source, opened)
    return any(prefix == "log.entries" and event == "start_array" for prefix, event, _ in ijson.parse(content))


def entry_of(raw: Any, attached: Attached) -> Entry:
    """An entry as it was written. Raises UnreadableEntry."""
    request, response = _part(raw, "request"), _part(raw, "response")
    if not request:
        raise UnreadableEntry("it has no request")
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        raise UnreadableEntry("its request has no method or no url")
    status = response.get("status")
    started, time = raw.get("startedDateTime"), raw.get("time")
    content = _part(response, "content")
    headers, request_headers = _headers(response.get("headers")), _headers(request.get("headers"))
    if isinstance(mime := content.get("mimeType"), str) and mime and "/" in mime and mime != "x-unknown":
        headers.setdefault("Content-Type", mime)
    body, encoded = _answer(content, headers, attached)
    said_empty = 0 in (response.get("bodySize"), content.get("size")) and headers.get("Content-Length", "0") == "0"
    if method.upper() == "HEAD" or status in (204, 304) or (not body and said_empty and response.get("bodySize") == 0):
        body = b""
    sent = _part(request, "postData")
    if sent and isinstance(mime := sent.get("mimeType"), str) and "/" in mime:
        request_headers.setdefault("Content-Type", mime)
    return Entry(
        method=method.upper(),
        url=url,
        request_headers=request_headers,
        request_body=_request_body(request, sent, attached),
        status=status if isinstance(status, int) and not isinstance(status, bool) else 0,
        headers=headers,
        body=body,
        started=_moment(started),
        elapsed=float(time) / 1000 if isinstance(time, (int, float)) and time >= 0 else None,
        encoded=encoded,
        caller=str(raw.get("_caller") or CLIENT),
        failure=str(response.get("_error") or "") if "_caller" in raw else "",
        headers_known=bool(response.get("headers")),
        exact_answer=_exact(content, content.get("size")),
        exact_request=_exact(sent, request.get("bodySize")),
    )


def _part(whole: Any, name: str) -> dict[str, Any]:
    part = whole.get(name) if isinstance(whole, dict) else None
    return part if isinstance(part, dict) else {}


def _exact(part: dict[str, Any], size: Any) -> bool:
    """Whether the bytes of a body were recorded, and not a text that somebody took them for."""
    text = part.get("text")
    if part.get("_file") or part.get("encoding") or part.get("_encoding"):
        return True
    return isinstance(text, str) and text.isascii() and len(text) == size


def _request_body(request: dict[str, Any], sent: dict[str, Any], attached: Attached) -> bytes | None:
    if sent:
        text = _bytes(sent, attached)
        # An empty text may stand for a body that was sent as a stream.
        return text if text or request.get("bodySize") == 0 else None
    return b"" if request.get("bodySize") == 0 or request.get("method") in ("GET", "HEAD") else None


def _answer(content: dict[str, Any], headers: Headers, attached: Attached) -> tuple[bytes | None, str]:
    """The bytes of an answer, and the content encoding that could not be undone."""
    body = _bytes(content, attached)
    if not body:
        return None, ""  # an empty text stands for what was not recorded as well
    encoding = headers.get("Content-Encoding", "")
    # Most recorders write the body decoded, and some as it came; the first bytes say which.
    if encoding and not _is_text(body, headers):
        plain = decoded(body, encoding)
        return (plain, "") if plain is not None else (None, encoding) if _compressed(body, encoding) else (body, "")
    return body, ""


def _is_text(body: bytes, headers: Headers) -> bool:
    return "json" in headers.get("Content-Type", "").lower() and body.lstrip()[:1] in (b"{", b"[", b'"')


def _compressed(body: bytes, encoding: str) -> bool:
    """Whether a body may still be compressed in a way that is not known here."""
    known = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
    return encoding.strip().lower() not in known or body.startswith(known[encoding.strip().lower()])


def _bytes(part: dict[str, Any], attached: Attached) -> bytes | None:
    """The bytes of a body; None when they were not recorded."""
    name = part.get("_file")
    if isinstance(name, str) and name:
        return attached(name)
    text = part.get("text")
    if not isinstance(text, str):
        return None
    if str(part.get("encoding", part.get("_encoding")) or "").lower() == "base64":
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except binascii.Error:
            return None
    return text.encode("utf-8", "surrogatepass")


def _headers(raw: Any) -> Headers:
    """Headers as a list of pairs, which some write as an object, or with values missing."""
    joined: Headers = CaseInsensitiveDict()
    pairs: list[tuple[Any, Any]] = []
    if isinstance(raw, dict):
        pairs = list(raw.items())
    elif isinstance(raw, list):
        pairs = [(header.get("name"), header.get("value")) for header in raw if isinstance(header, dict)]
    for name, value in pairs:
        if isinstance(value, list):
            value = ", ".join(map(str, value))
        if not isinstance(name, str) or value is None or name.startswith(":"):  # HTTP/2 writes method and path so
            continue
        value = str(value)
        joined[name] = f"{joined[name]}, {value}" if name in joined and name.lower() != "content-type" else value
    return joined


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seen(entry: Entry, base_url: str, description: Description, number: int) -> Seen:
    """What is known of an entry whose URL is below `base_url`."""
    path = entry.url.removeprefix(base_url)
    exchange = Exchange(
        operation=description.operation_at(entry.method, path),
        method=entry.method,
        url=entry.url,
        request_headers=entry.request_headers,
        request_body=entry.request_body or b"",
        status=entry.status,
        headers=entry.headers,
        body=entry.body or b"",
        elapsed=entry.elapsed or 0.0,
        started=entry.started or datetime.now(UTC),
        caller=entry.caller,
        failure=entry.failure,
        number=number,
    )
    return Seen(
        exchange,
        request_body_known=entry.request_body is not None,
        answer_body_known=entry.body is not None,
        timed=entry.started is not None and entry.elapsed is not None,
        headers_known=entry.headers_known,
        exact_answer=entry.exact_answer,
        exact_request=entry.exact_request,
        moment_known=entry.started is not None,
        encoded=entry.encoded,
    )
