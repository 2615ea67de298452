"""What is right of document references, and of hashes that say what they are hashes of."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import unquote

SCHEME = "kuflow-file:"
ALGORITHMS = ("md5", "sha1", "sha256", "sha384", "sha512")


def parse_reference(reference: object) -> dict[str, str] | None:
    """The parts of a document reference, decoded: ``kuflow-file:uri=…;type=…;size=…;name=…;``.

    The order of the parts is free and there may be others. None when it is no such reference.
    """
    if not isinstance(reference, str) or not reference.startswith(SCHEME):
        return None
    parts = {}
    for part in reference.removeprefix(SCHEME).split(";"):
        name, separator, value = part.partition("=")
        if part and not separator:
            return None
        if part:
            parts[name] = unquote(value)
    return parts if {"uri", "type", "size", "name"} <= parts.keys() else None


def matching_hash(content: bytes, value: str) -> str | None:
    """The algorithm under which `value` is the hash of `content`, in hexadecimal or base64; None when there is none."""
    bare = value.rpartition(":")[2].strip().strip('"')
    for name in ALGORITHMS:
        digest = hashlib.new(name, content, usedforsecurity=False).digest()
        encodings = (base64.b64encode(digest), base64.urlsafe_b64encode(digest))
        if bare.lower() == digest.hex() or bare.rstrip("=") in [e.decode().rstrip("=") for e in encodings]:
            return name
    return None
