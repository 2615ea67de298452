"""Mutants of the bundled server: its own source with one small change each, made by cosmic-ray.

The bank of faults is a picture of what somebody thought of. Mutants are not: they show what nobody has thought of, as
far as a change of one operator, number, condition or handler of an exception can.
"""

from __future__ import annotations

import ast
import difflib
import random
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kuflow_conformance import files
from kuflow_conformance.errors import ConformanceError

MUTATED = ("operations", "model.py", "app.py")
"""The parts of the bundled server that answer: what seeds, starts and certifies it is left alone."""

LEFT_OUT = ("core/ExceptionReplacer", "core/VariableReplacer", "core/VariableInserter")
"""Operators whose mutants mostly do not start."""

BESIDE = ("spec", "suites", "reports", "targets")
"""What lies beside the package in a checkout."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file. `before` and `after` are the lines that differ."""

    file: str
    line: int
    operator: str
    occurrence: int
    before: str
    after: str

    @property
    def id(self) -> str:
        return f"{self.file}:{self.line} {self.operator.partition('/')[2]} {self.occurrence}"

    @property
    def change(self) -> str:
        """What it does, independent of where its lines stand: names it among the survivors that were looked at."""
        return f"{self.file}: {self.before} → {self.after}"


def sample(count: int, seed: int) -> list[Mutant]:
    """`count` mutants, drawn by seed: first a place of the source, then what is done to it."""
    drawn = random.Random(seed)
    places: dict[tuple[str, int, str], list[tuple[str, int]]] = {}
    sources = {name: (_folder() / name).read_text(encoding="utf-8") for name in _sources()}
    for name, source in sources.items():
        for line, operator, occurrence in _mutations(source):
            kind = operator.partition("_")[0]
            places.setdefault((name, line, kind), []).append((operator, occurrence))
    order = sorted(places)
    drawn.shuffle(order)
    found: list[Mutant] = []
    for place in order:
        if len(found) == count:
            break
        operator, occurrence = drawn.choice(places[place])
        mutated = _mutate(sources[place[0]], operator, occurrence)
        if mutated is not None and _means_something_else(sources[place[0]], mutated):
            before, after = _difference(sources[place[0]], mutated)
            found.append(Mutant(place[0], place[1], operator, occurrence, before, after))
    return found


def install(mutant: Mutant, folder: Path) -> Path:
    """A copy of the package with the mutant in it, in `folder`; returns what to put on Python's path."""
    source = folder / "src" / "kuflow_conformance"
    shutil.copytree(Path(__file__).parents[1], source, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BESIDE:
        (folder / name).symlink_to(files.data(name))
    path = source / "reference" / mutant.file
    mutated = _mutate(path.read_text(encoding="utf-8"), mutant.operator, mutant.occurrence)
    assert mutated is not None
    path.write_text(mutated, encoding="utf-8")
    return folder / "src"


def explained() -> dict[str, str]:
    """Survivors that somebody has looked at: the change → why it is equivalent, legal or a hole."""
    path = Path(__file__).with_name("survivors.toml")
    return {entry["change"]: entry["reason"] for entry in tomllib.loads(path.read_text())["survivor"]}


def _folder() -> Path:
    return Path(__file__).parent


def _sources() -> Iterator[str]:
    for name in MUTATED:
        path = _folder() / name
        paths = sorted(path.glob("*.py")) if path.is_dir() else [path]
        yield from (str(path.relative_to(_folder())) for path in paths)


def _mutations(source: str) -> Iterator[tuple[int, str, int]]:
    """Each mutation of a source: line, operator, and which of the operator's it is."""
    try:
        from cosmic_ray.ast import ast_nodes, get_ast
        from cosmic_ray.plugins import get_operator, operator_names
    except ImportError as error:
        raise ConformanceError("--mutants needs cosmic-ray: pip install 'kuflow-conformance[dev]'") from error
    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        if name in LEFT_OUT:
            continue
        operator, occurrence = get_operator(name)(), 0
        for node in nodes:
            for (line, _), _ in operator.mutation_positions(node):
                yield line, name, occurrence
                occurrence += 1


def _mutate(source: str, operator: str, occurrence: int) -> str | None:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    mutated: str | None = mutate_code(source, get_operator(operator)(), occurrence)
    return mutated


def _means_something_else(source: str, mutated: str) -> bool:
    """Whether the two differ in what is run: not in annotations alone, and not so that it is no Python."""
    try:
        return ast.dump(_without_annotations(mutated)) != ast.dump(_without_annotations(source))
    except SyntaxError:
        return False


def _without_annotations(source: str) -> ast.Module:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return tree


def _difference(source: str, mutated: str) -> tuple[str, str]:
    lines = list(difflib.unified_diff(source.splitlines(), mutated.splitlines(), n=0, lineterm=""))[2:]
    gone = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    come = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    return gone, come
