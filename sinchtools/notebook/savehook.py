"""
Clean what JupyterLab saves of a notebook.

Secrets that `redact` recognizes are removed. Outputs are saved only if they name nobody.

`sinchtools lab` cleans every notebook; `server` cleans those that use sinchtools, on any server.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from sinchtools.client.log import CallLog
from sinchtools.core.columns import from_json
from sinchtools.core.errors import LeakError, LogError
from sinchtools.core.files import read_own, refuse_foreign
from sinchtools.core.records import Exchange
from sinchtools.core.settings import work_folder
from sinchtools.privacy import seen
from sinchtools.privacy.alias_forms import ALIASED
from sinchtools.privacy.gate import Known, refuse_leaks, secrets_left
from sinchtools.privacy.redaction import Redactor

HOOK = "sinchtools.notebook.savehook.clean"
# bytes: the people of a larger one are not looked up while somebody waits for a save
LARGEST_CASE = 20 * 2**20
_WORDS = {"STRING", "COMMENT", "FSTRING_MIDDLE"}  # tokens of Python in which a secret is one
_WIDGET = "application/vnd.jupyter.widget-"


def clean(model: dict[str, Any], **_: object) -> None:
    """
    Take out of a notebook that is about to be saved what must not be in a file.

    This is the server's ``pre_save_hook``.

    An output stays when its metadata is `aliases.ALIASED` and it passes the leak gate against the
    people of every case in the work folder; all others go, and so do the states of widgets. A
    secret that is recognised becomes its marker, in sources, attachments and metadata. Whatever
    goes wrong, the sources of the cells are saved.

    Examples
    --------
    >>> output = {"output_type": "execute_result", "data": {"text/plain": "2"}}
    >>> cell = {"cell_type": "code", "source": "1 + 1", "outputs": [output]}
    >>> clean({"type": "notebook", "content": {"cells": [cell], "metadata": {}}})
    >>> cell["source"], cell["outputs"]
    ('1 + 1', [])
    """
    if model.get("type") != "notebook" or not isinstance(model.get("content"), dict):
        return
    notebook, redactor = model["content"], Redactor()
    _or(None, _learn)
    if isinstance(notebook.get("metadata"), dict):
        notebook["metadata"].pop("widgets", None)
        notebook["metadata"] = _or({}, _marked, notebook["metadata"], "", redactor)
    cells: list[dict[str, Any]] = [
        cell for cell in notebook.get("cells") or () if isinstance(cell, dict)
    ]
    for cell in cells:
        if "outputs" in cell:
            shown, cell["outputs"] = cell["outputs"], []
            cell["outputs"] = _or([], _nameless, shown)
        for name in cell.keys() & {"attachments", "metadata"}:
            cell[name] = _or({}, _marked, cell[name], "", redactor)
    for _round in ("named", "quoted"):  # a cell may quote what only a later one calls a secret
        for cell in cells:
            cell["source"] = _or(cell.get("source", ""), _without_secrets, cell, redactor)


def _or(instead: Any, work: Callable[..., Any], *given: Any) -> Any:
    try:
        return work(*given)
    except Exception:  # whatever it is: a notebook is not lost over it
        return instead


# --- outputs --------------------------------------------------------------------------------------


def _nameless(outputs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    marked = [output for output in outputs if ALIASED.items() <= output.get("metadata", {}).items()]
    still = [{**output, "data": _without_widgets(output["data"])} for output in marked]
    return [output for output in still if output["data"] and _passes(output)]


def _without_widgets(data: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: value for kind, value in data.items() if not kind.startswith(_WIDGET)}


def _passes(output: Mapping[str, Any]) -> bool:
    data = json.dumps(output, ensure_ascii=False).encode("utf-8", "replace")
    try:
        refuse_leaks(data, _known(), where="The notebook")
    except LeakError:
        return False
    return True


def _learn() -> None:
    """Look for the secrets of all cases in the work folder."""
    for path in _own(work_folder().glob("*/seen.jsonl")):
        for line in read_own(path).decode("utf-8", "replace").split("\n"):
            seen.learn(_or([], seen.from_json, _or({}, json.loads, line)))


def _known() -> Known:
    """Return the people of all cases and logs in the work folder."""
    files = [
        path
        for name in ("evidence.jsonl", "calls.sqlite")
        for path in _own((*work_folder().glob(name), *work_folder().glob(f"*/{name}")))
    ]
    return Known.together([_people_of(path, *_state(path)) for path in files])


def _own(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that a case would read: no links, no devices, nothing of somebody else."""
    for path in paths:
        with suppress(LogError):
            refuse_foreign(path)
            yield path


def _state(path: Path) -> tuple[tuple[int, int], ...]:
    parts = [part for part in (path, path.with_name(f"{path.name}-wal")) if part.exists()]
    return tuple((part.stat().st_size, part.stat().st_mtime_ns) for part in parts)


@lru_cache(maxsize=256)
def _people_of(path: Path, *state: tuple[int, int]) -> Known:
    if sum(size for size, _ in state) > LARGEST_CASE:
        raise LeakError(f"{path.name} is too large to be looked through at every save.")
    return Known.of(_rows(path))


def _rows(path: Path) -> Iterator[Exchange]:
    if path.suffix == ".sqlite":
        with CallLog(path) as log:
            yield from log
    else:
        for line in read_own(path).decode("utf-8", "replace").split("\n"):
            found = _or(None, _row, line)
            if found:  # else half a line, or none of ours: the case passes it over, too
                yield found


def _row(line: str) -> Exchange | None:
    return from_json(json.loads(line)) if line else None


# --- sources --------------------------------------------------------------------------------------


def _without_secrets(cell: Mapping[str, Any], redactor: Redactor) -> str | list[str]:
    """
    Return the source with secrets as markers.

    In code, only strings and comments are searched, because a name is not a secret.
    """
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    said = _said(text) if cell["cell_type"] == "code" else text
    for _, value in list(secrets_left(text)):
        if value in said:
            text = text.replace(value, _marker(value, redactor))
    return text if isinstance(source, str) else text.splitlines(keepends=True)


def _marked(value: Any, name: str, redactor: Redactor) -> Any:
    """
    Return metadata or attachments with secrets as markers.

    A secret that is alone under its name is marked too. Pictures stay.
    """
    if isinstance(value, dict):
        return {key: _marked(inner, str(key), redactor) for key, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner, name, redactor) for inner in value]
    if not isinstance(value, str) or re.match(r"image/(?!svg)", name):
        return value
    for text in (value, f'"{name}": "{value}"'):
        for _, found in list(secrets_left(text)):
            value = value.replace(found, _marker(found, redactor))
    return value


def _marker(value: str, redactor: Redactor) -> str:
    return redactor.headers({"Authorization": value})["Authorization"]


def _said(code: str) -> str:
    """Return the strings, comments and magics of a cell; all of it when it is no Python."""
    lines = code.splitlines(keepends=True)
    magics = [line for line in lines if line.lstrip().startswith(("%", "!"))]
    python = "".join(line for line in lines if line not in magics)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(python).readline))
    except (tokenize.TokenError, SyntaxError):
        return code
    words = [token.string for token in tokens if tokenize.tok_name[token.type] in _WORDS]
    is_python = not code.startswith("%%") and all(
        token.type != tokenize.ERRORTOKEN for token in tokens
    )
    return "\n".join([*magics, *words]) if is_python else code
