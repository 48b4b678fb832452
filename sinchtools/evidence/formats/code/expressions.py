"""What the expressions of code are worth: names, texts, lists and tables."""

from __future__ import annotations

import re
from collections import ChainMap
from typing import Any
from urllib.parse import urlsplit

from sinchtools.evidence.formats.code import drafts, libraries, syntax
from sinchtools.evidence.formats.code.languages import KINDS
from sinchtools.evidence.formats.code.libraries import CONSTANTS, plain
from sinchtools.evidence.formats.code.syntax import Node, child, inner, text_of
from sinchtools.evidence.formats.code.values import (
    Body,
    Builder,
    Draft,
    Hole,
    View,
    as_text,
    formatted,
    is_too_large,
)
from sinchtools.evidence.pieces import words

MOST_STEPS = 100_000
DEEPEST = 90
MOST_ITEMS = 20_000
SELF = ("this", "self", "static", "parent", "cls")
_STATEMENT = re.compile(
    r"block|program|module|source_file|compilation_unit|body|statements|statement_list"
    r"|declaration_list|function|lambda|class|method_decl"
    r"|^(?:try|if|for|while|with|using|foreach|do)_|clause|^method$"
)
_KEYS = words("computed_property_name literal_element bracketed_argument_list argument")
_LITERAL = {"true": True, "false": False}


