"""What two schemas allow, compared by rules on their structure.

Each pair of nodes is compared once, however many ways lead to it: its result holds what was found at the pair itself
and the pairs below it. So recursion, mutual or not, costs as much as there are pairs.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from kuflow_conformance.description.compatibility import alternatives, keywords, objects
from kuflow_conformance.description.compatibility.document import Document
from kuflow_conformance.description.compatibility.findings import Finding, Level, judged
from kuflow_conformance.description.compatibility.flat import ANYTHING, SCALARS, Flat, Node, same, type_of
from kuflow_conformance.description.compatibility.normal import Schemas, cover
from kuflow_conformance.description.compatibility.values import Values

KNOWN = frozenset(
    [
        "$ref",
        "type",
        "enum",
        "const",
        "nullable",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minContains",
        "maxContains",
        "minProperties",
        "maxProperties",
        "required",
        "dependentRequired",
        "readOnly",
        "writeOnly",
        "discriminator",
        "default",
        "~pin",
    ]
)
"""Keywords that are judged as a whole; those with schemas in them are judged schema by schema."""


_OWN = ("property-added", "property-removed")


@dataclass(eq=False)
class Pair:
    """Two nodes, what differs between them, and the pairs below them with the ways there."""

    old: Node
    new: Node
    sent: bool
    text: bool
    findings: list[Finding] = field(default_factory=list)
    below: list[tuple[str, Pair]] = field(default_factory=list)
    rewritten: bool = False
    """Whether the nodes differ in their keywords, though no rule sees a difference."""

    def closure(self) -> Iterator[Pair]:
        """The pair and all pairs below it."""
        seen: set[int] = set()
        work = [self]
        while work:
            pair = work.pop()
            if id(pair) not in seen:
                seen.add(id(pair))
                yield pair
                work += (other for _, other in pair.below)

    settle: Callable[[], None] = field(default=lambda: None, repr=False)
    """Compares the pairs below, which wait so that long chains of schemas are no deep recursion."""

    @property
    def safe(self) -> bool:
        """Whether no rule objects to it."""
        self.settle()
        return all(
            finding.level not in ("breaking", "new values") and not finding.undecided
            for pair in self.closure()
            for finding in pair.findings
        )

    @property
    def within(self) -> bool:
        """Whether the one plainly contains the other: no rule objects, and neither names properties of its own."""
        return self.safe and not any(f.kind in _OWN for pair in self.closure() for f in pair.findings)

    @property
    def alike(self) -> bool:
        """Whether no rule sees a difference."""
        self.settle()
        return not any(pair.findings for pair in self.closure())


class Comparison:
    """Compares schemas of two documents in one direction: what clients send, or what they receive."""

    def __init__(self, old: Document, new: Document, *, sent: bool) -> None:
        self.sent = sent
        self.old = Schemas(old, sent=sent)
        self.new = Schemas(new, sent=sent)
        self.values = Values(pinned=old.discriminators == new.discriminators)
        self._waiting: deque[Pair] = deque()
        self._pairs: dict[tuple[Node, Node, bool], Pair] = {}

    def pair(self, old: Node, new: Node, *, text: bool = False) -> Pair:
        """The result for two nodes. In a `text`, such as a query, every scalar is a string."""
        key = self.old.expand(old), self.new.expand(new), text
        if key not in self._pairs:
            self._pairs[key] = Pair(*key[:2], self.sent, text, settle=self.settle)
            self._waiting.append(self._pairs[key])
        return self._pairs[key]

    def settle(self) -> None:
        """Compare all pairs that wait."""
        while self._waiting:
            self._compare(self._waiting.popleft())

    def _compare(self, pair: Pair) -> None:
        for schemas, node in ((self.old, pair.old), (self.new, pair.new)):
            look_at(schemas, node)
        old, new = self.old.flat(pair.old), self.new.flat(pair.new)
        for schemas, node in ((self.old, pair.old), (self.new, pair.new)):
            alternatives.without_consequence(schemas, node)
        if not old.types and not new.types:
            return
        if old.groups or new.groups:
            lists = alternatives.listed(self.old, pair.old), alternatives.listed(self.new, pair.new)
            if lists[0] is not None and lists[1] is not None:
                self._listed(pair, replace(old, enum=lists[0]), replace(new, enum=lists[1]))
            else:
                alternatives.compare(self, pair, old, new)
        else:
            self.plain(pair, old, new)
        if not pair.findings:
            pair.rewritten = self.words(self.old, pair.old) != self.words(self.new, pair.new)

    @staticmethod
    def words(schemas: Schemas, node: Node) -> list[Any]:
        """The keywords of a node, as they are written."""
        raws = [schemas.raw(part) for part in node]
        texts = [
            repr(sorted((key, str(value)) for key, value in raw.items() if key in KNOWN))
            if isinstance(raw, dict)
            else str(raw)
            for raw in raws
        ]
        return sorted(texts)

    def plain(self, pair: Pair, old: Flat, new: Flat) -> None:
        """Compare two nodes by all their keywords but the alternatives."""
        finite = old.finite is not None, new.finite is not None
        if all(finite) or old.enum is not None or new.enum is not None:
            self._listed(pair, old, new)
            return
        for difference in keywords.types(old, new, text=pair.text):
            self.add(pair, difference, old, new)
        if not old.types or not new.types:
            return
        for difference in keywords.of_types(old, new):
            self.add(pair, difference, old, new)
        if "array" in old.types & new.types:
            self._items(pair, old, new)
        if "object" in old.types & new.types:
            objects.compare(self, pair, old, new)
        alternatives.conditions(self, pair, old, new)

    def add(self, pair: Pair, difference: keywords.Difference, old: Flat, new: Flat, place: str = "") -> None:
        """Take a difference into the findings of a pair."""
        kind, what, lost, gained, keyword = difference
        if lost is None:
            lost = False if self.values.proved((self.old, pair.old), (self.new, pair.new)) else None
        if gained is None:
            gained = False if self.values.proved((self.new, pair.new), (self.old, pair.old)) else None
        if (lost if self.sent else gained) is None:
            level, reason, undecided = "risky", "compare them", True
        else:
            (level, reason), undecided = judged(bool(lost), bool(gained), self.sent), False
            if lost is False and gained is False:
                reason = "it is the same"
        self.find(pair, level, kind, place, what, reason, old, new, keyword, undecided=undecided)

    def find(
        self,
        pair: Pair,
        level: Any,
        kind: str,
        place: str,
        what: str,
        reason: str,
        old: Flat | None = None,
        new: Flat | None = None,
        keyword: str = "",
        *,
        shown: bool = True,
        undecided: bool = False,
    ) -> None:
        """Note a finding, with the places of `keyword`."""
        one = _place(pair.old, old, keyword)
        other = _place(pair.new, new, keyword)
        pair.findings.append(Finding(level, kind, place, what, reason, one, other, shown, undecided))

    def child(self, pair: Pair, place: str, old: Node, new: Node, *, text: bool = False) -> Pair:
        """Compare two nodes below a pair."""
        below = self.pair(old, new, text=text)
        pair.below.append((place, below))
        return below

    def _listed(self, pair: Pair, old: Flat, new: Flat) -> None:
        """At least one of two nodes allows only values that can be listed."""
        before, after = self._allowed(self.old, pair.old, old.finite), self._allowed(self.new, pair.new, new.finite)
        kind = "enum" if old.enum is not None or new.enum is not None else "type"
        for schemas, node, values in ((self.old, pair.old, before), (self.new, pair.new, after)):
            if values is not None:
                cover(schemas, [node])
        if before is None:
            come = [value for value in after or () if not self.allowed(pair, self.old, pair.old, value)]
            what = "the values are now listed"
            self.add(pair, keywords.Difference(kind, what, True, bool(come), kind), old, new)
            return
        gone = [value for value in before if not self._among(pair, value, after, self.new, pair.new)]
        for value in gone:
            level, reason = judged(True, False, self.sent)
            self._value(pair, level, kind, value, "is gone", reason, old, new)
        if after is None:
            what = "other values than those listed are allowed now"
            self.add(pair, keywords.Difference(kind, what, False, True, kind), old, new)
            return
        for value in after:
            if not self._among(pair, value, before, self.old, pair.old):
                level, reason = judged(False, True, self.sent)
                if level == "breaking" and kind == "enum" and value is not None and len(gone) < len(before):
                    level, reason = "new values", "clients that list all values do not know it"
                self._value(pair, level, kind, value, "is new", reason, old, new)

    def _allowed(self, schemas: Schemas, node: Node, values: list[Any] | None) -> list[Any] | None:
        return None if values is None else [value for value in values if self.values.valid(schemas, node, value)]

    def _among(self, pair: Pair, value: Any, values: list[Any] | None, schemas: Schemas, node: Node) -> bool:
        if values is None:
            return self.allowed(pair, schemas, node, value)
        return any(same(value, other) or (pair.text and in_text(value) == in_text(other)) for other in values)

    def allowed(self, pair: Pair, schemas: Schemas, node: Node, value: Any) -> bool:
        """Whether a value is allowed; in a text, whether what it looks like is."""
        values = [value, in_text(value)] if pair.text and type_of(value) in SCALARS else [value]
        return any(self.values.valid(schemas, node, each) for each in values)

    def _value(
        self, pair: Pair, level: Level, kind: str, value: Any, what: str, reason: str, old: Flat, new: Flat
    ) -> None:
        shown = value if isinstance(value, str) else "null" if value is None else repr(value)
        if kind == "enum":
            self.find(pair, level, "enum", f" {shown}", f"the value {shown} {what}", reason, old, new, "enum")
        else:
            self.find(pair, level, "type", "", f"{shown} {what}", reason, old, new, "type")

    def _items(self, pair: Pair, old: Flat, new: Flat) -> None:
        length = int(min(keywords.most(old, "maxItems"), keywords.most(new, "maxItems"), 10**6))
        if length <= 0:
            for schemas, flat in ((self.old, old), (self.new, new)):
                cover(schemas, [*flat.first, flat.items or ANYTHING])
            return
        longest = max(len(old.first), len(new.first))
        for number in range(min(longest, length)):
            nodes = (f.first[number] if number < len(f.first) else f.items or ANYTHING for f in (old, new))
            self.child(pair, f"[{number}]", *nodes)
        if length > longest:
            self.child(pair, "[]", old.items or ANYTHING, new.items or ANYTHING, text=pair.text)


def _place(node: Node, flat: Flat | None, keyword: str) -> str:
    """The pointer of a keyword in a node, or else of the node."""
    if flat is not None and keyword in flat.where and not flat.where[keyword].startswith("!"):
        return flat.where[keyword]
    if flat is not None and keyword.startswith("properties/") and "properties" in flat.where:
        return flat.where["properties"]
    return next((part.pointer for part in node if not part.pointer.startswith("!")), "")


def in_text(value: Any) -> Any:
    """What a scalar looks like in a query, a path or a header."""
    return json.dumps(value) if type_of(value) in SCALARS and not isinstance(value, str) else value


def look_at(schemas: Schemas, node: Node) -> None:
    """Note that the keywords of a node are judged."""
    document = schemas.document
    for part in node:
        if part.pointer.startswith("!"):
            continue
        raw = document.at(part.pointer)
        if not isinstance(raw, dict):
            document.judged.add(part.pointer)
            continue
        document.entered.add(part.pointer)
        for keyword, value in raw.items():
            if keyword in KNOWN or value in ({}, [], True, False):
                document.judged.add(f"{part.pointer}/{keyword}")
