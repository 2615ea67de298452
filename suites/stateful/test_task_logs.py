"""The log of a task: what is appended is kept, in order, up to a bound."""

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.resources import log_entries

LEVELS = ("INFO", "WARN", "ERROR")
LOG_BUDGET = {"core": 120, "full": 260}
"""Entries that the search for the bound of a log may append, by profile."""

LONG_MESSAGE = f"  long\n{'x' * 2000}  "


@pytest.mark.requirement("LOG-001", "LOG-002", "LOG-003", "LOG-006")
def test_log_keeps_what_is_appended(world, evidence):
    key = world.id_of(world.working_task())
    messages = [f"entry {number}: ünïcode \U0001f680" for number in range(5)] + [LONG_MESSAGE]
    for number, message in enumerate(messages):
        level = LEVELS[number % 3]
        appended = world.call("appendProcessItemTaskLog", id=key, body={"message": message, "level": level})
        if appended.refused and message == LONG_MESSAGE:
            messages.remove(message)  # how long a message may be, is not documented
            break
        if not evidence.accepted("LOG-001", appended, "the entry to be appended"):
            return
        for exchange in (appended, world.read_item(key)):
            found = [(entry.get("message"), entry.get("level")) for entry in log_entries(exchange.object)]
            kept = found.count((message, level)) == 1
            evidence.check("LOG-001", exchange, kept, expected=f"one entry {level} {message}", seen=found)
    exchange = world.read_item(key)
    # The workflow may log as well.
    logged = [entry for entry in log_entries(exchange.object) if entry.get("message") in messages]
    shown = [entry.get("message") for entry in logged]
    newest = messages[-len(shown) :]  # where the bound of the log lies, is open
    in_order = bool(shown) and shown in (newest, newest[::-1])
    evidence.check("LOG-002", exchange, in_order, expected=f"the entries in order: {messages}", seen=shown)
    stamps = [parse_instant(entry.get("timestamp")) for entry in logged]
    stamps = stamps if shown == newest else stamps[::-1]
    if in_order and None not in stamps:
        ordered = stamps == sorted(stamps)
        evidence.check("LOG-006", exchange, ordered, expected="timestamps in the order of the entries", seen=stamps)
        created = parse_instant(exchange.object.get("createdAt"))
        if created is not None:
            near = all(abs((stamp - created).total_seconds()) < 600 for stamp in stamps)
            evidence.check("LOG-006", exchange, near, expected=f"timestamps of about {created}", seen=stamps)
    ids = [str(entry.get("id")) for entry in logged]
    evidence.check("LOG-003", exchange, len(set(ids)) == len(ids), expected="an id of its own for each entry", seen=ids)


@pytest.mark.long
@pytest.mark.requirement("LOG-004", "LOG-005")
def test_log_drops_the_oldest(world, evidence, profile):
    budget = LOG_BUDGET[profile]
    key = world.id_of(world.working_task())
    previous = 0
    for number in range(budget):
        exchange = world.call("appendProcessItemTaskLog", id=key, body={"message": f"entry {number}", "level": "INFO"})
        if not exchange.ok:
            evidence.accepted("LOG-004", exchange, "the entry to be appended, whatever the bound")
            return
        shown = [entry.get("message") for entry in log_entries(exchange.object)]
        alone = {f"entry {n}" for n in range(number + 1)}.issuperset(shown)
        if len(shown) == previous and alone:  # what the workflow has logged is dropped first, as it is older
            evidence.observe("LOG-005", f"{previous} entries")
            wanted = {f"entry {n}" for n in range(number + 1 - previous, number + 1)}
            right, seen = set(shown) == wanted, f"without {sorted(wanted - set(shown))[:3]}"
            evidence.check("LOG-004", exchange, right, expected=f"the {previous} newest entries", seen=seen)
            if number > previous + 2:
                return
        elif len(shown) < previous:
            evidence.check("LOG-004", exchange, False, expected=f"{previous} entries or one more", seen=f"{len(shown)}")
            return
        previous = len(shown)
    evidence.observe("LOG-005", f"more than {budget} entries")
    raise NotTested(f"the log takes more than {budget} entries")
