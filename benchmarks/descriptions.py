"""How long it takes to compare two large descriptions: ``python benchmarks/descriptions.py``.

Each has 14,500 lines: 420 schemas that refer to each other at random, all reachable from each of 150 operations. 60
schemas differ. Prints seconds of processor time.
"""

from __future__ import annotations

import copy
import random
import time
from typing import Any

import yaml

from kuflow_conformance.description.compatibility import judge
from kuflow_conformance.description.compatibility.document import Document, Text

SCHEMAS, OPERATIONS, CHANGED = 420, 150, 60


def description() -> dict[str, Any]:
    chance = random.Random(1)
    schemas: dict[str, Any] = {}
    for number in range(SCHEMAS):
        properties: dict[str, Any] = {}
        for place in range(6):
            other = {"$ref": f"#/components/schemas/S{chance.randrange(SCHEMAS)}"}
            text = {"type": "string", "minLength": 1, "maxLength": 50, "description": "x"}
            listed = {"type": "string", "enum": ["A", "B", "C"]}
            whole = {"type": "integer", "format": "int32", "minimum": 0}
            properties[f"p{place}"] = chance.choice(
                [other, {"type": "array", "items": other}, text, text, listed, whole]
            )
        schemas[f"S{number}"] = {"type": "object", "properties": properties}

    def content(number: int) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/S{number}"}}}

    paths = {
        f"/r{number}": {
            "post": {
                "operationId": f"op{number}",
                "requestBody": {"content": content(number)},
                "responses": {"200": {"description": "", "content": content(number + 1)}},
            }
        }
        for number in range(OPERATIONS)
    }
    info = {"title": "t", "version": "1"}
    return {"openapi": "3.0.3", "info": info, "paths": paths, "components": {"schemas": schemas}}


def main() -> None:
    old = description()
    new = copy.deepcopy(old)
    chance = random.Random(2)
    for number in chance.sample(range(SCHEMAS), CHANGED):
        for schema in new["components"]["schemas"][f"S{number}"]["properties"].values():
            if "maxLength" in schema:
                schema["maxLength"] = chance.choice([40, 60])
            elif "enum" in schema:
                schema["enum"] = ["A", "B", "C", "D"]
    texts = [yaml.safe_dump(document) for document in (old, new)]
    print(f"{len(texts[0].splitlines())} lines")
    for witnesses in (False, True):
        started = time.process_time()
        read = [Text(text, name) for text, name in zip(texts, ("old", "new"), strict=True)]
        judgement = judge(*(Document(text.value, text.name, text) for text in read), witnesses=witnesses)
        found = sum(len(judgement.entries(level)) for level in ("breaking", "new values"))
        spent = time.process_time() - started
        print(f"{'rules and witnesses' if witnesses else 'rules'}: {spent:.1f} s, {found} entries that break clients")


if __name__ == "__main__":
    main()
