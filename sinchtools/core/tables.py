"""
The tables of ``data/catalogue``: knowledge as data, checked when it is read.

What is missing, unknown or of the wrong kind is named with its file, table, entry and key.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from sinchtools.core.errors import WrongUseError
from sinchtools.core.settings import share_folder

TAGS = ("documented", "observed", "assumed")  # how sure a row is
Schema = Mapping[str, str]
_Allowed = Mapping[str, Collection[str]]
_Record = TypeVar("_Record")
_NAMING = ("status", "code", "number", "name", "id", "for", "suffix")
_NOTHING: Mapping[str, Collection[str]] = {}


def place_of(name: str) -> Path:
    """Return where a file of the catalogue is, such as ``http.toml``."""
    return share_folder("data/catalogue") / name


def load(path: Path) -> dict[str, Any]:
    """
    Return a TOML file as it is.

    Raises
    ------
    WrongUseError
        It is missing, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongUseError(
            f"The catalogue file {path.name} cannot be read: {error}.",
            hint="Correct it, or install the package again.",
        ) from None


def read_tables(
    path: Path, schema: Schema, allowed: _Allowed = _NOTHING
) -> dict[str, list[dict[str, Any]]]:
    """
    Return the lists of tables in a TOML file.

    Parameters
    ----------
    schema
        By table: its keys; `?` marks one that may be absent, a dot a table within a table. Without
        keys it is a list of values.
    allowed
        By key: the only values.

    Raises
    ------
    WrongUseError
        The file is missing, is not TOML, or a key or value in it is not allowed; the text names
        file, table and key.
    """
    tables = load(path)
    for name in {name for name in schema if "." not in name} - set(tables):
        raise WrongUseError(f"{path.name} has no table [[{name}]].")
    _check(path.name, "", tables, schema, allowed)
    return tables


def read_records(
    path: Path, kind: type[_Record], allowed: _Allowed = _NOTHING
) -> dict[str, _Record]:
    """
    Return the tables of a TOML file as records of one kind, by their names.

    Raises
    ------
    WrongUseError
        As in `read_tables`; the keys are the fields of the kind, and a text is empty nowhere.
    """
    wanted = " ".join(
        one.name if one.default is MISSING and one.default_factory is MISSING else f"{one.name}?"
        for one in fields(kind)  # type: ignore[arg-type]
    )
    tables = load(path)
    for name, row in tables.items():
        _check(path.name, name, row, {name: wanted}, allowed, is_list=False)
    return {name: kind(**row) for name, row in tables.items()}


def read_texts(path: Path, table: str) -> dict[str, str]:
    """
    Return one table of names and texts.

    Raises
    ------
    WrongUseError
        As in `read_tables`; each value has to be a text.
    """
    found = load(path).get(table)
    if not isinstance(found, dict):
        raise WrongUseError(f"{path.name} has no table [{table}].")
    for name, text in found.items():
        if not isinstance(text, str) or not text:
            raise WrongUseError(f"{path.name}, [{table}]: {name!r} is not a text.")
    return found


def _check(
    file: str,
    table: str,
    row: Mapping[str, Any],
    schema: Schema,
    allowed: _Allowed,
    *,
    is_list: bool = True,
) -> None:
    wanted = schema[table].split() if table else [name for name in schema if "." not in name]
    known = [key.rstrip("?") for key in wanted]
    name = " ".join(str(row[key]) for key in _NAMING if key in row) if is_list else ""
    where = f"{file}, {f'[[{table}]]' if is_list else f'[{table}]'} {name}".rstrip()
    for key in wanted:
        if not key.endswith("?") and row.get(key) in (None, ""):
            raise WrongUseError(f"{where}: the key {key!r} is missing.")
    for key, value in row.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known are: {', '.join(known)}."
            raise WrongUseError(f"{where}: the key {key!r} is not known.", hint=hint)
        if key in allowed and not isinstance(value, list) and value not in allowed[key]:
            raise WrongUseError(
                f"{where}: {key} = {value!r} is not allowed.",
                hint=f"Use one of: {', '.join(allowed[key])}.",
            )
        inner = f"{table}.{key}".lstrip(".")
        if is_list and schema.get(inner):
            for part in value:
                _check(file, inner, part, schema, allowed)
