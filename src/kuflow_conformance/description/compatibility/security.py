"""Rules on credentials: which a client needs, and how it gets and shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kuflow_conformance.description.compatibility.document import At, Document, escape

if TYPE_CHECKING:
    from kuflow_conformance.description.compatibility.operations import Walk

_SHOWN = {"apiKey": ("in", "name"), "http": ("scheme",), "openIdConnect": ("openIdConnectUrl",)}
_URLS = ("authorizationUrl", "tokenUrl", "refreshUrl", "deviceAuthorizationUrl")


def compare(walk: Walk, old: At, new: At) -> None:
    """Compare what two operations demand: alternatives, each of schemes that all are needed."""
    before, after = _demanded(walk.old, walk.new, old), _demanded(walk.new, walk.old, new)
    for choice in before:
        if not any(_enough(choice, other) for other in after):
            named = _words(choice)
            walk.add("breaking", "security", named, "it is not enough any more", "clients use it", old, new, "security")
    for choice in after:
        if not any(_enough(other, choice) for other in before):
            named = _words(choice)
            walk.add("compatible", "security-added", named, "it is accepted now", "a choice more", old, new, "security")


Choice = dict[Any, tuple[str, frozenset[str]]]
"""How credentials are shown → the name of the scheme and the scopes that are needed."""


def _enough(have: Choice, demanded: Choice) -> bool:
    """Whether credentials are at least what is demanded."""
    return all(key in have and scopes <= have[key][1] for key, (_, scopes) in demanded.items())


def _words(choice: Choice) -> str:
    named = (f"{name} ({', '.join(sorted(scopes))})" if scopes else name for name, scopes in choice.values())
    return " and ".join(sorted(named)) or "no credentials"


def _demanded(document: Document, other: Document, operation: At) -> list[Choice]:
    whole = At(document, "")
    at = operation if "security" in operation.value else whole
    found = []
    for choice in at.plain("security") or [{}]:
        found.append(
            {_identity(document, other, name): (name, frozenset(scopes or ())) for name, scopes in choice.items()}
        )
    return found


def _identity(document: Document, other: Document, name: str) -> Any:
    """What tells a scheme from another: how it is shown, and its name where both descriptions know that."""
    try:
        scheme = At(document, f"/components/securitySchemes/{escape(name)}")
    except KeyError:
        return ("unknown", name)
    kind = scheme.plain("type")
    scheme.plain("bearerFormat")
    shown: list[Any] = [kind]
    for key in _SHOWN.get(str(kind), ()):
        value = str(scheme.plain(key, ""))
        lowered = key == "scheme" or (key == "name" and scheme.value.get("in") == "header")
        shown.append(value.lower() if lowered else value)
    return tuple(shown), name if name in _schemes(other) else None


def flows(walk: Walk) -> None:
    """Compare how tokens are got from an OAuth2 server: the flows of the schemes that have the same name."""
    before, after = (_schemes(document) for document in (walk.old, walk.new))
    for name, scheme in before.items():
        other = after.get(name)
        if other is None or scheme.value.get("type") != "oauth2" or other.value.get("type") != "oauth2":
            continue
        one, two = scheme.members("flows"), other.members("flows")
        for flow, at in one.items():
            place = f"{name} {flow}"
            if flow not in two:
                at.cover()
                walk.add("breaking", "security-flow-removed", place, "it is gone", "clients get their tokens so", at)
                continue
            for key in _URLS:
                url, url_now = at.plain(key), two[flow].plain(key)
                if url != url_now and url is not None:
                    what = f"{key} {url} is now {url_now}"
                    walk.add(
                        "breaking", "security-flow", place, what, "clients get their tokens there", at, two[flow], key
                    )
            scopes, scopes_now = (set(f.plain("scopes") or ()) for f in (at, two[flow]))
            for scope in sorted(scopes - scopes_now):
                text = f"the scope {scope} is gone", "clients ask for it"
                walk.add("breaking", "security-scope-removed", place, *text, at, two[flow], "scopes")
            for scope in sorted(scopes_now - scopes):
                text = f"the scope {scope} is new", "nobody asks for it yet"
                walk.add("compatible", "security-scope-added", place, *text, at, two[flow], "scopes")
        for flow, at in two.items():
            if flow not in one:
                at.cover()
                walk.add("compatible", "security-flow-added", f"{name} {flow}", "it is new", "a choice more", None, at)


def _schemes(document: Document) -> dict[str, At]:
    components = document.value.get("components")
    if not isinstance(components, Mapping):
        return {}
    return At(document, "/components").members("securitySchemes")
