"""Texts wherever they are kept: messages, log entries, names and types of documents, what workers are called.

Which texts are too long or too odd is not documented, so that each of them may be refused. What is taken is kept.
"""

import random

import pytest

from kuflow_conformance.generation import values
from kuflow_conformance.generation.shrinking import shrink
from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.documents import parse_reference
from kuflow_conformance.oracles.resources import log_entries
from kuflow_conformance.oracles.values import losses

SAMPLED = {"core": 6, "full": 60}
"""Texts that look like something, drawn for each place, by profile."""

LENGTHS = (65, 256, 1025, 4097, 65_600)
BEYOND_ONE_UNIT = "\U0001f680"
"""One character that UTF-16 writes as two units, and UTF-8 as four bytes."""


def _texts(profile, seed):
    """Texts that have to be taken, then such as may be refused."""
    looking_like_something = [text for text in values.TEXTS if text.strip()]
    sampled = random.Random(seed).sample(looking_like_something, SAMPLED[profile])
    lengths = ["".join(chr(97 + number % 26) for number in range(length)) for length in LENGTHS]
    unusual = [*values.SPACES[:3], *values.ODD_LETTERS, *values.NUL, BEYOND_ONE_UNIT * 4100]
    return sampled, [values.MULTILINE, *lengths, *random.Random(seed).sample(unusual, SAMPLED[profile] // 4)]


def _kept(evidence, requirement, send, texts, ordinary):
    """Send each text; what is taken and lost is shrunk. `send` returns pairs of answers and what they show."""
    for text in texts:
        if _lost(evidence, requirement, send, text, ordinary):
            shrink({"text": text}, lambda smaller: _lost(evidence, requirement, send, smaller.get("text"), False))
            return


def _lost(evidence, requirement, send, text, ordinary):
    """Whether a text is taken and lost; None when it is not taken."""
    if not text:
        return None
    answers = send(text)
    first = answers[0][0]
    if not first.ok:
        if ordinary:
            evidence.accepted(requirement, first, "an ordinary text to be taken")
        elif first.refused:
            evidence.observe("JSV-013", f"{first.operation_id}: a text of {len(text)} characters: {first.status}")
        return None
    right = True
    for exchange, seen in answers:
        lost = "; ".join(losses(text, seen))
        right &= evidence.check(
            requirement, exchange, not lost, expected="the text as it was sent", seen=lost, compared=(text, seen)
        )
    return not right


@pytest.mark.requirement("ITM-004", "JSV-013")
def test_texts_of_messages(world, evidence, profile, seed):
    process = world.scratch_process()
    world.granted(world.message(process))

    def send(text):
        created = world.call("createProcessItem", body=world.message_body(process, message={"text": text}))
        answers = [created, world.read_item(world.id_of(created))] if created.ok else [created]
        return [(exchange, exchange.at("message.text")) for exchange in answers]

    ordinary, unusual = _texts(profile, seed)
    _kept(evidence, "ITM-004", send, ordinary, ordinary=True)
    _kept(evidence, "ITM-004", send, unusual, ordinary=False)


@pytest.mark.requirement("ITM-004", "JSV-013")
def test_data_definition_of_a_message(world, evidence):
    """A code that no definition has may be refused."""

    def send(code):
        message = {"text": "code", "dataStructureDataDefinitionCode": code}
        created = world.call("createProcessItem", body=world.message_body(world.scratch_process(), message=message))
        return [(created, created.at("message.dataStructureDataDefinitionCode") or code)]

    _kept(evidence, "ITM-004", send, ["CONFORMANCE_Ünknown.1"], ordinary=False)


@pytest.mark.requirement("LOG-001", "JSV-013")
def test_texts_of_log_entries(world, evidence, profile, seed):
    key = world.id_of(world.working_task())

    def send(text):
        appended = world.call("appendProcessItemTaskLog", id=key, body={"message": text, "level": "INFO"})
        answers = [appended, world.read_item(key)] if appended.ok else [appended]
        shown = [[entry.get("message") for entry in log_entries(exchange.object)] for exchange in answers]
        return [
            (exchange, text if text in messages else _newest(exchange))
            for exchange, messages in zip(answers, shown, strict=True)
        ]

    ordinary, unusual = _texts(profile, seed + 1)
    _kept(evidence, "LOG-001", send, ordinary, ordinary=True)
    _kept(evidence, "LOG-001", send, unusual, ordinary=False)


def _newest(exchange):
    """The message of the newest entry of a log, whichever way it is sorted."""
    entries = log_entries(exchange.object)
    return max(entries, key=lambda entry: str(entry.get("timestamp")), default={}).get("message")


@pytest.mark.requirement("DOC-002", "JSV-013")
def test_names_and_types_of_documents(world, evidence):
    process = world.scratch_process()
    world.document(process)

    def upload(name, media_type):
        query = {"fileContentType": media_type, "fileName": name}
        return world.call("uploadProcessDocument", id=process, query=query, content=b"conformance")

    def named(name):
        uploaded = upload(name, "text/plain")
        return [(uploaded, (parse_reference(uploaded.at("documentUri")) or {}).get("name"))]

    def typed(media_type):
        uploaded = upload("typed.bin", media_type)
        seen = (parse_reference(uploaded.at("documentUri")) or {}).get("type")
        # Media types are the same in any case (RFC 9110 section 8.3.1).
        same = isinstance(seen, str) and seen.lower() == media_type.lower()
        return [(uploaded, media_type if same else seen)]

    _kept(evidence, "DOC-002", named, values.FILE_NAMES, ordinary=False)
    _kept(evidence, "DOC-002", typed, values.MEDIA_TYPES, ordinary=False)


@pytest.mark.requirement("WRK-003", "JSV-013")
def test_texts_of_workers(world, evidence, profile, seed):
    body = world.worker_body()
    world.granted(world.call("createWorker", body=body))
    texts = [text for text in values.TEXTS if text.strip()]

    def types(name):
        def send(listed):
            registered = world.call("createWorker", body=body | {name: listed})
            return registered, registered.at(name)

        return send

    for name in ("workflowTypes", "activityTypes"):
        _listed(evidence, types(name), texts)

    def queue(text):
        registered = world.call("createWorker", body=body | {"taskQueue": text})
        return [(registered, registered.at("taskQueue"))]

    sampled = random.Random(seed).sample(texts, SAMPLED[profile])
    _kept(evidence, "WRK-003", queue, [*sampled, " around ", BEYOND_ONE_UNIT * 100], ordinary=False)


def _listed(evidence, send, texts):
    """Send a list of texts, without those that are refused; what is lost is shrunk."""

    def lost(listed):
        answer, seen = send(listed)
        if answer.refused:
            return None
        if seen is None:
            return False  # lists are optional in answers
        missing = "; ".join([*losses(listed, seen)][:3])
        expected, compared = "the texts as they were sent", (listed, seen)
        return not evidence.check("WRK-003", answer, not missing, expected=expected, seen=missing, compared=compared)

    verdict = lost(texts)
    if verdict:
        shrink(texts, lambda fewer: lost(fewer) if fewer and all(fewer) else None)
    elif verdict is None and len(texts) > 1:
        for half in (texts[: len(texts) // 2], texts[len(texts) // 2 :]):
            _listed(evidence, send, half)
    elif verdict is None:
        evidence.observe("JSV-013", "createWorker: a type that looks like something else is refused")


@pytest.mark.requirement("WRK-003", "WRK-006")
@pytest.mark.parametrize("name", ["taskQueue", "hostname", "identity", "workflowTypes", "activityTypes"])
def test_lengths_are_counted_in_characters(name, world, evidence):
    """The bound is 255 characters (RFC 8259 section 7, JSON Schema): not units of UTF-16, nor bytes."""
    body = world.worker_body()
    plain = world.call("createWorker", body=body)
    if not plain.ok:
        raise NotTested(f"createWorker answers {plain.describe()[:160]}")
    start = body[name] if name == "identity" else ""
    text = start + BEYOND_ONE_UNIT * (255 - len(start))
    value = [text] if name.endswith("Types") else text
    registered = world.call("createWorker", body=body | {name: value})
    if name == "hostname" and registered.refused:
        return  # which letters the name of a host may have, is another question
    accepted = evidence.accepted("WRK-006", registered, f"{name} of 255 characters beyond U+FFFF to be accepted")
    if accepted and registered.at(name) is not None:  # lists are optional in answers
        evidence.shows("WRK-003", registered, {name: value})
