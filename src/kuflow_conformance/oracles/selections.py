"""Lists as algebra: what filters select, and selections drawn at random from what there is."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kuflow_conformance.oracles.lists import MAXIMUM_SIZE

SIZES = (MAXIMUM_SIZE, MAXIMUM_SIZE, 1, 2, 7)
"""Sizes of pages, the largest more often: there, everything shows."""


@dataclass(frozen=True)
class Selection:
    """Values of filters, as (name, value) in the order in which they are sent, and a page."""

    filters: tuple[tuple[str, str], ...]
    size: int = MAXIMUM_SIZE
    page: int = 0

    @property
    def query(self) -> list[tuple[str, str]]:
        return [*self.filters, ("size", str(self.size)), ("page", str(self.page))]

    def matching(self, whole: Collection[str], matches: Callable[[str, str], Collection[str]]) -> set[str]:
        """The rows of `whole` that it selects: any value of a filter, all filters. `matches(name, value)` are those
        that one value of one filter selects."""
        rows = set(whole)
        for name in {name for name, _ in self.filters}:
            rows &= set().union(*(matches(name, value) for other, value in self.filters if other == name))
        return rows


def selections(
    known: Mapping[str, Sequence[str]], single: Collection[str], seed: int, count: int
) -> Iterator[Selection]:
    """`count` selections from the `known` values of filters; filters that are `single` take one value.

    Values come in any order, repeated, and together with values that match nothing, if those are known.
    """
    draw = random.Random(seed)
    names = sorted(name for name, values in known.items() if values)
    for _ in range(count if names else 0):
        filters = []
        for name in draw.sample(names, draw.randint(1, min(3, len(names)))):
            number = 1 if name in single else draw.randint(1, 4)
            filters += [(name, draw.choice(known[name])) for _ in range(number)]
        draw.shuffle(filters)
        size = draw.choice(SIZES)
        yield Selection(tuple(filters), size, 0 if size == MAXIMUM_SIZE else draw.randint(0, 3))
