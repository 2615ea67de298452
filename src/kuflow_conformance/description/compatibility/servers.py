"""Rules on where the API is."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kuflow_conformance.description.compatibility.document import At, Document

if TYPE_CHECKING:
    from kuflow_conformance.description.compatibility.operations import Walk

MANY = 64
"""Combinations of the values of variables that are written out."""


def compare(walk: Walk) -> None:
    """Compare the servers of two descriptions, and of each path and operation that has its own."""
    walk.operation = ""
    _compare(walk, _servers(At(walk.old, "")), _servers(At(walk.new, "")), "servers")


def compare_own(walk: Walk, old: list[At], new: list[At]) -> None:
    """Compare the servers of two operations where one of them has its own; the last of the parts counts most."""
    before, after = ([at for at in parts if at.value.get("servers")] for parts in (old, new))
    if before or after:
        one = before[-1] if before else At(walk.old, "")
        other = after[-1] if after else At(walk.new, "")
        _compare(walk, _servers(one), _servers(other), "servers")


def _compare(walk: Walk, old: dict[str, At | None], new: dict[str, At | None], place: str) -> None:
    relative = all(not urlsplit(url).netloc for url in old) or all(not urlsplit(url).netloc for url in new)
    if relative:
        # Where the description itself lies is not known, so only the path can be compared.
        old, new = ({urlsplit(url).path.rstrip("/"): at for url, at in urls.items()} for urls in (old, new))
    for url, at in old.items():
        if url not in new:
            what = "it is gone"
            walk.add("breaking", "server-removed", f"{place} {url or '/'}", what, "clients call it", at)
    for url, at in new.items():
        if url not in old:
            walk.add(
                "compatible", "server-added", f"{place} {url or '/'}", "it is new", "nobody calls it yet", None, at
            )


def _servers(at: At) -> dict[str, At | None]:
    """The URLs that the API is at."""
    found: dict[str, At | None] = {}
    for server in at.listed("servers"):
        variables = server.members("variables")
        values: dict[str, list[Any]] = {}
        for name, variable in variables.items():
            listed = variable.plain("enum") or []
            first = variable.plain("default", "")
            values[name] = [first, *(value for value in listed if value != first)]
        url = str(server.plain("url", ""))
        for chosen in itertools.islice(itertools.product(*values.values()), MANY):
            found[_normal(_filled(url, dict(zip(values, chosen, strict=True))))] = server
    return found or {"": None}


def _filled(url: str, values: dict[str, Any]) -> str:
    return re.sub(r"\{([^}]*)\}", lambda found: str(values.get(found[1], found[0])), url)


def _normal(url: str) -> str:
    parts = urlsplit(url)
    port = {"https": ":443", "http": ":80"}.get(parts.scheme.lower(), "")
    place = parts.netloc.lower().removesuffix(port) if port else parts.netloc.lower()
    return f"{parts.scheme.lower()}://{place}{parts.path.rstrip('/')}" if parts.netloc else parts.path.rstrip("/")


def version(document: Document) -> str:
    """The version in the path of the first server; else that of the document, as far as it is MAJOR."""
    servers = document.value.get("servers") or [{}]
    found = re.findall(r"/v([^/]+)", urlsplit(str(servers[0].get("url", ""))).path)
    return str(found[-1]) if found else str((document.value.get("info") or {}).get("version", "")).partition(".")[0]
