"""Which names the code of a cell reads, writes and changes."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass, field

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_IN_BRANCHES = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.Try,
    ast.TryStar,
    ast.With,
    ast.AsyncWith,
    ast.Match,
    ast.ClassDef,
    *_FUNCTIONS,
)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_Own = dict[tuple[str, int], set[str]]  # by name and line of a function: the names that are its own


@dataclass(slots=True)
class Names:
    """
    The names of a cell.

    Attributes
    ----------
    read
        Name, part and whether the cell itself had made it before; what a function reads is read
        when it is called, so never its own. The part is ``evidence.frame`` in
        ``case.evidence.frame()``, and None where something is handed over to be written to
        (``log=case.log``, ``case.charts / "codes"``).
    written
        Names that stand for another object after the cell.
    changed
        Names whose object was changed in its place: ``frame["x"] = 1``.
    called
        Names with the methods that were called of them, ``inplace`` where that is asked for:
        ``rows.append(1)``.
    """

    read: list[tuple[str, str | None, bool]] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    called: set[tuple[str, str]] = field(default_factory=set)


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
    surely, names, own = set[str](), Names(), dict(_own_names(table))
    names.written = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }
    names.written -= _of_comprehensions_alone(tree, table, own)
    for statement in tree.body:
        found = sorted(
            dict(_global(statement, own)).items(),
            key=lambda pair: (pair[0].lineno, pair[0].col_offset),
        )
        for node, is_later in found:
            part, is_changed = _use(node, above)
            if is_changed and not is_later:
                names.changed.add(node.id)
            if is_changed or isinstance(node.ctx, ast.Load):
                names.read.append((node.id, part, node.id in surely and not is_later))
            if not is_later and (method := _called(node, above)):
                names.called.add((node.id, method))
        if not isinstance(statement, _IN_BRANCHES):
            surely |= {
                node.id
                for node, is_later in found
                if isinstance(node.ctx, ast.Store) and not is_later
            }
    return names


def _of_comprehensions_alone(tree: ast.Module, table: symtable.SymbolTable, own: _Own) -> set[str]:
    """
    Return the names that nothing but a comprehension makes.

    Since Python 3.12 the symbol table has them among those of the cell.
    """
    bound = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_imported() or symbol.is_namespace()
    }
    bound |= {node.id for node, _ in _global(tree, own) if not isinstance(node.ctx, ast.Load)}
    bound |= {
        str(node.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar)
    }
    bound |= {str(node.rest) for node in ast.walk(tree) if isinstance(node, ast.MatchMapping)}
    loops = [_scope(node, own)[1] for node in ast.walk(tree) if isinstance(node, _COMPREHENSIONS)]
    return set[str]().union(*loops) - bound


def _use(name: ast.Name, above: dict[ast.AST, ast.AST]) -> tuple[str | None, bool]:
    """Return the attributes asked of a name, None for a log; and whether its object is changed."""
    parts: list[str] = []
    node, holder = above[name], name  # type: ast.AST, ast.AST
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node, holder = above[node], node
    is_changed = isinstance(node, ast.AugAssign) and node.target is holder
    place = (
        node if isinstance(node, ast.Subscript) and node.value is holder else holder
    )  # `frame.loc[0]` in `frame.loc[0] = 1`
    is_changed |= place is not name and isinstance(getattr(place, "ctx", None), ast.Store | ast.Del)
    is_handed_over = (isinstance(node, ast.keyword) and node.arg == "log") or (
        parts == ["charts"] and isinstance(node, ast.BinOp)
    )
    return None if is_handed_over else ".".join(parts), is_changed


def _called(name: ast.Name, above: dict[ast.AST, ast.AST]) -> str:
    """Return the method that is called of a name, or nothing."""
    asked = above[name]
    call = above[asked] if isinstance(asked, ast.Attribute) else None
    if (
        not isinstance(asked, ast.Attribute)
        or not isinstance(call, ast.Call)
        or call.func is not asked
    ):
        return ""
    return (
        "inplace"
        if any(
            word.arg == "inplace" and getattr(word.value, "value", None) is True
            for word in call.keywords
        )
        else asked.attr
    )


def _global(
    node: ast.AST, own: _Own, hidden: frozenset[str] = frozenset(), *, later: bool = False
) -> Iterator[tuple[ast.Name, bool]]:
    """
    Yield the global names, and whether they are used only once a function is called.

    Names of functions and comprehensions are left out.
    """
    if isinstance(node, ast.Name) and node.id not in hidden:
        yield node, later
    within, names = _scope(node, own)
    first = (
        node.generators[0].iter if isinstance(node, _COMPREHENSIONS) else None
    )  # what a comprehension goes over is looked up outside of it
    for child in ast.iter_child_nodes(node):
        if child in within:
            yield from _global(child, own, hidden | names, later=later or first is None)
        else:
            yield from _global(child, own, hidden, later=later)
    if first:
        yield from _global(first, own, hidden, later=later)


def _scope(node: ast.AST, own: _Own) -> tuple[list[ast.AST], set[str]]:
    """Return the parts of a node that are a scope of their own, and the names of that scope."""
    if isinstance(node, _FUNCTIONS):
        return list(node.body), own.get((node.name, node.lineno), set())
    if isinstance(node, ast.Lambda):
        return [node.body], {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
    if isinstance(node, _COMPREHENSIONS):
        return list(ast.iter_child_nodes(node)), {
            one.id
            for loop in node.generators
            for one in ast.walk(loop.target)
            if isinstance(one, ast.Name)
        }
    return [], set()


def _own_names(table: symtable.SymbolTable) -> Iterator[tuple[tuple[str, int], set[str]]]:
    """Yield the names that are a function's own, by its name and line."""
    if table.get_type() == "function":
        yield (
            (table.get_name(), table.get_lineno()),
            {symbol.get_name() for symbol in table.get_symbols() if not symbol.is_global()},
        )
    for inner in table.get_children():
        yield from _own_names(inner)
