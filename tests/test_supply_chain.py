"""What goes into the package: nothing that executes data, and dependencies that are all declared and locked."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = [path for folder in ("src", "suites") for path in (ROOT / folder).rglob("*.py")]
MODULES = {"yaml": "pyyaml", "allure": "allure-pytest"}
FROM_OTHERS = {"jsonpointer": "jsonpatch", "kuflow_conformance": "", "cosmic_ray": "the extra dev"}


def test_nothing_executes_data():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), path
            if isinstance(node, ast.Import):
                assert not {"pickle", "marshal", "shelve"} & {name.name for name in node.names}, path
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "yaml.load":
                assert "SafeLoader" in ast.unparse(node), path


def test_every_import_is_a_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[^\w-]", line)[0].lower() for line in project["dependencies"]}
    imported = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    for name in imported - set(sys.stdlib_module_names) - FROM_OTHERS.keys():
        assert MODULES.get(name, name).replace("_", "-") in declared, name


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = {line.partition("==")[0].lower().replace("_", "-") for line in (ROOT / "requirements.lock").open()}
    assert {re.split(r"[^\w-]", line)[0].lower() for line in project["dependencies"]} <= locked
