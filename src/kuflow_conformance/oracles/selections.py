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
    """Values of filters, as (name, value) in the order in which they are sent, a page, and an order if one is asked."""

    filters: tuple[tuple[str, str], ...]
    size: int = MAXIMUM_SIZE
    page: int = 0
    sort: str = ""

    @property
    def query(self) -> list[tuple[str, str]]:
        order = [("sort", self.sort)] if self.sort else []
        return [*self.filters, ("size", str(self.size)), ("page", str(self.page)), *order]

    def matching(self, whole: Collection[str], matches: Callable[[str, str], Collection[str]]) -> set[str]:
        """The rows of `whole` that it selects: any value of a filter, all filters. `matches(name, value)` are those
        that one value of one filter selects."""
        rows = set(whole)
        for name in dict.fromkeys(name for name, _ in self.filters):
            rows &= set().union(*(matches(name, value) for other, value in self.filters if other == name))
        return rows


def filters_by_orders(known: Mapping[str, Sequence[str]], orders: Sequence[str], most: int) -> Iterator[Selection]:
    """Each filter in each of the `orders`; where that is more than `most`, each in every other one of them."""
    names = sorted(name for name, values in known.items() if values)
    step = 1 if len(names) * len(orders) <= most else 2
    for number, name in enumerate(names):
        for position, order in enumerate(orders):
            if (number + position) % step == 0:
                value = known[name][(number + position // 2) % len(known[name])]
                yield Selection(((name, value),), sort=order)


def selections(
    known: Mapping[str, Sequence[str]], single: Collection[str], orders: Sequence[str], seed: int, count: int
) -> Iterator[Selection]:
    """`count` selections from the `known` values of filters; filters that are `single` take one value. Some ask for one
    of the `orders`, such as ``id,desc``.

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
        page = 0 if size == MAXIMUM_SIZE else draw.randint(0, 3)
        yield Selection(tuple(filters), size, page, draw.choice(["", *orders]))
