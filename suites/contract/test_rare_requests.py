"""Requests that clients seldom send: whatever a target makes of them, it answers, and not with a server error.

Each of these answers is judged as they come, like every answer.
"""

import pytest

NUMBERS = ("2147483647", "2147483648", "9223372036854775808", "1" + "0" * 30, "00", "+1", "1.0", "1e2", "0x10", "", " ")
SORTS = ("", ",", ",desc", "createdAt,", "createdAt,upwards", "createdAt,desc,id", "createdAt;drop", "id,asc,asc", "%")
TEXTS = ("", " ", "\U0001f680\u202eabc", "../../../etc/passwd", "a\r\nX-Injected: 1", "'\"--<b>%s{{7*7}}", "x" * 1500)
BODIES = (
    b"null",
    b"[]",
    b"{}",
    b'"text"',
    b"0",
    b"true",
    b"[[[[{}]]]]",
    b'{"id": null}',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
)


@pytest.mark.long
@pytest.mark.requirement("ANS-001", "ANS-002", "ERR-001")
@pytest.mark.operations("lists")
def test_rare_queries(operation, world):
    for name, values in (("page", NUMBERS), ("size", NUMBERS), ("sort", SORTS)):
        for value in values:
            world.call(operation.id, query={name: value})
    for parameter in operation.query_parameters:
        if parameter.is_array:
            for value in TEXTS:
                world.call(operation.id, query={parameter.name: value})
    world.call(operation.id, query=[("size", "1"), ("size", "2"), ("page", "0"), ("page", "x")])
    world.call(operation.id, query={"conformance-unknown": "1", "": "2"})


@pytest.mark.long
@pytest.mark.requirement("ANS-001", "ANS-002", "ERR-001")
@pytest.mark.operations("with-json-body")
def test_rare_bodies(operation, world):
    call = world.good_call(operation.id)
    for content in BODIES:
        world.send(call, body=None, content=content)
    if isinstance(call.body, dict):
        for name in call.body:
            if name == "identity":
                continue  # a worker cannot be removed again
            for value in (None, [], {}, -1, "", "x" * 5000, "\u0000"):
                world.send(call, body=call.body | {name: value})
