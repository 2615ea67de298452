"""Timestamps as RFC 3339 writes them, compared as instants whatever their zone and precision."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)",
)


LONGEST = 64
"""Characters beyond which a text is no timestamp."""


def parse_instant(value: object) -> datetime | None:
    """The instant that an RFC 3339 timestamp names, cut to microseconds, in UTC; None when it names none."""
    return _parse(value) if isinstance(value, str) and len(value) <= LONGEST else None


@lru_cache(maxsize=65536)  # lists show the same rows again and again
def _parse(text: str) -> datetime | None:
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    *numbers, fraction, zone = match.groups()
    year, month, day, hour, minute, second = map(int, numbers)
    leap = second == 60
    try:
        moment = datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=UTC)
        offset = timedelta()
        if zone not in "Zz":
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
            offset = -offset if zone[0] == "-" else offset
        return moment + timedelta(seconds=int(leap), microseconds=int((fraction or "")[:6].ljust(6, "0"))) - offset
    except (ValueError, OverflowError):
        return None
