"""Events as they arrive at a receiver of webhooks: what they say, and which are the same event delivered again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from kuflow_conformance.target.exchange import Exchange, parse_json

Key = tuple[str, str, str]
"""Type of an event, the id of what it is about in lower case, and the state that it says that has now."""


def event_of(exchange: Exchange) -> dict[str, Any]:
    """The event that a request to the receiver carries; empty when it is none."""
    event = parse_json(exchange.request_body)
    return event if isinstance(event, dict) else {}


def data_of(exchange: Exchange) -> dict[str, Any]:
    """The data of the event; empty when it has none."""
    data = event_of(exchange).get("data")
    return data if isinstance(data, dict) else {}


def key_of(exchange: Exchange) -> Key:
    """What tells two events of one run apart."""
    data, type_ = data_of(exchange), str(event_of(exchange).get("type"))
    subject = str(data.get("processItemId") or data.get("processId")).lower()
    state = data.get("processState") or ("" if type_ == "PROCESS_ITEM.CREATED" else data.get("processItemState"))
    return type_, subject, state or ""


def concerning(processes: Collection[str], arrived: Sequence[Exchange]) -> list[Exchange]:
    """Those events that are about these processes and their items."""
    wanted = {process.lower() for process in processes}
    return [exchange for exchange in arrived if str(data_of(exchange).get("processId")).lower() in wanted]


def once_each(arrived: Sequence[Exchange]) -> list[Exchange]:
    """Without events that came before with the same id and content: how often one is delivered, is open."""
    return list({str(event_of(exchange)): exchange for exchange in reversed(arrived)}.values())[::-1]
