"""Values at the edges of a schema: each is a guess that a validator has to confirm."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

from kuflow_conformance.description.compatibility.alternatives import split
from kuflow_conformance.description.compatibility.flat import INTEGER_FORMATS, Flat, Node, union
from kuflow_conformance.description.compatibility.normal import Schemas
from kuflow_conformance.description.compatibility.values import pinned

OF_FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "a@b.example",
    "idn-email": "ä@b.example",
    "hostname": "a.example",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://a.example/",
    "uri-reference": "/a",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "json-pointer": "/a",
    "regex": "a",
}
"""A text of each format."""

_USUAL_TEXTS = ("", "a", "A", "0", " ", "a b", "ä", "true", "null", *OF_FORMATS.values())
_USUAL_NUMBERS = (0, 1, -1, 0.5, -0.5, 10, 1000000, 2**31, -(2**31) - 1, 2**40)
LONGEST = 5000
"""Characters, items or properties of a value that is tried."""
BRANCHES = 16
_PROPERTIES = ("minProperties", "maxProperties")
DEPTH = 6


def size(value: Any) -> tuple[int, str]:
    """The order of values: the smallest is the best to show."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return len(text), text


class Samples:
    """Makes values of schemas of one document."""

    def __init__(self, schemas: Schemas, *, pins: bool) -> None:
        self.schemas = schemas
        self.pins = pins
        self._simplest: dict[Node, Any] = {}

    def candidates(self, node: Node, other: Schemas, other_node: Node) -> Iterator[Any]:
        """Values that are probably right by `node`, at the edges of it and of the other node."""
        hints = [other.flat(branch) for branch in (split(other, other_node) or [other_node])[:BRANCHES]]
        yield from _mentioned(self.schemas, node)
        yield from _mentioned(other, other_node)
        for branch in (split(self.schemas, node) or [node])[:BRANCHES]:
            flat = self.schemas.flat(branch)
            for hint in hints:
                yield from self._of(flat, hint)

    def simplest(self, node: Node, depth: int = 0) -> Any:
        """A small value of `node`; it may be wrong where schemas are entangled. Raises LookupError if there is none."""
        expanded = self.schemas.expand(node)
        if expanded not in self._simplest:
            if depth > DEPTH:
                raise LookupError
            for branch in (split(self.schemas, expanded) or [expanded])[:BRANCHES]:
                found = next(self._simple(self.schemas.flat(branch), depth), None)
                if found is not None:
                    self._simplest[expanded] = found[0]
                    break
            else:
                raise LookupError
        return self._simplest[expanded]

    def _simple(self, flat: Flat, depth: int) -> Iterator[tuple[Any]]:
        """The value, in a tuple; nothing when there is none."""
        if flat.finite is not None:
            yield from ((value,) for value in flat.finite[:1])
            return
        try:
            if "object" in flat.types and (flat.properties or flat.required or flat.types == {"object"}):
                yield (self.object(flat, flat.required, depth),)
            elif "string" in flat.types:
                # An empty text is the edge that other schemas often exclude.
                yield from ((text,) for text in sorted(_texts(flat, flat), key=lambda text: not text)[:1])
            elif flat.types & {"integer", "fraction"}:
                yield from ((number,) for number in _numbers(flat, flat)[:1])
            elif "array" in flat.types:
                yield (self.array(flat, int(flat.bounds.get("minItems", 0)), depth),)
            elif "object" in flat.types:
                yield (self.object(flat, flat.required, depth),)
            elif "boolean" in flat.types:
                yield (True,)
            elif "null" in flat.types:
                yield (None,)
        except LookupError:
            return

    def property(self, flat: Flat, name: str) -> Node:
        """What a property has to be, in this object."""
        node = flat.properties.get(name)
        if node is None:
            return flat.additional or ()
        return pinned(self.schemas, node, flat.pins[name]) if self.pins and name in flat.pins else node

    def object(self, flat: Flat, names: Iterable[str], depth: int = 0) -> dict[str, Any]:
        """An object with these properties, and as many more as it has to have."""
        found = {name: self.simplest(self.property(flat, name), depth + 1) for name in sorted(names)}
        spare = [name for name in flat.properties if name not in found and name not in flat.hidden]
        spare += [f"p{number}" for number in range(1, 50)]
        while len(found) < min(flat.bounds.get("minProperties", 0), 50):
            name = spare.pop(0)
            found[name] = self.simplest(self.property(flat, name), depth + 1)
        return found

    def array(self, flat: Flat, length: int, depth: int = 0, *, equal: bool = False) -> list[Any]:
        """A list of that many items, which differ as far as is easy."""
        items = [self.simplest(node, depth + 1) for node in flat.first[:length]]
        node = flat.contains[0] if flat.contains and not flat.items else union(flat.items or (), *flat.contains[:1])
        for number in range(len(items), min(length, LONGEST)):
            value = self.simplest(node, depth + 1)
            if not equal and flat.unique:
                value = number if isinstance(value, int) else f"{value}{number}" if isinstance(value, str) else value
            items.append(value)
        return items

    def _of(self, flat: Flat, hint: Flat) -> Iterator[Any]:
        if flat.finite is not None:
            yield from flat.finite
            return
        yield from (value for value in hint.enum or ())
        if "null" in flat.types:
            yield None
        if "boolean" in flat.types:
            yield from (True, False)
        if flat.types & {"integer", "fraction"}:
            yield from _numbers(flat, hint)
        if "string" in flat.types:
            yield from _texts(flat, hint)
        if "array" in flat.types:
            yield from self._arrays(flat, hint)
        if "object" in flat.types:
            yield from self._objects(flat, hint)

    def _arrays(self, flat: Flat, hint: Flat) -> Iterator[Any]:
        lengths = {0, 1, 2, int(flat.bounds.get("minItems", 0)), len(flat.first), len(flat.first) + 1}
        for key in ("minItems", "maxItems", "minContains", "maxContains"):
            for bounds in (flat.bounds, hint.bounds):
                if key in bounds:
                    lengths |= {int(bounds[key]) - 1, int(bounds[key]), int(bounds[key]) + 1}
        for length in sorted(length for length in lengths if 0 <= length <= LONGEST):
            for equal in (False, True):
                try:
                    yield self.array(flat, length, equal=equal)
                except LookupError:
                    continue
        if flat.items is None and not flat.first:
            yield from ([[], {}], [None], [1, "a"], ["a", "a"], [1, 2, 3])

    def _objects(self, flat: Flat, hint: Flat) -> Iterator[Any]:
        named = [name for name in flat.properties if name not in flat.hidden]
        wanted: list[set[str]] = [set(flat.required), set(named) | flat.required]
        wanted += [{name} | flat.required for name in named]
        wanted += [{one, other} | flat.required for one in named[:8] for other in named[:8] if one < other]
        wanted += [(set(named) | flat.required) - {name} for name in named if name not in flat.required]
        for trigger, needed in flat.dependent_required.items():
            wanted.append({trigger, *needed} | flat.required)
        bounds = [each.bounds[key] for each in (flat, hint) for key in _PROPERTIES if key in each.bounds]
        sizes = {int(bound) + step for bound in bounds for step in (-1, 0, 1)}
        for names in wanted:
            try:
                value = self.object(flat, names)
            except LookupError:
                continue
            yield value
            for name in sorted(names & flat.properties.keys()):
                yield from ({**value, name: each} for each in self._choices(flat, hint, name))
        try:
            base = self.object(flat, flat.required)
            for name in ("other", "another", "a" * 60, "", *_named(flat), *_named(hint)):
                if name in flat.properties or name in hint.properties:
                    continue
                yield {**base, name: self.simplest(self._other(flat, name))}
            for number in sorted(n for n in sizes if 0 < n <= 200):
                extra = {f"p{i}": self.simplest(flat.additional or ()) for i in range(max(0, number - len(base)))}
                yield {**base, **extra}
        except LookupError:
            return

    def _choices(self, flat: Flat, hint: Flat, name: str) -> Iterator[Any]:
        """Values of a property that others may depend on."""
        yield from (self.schemas.flat(self.property(flat, name)).finite or ())[:8]

    def _other(self, flat: Flat, name: str) -> Node:
        from kuflow_conformance.description.compatibility.objects import other

        return other(flat, name) or ()


