"""JSON values and texts to be saved and read again: such as look like something else, and such as are drawn.

A server that takes a text for a date, a number or a reference, or a name for an index, rewrites it. Each value stands
for a way of looking like something, so that the kinds are complete rather than the values.
"""

from __future__ import annotations

from typing import Any, TypeVar

import hypothesis
from hypothesis import strategies as st

T = TypeVar("T")

TIMESTAMPS = (
    *("2024-06-14", "2024-06-14T10:00:00Z", "2024-06-14T10:00:00.000Z", "2024-06-14T10:00:00.120000+02:00"),
    *("2024-06-14T10:00:00.123456789Z", "2024-06-14T10:00:00", "2024-06-14 10:00:00", "20240614T100000Z"),
    *("2024-06-14T10:00:00-00:00", "2024-06-14T10:00Z", "2024-06-14t10:00:00z", "0001-01-01T00:00:00Z", "2024-02-30"),
    *("10:00:00", "10:00", "2024-W24-5", "Fri, 14 Jun 2024 10:00:00 GMT", "14/06/2024", "06/14/2024", "1718359200"),
    *("/Date(1718359200000)/", "P1DT2H", "2024-06-14T10:00:00+02:00[Europe/Madrid]", "9999-12-31T23:59:59.999Z"),
)
NUMBERS_AS_TEXT = (
    *("0", "1", "007", "1.0", "1.50", "-0", "+1", "1e3", "0x1F", "1,5", "1_000", "1000000000000000000000", ".5"),
    *("NaN", "Infinity", "-Infinity", "9007199254740993", "١٢٣"),
)
WORDS = ("true", "false", "TRUE", "null", "undefined", "None", "yes", "no", "on", "off", "{}", "[]", '""', "[object]")
IDS = (
    *("7A1BF939-4D70-4439-9CED-A3DBBCE12BD7", "7a1bf939-4d70-4439-9ced-a3dbbce12bd7", "urn:uuid:7a1bf939"),
    *("{7a1bf939-4d70-4439-9ced-a3dbbce12bd7}", "7a1bf9394d7044399ceda3dbbce12bd7"),
)
ENCODED = (
    *("aGVsbG8=", "aGVsbG8", "data:text/plain;base64,aGk=", "%41%20+%2B%2f", "a%2Fb", "a+b", "&amp;&lt;&#65;"),
    *(r"\u0041", r"\n", r"C:\temp\new", "=?utf-8?Q?=41?=", '{"a":1}', '[1,"2"]', "a=1&b=2", "a;b,c|d", "'quoted'"),
)
ADDRESSES = (
    *(
        "http://example.com/a?b=c&d=%20#e",
        "HTTP://EXAMPLE.COM:80/A",
        "https://example.com//a//b/",
        "mailto:a@b.example",
    ),
    *("User@EXAMPLE.com", "192.0.2.1", "2001:DB8::1", "+34 600 000 000", "example.com.", "//example.com", "#top"),
)
SPACES = (" ", "  around  ", "\t", "\n", "one\r\ntwo\r\n", "one\rtwo", "one\ntwo\n", "two  spaces", "end ", " begin")
LETTERS = (
    *("ünïcode", "e\u0301", "é", "\u212b", "ﬁ", "ß", "İı", "Ω\u2126", "ключ", "値", "한글", "\u1112\u1161\u11ab"),
    *("\U0001f680", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "a\U0010fffdb", "שלום", "مرحبا"),
)
ODD_LETTERS = (
    *("\u200fright\u200eleft", "\u202eabc\u202c", "\u00a0hard\u00a0", "\u200bzero\u200b", "\ufeffmark", "\u00ad"),
    *("\u2028line\u2029paragraph", "\u0085", "\u007f", "\u0001\u001f", "\b\f\v", "\ufffd", "\ufffe\uffff", "\ue000"),
)
NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 10, 255, 2**31 - 1, 2**31, -(2**31) - 1, 2**32, 2**53 - 1, -(2**53) + 1),
    *(0.1, 1.5, -0.25, 123456.789012, 0.30000000000000004, 1e-7, 100.0, 1e15, 1718359200000),
)
ODD_NUMBERS: tuple[Any, ...] = (
    *(2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30, 1e21, 1e-300, 1.7976931348623157e308, 5e-324, -0.0),
)
STRUCTURES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        "",
        [],
        {},
        [[]],
        [{}],
        [None],
        {"empty": {}},
        {"empty": []},
        {"empty": ""},
        {"nothing": None},
    ),
    *([1], [[1]], ["one"], {"only": {"only": 1}}, [1, "1", True, None, 1.5], [[1, 2], [3]], [{"a": 1}, {"a": None}]),
    *({"list": [None, {"x": None}]}, [0, False, "", None], ["b", "a", "b"], {"b": 1, "a": {"d": 1, "c": 2}}),
    *({"a": {"a": {"a": {"a": {"a": {"a": {"a": [[[[{"a": 1}]]]]}}}}}}}, [[], [[]], [[], [{}]]]),
)
LIKE_THE_API: tuple[Any, ...] = (
    {"value": {"valid": True}, "valid": False, "errors": []},
    {"value": {"value": 1}},
    {"id": "1", "type": "TASK", "createdAt": "x", "tenantId": None},
    {"op": "remove", "path": "/x"},
)
NAMES: tuple[Any, ...] = (
    *({"0": "a", "1": "b"}, {"1": "a", "2": "b"}, {"10": 1, "9": 2}, {"007": 1}, {"-1": 1}, {"-": 1}, {"1.5": 1}),
    *({"a/b": 1}, {"m~n": 1}, {"~0": 1, "~1": 2}, {"%41": 1, "A": 2}, {"Name": 1, "name": 2, "NAME": 3}),
    *({"null": 1, "true": 2}, {"ключ": 1}, {"e\u0301": 1, "é": 2}, {"\U0001f680": 1}, {"with space": 1, " ": 2}),
    *({"snake_case": 1, "kebab-case": 2, "camelCase": 3, "PascalCase": 4, "UPPER_CASE": 5}, {"n" * 130: 1}),
    *({"2024-06-14": 1}, {"length": 3}, {"toString": 1}, {"class": 1, "type": 2, "name": 3}),
)
ODD_NAMES: tuple[Any, ...] = (
    *(
        {"": 1},
        {"": {"": None}},
        {"a.b": 1, "a": {"b": 2}},
        {"a[0]": 1},
        {"$ref": "#/x"},
        {"$where": "1"},
        {"@type": "x"},
    ),
    *({"_id": 1}, {"__proto__": 1}, {"constructor": 1}, {"\u0000": 1}, {"\n": 1}, {'"': 1, "\\": 2}, {"<a>": 1}),
    *({"\ufeff": 1}, {"n" * 3000: 1}),
)
NUL = ("\u0000", "a\u0000b")
MARKUP = (
    "<b>&amp; &lt;'quoted\"</b>",
    "<!-- -->",
    "]]>",
    "../../x",
    "' OR 1=1 --",
    "${x}",
    "{{x}}",
    "#{x}",
    "=1+1",
    "%00",
)
LENGTHS = (65, 256, 1025, 4097)