class Expressions:
    """The values of the nodes of a tree, each kind by the method of its name in `syntax.KINDS`."""

    def __init__(self, language: str, root: Node) -> None:
        self.language, self.root = language, root
        self.drafts: list[Draft] = []  # in the order in which they were made
        self.names: ChainMap[str, Any] = ChainMap({})
        self.fields: dict[str, Any] = {}
        self.functions: dict[str, Node] = {}
        self.classes: dict[str, Node] = {}  # class to what builds it
        self.called: set[str] = set()
        self.done: set[int] = set()
        self.implicit: list[Any] = []
        self.heredocs: dict[int, Node] = {}
        self.tags: dict[str, str] = {}
        self.steps = self.depth = 0
        self.returned: Any = None

    def value(self, node: Node) -> Any:
        """Return what a node is worth."""
        self.steps += 1
        if node is None or self.steps > MOST_STEPS or self.depth > DEEPEST:
            return Hole("value")
        self.depth += 1
        try:
            return getattr(self, f"_{KINDS.get(node.type, 'children')}")(node)
        finally:
            self.depth -= 1

    def _draft(self, node: Node, row: Any) -> Draft:
        draft = Draft(library=row, is_client=bool(row and row.client), order=len(self.drafts))
        self.drafts.append(draft)
        self._touch(draft, node)
        return draft

    def _touch(self, draft: Draft, node: Node) -> None:
        while node.parent is not None and not _STATEMENT.search(node.parent.type):
            node = node.parent
        first, last = node.start_point.row + 1, node.end_point.row + 1
        if node.end_point.column == 0 and last > first:
            last -= 1
        lines = (first, last)
        if lines not in draft.lines:
            draft.lines.append(lines)

    def _children(self, node: Node) -> Any:
        last: Any = Hole("value")
        values = inner(node)
        for one in values:
            last = self.value(one)
        return last if len(values) == 1 else last if isinstance(last, Draft) else Hole("value")

    def _comment(self, node: Node) -> Any:
        return None

    def _text(self, node: Node) -> Any:
        parts: list[str] = []
        for part in syntax.text_parts(node, self.heredocs):
            if isinstance(part, str) and parts and parts[-1] == "$" and self.language == "kotlin":
                name = re.match(r"\w*", part)
                word = name[0] if name else ""
                parts[-1:] = [as_text(self._named(word)) if word else "$", part[len(word) :]]
            else:
                parts.append(
                    part if isinstance(part, str) else as_text(self.value(part), self.language)
                )
        if is_too_large(parts):
            return Hole("value")
        text = "".join(parts)
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def _number(self, node: Node) -> Any:
        text = text_of(node).replace("_", "").rstrip("LlfFdDmMuU")
        try:
            is_whole = re.fullmatch(r"0[xX][\da-fA-F]+|[1-9]\d{0,30}|0", text)
            return int(text, 0) if is_whole else float(text)
        except ValueError:
            return text_of(node)

    def _constant(self, node: Node) -> Any:
        return _LITERAL.get(text_of(node).lower())

    def _word(self, node: Node) -> Any:
        text = text_of(node)
        name = syntax.name_of(node)
        if text.startswith("@"):
            return self.fields.get(name, Hole(name))
        return self._named(name)

    def _named(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        if name in self.fields:
            return self.fields[name]
        if name.lower() in _LITERAL and self.language in ("php", "python"):
            return _LITERAL[name.lower()]
        if name.lower() in ("null", "none", "nil"):
            return None
        constant = CONSTANTS.get(name.lower())
        return constant if constant and not name.islower() else Hole(name)

    def _member(self, node: Node) -> Any:
        if len(path := text_of(node)) < 60 and path.lower().endswith("application.json"):
            return "application/json"
        holder, name = syntax.object_and_name(node)
        value = self.value(holder) if holder is not None else None
        if value == CONSTANTS["contenttype"]:  # here the class of media types, not the header
            value = Hole("ContentType")
        return self._member_of(value, name)

    def _member_of(self, value: Any, name: str) -> Any:
        if isinstance(value, Draft):
            return View(value, name) if not value.parts.get(name) else value.parts[name]
        if isinstance(value, View):
            return (
                value if plain(name) not in ("headers", "common") else View(value.draft, "headers")
            )
        if isinstance(value, dict):
            return value.get(name, Hole(name))
        is_url = isinstance(value, str) and "://" in value
        if is_url and (piece := _piece_of(value, plain(name))) is not None:
            return piece
        if isinstance(value, str) and plain(name) in ("length", "size", "count"):
            return len(value.encode("utf-8", "replace"))
        is_of_response = plain(name) in ("status", "text", "data")
        if isinstance(value, str | Builder | Body) and not is_of_response:
            return value
        if name in self.fields:
            return self.fields[name]
        if isinstance(value, Hole) and value.name in (*SELF, "Config", "config", "Settings"):
            return self._named(name)
        constant = CONSTANTS.get(name.lower())
        return constant if constant and not name.islower() else Hole(name)

    def _index(self, node: Node) -> Any:
        parts = inner(node)
        value, key = self.value(parts[0]), self._key(parts[-1])
        if isinstance(value, dict):
            return value.get(key, Hole(as_text(key)))
        if isinstance(value, list):
            is_here = isinstance(key, int) and -len(value) <= key < len(value)
            return value[key] if is_here else Hole("item")
        if isinstance(value, Draft | View):
            return value
        if isinstance(key, str) and re.fullmatch(r"[\w.-]{1,60}", key):
            return Hole(key)
        return Hole(value.name if isinstance(value, Hole) else "value")

    def _key(self, node: Node) -> Any:
        """Return the key of a table: a bare word is its own name where nothing else is known."""
        if node.type in ("argument_list", "bracketed_argument_list", "argument"):
            node = (inner(node) or [node])[0]
            return self._key(node)
        value = self.value(node)
        if isinstance(value, Hole):
            return value.name
        return value if isinstance(value, str | int | float | None) else as_text(value)

    def _list(self, node: Node) -> Any:
        values: list[Any] = []
        for one in inner(node):
            if len(values) > MOST_ITEMS:
                return values
            if "dimension" in one.type or one.type in ("type_identifier", "primitive_type"):
                continue
            value = self.value(one)
            is_many = "splat" in one.type or "spread" in one.type
            values.extend(value if is_many and isinstance(value, list) else [value])
            if (
                KINDS.get(one.type) == "composite"
                and node.type == "implicit_array_creation_expression"
            ):
                return value if isinstance(value, list) else [value]
        return values

    def _table(self, node: Node) -> dict[Any, Any]:
        table: dict[Any, Any] = {}
        for key, one in syntax.pairs(node):
            value = self.value(one) if one is not None else None
            if key is None:
                table.update(value if isinstance(value, dict) else {})
            else:
                table[self._name_of_key(key)] = value
        return table

    def _name_of_key(self, key: Node) -> Any:
        kind = KINDS.get(key.type, "")
        if kind in ("text", "number", "call"):
            return as_text(self.value(key))
        if kind == "member":
            value = self.value(key)
            return value if isinstance(value, str) else syntax.object_and_name(key)[1]
        if key.type in _KEYS:
            inside = inner(key) if key.type != "computed_property_name" else []
            value = self._name_of_key(inside[0]) if inside else self._key(key)
            return self.tags.get(value, value)
        if text_of(key)[:1] == "[" and inner(key):
            return self._name_of_key(inner(key)[0])
        text = text_of(key).strip(":").strip("\"'")
        is_value = kind == "word" and self.language in ("python", "php", "go")
        if is_value and text.lstrip("$") in self.names:
            return as_text(self.value(key))
        return self.tags.get(text, text.lstrip("$"))

    def _php_entries(self, node: Node) -> Any:
        entries = list(syntax.pairs(node))
        if any(key is not None for key, _ in entries):
            return {
                (self._name_of_key(key) if key is not None else at): self.value(one)
                for at, (key, one) in enumerate(entries)
            }
        return [self.value(one) for _, one in entries]

    def _php_array(self, node: Node) -> Any:
        if self.language == "php":
            return self._php_entries(node)
        value = child(node, "value") or next(
            (one for one in inner(node) if "initializer" in one.type), None
        )
        return _as_list(self.value(value)) if value is not None else []

    def _composite(self, node: Node) -> Any:
        kind, body = child(node, "type"), child(node, "body") or node
        parts = inner(body)
        is_table = any(
            one.type == "keyed_element" or KINDS.get(one.type) == "assign" for one in parts
        ) or (
            parts
            and node.type == "initializer_expression"
            and all(one.type == "initializer_expression" and len(inner(one)) == 2 for one in parts)
        )
        made = self._table(body) if is_table else [self.value(one) for one in parts]
        of = kind.type if kind is not None else ""
        if not parts and ("map" in of or of == "type_identifier"):
            return {}
        path = text_of(kind) if kind is not None else ""
        if row := libraries.library_of(path, self.language):
            draft = self._draft(node, row)
            drafts.options(draft, made if isinstance(made, dict) else {})
            return draft
        return made

    def _join(self, node: Node) -> Any:
        parts = inner(node)
        if len(parts) < 2:
            return self._children(node)
        sign = text_of(child(node, "operator")) or (text_of(parts[1]) if len(parts) == 3 else "")
        left, right = (
            self.value(child(node, "left") or parts[0]),
            self.value(child(node, "right") or parts[-1]),
        )
        if sign == "to":
            return (left, right)
        if sign in ("||", "??", "?:", "or"):
            is_usual = isinstance(left, Hole) and isinstance(right, str) and right
            return right if is_usual or (left is None and not isinstance(right, Draft)) else left
        if sign == "%" and isinstance(left, str):
            named = right if isinstance(right, dict) else {}
            return formatted(left, right if isinstance(right, list) else [right], named)
        if sign in ("+", ".", "..", "<<", "&"):
            return self._added(left, right)
        if sign == "/" and isinstance(left, str):
            return f"{left.rstrip('/')}/{as_text(right)}"
        return right if isinstance(right, Draft) else Hole("value")

    def _added(self, left: Any, right: Any) -> Any:
        if is_too_large([left, right]):
            return Hole("value")
        if isinstance(left, list) and isinstance(right, list):
            return [*left, *right]
        if isinstance(left, dict) and isinstance(right, dict):
            return {**left, **right}
        if isinstance(left, int | float) and isinstance(right, int | float):
            return left + right
        return as_text(left, self.language) + as_text(right, self.language)

    def _either(self, node: Node) -> Any:
        values = [self.value(one) for one in inner(node)[-2:]]
        return next(
            (one for one in values if not isinstance(one, Hole) and one is not None), values[0]
        )


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | dict) else [value]


def _piece_of(url: str, name: str) -> Any:
    parts = urlsplit(url) if "[" not in url else None
    if parts is None:
        return None
    query = f"?{parts.query}" if parts.query else ""
    return {
        "host": parts.netloc,
        "hostname": parts.netloc,
        "path": parts.path,
        "pathname": parts.path,
        "requesturi": parts.path + query,
        "port": 443 if parts.scheme == "https" else 80,
        "scheme": parts.scheme,
        "protocol": parts.scheme,
        "absolutepath": parts.path,
    }.get(name)
