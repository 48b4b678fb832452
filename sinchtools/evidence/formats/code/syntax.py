"""
Say how each language writes what all of them have: texts, names, calls, lists and tables.

The names of the nodes are those of the tree-sitter grammars. Where grammars use one name, they mean
one thing by it, so that one table serves all languages.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from time import monotonic
from typing import Any

from sinchtools.evidence.formats.code.languages import KINDS, MOST_SECONDS, parser_of
from sinchtools.evidence.pieces import words

Node = Any  # a tree_sitter.Node: the library may not be there
_OBJECT = words("object expression operand receiver scope value argument")
_NAME = words("attribute property field method name")
_FUNCTION = words("function constructor type")
_WRAPPED = words("await_expression parenthesized_expression non_null_expression")
_ESCAPES = dict(
    zip("ntrbfv0e\n", ("\n", "\t", "\r", "\b", "\f", "\v", "\0", "\x1b", ""), strict=True)
)
_HEX = re.compile(r"\\(?:x|u|U)\{?([0-9a-fA-F]{1,8})\}?\Z")


def parsed(language: str, text: str) -> Node:
    """
    Return the root of the tree of some code, or None when a grammar finds no end of it.

    Some texts send the error recovery of a grammar around for minutes.
    """
    parser, source = parser_of(language), text.encode("utf-8", "replace")
    end = monotonic() + MOST_SECONDS
    try:
        tree = parser.parse(
            lambda at, _: source[at : at + 4096], progress_callback=lambda *_: monotonic() > end
        )
    except ValueError:
        parser.reset()
        return None
    return tree.root_node


def errors(node: Node) -> int:
    """Return how many bytes of a tree its grammar could not take, and pieces it missed."""
    found, left = 0, [node]  # no recursion: a tree may be deeper than Python's stack
    while left:
        one = left.pop()
        if one.is_error or one.is_missing:
            found += max(1, int(one.end_byte - one.start_byte))
        elif one.has_error:
            left += one.children
    return found


def text_of(node: Node) -> str:
    """Return the source of a node."""
    return str(node.text.decode("utf-8", "replace")) if node is not None else ""


def child(node: Node, *fields: str) -> Node:
    """Return the child in the first of some fields that is there, or None."""
    return next(
        (found for name in fields if (found := node.child_by_field_name(name)) is not None), None
    )


def inner(node: Node) -> list[Node]:
    """Return the named children that are no comments."""
    return [one for one in node.named_children if KINDS.get(one.type) != "comment"]


def object_and_name(node: Node) -> tuple[Node, str]:
    """Return what a member is taken from, and its name."""
    parts = inner(node)
    holder = child(node, *_OBJECT) or (parts[0] if len(parts) > 1 else None)
    name = child(node, *_NAME) or (parts[-1] if parts else None)
    return holder, plain_name(text_of(name))


def plain_name(text: str) -> str:
    """Return a name without the marks that some languages put around it."""
    return text.strip("$@&#?!.:\\ \t\n'\"").rpartition("\\")[2]


def name_of(node: Node) -> str:
    """Return the name that a word is: the last part of a path, without type arguments."""
    text = text_of(node).partition("<")[0].strip()
    return plain_name(re.split(r"::|\.|\\", text)[-1])


def callee(node: Node) -> tuple[Node, str, str]:
    """Return what a call is made on (or None), its name, and the path of names as written."""
    function = child(node, *_FUNCTION)
    holder, name = child(node, "object", "receiver", "scope"), child(node, "name", "method")
    if function is None and name is None:
        parts = [one for one in inner(node) if "argument" not in one.type]
        function = parts[0] if parts else node
    while function is not None and function.type in _WRAPPED and inner(function):
        function = inner(function)[0]
    if name is not None and function is None:
        path = f"{text_of(holder)}.{text_of(name)}" if holder is not None else text_of(name)
        return holder, plain_name(text_of(name)), _path(path)
    is_new = "new" in node.type or "creation" in node.type
    while KINDS.get(function.type) == "call" and not is_new and child(function, "function") is None:
        return function, "", ""
    path = _path(text_of(function)) + (".new" if is_new else "")
    if KINDS.get(function.type) == "member" and not is_new:
        holder, last = object_and_name(function)
        return holder, last, path
    return None, "new" if is_new else plain_name(_path(text_of(function)).rpartition(".")[2]), path


def _path(text: str) -> str:
    if len(text) > 4000:
        text = text[-4000:]
    text = re.sub(r"<[\w<>?,. \[\]]*>", "", text)
    return re.sub(r"\s|[$&?!]", "", re.sub(r"::|->|\\", ".", text)).lstrip(".")


def arguments(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield the arguments of a call: its name or nothing, and its value."""
    listed = child(node, "arguments") or next(
        (one for one in node.named_children if "argument" in one.type and "type" not in one.type),
        None,
    )
    for one in inner(listed) if listed is not None else ():
        parts = inner(one)
        if one.type in ("argument", "value_argument"):
            name = child(one, "name")
            if name is None and one.type == "value_argument" and len(parts) == 2:
                name = parts[0]
            yield text_of(name), parts[-1] if parts else one
        elif one.type == "keyword_argument":
            yield text_of(child(one, "name")), child(one, "value")
        else:
            yield "", one