def _mentioned(schemas: Schemas, node: Node) -> Iterator[Any]:
    """The values that a schema excludes, or makes something depend on."""
    flat = schemas.flat(node)
    for inner in [*flat.nots, *(condition[0] for condition in flat.conditions), *flat.contains]:
        for branch in (split(schemas, inner) or [])[:BRANCHES]:
            yield from schemas.flat(branch).finite or ()


def _named(flat: Flat) -> list[str]:
    """Names that the patterns of an object are meant for."""
    return [text for pattern in flat.patterned for text in [example(pattern)] if text is not None]


def _numbers(flat: Flat, hint: Flat) -> list[Any]:
    found: list[Any] = []
    for each in (flat, hint):
        for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            if key in each.bounds:
                bound = each.bounds[key]
                found += [bound, bound - 1, bound + 1, bound - 0.5, bound + 0.5, bound - 0.001, bound + 0.001]
        for form in each.formats & INTEGER_FORMATS.keys():
            top = 2 ** (INTEGER_FORMATS[form] - 1)
            found += [top, top - 1, -top, -top - 1]
        for multiple in each.multiples:
            for factor in (1, 2, 3, 5, 7):
                number = multiple * factor
                found.append(int(number) if number.denominator == 1 else float(number))
    found += _USUAL_NUMBERS
    whole = "fraction" not in flat.types
    found = [int(n) if float(n).is_integer() else n for n in found]
    low, high = flat.bounds.get("minimum", float("-inf")), flat.bounds.get("maximum", float("inf"))
    above, below = flat.bounds.get("exclusiveMinimum", float("-inf")), flat.bounds.get("exclusiveMaximum", float("inf"))
    right = [
        n
        for n in found
        if low <= n <= high
        and above < n < below
        and not (whole and isinstance(n, float))
        and all((Fraction(str(n)) / multiple).denominator == 1 for multiple in flat.multiples)
    ]
    return sorted(dict.fromkeys(right), key=lambda n: (isinstance(n, float), abs(n), n < 0))


