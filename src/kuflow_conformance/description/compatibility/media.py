"""Media types and ranges of them (RFC 9110 sections 8.3.1 and 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterable

BINARY = "application/octet-stream"
_TEXTUAL = ("json", "xml", "yaml", "x-www-form-urlencoded", "csv")


def parsed(name: str) -> tuple[str, dict[str, str]]:
    """A media type and its parameters, but `charset`: JSON has none, and texts say theirs themselves."""
    kind, *rest = name.lower().split(";")
    parameters = dict(part.strip().partition("=")[::2] for part in rest if "=" in part)
    parameters.pop("charset", None)
    return kind.strip(), parameters


def wider(one: str, other: str) -> bool:
    """Whether the range `one` contains the media type or range `other`, and is not the same."""
    mine, theirs = parsed(one)[0], parsed(other)[0]
    if mine == theirs or "*" not in mine:
        return False
    return mine == "*/*" or (mine.endswith("/*") and theirs.startswith(mine[:-1]))


def counterparts(name: str, others: Iterable[str]) -> list[str]:
    """What becomes of a media type: the same one, with or without parameters, a range around it, or parts of it."""
    others = list(others)
    kind, parameters = parsed(name)
    for test in (
        lambda other: other == name,
        lambda other: parsed(other) == (kind, parameters),
        lambda other: parsed(other)[0] == kind and (not parameters or not parsed(other)[1]),
        lambda other: wider(other, name),
    ):
        if found := [other for other in others if test(other)]:
            return found[:1]
    return [other for other in others if wider(name, other)]


def binary(name: str) -> bool:
    """Whether content of this type is no text that a schema describes."""
    kind = parsed(name)[0]
    return not (kind.startswith(("text/", "multipart/")) or any(word in kind for word in _TEXTUAL))
