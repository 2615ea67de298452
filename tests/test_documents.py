"""The documents for people who change the project: what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = (ROOT, ROOT / "src/kuflow_conformance")


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/adding-a-requirement.md"])
def test_paths_exist(name):
    text = (ROOT / name).read_text()
    paths = set(re.findall(r"`((?:\.?[\w-]+/)+[\w.-]*|\w+\.(?:py|toml|ini|yml|lock))`", text))
    assert paths
    missing = [path for path in sorted(paths) if not any((place / path).exists() for place in PLACES)]
    assert not missing


@pytest.mark.parametrize("path", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#:]+)(?:#[\w-]*)?\)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_room_stands_in_the_architecture():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = [path.parent.name for path in (ROOT / "src/kuflow_conformance").glob("*/__init__.py")]
    assert [room for room in rooms if f"| `{room}/` |" not in text] == []
