"""Which names the code of a cell reads, writes and changes."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass, field

_IN_BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.Match, ast.FunctionDef, ast.ClassDef)


@dataclass(slots=True)
class Names:
    """
    The names of a cell.

    Attributes
    ----------
    read
        Name, part and whether the cell itself had made it before. The part is ``evidence.frame`` in ``case.evidence.frame()``, and None where
        a log is handed over to be written to (``log=case.log``).
    written
        Names that stand for another object after the cell.
    changed
        Names whose object was changed in its place: ``frame["x"] = 1``.
    """

    read: list[tuple[str, str | None, bool]] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)


def names_of(source: str) -> Names:
    """
    Return the names of a cell; none where it is no Python.

    Examples
    --------
    >>> names = names_of("rows = [x for x in case.evidence if x.status == status]; rows")
    >>> names.read, names.written
    ([('case', 'evidence', False), ('status', '', False), ('rows', '', True)], {'rows'})
    """
    try:
        tree, table = ast.parse(source), symtable.symtable(source, "cell", "exec")
    except SyntaxError:
        return Names()
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    known, surely, names = set(_read_in(table)), set[str](), Names()
    names.written = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()}
    for statement in tree.body:
        found = sorted((node for node in ast.walk(statement) if isinstance(node, ast.Name)), key=lambda node: (node.lineno, node.col_offset))
        for node in found:
            part, is_changed = _use(node, above)
            if is_changed:
                names.changed.add(node.id)
            if is_changed or (isinstance(node.ctx, ast.Load) and node.id in known):
                names.read.append((node.id, part, node.id in surely))
        if not isinstance(statement, _IN_BRANCHES):
            surely |= {node.id for node in found if isinstance(node.ctx, ast.Store)}
    return names


def _use(name: ast.Name, above: dict[ast.AST, ast.AST]) -> tuple[str | None, bool]:
    """Return the attributes asked of a name, None for a log; and whether its object is changed."""
    parts: list[str] = []
    node, holder = above[name], name  # type: ast.AST, ast.AST
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node, holder = above[node], node
    is_changed = isinstance(node, ast.AugAssign) and node.target is holder
    place = node if isinstance(node, ast.Subscript) and node.value is holder else holder  # `frame.loc[0]` in `frame.loc[0] = 1`
    is_changed |= place is not name and isinstance(getattr(place, "ctx", None), ast.Store | ast.Del)
    return None if isinstance(node, ast.keyword) and node.arg == "log" else ".".join(parts), is_changed


def _read_in(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that a scope and those within it read and that are not their own."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _read_in(inner)
