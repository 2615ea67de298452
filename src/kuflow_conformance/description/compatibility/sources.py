"""Where descriptions come from: a file, a URL, a revision of git, or this package."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from kuflow_conformance import files
from kuflow_conformance.description import openapi
from kuflow_conformance.description.compatibility.document import Document, Text, plain
from kuflow_conformance.errors import InvalidDescription

_OF_GIT = re.compile(r"(?P<revision>[^:]+):(?P<path>[^/:].*)")
"""A revision and a path in it, as ``git show`` has them, such as ``HEAD~1:openapi.yaml``."""


def read(name: str) -> Document:
    """The description that is called `name`: ``bundled``, a URL, a file, or REVISION:PATH.

    Raises InvalidDescription when it cannot be read, or is no mapping.
    """
    if name == "bundled":
        # Where the errata put something, it stands nowhere in the file.
        whole = Text(files.data("spec/openapi.yaml").read_text(encoding="utf-8"), "spec/openapi.yaml")
        return Document(plain(openapi.load().document), "spec/openapi.yaml", whole)
    found = _OF_GIT.fullmatch(name)
    if found and not name.startswith(("http://", "https://")) and not Path(name).exists():
        content = _of_revision(found["revision"], found["path"], name)
    else:
        content = openapi.text(name)
    text = Text(content, name)
    if not isinstance(text.value, dict):
        raise InvalidDescription(f"{name}:1:1: not an OpenAPI description: expected a mapping at the top")
    return Document(text.value, name, text)


def _of_revision(revision: str, path: str, name: str) -> str:
    where = path if path.startswith("./") else f"./{path}"
    command = ["git", "show", "--no-textconv", "--end-of-options", f"{revision}:{where}"]
    try:
        shown = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise InvalidDescription(f"{name}: git cannot be run: {error.strerror}") from error
    if shown.returncode:
        said = shown.stderr.decode("utf-8", "replace").strip().splitlines() or ["git show failed"]
        raise InvalidDescription(f"{name}: {said[0].removeprefix('fatal: ')}")
    return shown.stdout.decode("utf-8-sig", "replace")
