"""The two ways to judge schemas agree: by rules on structure, and by a search for values that show a break."""

from __future__ import annotations

import os
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_compatibility import describe

from kuflow_conformance.description import compatibility

PAIRS = int(os.environ.get("COMPATIBILITY_PAIRS", "50"))
"""Random pairs of schemas that are judged; 1000 at night."""

_small = st.integers(0, 4)
_types = ("string", "integer", "number", "boolean", "object", "array")


@st.composite
def schemas(draw, depth=2):
    """A schema of OpenAPI 3.1 of a few keywords."""
    kinds = _types if depth else _types[:4]
    kind = draw(st.sampled_from(kinds + (("anyOf", "ref", "null") if depth else ())))
    if kind == "anyOf":
        return {draw(st.sampled_from(["anyOf", "allOf"])): draw(st.lists(schemas(depth=0), min_size=1, max_size=3))}
    if kind == "ref":
        return {"$ref": f"#/components/schemas/{draw(st.sampled_from(['Text', 'ShortText', 'Tree', 'ThinTree']))}"}
    if kind == "null":
        return {"type": [draw(st.sampled_from(_types[:4])), "null"]}
    schema = {"type": kind}
    for keyword, values in _keywords(kind, depth).items():
        if draw(st.booleans()) and draw(st.booleans()):
            schema[keyword] = draw(values)
    return schema


def _keywords(kind, depth):
    if kind == "string":
        return {
            "minLength": _small,
            "maxLength": st.integers(2, 6),
            "enum": st.lists(st.sampled_from(["x", "y", "zzz"]), min_size=1, unique=True),
            "pattern": st.sampled_from(["^x", "^[a-z]*$", "^[a-y]*$"]),
            "format": st.sampled_from(["uuid", "date"]),
        }
    if kind in ("integer", "number"):
        return {
            "minimum": _small,
            "maximum": st.integers(4, 9),
            "exclusiveMaximum": st.integers(4, 9),
            "multipleOf": st.sampled_from([1, 2, 3]),
            "format": st.sampled_from(["int32", "int64"]) if kind == "integer" else st.just("double"),
        }
    if kind == "array":
        return {
            "items": schemas(depth=depth - 1),
            "minItems": _small,
            "maxItems": st.integers(2, 5),
            "uniqueItems": st.booleans(),
            "prefixItems": st.lists(schemas(depth=0), min_size=1, max_size=2),
        }
    if kind == "object":
        inner = schemas(depth=depth - 1)
        return {
            "properties": st.dictionaries(st.sampled_from(["b", "c", "d"]), inner, min_size=1),
            "required": st.lists(st.sampled_from(["b", "c"]), unique=True),
            "additionalProperties": st.booleans() | schemas(depth=0),
            "minProperties": st.integers(0, 2),
            "maxProperties": st.integers(2, 4),
        }
    return {}


@st.composite
def changed(draw, schema):
    """The schema with one thing changed, somewhere."""
    schema = dict(schema)
    within = [key for key in ("items", "properties", "anyOf", "allOf") if schema.get(key)]
    if within and draw(st.booleans()):
        key = draw(st.sampled_from(within))
        if key == "items":
            return schema | {key: draw(changed(schema[key]))}
        if key == "properties":
            name = draw(st.sampled_from(sorted(schema[key])))
            if draw(st.booleans()):
                return schema | {key: {n: s for n, s in schema[key].items() if n != name}}
            return schema | {key: schema[key] | {name: draw(changed(schema[key][name]))}}
        place = draw(st.integers(0, len(schema[key]) - 1))
        return schema | {key: [*schema[key][:place], draw(changed(schema[key][place])), *schema[key][place + 1 :]]}
    kind = schema.get("type")
    keywords = _keywords(kind, 1) if isinstance(kind, str) else {}
    if not keywords or (draw(st.booleans()) and draw(st.booleans())):
        return draw(schemas(depth=1))
    keyword = draw(st.sampled_from(sorted(keywords)))
    if keyword in schema and draw(st.booleans()):
        del schema[keyword]
    else:
        schema[keyword] = draw(keywords[keyword])
    return schema


@st.composite
def pairs(draw):
    old = draw(schemas())
    return old, draw(changed(old))


@settings(max_examples=PAIRS, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(pairs(), st.booleans())
def test_rules_and_search_agree(pair, sent):
    documents = [describe("3.1", schema, sent=sent) for schema in pair]
    judgement = compatibility.judge(*documents, witnesses=True)
    unnamed = [change for change in judgement.changes if change.kind == "found" and change.level == "breaking"]
    assert not unnamed, (pair, judgement.changes)


def test_recursion_among_many_schemas_is_cheap():
    names = [f"S{number}" for number in range(12)]

    def schemas_of(most):
        properties = {name: {"$ref": f"#/components/schemas/{name}"} for name in names}
        return {
            name: {"type": "object", "properties": {**properties, "t": {"type": "string", "maxLength": most}}}
            for name in names
        }

    documents = [describe("3.0", {"$ref": "#/components/schemas/S0"}, sent=True) for _ in range(2)]
    for document, most in zip(documents, (9, 8), strict=True):
        document["components"] = {"schemas": schemas_of(most)}
    started = time.process_time()
    judgement = compatibility.judge(*documents)
    assert time.process_time() - started < 2
    assert len({change.old for change in judgement.of("breaking")}) == 12
