"""The second way to judge: values that are right by one description are tried on the other.

What clients send was right by the old one and has to be right by the new one; what they receive is possible by the new
one and has to be possible by the old one. A value for which that does not hold is a *witness*. The search is
deterministic: guesses at the edges of both schemas first, then Hypothesis with a fixed seed and a bound.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from kuflow_conformance.description.compatibility.alternatives import split
from kuflow_conformance.description.compatibility.findings import Finding, Level
from kuflow_conformance.description.compatibility.flat import Node
from kuflow_conformance.description.compatibility.operations import Change, Occurrence, Walk, ways
from kuflow_conformance.description.compatibility.samples import Samples, size
from kuflow_conformance.description.compatibility.schemas import Comparison, Pair
from kuflow_conformance.description.compatibility.strategies import FEW, MANY, Strategies

SEARCHED = 150
"""Pairs of schemas on which Hypothesis is let loose; on further ones only the edges are tried."""

TRIED = 400
"""Guesses that are tried on a pair."""

SHOWN = 160
"""Characters of a witness that are shown."""

AGREE_NOT = "no message found that shows it"


@dataclass(frozen=True)
class Witness:
    """A value that shows a break, and the keywords that refuse it."""

    value: Any
    keywords: frozenset[str]
    exclusive: bool
    """Whether it is refused only because several alternatives of a `oneOf` fit."""


class Search:
    """Looks for witnesses of pairs of schemas, in one direction."""

    def __init__(self, comparison: Comparison, *, pins: bool) -> None:
        self.comparison = comparison
        self.smaller = comparison.old if comparison.sent else comparison.new
        self.larger = comparison.new if comparison.sent else comparison.old
        self.samples = Samples(self.smaller, pins=pins)
        self.strategies = Strategies(self.samples)
        self.left = SEARCHED
        self.told: dict[tuple[int, Finding], str] = {}
        """What was said of a finding, wherever it occurs."""
        self._found: dict[int, list[Witness]] = {}

    def sides(self, pair: Pair) -> tuple[Node, Node]:
        """The node whose values are tried, and the one that they are tried on."""
        return (pair.old, pair.new) if self.comparison.sent else (pair.new, pair.old)

    def shows(self, pair: Pair, value: Any) -> bool:
        """Whether a value is right by the one schema and wrong by the other."""
        smaller, larger = self.sides(pair)
        right = self.comparison.values.valid(self.smaller, smaller, value)
        return right and not self.comparison.allowed(pair, self.larger, larger, value)

    def witnesses(self, pair: Pair) -> list[Witness]:
        """What shows that the pair breaks clients, the smallest first."""
        if id(pair) not in self._found:
            self._found[id(pair)] = self._search(pair)
        return self._found[id(pair)]

    def _search(self, pair: Pair) -> list[Witness]:
        smaller, larger = self.sides(pair)
        found: list[Any] = []
        guesses = self.samples.candidates(smaller, self.larger, larger)
        for _, value in zip(range(TRIED), guesses, strict=False):
            if self.shows(pair, value):
                found.append(value)
        harmful = any(f.level in ("breaking", "new values") or f.undecided for f in pair.findings)
        if not found and self.left > 0 and (harmful or pair.rewritten or pair.findings):
            self.left -= 1
            shown = self.strategies.find(smaller, lambda value: self.shows(pair, value), MANY if harmful else FEW)
            found += shown or ()
        unique = {size(value): value for value in found}
        return [self._witness(pair, value) for _, value in sorted(unique.items(), key=lambda item: item[0])]

    def _witness(self, pair: Pair, value: Any) -> Witness:
        _, larger = self.sides(pair)
        keywords = self.comparison.values.keywords(self.larger, larger, value)
        relaxed = self.comparison.values.valid(self.larger, larger, value, relaxed=True)
        return Witness(value, keywords, relaxed)

    def message(self, occurrence: Occurrence, witness: Witness) -> Any:
        """The witness in the nearest object around it that shows the break as well."""
        value, way = witness.value, occurrence.way
        while way is not None and way.above is not None:
            if isinstance(value, dict) and not way.step.startswith(" "):
                break
            try:
                around = self._around(way.above.pair, way.step, value)
            except LookupError:
                break
            if around is None or not self.shows(way.above.pair, around[0]):
                break
            if isinstance(around[0], dict) and size(around[0])[0] > SHOWN:
                return Cut({way.step[1:]: value})
            value, way = around[0], way.above
        return value

    def _around(self, parent: Pair, step: str, value: Any) -> tuple[Any] | None:
        """A value of the parent that has `value` where the step leads."""
        node, _ = self.sides(parent)
        flat = self.smaller.flat((split(self.smaller, node) or [node])[0])
        if step == "" or (step.startswith(" ") and not step.startswith((" names", " with", " then", " else"))):
            return (value,)
        if re.fullmatch(r"\[\d*\]", step):
            position = int(step[1:-1] or 0) if step != "[]" else len(flat.first)
            items = self.samples.array(flat, max(position + 1, int(flat.bounds.get("minItems", 0))))
            items[position] = value
            return (items,)
        if step.startswith("/") and not step.startswith(("/~", "/*")):
            return ({**self.samples.object(flat, flat.required - {step[1:]}), step[1:]: value},)
        if step == "/*":
            return ({**self.samples.object(flat, flat.required), "other": value},)
        return None


def shown(walk: Walk) -> None:
    """Add witnesses to the changes of schemas, and the breaks that no rule has named."""
    pins = walk.old.discriminators == walk.new.discriminators
    searches = {sent: Search(walk.comparison(sent), pins=pins) for sent in (True, False)}
    walk.occurrences = [_with_witness(searches, occurrence) for occurrence in walk.occurrences]
    _unnamed(walk, searches)


def _with_witness(searches: dict[bool, Search], occurrence: Occurrence) -> Occurrence:
    finding, pair, change = occurrence.finding, occurrence.pair, occurrence.change
    if finding is None or pair is None or not finding.shown:
        return occurrence
    if change.level not in ("breaking", "new values") and not finding.undecided:
        return occurrence
    search = searches[pair.sent]
    found = [witness for witness in search.witnesses(pair) if not witness.exclusive or finding.kind == "alternative"]
    if not found:
        return replace(occurrence, change=replace(change, note=AGREE_NOT))
    key = id(pair), finding
    if key not in search.told:
        best = _best(found, finding.kind, change)
        search.told[key] = words(search.message(occurrence, best), sent=pair.sent)
    text = search.told[key]
    if finding.undecided:
        change = replace(change, level="breaking", reason="the search shows it")
    return replace(occurrence, change=replace(change, witness=text))


_KEYWORDS = {
    "enum": {"enum", "const"},
    "type": {"type", "falseSchema"},
    "format": {"format", "minimum", "maximum"},
    "pattern": {"pattern"},
    "property-required": {"required", "dependentRequired"},
    "property-optional": {"required", "dependentRequired"},
    "additional-properties": {"additionalProperties", "falseSchema"},
}


def _best(found: list[Witness], kind: str, change: Change) -> Witness:
    """The smallest witness that is refused for what the finding says."""
    wanted = _KEYWORDS.get(kind) or {change.what.partition(" ")[0]}
    fitting = [witness for witness in found if witness.keywords & wanted]
    if kind == "enum":
        value = change.place.rpartition(" ")[2]
        fitting = [w for w in fitting if str(w.value) == value] or fitting
    elif kind.startswith("property-"):
        name = change.place.rpartition("/")[2]
        missing = kind == "property-required"
        fitting = [w for w in fitting if isinstance(w.value, dict) and (name not in w.value) == missing] or fitting
    return (fitting or found)[0]


class Cut(dict[str, Any]):
    """The member of an object that matters; the rest would be too long to show."""


def words(value: Any, *, sent: bool) -> str:
    """A witness as a sentence."""
    text = json.dumps(value, ensure_ascii=False)
    text = f"{text[:-1]}, …}}" if isinstance(value, Cut) else text
    text = text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"
    return f"{text} was accepted and is refused now" if sent else f"{text} could not come and may come now"


def _unnamed(walk: Walk, searches: dict[bool, Search]) -> None:
    """Look where the rules object to nothing, though something differs."""
    named = {id(o.pair) for o in walk.occurrences if o.change.level in ("breaking", "new values") and o.pair}
    for operation, place, root in list(walk.reported):
        for way, where in reversed(list(ways(root, place))):
            pair = way.pair
            if not (pair.findings or pair.rewritten) or any(id(below) in named for below in pair.closure()):
                continue
            found = searches[pair.sent].witnesses(pair)
            if not found:
                continue
            named.add(id(pair))
            exclusive = all(witness.exclusive for witness in found)
            best = next((w for w in found if not w.exclusive), found[0])
            occurrence = Occurrence(Change("breaking", "found", operation, where, "", ""), pair, None, way)
            text = words(searches[pair.sent].message(occurrence, best), sent=pair.sent)
            if exclusive:
                what, reason = "two alternatives may fit at once", "oneOf allows only one"
            else:
                what, reason = "the search has found it", "no rule names it"
            level: Level = "risky" if exclusive else "breaking"
            note = "" if exclusive else "the rules see no break"
            pointers = _pointer(pair.old), _pointer(pair.new)
            change = Change(level, "found", operation, where, what, reason, *pointers, text, note)
            walk.occurrences.append(replace(occurrence, change=change))


def _pointer(node: Node) -> str:
    return next((part.pointer for part in node if not part.pointer.startswith("!")), "")
