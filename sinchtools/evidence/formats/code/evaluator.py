"""Go through the tree of some code, and follow its values to the requests that it makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sinchtools.evidence.formats.code import drafts, functions, syntax
from sinchtools.evidence.formats.code.calls import Call
from sinchtools.evidence.formats.code.expressions import DEEPEST, SELF
from sinchtools.evidence.formats.code.languages import KINDS
from sinchtools.evidence.formats.code.requesting import Requesting
from sinchtools.evidence.formats.code.syntax import Node, child, inner, text_of
from sinchtools.evidence.formats.code.values import Draft, Hole, Lambda, View

_BUILT = ("__init__", "constructor", "__construct", "initialize", "init")


class Evaluator(Requesting):
    """What is known while code is read from its first statement to its last."""

    def run(self) -> list[Draft]:
        """Return all drafts of the code: what runs first, then functions that nothing calls."""
        self._look_around()
        self.value(self.root)
        for node in self.classes.values():
            self._function_body(node, [], {})
        for called in (False, True):
            for name, node in list(self.functions.items()):
                if (name in self.called) is called:
                    self._function_body(node, [], {})
        self._with_the_only_base()
        return self.drafts

    def _with_the_only_base(self) -> None:
        """Give paths the base of the one client that was made, where its use was cut off."""
        clients = [draft for draft in self.drafts if draft.is_client]
        if len(clients) != 1 or clients[0].base is None:
            return
        for draft in self.drafts:
            if draft.base is None and isinstance(draft.url, str) and draft.url.startswith("/"):
                draft.base = clients[0].base

    def _look_around(self) -> None:
        begins, bodies = [], []
        for node in self._all(self.root):
            kind = KINDS.get(node.type)
            if kind == "function":
                name = text_of(child(node, "name")) or _first_word(node)
                if name in _BUILT or node.type == "constructor_declaration":
                    self.classes.setdefault(_class_of(node), node)
                else:
                    self.functions.setdefault(name, node)
            elif kind == "assign":
                self._named_lambda(node)
            elif kind == "call":
                _, name, path = syntax.callee(node)
                self.called.add(name if name != "new" else path.removesuffix(".new"))
            elif node.type == "heredoc_beginning":
                begins.append(node)
            elif node.type == "heredoc_body":
                bodies.append(node)
            elif node.type == "field_declaration" and (tag := child(node, "tag")) is not None:
                self._tag(node, tag)
        self.heredocs = {a.start_byte: b for a, b in zip(begins, bodies, strict=False)}

    def _all(self, root: Node) -> Iterator[Node]:
        cursor = [root]
        while cursor:
            node = cursor.pop()
            yield node
            cursor.extend(reversed(node.named_children))

    def _named_lambda(self, node: Node) -> None:
        value = child(node, "value", "right")
        if value is not None and KINDS.get(value.type) == "lambda":
            name = syntax.plain_name(text_of(child(node, "name", "left")).rpartition(".")[2])
            self.functions.setdefault(name, value)

    def _tag(self, node: Node, tag: Node) -> None:
        if match := re.search(r'json:"([\w-]+)', text_of(tag)):
            self.tags[text_of(child(node, "name"))] = match[1]

    def _function(self, node: Node) -> Any:
        made = _class_of(node)
        if self.classes.get(made) == node and made not in self.called:
            self._function_body(node, [], {})
        return None

    def _lambda(self, node: Node) -> Any:
        return Lambda(node)

    def _return(self, node: Node) -> Any:
        parts = inner(node)
        self.returned = self.value(parts[0]) if parts else None
        return self.returned

    def _function_body(self, node: Node, values: list[Any], named: dict[str, Any]) -> Any:
        """Return what a function gives; each is gone through once, as it is called first."""
        if node.start_byte in self.done or self.depth > DEEPEST:
            return Hole(text_of(child(node, "name")) or "value")
        self.done.add(node.start_byte)
        self.names = self.names.new_child(dict(self._parameters(node, values, named)))
        self.returned = None
        body = child(node, "body") or (inner(node) or [node])[-1]
        last = self.value(body)
        self.names = self.names.parents
        value, self.returned = (self.returned if self.returned is not None else last), None
        return value

    def _parameters(
        self, node: Node, values: list[Any], named: dict[str, Any]
    ) -> Iterator[tuple[str, Any]]:
        listed = child(node, "parameters", "parameter") or next(
            (one for one in node.named_children if "parameter" in one.type), None
        )
        parts: list[Node] = []
        if listed is not None:
            parts = [listed] if KINDS.get(listed.type) == "word" else inner(listed)
        left = list(values)
        for name, usual in (pair for one in parts for pair in _parameter(one)):
            if not name or name in SELF:
                continue
            if name in named:
                yield name, named[name]
            elif left:
                yield name, left.pop(0)
            else:
                known = self.value(usual) if usual is not None else None
                yield name, known if known is not None else Hole(name)

    def _look_into(self, function: Any, subject: Any) -> None:
        """Go through a function that a call was given, with what it gets."""
        node = function.node if isinstance(function, Lambda) else function
        if node.type == "annotated_lambda":
            node = inner(node)[-1]
        if node.start_byte in self.done:
            return
        self.done.add(node.start_byte)
        given = dict(self._parameters(node, [subject] if subject is not None else [], {}))
        self.names = self.names.new_child(given)
        self.implicit.append(subject)
        body = child(node, "body")
        rest = (part for part in inner(node) if "parameter" not in part.type)
        for one in rest if body is None else [body]:
            self.value(one)
        self.implicit.pop()
        self.names = self.names.parents

    def _call(self, node: Node) -> Any:
        holder, name, path = syntax.callee(node)
        receiver = self.value(holder) if holder is not None else None
        values, named, lambdas = self._arguments(node)
        result = self._result(Call(node, holder, receiver, name, path, values, named))
        result = self._initialized(node, result)
        block = child(node, "block") or next(
            (one for one in node.named_children if one.type == "annotated_lambda"), None
        )
        subject: Any = receiver if isinstance(receiver, Draft) else None
        subject = result if isinstance(result, Draft | View | dict) else subject
        for one in [*lambdas, *([block] if block is not None else [])]:
            self._look_into(one, subject)
        return result

    def _arguments(self, node: Node) -> tuple[list[Any], dict[str, Any], list[Lambda]]:
        values: list[Any] = []
        named: dict[str, Any] = {}
        for name, one in syntax.arguments(node):
            if one.type == "pair":
                named[self._name_of_key(child(one, "key"))] = self.value(child(one, "value"))
                continue
            value = self.value(one)
            if name:
                named[name.strip(":")] = value
            elif "splat" in one.type or "spread" in one.type:
                named.update(value if isinstance(value, dict) else {})
                values.extend(value if isinstance(value, list) else [])
            else:
                values.append(value)
        tables = [one for one in (*values, *named.values()) if isinstance(one, dict)]
        inside = [one for table in tables for one in table.values()]
        lambdas = [one for one in (*values, *named.values(), *inside) if isinstance(one, Lambda)]
        return (
            [one for one in values if not isinstance(one, Lambda)],
            {key: one for key, one in named.items() if not isinstance(one, Lambda)},
            lambdas,
        )

    def _initialized(self, node: Node, result: Any) -> Any:
        """Return what is made, with what stands in braces behind `new` in C# and Java."""
        made = child(node, "initializer") or next(
            (one for one in node.named_children if one.type == "class_body"), None
        )
        if made is None:
            return result
        if made.type == "class_body":
            self.implicit.append(result)
            for block in inner(made):
                self.value(block)
            self.implicit.pop()
            return result
        value = self.value(made)
        if isinstance(result, Draft) and isinstance(value, dict):
            drafts.options(result, value)
        elif isinstance(result, dict) and isinstance(value, dict):
            result.update(value)
        elif isinstance(value, list) and not isinstance(result, Draft):
            return value
        return result

    def _result(self, call: Call) -> Any:
        name, receiver = call.name, call.receiver
        if not name:
            return receiver
        done = self._sdk(call)
        if done is not functions.NOTHING:
            return done
        if (made := self.classes.get(call.path.removesuffix(".new"))) is not None:
            self._function_body(made, call.values, call.named)
            return Hole(call.path.removesuffix(".new"))
        own = call.holder is None or (
            isinstance(receiver, Hole) and (receiver.name in SELF or receiver.name in self.classes)
        )
        function = self.functions.get(name)
        if function is not None and own and name != "new":
            return self._function_body(function, call.values, call.named)
        if name.lower().startswith("curl_") and (handle := self._curl(call)):
            return handle
        if isinstance(self.names.get(name), Draft) and call.holder is None:
            call = replace(call, receiver=self.names[name], name="request")
        implicit = self.implicit[-1] if call.holder is None and self.implicit else None
        if implicit is not None and call.name != "new":
            done = self._on(call, implicit)
            if done is not functions.NOTHING:
                return done
        if isinstance(call.receiver, Draft | View):
            return self._on(call, call.receiver)
        done = functions.method(call.plain, call.receiver, call.values)
        if done is functions.NOTHING:
            done = functions.call(call.plain, call.path, call.receiver, call.values, call.named)
        return self._maybe_request(call) if done is functions.NOTHING else done


def _first_word(node: Node) -> str:
    return next((text_of(one) for one in inner(node) if KINDS.get(one.type) == "word"), "")


def _class_of(node: Node) -> str:
    """Return the name of the class that a method belongs to, or nothing."""
    for _ in range(4):
        node = node.parent
        if node is None:
            break
        if "class" in node.type and (name := child(node, "name")) is not None:
            return text_of(name)
    return ""


def _parameter(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield the names of a parameter (Go writes several with one type) and its usual value."""
    usual = child(node, "value", "right", "default_value")
    for name in node.children_by_field_name("name") or [child(node, "left", "pattern") or node]:
        while KINDS.get(name.type) not in ("word", "text") and inner(name):
            name = inner(name)[0]
        yield syntax.name_of(name), usual
