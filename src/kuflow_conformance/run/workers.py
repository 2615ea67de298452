"""How many processes test at once, when the user does not say."""

from __future__ import annotations

import os

MAXIMUM_WORKERS = 8
"""Processes that test at once unless the user asks for more: a target is not to be overrun."""

WORK_PER_REQUEST = 0.01
"""Seconds of answering up to which a process has about as much to do itself, on a slow core."""


def workers_for(latency: float) -> int:
    """How many processes keep the cores busy while answers take `latency` seconds each."""
    cores = min(4, os.cpu_count() or 1)
    return max(cores, min(MAXIMUM_WORKERS, round(cores * latency / WORK_PER_REQUEST)))
