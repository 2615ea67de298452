"""All exchanges of a run as a HAR file or as lines of JSON, for `check` and for other tools; secrets are taken out.

Each process writes the entries of its own requests to a file beside the reports; at the end they are put together.
"""

from __future__ import annotations

import base64
import heapq
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kuflow_conformance import __version__
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.redaction import REDACTED, Redactor

_ENVIRONMENT = re.compile(rf'("environmentVariables"\s*:\s*)"{re.escape(REDACTED)}"')


class Recording:
    """Writes the exchanges of one process."""

    def __init__(self, folder: Path, part: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # A line at a time: a process may be ended at any moment.
        self._file = (folder / f"traffic-{part}.part").open("w", encoding="utf-8", buffering=1)

    def see(self, exchange: Exchange, redactor: Redactor) -> None:
        """Write an exchange."""
        self._file.write(json.dumps(entry(exchange, redactor), ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


def discard(folder: Path) -> None:
    """Remove what a run that was killed has left."""
    for part in _parts(folder):
        part.unlink()


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("traffic-*.part"))


def gather(folder: Path, har: Path | None, ndjson: Path | None) -> None:
    """Put together what the processes of a run have written. Raises OSError."""
    with ExitStack() as opened:
        parts = [opened.enter_context(part.open(encoding="utf-8")) for part in _parts(folder)]
        lines = heapq.merge(*map(_lines, parts), key=lambda line: line[0])
        outputs = [_Output(opened, path, har is path) for path in (har, ndjson) if path is not None]
        for _, line in lines:
            for output in outputs:
                output.write(line)
        for output in outputs:
            output.end()
    discard(folder)


def _lines(part: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(moment, line); a last line that was cut is left out."""
    for line in part:
        if line.endswith("\n"):
            yield line[len('{"startedDateTime": "') :][:32], line.rstrip("\n")


class _Output:
    """A file of entries: a HAR file, or a line for each."""

    def __init__(self, opened: ExitStack, path: Path, har: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = opened.enter_context(path.open("w", encoding="utf-8"))
        self._har = har
        self._between = ""
        if har:
            creator = json.dumps({"name": "kuflow-conformance", "version": __version__})
            self._file.write(f'{{"log": {{"version": "1.2", "creator": {creator}, "entries": [\n')

    def write(self, line: str) -> None:
        self._file.write(self._between + line if self._har else line + "\n")
        self._between = ",\n"

    def end(self) -> None:
        if self._har:
            self._file.write("\n]}}\n")


def entry(exchange: Exchange, redactor: Redactor) -> dict[str, Any]:
    """An exchange as an entry of HAR 1.2. `_caller` names the credentials, which are taken out."""
    sent_type = next((v for k, v in exchange.request_headers.items() if k.lower() == "content-type"), "")
    sent = _text(exchange.request_body, redactor)
    milliseconds = round(exchange.elapsed * 1000, 3)
    return {
        "startedDateTime": exchange.started.isoformat(timespec="microseconds"),
        "time": milliseconds,
        "request": {
            "method": exchange.method,
            "url": redactor.text(exchange.url),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _headers(exchange.request_headers, redactor),
            "queryString": [
                {"name": name, "value": redactor.text(value)}
                for name, value in parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)
            ],
            "headersSize": -1,
            "bodySize": len(exchange.request_body),
            **({"postData": {"mimeType": sent_type, **sent}} if exchange.request_body else {}),
        },
        "response": {
            "status": exchange.status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _headers(exchange.headers, redactor),
            "content": {
                "size": len(exchange.body),
                "mimeType": exchange.media_type,
                **_text(exchange.body, redactor),
            },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(exchange.body),
            **({"_error": exchange.failure} if exchange.failure else {}),
        },
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "_caller": exchange.caller,
    }


def _headers(headers: Mapping[str, str], redactor: Redactor) -> list[dict[str, str]]:
    # Bodies are written as they read, without their encoding.
    kept = {name: value for name, value in headers.items() if name.lower() != "content-encoding"}
    return [{"name": name, "value": value} for name, value in redactor.headers(kept).items()]


def _text(body: bytes, redactor: Redactor) -> dict[str, str]:
    try:
        # What is an object stays one, so that the answer still fits its schema.
        return {"text": _ENVIRONMENT.sub(r"\1{}", redactor.text(body.decode()))}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}
