"""
The tables of ``data/catalogue``: knowledge as data, read as typed rows.

What is missing, unknown or of the wrong kind is named with its file and its place in it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec

from sinchtools.core.errors import WrongUseError
from sinchtools.core.settings import share_folder

Tag = Literal["documented", "observed", "assumed"]  # how sure a row is
TAGS: tuple[str, ...] = get_args(Tag)
Text = Annotated[str, msgspec.Meta(min_length=1)]
_Kind = TypeVar("_Kind")
_HINT = "Correct it, or install the package again."


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of a table; its fields are the keys that it may have."""


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
            f"The catalogue file {path.name} cannot be read: {error}.", hint=_HINT
        ) from None


def read_table(path: Path, kind: type[_Kind]) -> _Kind:
    """
    Return a TOML file as a row whose fields are its tables.

    Raises
    ------
    WrongUseError
        The file is missing, is not TOML, or something in it is not what the kind says; the text
        names file and place.
    """
    return _converted(path.name, load(path), kind)


def read_rows(path: Path, kind: type[_Kind]) -> dict[str, _Kind]:
    """
    Return the tables of a TOML file as rows of one kind, by their names.

    Raises
    ------
    WrongUseError
        As in `read_table`; the text names the table.
    """
    rows = load(path).items()
    return {name: _converted(f"{path.name}, [{name}]", row, kind) for name, row in rows}


def read_texts(path: Path, table: str) -> dict[str, str]:
    """
    Return one table of names and texts.

    Raises
    ------
    WrongUseError
        As in `read_table`; each value has to be a text.
    """
    return _converted(f"{path.name}, [{table}]", load(path).get(table), dict[str, Text])


def _converted(place: str, value: object, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise WrongUseError(f"{place}: {error}.", hint=_HINT) from None