def _texts(flat: Flat, hint: Flat) -> list[str]:
    found: list[str] = []
    for pattern in sorted(flat.patterns | hint.patterns):
        if (text := example(pattern)) is not None:
            found.append(text)
    found += [OF_FORMATS[form] for form in sorted(flat.formats) if form in OF_FORMATS]
    found += _USUAL_TEXTS if not flat.patterns and not flat.formats else ()
    lengths = {
        int(bounds[key]) + step
        for bounds in (flat.bounds, hint.bounds)
        for key in ("minLength", "maxLength")
        if key in bounds
        for step in (-1, 0, 1)
    }
    for length in sorted(n for n in lengths if 0 <= n <= LONGEST):
        found += ["a" * length, "0" * length, *(text.ljust(length, text[-1:] or "a") for text in found[:2])]
        found += [long for pattern in sorted(flat.patterns)[:1] if (long := example(pattern, length)) is not None]
    low, high = flat.bounds.get("minLength", 0), flat.bounds.get("maxLength", LONGEST)
    fitting = [text for text in dict.fromkeys(found) if low <= len(text) <= high]
    return fitting or (["a" * int(low)] if low <= LONGEST else [])


@cache
def example(pattern: str, length: int = 0) -> str | None:
    """The simplest text that has a pattern and is at least so long; None when none is found."""
    from hypothesis import find
    from hypothesis import strategies as st

    from kuflow_conformance.description.compatibility.strategies import FEW

    try:
        texts = st.from_regex(pattern, alphabet=st.characters(codec="utf-8"))
        return find(texts, lambda text: len(text) >= length, settings=FEW)
    except Exception:  # Hypothesis has many ways to say that it finds nothing, or does not know the pattern.
        return None
