"""JSON values, documents and pointers that clients seldom send: they are answered, and not with a server error."""

import json

import pytest

TEXTS = ("", " ", "\U0001f680\u202eabc", "../../../etc/passwd", "a\r\nX-Injected: 1", "'\"--<b>%s{{7*7}}", "x" * 1500)
REFERENCES = (
    "kuflow-file:",
    "kuflow-file:uri=;",
    "kuflow-file:uri=%00;type=;size=-1;name=;",
    "kuflow-file;uri",
    "http://x/",
)
POINTERS = ("~", "/~2", "name", "/", "//", "/0/-1/-", "/" * 200, "#/name")
VALUES = {
    "deep": json.loads("[" * 90 + "]" * 90),
    "numbers": [1e308, -1e-308, 10**40, -0.0],
    "names": {"": 0, "\u0000": 1, "a" * 3000: 2, "__proto__": {"x": 1}, "constructor": 3, "$where": "1"},
    "surrogate": "\ud800",
    "wide": {str(n): n for n in range(2000)},
}


@pytest.mark.requirement("ANS-001", "ANS-002", "ERR-001", "ERR-012")
def test_rare_values(holder):
    for value in VALUES.values():
        holder.put({"conformance": value})
        holder.apply([{"op": "add", "path": "/conformance", "value": value}])
    holder.get()


@pytest.mark.long
@pytest.mark.requirement("ANS-001", "ANS-002", "ERR-001")
def test_rare_documents(world):
    process = world.scratch_process()
    for text in TEXTS:
        for query in ({"fileContentType": text, "fileName": "x"}, {"fileContentType": "text/plain", "fileName": text}):
            world.call("uploadProcessDocument", id=process, query=query, content=b"rare")
    for reference in (*REFERENCES, *TEXTS):
        world.call("downloadProcessDocument", id=process, query={"documentUri": reference})
    task = world.scratch_task()
    for pointer in (*POINTERS, *TEXTS):
        world.call("downloadProcessItemTaskDataWebformsAsDocument", id=task, query={"propertyPath": pointer})