ORDINARY: dict[str, tuple[Any, ...]] = {
    "structure": STRUCTURES,
    "name": NAMES,
    "number": NUMBERS,
    "timestamp": TIMESTAMPS,
    "number as text": NUMBERS_AS_TEXT,
    "word": WORDS,
    "id": IDS,
    "encoded": ENCODED,
    "address": ADDRESSES,
    "spaces": SPACES,
    "letters": LETTERS,
    "length": tuple("x" * length for length in LENGTHS),
}
"""What has to be taken as it is, by kind."""

UNUSUAL: dict[str, tuple[Any, ...]] = {
    "odd number": ODD_NUMBERS,
    "odd name": ODD_NAMES,
    "odd letters": ODD_LETTERS,
    "NUL": NUL,
    "markup": MARKUP,
    "like the API": LIKE_THE_API,
}
"""What may be refused, by kind: databases, frameworks and firewalls have bounds. What is taken has to be kept."""

TEXTS = (*TIMESTAMPS, *NUMBERS_AS_TEXT, *WORDS, *IDS, *ENCODED, *ADDRESSES, *SPACES, *LETTERS)
"""All texts that have to be taken as they are."""

MULTILINE = "  # Title\r\n\r\n- *one*\n-\ttwo  \n\n" + "\n".join(TEXTS) + "\n\U0001f680  "
"""All of them in one, with spaces and line breaks around."""

FILE_NAMES = (
    *("ünï.txt", "e\u0301.txt", "\U0001f680.txt", "a b.txt", "a+b.txt", "a%20b.txt", "a;b=c.txt", "a&b=c.txt"),
    *("a#b.txt", "a?b.txt", "UPPER.TXT", "none", ".hidden", "two.tar.gz", "'quoted'.txt", 'quoted".txt', "(1).txt"),
    *("[1].txt", "a,b.txt", "a:b.txt", "a|b.txt", "2024-06-14.txt", "null", "1"),
    *("x" * length + ".txt" for length in (97, 251, 996)),
)
MEDIA_TYPES = (
    *("application/json", "text/plain", "image/svg+xml", "application/x-7z-compressed", "x-custom/x-type"),
    *("application/vnd.openxmlformats-officedocument.wordprocessingml.document", f"application/x-{'long' * 30}"),
    *("application/vnd.a.b-c_d+json", "font/woff2", "audio/L16", "application/CSTAdata+xml"),
)

LONG = ("y" * 65_600, "\U0001f680" * 4_100)
"""Texts beyond what columns of databases hold: 65,535 bytes, or 4,000 characters."""


def members(kinds: dict[str, tuple[Any, ...]]) -> dict[str, Any]:
    """All values of these kinds in one object, each under a name that tells its kind."""
    return {f"{kind} {number}": value for kind, values in kinds.items() for number, value in enumerate(values)}


_texts = st.one_of(
    st.sampled_from(TEXTS),
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), max_size=20),
    st.builds(lambda head, tail: head + tail, st.sampled_from(TEXTS), st.sampled_from(TEXTS)),
)
_names = st.one_of(st.sampled_from(list(dict.fromkeys(name for value in NAMES for name in value))), _texts.filter(bool))
_scalars = st.one_of(
    _texts,
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(-1e15, 1e15, allow_subnormal=False).filter(lambda number: number == 0 or abs(number) > 1e-9),
)


def values() -> st.SearchStrategy[Any]:
    """Any JSON that has to be taken as it is."""
    return st.recursive(
        _scalars,
        lambda parts: st.one_of(st.lists(parts, max_size=4), st.dictionaries(_names, parts, max_size=4)),
        max_leaves=6,
    )


def objects(fewest: int = 8, most: int = 16) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects with so many members."""
    return st.dictionaries(_names, values(), min_size=fewest, max_size=most)


def drawn(strategy: st.SearchStrategy[T], count: int, seed: int) -> list[T]:
    """So many values of a strategy; the same seed gives the same ones."""
    found: list[T] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        phases=[hypothesis.Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.given(strategy)
    def collect(value: T) -> None:
        found.append(value)

    collect()
    return found
