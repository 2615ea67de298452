"""Where the files that are not code lie, and how files are written."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[1]


def data(name: str) -> Path:
    """The path of `name` (such as ``spec/openapi.yaml`` or ``suites``).

    It lies beside the package in a checkout, inside it in an installed wheel.
    """
    installed = _PACKAGE / "data" / name
    return installed if installed.exists() else _CHECKOUT / name


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it appears whole or not at all, whoever else writes it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    partial.replace(path)
