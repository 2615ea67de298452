"""Target files and flags: every mistake is one line that names the key and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from kuflow_conformance import files
from kuflow_conformance.errors import InvalidTarget
from kuflow_conformance.target import target_file as target

EXAMPLE = files.data("targets/example.toml")


def test_example_is_valid():
    loaded = target.load(EXAMPLE, {})
    assert loaded.base_url == "https://api.staging.example.com/v2024-06-14"
    assert loaded.test_bed.tasks[0].code == "REVIEW"


def test_flags_win_over_the_file():
    loaded = target.load(EXAMPLE, {"target.base-url": "http://127.0.0.1:1/v2024-06-14/", "http.read-timeout": "5"})
    assert (loaded.base_url, loaded.http.read_timeout) == ("http://127.0.0.1:1/v2024-06-14", 5.0)


def test_flags_alone_suffice():
    loaded = target.load(None, {"target.base-url": "http://a/v2024-06-14", "auth.user": "u", "auth.password-env": "P"})
    assert loaded.auth.type == "basic"


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("target.base-url", "ftp://x", "target.base-url = 'ftp://x': expected an http or https URL"),
        ("target.base-url", "http://", "expected an http or https URL"),
        ("target.base-url", "http://a/?x=1", "without query or fragment"),
        ("http.rate-limit", "-1", "http.rate-limit = '-1': input should be greater than 0"),
        ("http.read-timeout", "0", "greater than 0"),
        ("http.verify", "maybe", "valid boolean"),
        ("http.ca-bundle", "/nowhere.pem", "/nowhere.pem is not a file"),
        ("auth.type", "digest", "'basic', 'bearer', 'oauth2' or 'none'"),
        ("auth.type", "oauth2", "oauth2 needs token-url, client-id and client-secret-env"),
        ("test-bed.robot-id", "x", "expected a UUID"),
        ("test-bed.robott-id", "x", "test-bed.robott-id: there is no such key"),
        ("nonsense", "1", "nonsense: there is no such key"),
    ],
)
def test_mistakes_are_one_line(key, value, complaint):
    with pytest.raises(InvalidTarget) as caught:
        target.load(EXAMPLE, {key: value})
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("auth.password-env", "s3cr3t-p4ss!"), ("target.base-url", "http://user:s3cr3t-p4ss!@host/v2024-06-14")],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(key, value):
    with pytest.raises(InvalidTarget) as caught:
        target.load(EXAMPLE, {key: value})
    assert "s3cr3t" not in str(caught.value)


def test_what_is_missing_is_named():
    with pytest.raises(InvalidTarget, match=r"target.base-url: missing.*--url.*auth: missing.*--user"):
        target.load(None, {})


@pytest.mark.parametrize("content", ["= 3", "[target", "\x00"])
def test_no_toml(content, tmp_path: Path):
    path = tmp_path / "t.toml"
    path.write_text(content)
    with pytest.raises(InvalidTarget, match="not valid TOML"):
        target.load(path, {})


def test_unset_secret_is_named(monkeypatch):
    monkeypatch.delenv("KUFLOW_TOKEN", raising=False)
    with pytest.raises(InvalidTarget, match="KUFLOW_TOKEN"):
        target.load(EXAMPLE, {}).auth.header()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http.rate-limit=10", ("http.rate-limit", 10)),
        ("test-bed.group-ids=['a']", ("test-bed.group-ids", ["a"])),
        ("test-bed.principal-email=a@b.c", ("test-bed.principal-email", "a@b.c")),
    ],
)
def test_settings(text, expected):
    assert target.parse_setting(text) == expected


def test_setting_without_value():
    with pytest.raises(InvalidTarget, match="KEY=VALUE"):
        target.parse_setting("http.rate-limit")
