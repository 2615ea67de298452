"""Schemas as Hypothesis strategies: the general search for values, where guesses at the edges are not enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from kuflow_conformance.description.compatibility.alternatives import split
from kuflow_conformance.description.compatibility.flat import Flat, Node, union
from kuflow_conformance.description.compatibility.normal import Schemas
from kuflow_conformance.description.compatibility.samples import BRANCHES, OF_FORMATS, Samples


def _bounded(examples: int) -> settings:
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


FEW = _bounded(30)
MANY = _bounded(200)

_TEXT = st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=8)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(-1000, 1000) | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)


class Strategies:
    """Makes a strategy of each node of a document; what it draws still has to be validated."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.schemas: Schemas = samples.schemas
        self._made: dict[Node, st.SearchStrategy[Any]] = {}

    def find(self, node: Node, wanted: Callable[[Any], bool], bounds: settings) -> Any:
        """The simplest value that is wanted, in a tuple; None when none is found."""
        try:
            return (find(self.of(node), wanted, settings=bounds),)
        except HypothesisException:
            return None

    def of(self, node: Node) -> st.SearchStrategy[Any]:
        """The strategy of a node; of a recursive one, too."""
        expanded = self.schemas.expand(node)
        if expanded not in self._made:
            self._made[expanded] = st.deferred(lambda: self._built(expanded))
        return self._made[expanded]

    def _built(self, node: Node) -> st.SearchStrategy[Any]:
        branches = (split(self.schemas, node) or [node])[:BRANCHES]
        return st.one_of([self._flat(self.schemas.flat(branch)) for branch in branches])

    def _flat(self, flat: Flat) -> st.SearchStrategy[Any]:
        if flat.finite is not None:
            return st.sampled_from(flat.finite) if flat.finite else st.nothing()
        choices: list[st.SearchStrategy[Any]] = []
        if "null" in flat.types:
            choices.append(st.none())
        if "boolean" in flat.types:
            choices.append(st.booleans())
        if flat.types & {"integer", "fraction"}:
            choices.append(_numbers(flat))
        if "string" in flat.types:
            choices.append(_texts(flat))
        if "array" in flat.types:
            choices.append(self._array(flat))
        if "object" in flat.types:
            choices.append(self._object(flat))
        return st.one_of(choices)

    def _array(self, flat: Flat) -> st.SearchStrategy[Any]:
        least = int(flat.bounds.get("minItems", 0))
        most = int(min(flat.bounds.get("maxItems", least + 3), least + 3))
        items = self.of(flat.items) if flat.items else _ANYTHING
        if flat.contains:
            items |= self.of(union(flat.items or (), flat.contains[0]))
        rest = st.lists(items, min_size=max(0, least - len(flat.first)), max_size=max(0, most - len(flat.first)))
        if not flat.first:
            return rest
        first = st.tuples(*(self.of(node) for node in flat.first)).map(list)
        return st.tuples(first, rest).map(lambda parts: (parts[0] + parts[1])[: max(most, least)])

    def _object(self, flat: Flat) -> st.SearchStrategy[Any]:
        named = {name: self.samples.property(flat, name) for name in {*flat.properties, *flat.required}}
        required = {name: self.of(node) for name, node in named.items() if name in flat.required}
        optional = {
            name: self.of(node)
            for name, node in named.items()
            if name not in flat.required and name not in flat.hidden and self.schemas.flat(node).types
        }
        shape = st.fixed_dictionaries(required, optional=optional)
        if flat.additional is None and flat.bounds.get("minProperties", 0) <= len(named):
            return shape
        further = st.dictionaries(st.sampled_from(["p1", "p2", "other"]), self.of(flat.additional or ()), max_size=2)
        return st.tuples(further, shape).map(lambda parts: {**parts[0], **parts[1]})


def _numbers(flat: Flat) -> st.SearchStrategy[Any]:
    bounds = flat.bounds
    low = bounds.get("minimum", bounds.get("exclusiveMinimum"))
    high = bounds.get("maximum", bounds.get("exclusiveMaximum"))
    whole = [int(value) if value is not None else None for value in (low, high)]
    if whole[0] is not None and whole[1] is not None and whole[0] > whole[1]:
        return st.nothing()
    integers = st.integers(*whole)
    if flat.multiples:
        step = max(flat.multiples)
        return integers.map(lambda n: int(n * step) if (n * step).denominator == 1 else float(n * step)) | integers
    if "fraction" not in flat.types:
        return integers
    floats = st.floats(low, high, allow_nan=False, allow_infinity=False) if "integer" in flat.types else st.floats(0, 1)
    return integers | floats


def _texts(flat: Flat) -> st.SearchStrategy[Any]:
    least = int(flat.bounds.get("minLength", 0))
    most = int(min(flat.bounds.get("maxLength", least + 10), least + 10))
    if flat.patterns:
        return st.from_regex(min(flat.patterns))
    formats = [OF_FORMATS[form] for form in flat.formats if form in OF_FORMATS]
    if formats:
        return st.sampled_from(formats)
    return st.text(alphabet=st.characters(codec="utf-8"), min_size=least, max_size=max(least, most))
