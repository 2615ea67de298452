"""Where the files that are not code lie, and how files are written."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from kuflow_conformance.errors import ConformanceError

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[1]


def data(name: str) -> Path:
    """The path of `name` (such as ``spec/openapi.yaml`` or ``suites``).

    It lies beside the package in a checkout, inside it in an installed wheel.
    """
    installed = _PACKAGE / "data" / name
    return installed if installed.exists() else _CHECKOUT / name


def read_toml(path: Path, problem: type[ConformanceError]) -> dict[str, Any]:
    """The tables of a TOML file. Raises `problem` with one line that says why there are none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise problem(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise problem(f"{path}: not valid TOML: {error}") from error


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it appears whole or not at all, whoever else writes it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    partial.replace(path)
