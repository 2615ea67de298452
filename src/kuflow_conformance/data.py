"""Where the files that are not code lie: beside the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[1]


def path(name: str) -> Path:
    """The path of `name` (such as ``spec/openapi.yaml`` or ``suites``), from the checkout or the wheel."""
    installed = _PACKAGE / "data" / name
    return installed if installed.exists() else _CHECKOUT / name
