"""Names of code, and what they hold."""

from __future__ import annotations

from typing import Any

from sinchtools.evidence.formats.code import drafts, libraries, sdk, syntax
from sinchtools.evidence.formats.code.expressions import SELF, Expressions
from sinchtools.evidence.formats.code.languages import KINDS
from sinchtools.evidence.formats.code.syntax import Node, child, inner, text_of
from sinchtools.evidence.formats.code.values import Draft, Hole, Lambda, View, as_text


class Assignments(Expressions):
    """What is assigned: to names, to fields of objects and tables, to parts of a request."""

    def _assign(self, node: Node) -> Any:
        target, value_node = self._sides(node)
        if target is not None and value_node is None and _is_in_class(target):
            self.fields.setdefault(syntax.name_of(target), Hole(syntax.name_of(target)))
        if target is None or value_node is None:
            return None
        sign = next(
            (one.type for one in node.children if not one.is_named and one.type.endswith("=")), "="
        )
        value = self.value(value_node)
        if sign in ("+=", ".=", "||=", "??="):
            before = self.value(target)
            value = self._added(before, value) if sign[0] in "+." else before
        if not (isinstance(value, Lambda) and KINDS.get(target.type) == "word"):
            self._bind(target, value)
        return value

    def _sides(self, node: Node) -> tuple[Node, Node]:
        parts = inner(node)
        target = child(node, "left", "name", "property") or (parts[0] if parts else None)
        if node.type == "property_declaration" and self.language == "kotlin":
            target = next((one for one in parts if "variable_declaration" in one.type), None)
        value = child(node, "right", "value", "default_value")
        is_last = len(parts) > 1 and parts[-1] != target and "type" not in parts[-1].type
        if value is None and is_last:
            value = parts[-1]
        if target is not None and target.type == "variable_declaration":
            target = inner(target)[0]
        return target, value

    def _bind(self, target: Node, value: Any) -> None:
        kind = KINDS.get(target.type, "")
        if kind == "word" or target.type.endswith("property_identifier"):
            self._name(target, value)
        elif kind == "member" or kind == "call":
            self._bind_member(target, value)
        elif kind == "index":
            self._bind_index(target, value)
        elif target.type == "object_pattern":
            self._bind_object(target, value)
        elif parts := inner(target):
            values = (
                value if isinstance(value, list | tuple) and len(value) == len(parts) else [value]
            )
            for at, one in enumerate(parts):
                if KINDS.get(one.type):
                    self._bind(one, values[at] if at < len(values) else Hole(text_of(one)))

    def _name(self, target: Node, value: Any) -> None:
        name = syntax.name_of(target)
        in_class = target.parent is not None and (
            "field" in target.type
            or target.type in ("private_property_identifier", "instance_variable", "class_variable")
            or _is_in_class(target)
        )
        is_field = in_class or (name in self.fields and name not in self.names)
        (self.fields if is_field else self.names)[name] = value

    def _bind_object(self, target: Node, value: Any) -> None:
        for one in inner(target):
            name = text_of(inner(one)[-1] if inner(one) else one)
            known = value.get(name) if isinstance(value, dict) else None
            self.names[name] = known if known is not None else Hole(name)

    def _bind_member(self, target: Node, value: Any) -> None:
        if KINDS.get(target.type) == "call":
            holder, name, _ = syntax.callee(target)
        else:
            holder, name = syntax.object_and_name(target)
        owner = self.value(holder) if holder is not None else None
        is_part = libraries.part_of(name) and name.lower() != "data"
        if isinstance(owner, Hole) and owner.name not in SELF and is_part:
            self.fields[name] = value
        elif isinstance(owner, dict):
            owner[name] = value
        elif isinstance(owner, Draft | View) and owner.draft.library is sdk.CLIENT:
            owner.draft.parts[libraries.bare(name)] = value
        elif isinstance(owner, Draft):
            self._touch(owner, target)
            drafts.set_part(owner, name, [value])
        elif isinstance(owner, View):
            self._touch(owner.draft, target)
            drafts.headers(owner.draft, [name, value])
        else:
            self.fields[name] = value

    def _bind_index(self, target: Node, value: Any) -> None:
        parts = inner(target)
        if len(parts) < 2:
            owner = self.value(parts[0]) if parts else None
            if isinstance(owner, list):
                owner.append(value)
            return
        owner, key = self.value(parts[0]), self._key(parts[-1])
        if isinstance(owner, Hole) and KINDS.get(parts[0].type) == "word":
            owner = self.names[syntax.name_of(parts[0])] = {}
        if isinstance(owner, dict):
            owner[key] = value
        elif isinstance(owner, Draft | View):
            draft = owner.draft
            self._touch(draft, target)
            is_query = isinstance(owner, View) and libraries.part_of(owner.name) == "params"
            if is_query:
                draft.params[as_text(key)] = value
            else:
                drafts.headers(draft, [as_text(key), value])

    def _alias(self, node: Node) -> Any:
        value = self.value(inner(node)[0])
        alias = child(node, "alias")
        if alias is not None:
            self.names[text_of(alias)] = value
        return value


_DECLARED = ("field_declaration", "declaration_list", "object_declaration")


def _is_in_class(node: Node) -> bool:
    """Tell whether a name is assigned in the body of a class, not within a method of it."""
    for _ in range(6):
        node = node.parent
        if node is None or KINDS.get(node.type) in ("function", "lambda"):
            return False
        if "class" in node.type or node.type in _DECLARED:
            return True
    return False
