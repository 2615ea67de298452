"""A description as it is judged: its values, where each is written, and which of them a rule has looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from kuflow_conformance.errors import InvalidDescription

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Json(_Loader):  # type: ignore[misc]
    """YAML as JSON has it: dates stay texts."""


_Json.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def escape(name: object) -> str:
    """A name as part of a JSON pointer (RFC 6901 section 3)."""
    return str(name).replace("~", "~0").replace("/", "~1")


def unescape(part: str) -> str:
    """The name that a part of a JSON pointer stands for."""
    return part.replace("~1", "/").replace("~0", "~")


class Text:
    """A file of YAML or JSON: its value, and the line and column of each part of it."""

    def __init__(self, text: str, name: str) -> None:
        """Raises InvalidDescription, with the place, when `text` is not YAML."""
        self.name = name
        loader = _Json(text)
        try:
            self._root = loader.get_single_node()
            self.value = plain(loader.construct_document(self._root)) if self._root is not None else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
            raise InvalidDescription(f"{name}{where}: not valid YAML: {error.problem}") from error
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise InvalidDescription(f"{name}: not valid YAML: {error}") from error
        finally:
            loader.dispose()

    def mark(self, pointer: str) -> tuple[int, int] | None:
        """The line and column, counted from 1, of what a JSON pointer names, or of the nearest thing around it."""
        node, found = self._root, None if self._root is None else self._root.start_mark
        for part in pointer.split("/")[1:]:
            step = _step(node, unescape(part))
            if step is None:
                break
            found, node = step
        return None if found is None else (found.line + 1, found.column + 1)


def _step(node: Any, name: str) -> tuple[Any, Any] | None:
    """Where the member `name` of a YAML node begins, and its node."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if str(key.value) == name:
                return key.start_mark, value
    elif isinstance(node, yaml.SequenceNode) and name.isdigit() and int(name) < len(node.value):
        return node.value[int(name)].start_mark, node.value[int(name)]
    return None


def plain(node: Any) -> Any:
    """A value of YAML as JSON: the names of members are texts."""
    if isinstance(node, dict):
        return {_name(key): plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [plain(item) for item in node]
    return node if node is None or isinstance(node, (str, int, float, bool)) else str(node)


def _name(key: Any) -> str:
    return {True: "true", False: "false"}[key] if isinstance(key, bool) else "null" if key is None else str(key)


class Document:
    """An OpenAPI 3 document, and what of it was judged."""

    def __init__(self, value: Mapping[str, Any], name: str, text: Text | None = None) -> None:
        self.value = value
        self.name = name
        self.text = text
        self.old_dialect = str(value.get("openapi", "")).startswith("3.0")
        """Whether schemas are those of OpenAPI 3.0: `nullable`, boolean exclusive bounds, no siblings of `$ref`."""
        self.judged: set[str] = set()
        """Pointers of what a rule has looked at, as a whole."""
        self.entered: set[str] = set()
        """Pointers of what a rule has looked into, member by member."""
        self.discriminators = frozenset(_discriminators(value))
        """The properties by which schemas tell their subtypes."""
        self._found: dict[str, Any] = {"": value}

    def at(self, pointer: str) -> Any:
        """What a JSON pointer names. Raises KeyError when there is nothing."""
        if pointer not in self._found:
            parent, _, last = pointer.rpartition("/")
            node = self.at(parent)
            if isinstance(node, list) and last.isdigit() and int(last) < len(node):
                self._found[pointer] = node[int(last)]
            elif isinstance(node, Mapping) and unescape(last) in node:
                self._found[pointer] = node[unescape(last)]
            else:
                raise KeyError(pointer)
        return self._found[pointer]

    def mark(self, pointer: str) -> tuple[int, int] | None:
        """Where that is written, if the document was read from a text."""
        return self.text.mark(pointer) if self.text else None

    def cover(self, pointer: str) -> None:
        """Everything below `pointer`, and all that it refers to, was looked at."""
        work = [pointer]
        while work:
            pointer = work.pop()
            if pointer in self.judged:
                continue
            self.judged.add(pointer)
            work += (reference[1:] for reference in references(self.at(pointer)))


def _discriminators(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        discriminator = node.get("discriminator")
        if isinstance(discriminator, Mapping) and "propertyName" in discriminator:
            yield str(discriminator["propertyName"])
        for value in node.values():
            yield from _discriminators(value)
    elif isinstance(node, list):
        for item in node:
            yield from _discriminators(item)


def references(node: Any) -> Iterator[str]:
    """The references within the document, such as ``#/components/schemas/Process``, that a value mentions."""
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith("#"):
            yield reference
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


class At:
    """A part of a document that a rule is looking at."""

    def __init__(self, document: Document, pointer: str) -> None:
        """Follow `pointer`, and the reference that it may lead to."""
        value = document.at(pointer)
        while isinstance(value, Mapping) and isinstance(value.get("$ref"), str):
            document.judged.add(f"{pointer}/$ref")
            pointer = value["$ref"][1:]
            value = document.at(pointer)
        document.entered.add(pointer)
        self.document = document
        self.pointer = pointer
        self.value = value

    def below(self, name: object) -> str:
        """The pointer of a member."""
        return f"{self.pointer}/{escape(name)}"

    def plain(self, name: str, default: Any = None) -> Any:
        """The value of a member, which is thereby judged."""
        if isinstance(self.value, Mapping) and name in self.value:
            self.document.judged.add(self.below(name))
            return self.value[name]
        return default

    def get(self, name: object) -> At | None:
        """A member, to be looked at further."""
        if isinstance(self.value, Mapping) and name in self.value and self.value[name] is not None:
            return At(self.document, self.below(name))
        return None

    def members(self, name: str, *, extensible: bool = False) -> dict[str, At]:
        """The members of a mapping that is a member, to be looked at further; of an extensible one, no extensions."""
        inner = self.value.get(name) if isinstance(self.value, Mapping) else None
        if not isinstance(inner, Mapping):
            return {}
        if not inner:
            self.document.judged.add(self.below(name))
        base = self.below(name)
        return {
            key: At(self.document, f"{base}/{escape(key)}")
            for key in inner
            if not (extensible and key.startswith("x-"))
        }

    def listed(self, name: str) -> list[At]:
        """The items of a list that is a member, to be looked at further."""
        inner = self.value.get(name) if isinstance(self.value, Mapping) else None
        base = self.below(name)
        return [At(self.document, f"{base}/{number}") for number in range(len(inner or ()))]

    def cover(self) -> None:
        """All of it was looked at."""
        self.document.cover(self.pointer)
