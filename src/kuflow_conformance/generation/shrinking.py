"""What fails, made as small as it can be while it still fails.

Hypothesis draws what is sent, but does not shrink it: its shrinker takes hundreds of attempts, and one attempt here is
several requests to somebody's server. This one knows that the cause is most often a single place of a JSON value: it
halves, and finds one member of sixty in about a dozen attempts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

ATTEMPTS = 60
"""Attempts that shrinking may take, each of a few requests."""

T = TypeVar("T")
Put = Callable[[Any], Any]


class _Spent(Exception):
    """There are no attempts left."""


def shrink(value: T, fails: Callable[[T], bool | None], attempts: int = ATTEMPTS) -> T:
    """The smallest variant of the JSON value found that `fails` still, within so many attempts.

    `fails` returns None for what makes no sense, which is no attempt.
    """
    return _Shrinker(value, fails, attempts).run()  # type: ignore[no-any-return]


def size(value: Any) -> int:
    """Characters of a value as compact JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str))


class _Shrinker:
    def __init__(self, value: Any, fails: Callable[[Any], bool | None], attempts: int) -> None:
        self.best = value
        self._fails = fails
        self._left = attempts
        self._tried: set[str] = set()

    def run(self) -> Any:
        try:
            while True:
                before = size(self.best)
                self._reduce(self.best, lambda part: part)
                if size(self.best) >= before:
                    return self.best
        except _Spent:
            return self.best

    def _try(self, candidate: Any) -> bool:
        """Whether this one fails as well; then it is the best so far."""
        key = json.dumps(candidate, default=str)
        if key in self._tried or size(candidate) >= size(self.best):
            return False
        self._tried.add(key)
        if self._left == 0:
            raise _Spent
        verdict = self._fails(candidate)
        self._left -= verdict is not None
        if verdict:
            self.best = candidate
        return bool(verdict)

    def _reduce(self, value: Any, put: Put) -> Any:
        """Make `value`, which `put` puts in its place in the whole, smaller; returns what became of it."""
        if isinstance(value, dict):
            members = self._fewer([*value.items()], lambda kept: put(dict(kept)))
            names = [name for name, _ in members]
            parts = self._each([part for _, part in members], lambda parts: put(dict(zip(names, parts, strict=True))))
            return dict(zip(names, parts, strict=True))
        if isinstance(value, list):
            return self._each(self._fewer(value, put), put)
        if isinstance(value, str):
            return self._shorter(value, put)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return next((number for number in (0, 1) if self._try(put(number))), value)
        return value

    def _each(self, parts: list[Any], put: Put) -> list[Any]:
        """Make each of the parts smaller."""
        for index in range(len(parts)):
            head, tail = parts[:index], parts[index + 1 :]

            def put_one(part: Any, head: list[Any] = head, tail: list[Any] = tail) -> Any:
                return put([*head, part, *tail])

            parts = [*head, self._reduce(parts[index], put_one), *tail]
        return parts

    def _fewer(self, parts: list[Any], put: Put) -> list[Any]:
        """Leave out as many parts as can be: all, halves, quarters and so on down to each."""
        chunk = len(parts)
        while chunk:
            start = 0
            while start < len(parts):
                fewer = parts[:start] + parts[start + chunk :]
                if self._try(put(fewer)):
                    parts = fewer
                else:
                    start += chunk
            chunk //= 2
        return parts

    def _shorter(self, text: str, put: Put) -> str:
        """The shortest beginning of the text, and of that the shortest end."""
        if not text or self._try(put("")):
            return ""
        text = text[: self._bisect(len(text), lambda length: put(text[:length]))]
        return text[len(text) - self._bisect(len(text), lambda length: put(text[len(text) - length :])) :]

    def _bisect(self, fails: int, at: Callable[[int], Any]) -> int:
        """The least length that fails, if longer ones than that do."""
        passes = 0
        while fails - passes > 1:
            middle = (fails + passes) // 2
            if self._try(at(middle)):
                fails = middle
            else:
                passes = middle
        return fails