def pairs(node: Node) -> Iterator[tuple[Node, Node]]:
    """Yield key and value of each entry of a table; an entry without key has None for it."""
    parts = inner(node)
    if node.type == "anonymous_object_creation_expression":
        yield from _anonymous(node)
        return
    for one in parts:
        below = inner(one)
        if one.type in ("pair", "keyed_element", "array_element_initializer"):
            key = child(one, "key") or (below[0] if len(below) > 1 else None)
            yield key, child(one, "value") or (below[-1] if below else None)
        elif one.type == "shorthand_property_identifier":
            yield one, one
        elif one.type == "initializer_expression" and len(below) == 2:
            yield below[0], below[1]
        elif KINDS.get(one.type) == "assign":
            yield child(one, "left") or below[0], child(one, "right") or below[-1]
        else:
            yield None, one


def _anonymous(node: Node) -> Iterator[tuple[Node, Node]]:
    """Yield the entries of `new { a = 1, b, c.d }` of C#."""
    key = None
    for one in node.children:
        if one.type == "=":
            continue
        if not one.is_named:
            if key is not None and one.type in (",", "}"):
                yield key, key
                key = None
        elif key is None:
            key = one
        else:
            yield key, one
            key = None


def unescaped(text: str) -> str:
    """Return what an escape sequence stands for."""
    if match := _HEX.match(text):
        number = int(match[1], 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    if text[:1] != "\\":
        return text[:1] if text in ("{{", "}}", '""', "$$") else text
    return _ESCAPES.get(text[1:2], text[1:])


def text_parts(node: Node, heredocs: dict[int, Node]) -> Iterator[str | Node]:
    """Yield the pieces of a text: strings, and nodes whose values stand there."""
    kind = node.type
    if kind == "heredoc_beginning":
        yield from _heredoc(node, heredocs)
    elif kind in ("concatenated_string", "chained_string"):
        for one in inner(node):
            yield from text_parts(one, heredocs)
    elif kind == "simple_symbol":
        yield text_of(node).lstrip(":")
    elif kind == "verbatim_string_literal":
        yield text_of(node)[2:-1].replace('""', '"')
    elif kind == "raw_string_literal" and text_of(node).startswith('"""'):
        yield textwrap.dedent(text_of(node).strip('"'))
    elif kind == "raw_string_literal":
        yield text_of(node).strip("`")
    else:
        yield from _fragments(node)


def _heredoc(node: Node, heredocs: dict[int, Node]) -> Iterator[str | Node]:
    body = heredocs.get(node.start_byte)
    yield from _fragments(body) if body is not None else ()


def _fragments(node: Node) -> Iterator[str | Node]:
    start = text_of(node)[:4].partition('"')[0]
    is_verbatim = "@" in start and node.type == "interpolated_string_expression"
    is_format = "$" in start and node.type == "interpolated_string_expression"
    for one in node.children:
        kind = one.type
        if "content" in kind or "fragment" in kind or kind == "heredoc_body":
            if one.child_count:
                yield from _nested(one)
                continue
            text = text_of(one)
            text = text.replace('""', '"') if is_verbatim else text
            yield text.replace("{{", "{").replace("}}", "}") if is_format else text
        elif "escape" in kind:
            yield unescaped(text_of(one))
        elif kind in ("interpolation", "template_substitution"):
            value = child(one, "expression") or next(iter(_values(one)), None)
            if value is not None:
                yield value
        elif one.is_named and not kind.endswith(("start", "end", "interpolation_start")):
            yield one


def _values(node: Node) -> Iterator[Node]:
    return (one for one in inner(node) if "brace" not in one.type and "format" not in one.type)


def _nested(node: Node) -> Iterator[str | Node]:
    """Yield the parts of a content node that holds escapes among its characters."""
    source, at = node.text, 0
    for one in node.children:
        start = one.start_byte - node.start_byte
        if start > at:
            yield source[at:start].decode("utf-8", "replace")
        if "escape" in one.type:
            yield unescaped(text_of(one))
        elif one.is_named and "content" not in one.type and "fragment" not in one.type:
            yield from (_values(one) if one.type == "interpolation" else [one])
        else:
            yield text_of(one)
        at = one.end_byte - node.start_byte
    if at < len(source):
        yield source[at:].decode("utf-8", "replace")
