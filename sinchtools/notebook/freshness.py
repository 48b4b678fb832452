"""
Mark cells whose result is OUT OF DATE, and say which cell to run first.

A result is out of date when it no longer follows from the notebook and its case.

The extension behind ``%load_ext sinchtools``. It goes by the names that cells read and make: what
changes through another name of the same object, or inside a function, is not seen. An object may
tell the version of its data (`version`, or `version_of` one of its parts).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from sinchtools.core.errors import SinchToolsError
from sinchtools.core.html import untypeset
from sinchtools.core.records import visible
from sinchtools.notebook.cellnames import Names, names_of
from sinchtools.privacy.aliases import ALIASED

LOOK_EVERY_S = 2.0
_SHOWS = re.compile(r"\b(display|print|show)\(")
_ACTS = {
    "add",
    "add_replay",
    "add_walk",
    "answer",
    "back",
    "check",
    "note",
}  # of a case or a walk: these change it
_TIMED = re.compile(
    r"^(?P<before>[ \t]*(?:[\w, ]+= *)?)%%?(?:time|timeit|prun)\b(?:[ \t]+-[a-z]+"
    r"(?:[ \t]+\d+\b)?)*[ \t]*",
    re.MULTILINE,
)
_CAPTURED = re.compile(r"\A\s*%%capture\b(?:[ \t]+--[\w-]+)*[ \t]*(?P<name>\w*)")
_CHANGES_ITS = {  # methods that change their object, as the builtin containers have them
    "add",
    "append",
    "clear",
    "difference_update",
    "discard",
    "extend",
    "insert",
    "intersection_update",
    "pop",
    "popitem",
    "remove",
    "reverse",
    "setdefault",
    "sort",
    "symmetric_difference_update",
    "update",
}
_CHANGES_FRAME = {"inplace", "insert", "pop", "update"}
_OF_IPYTHON = {"In", "Out", "exit", "get_ipython", "open", "quit"}
_MOST_SHOWN = 80  # characters of a cell's first line
_STYLE = (
    "border:2px solid #d55e00;border-radius:4px;padding:4px "
    "12px;line-height:1.4;font-family:var(--jp-ui-font-family,sans-serif);font-weight:600;"
    "color:var(--jp-ui-font-color0,inherit);background:var(--jp-layout-color1,transparent)"
)
_VALUES = (str, int, float, bool, bytes, type(None))  # the same when they are equal
_guards: weakref.WeakKeyDictionary[Any, Guard] = weakref.WeakKeyDictionary()


class Guard:
    """
    Watches the cells of one shell.

    A cell is out of date when a name that it read is another object by now, when the data behind it
    has another version, also by another kernel, or when it read what a cell made that is out of
    date itself.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._cells: dict[str, _Cell] = {}  # in the order in which they ran last
        self._makers: dict[str, _Cell] = {}  # by name
        self._changes: Counter[str] = (
            Counter()
        )  # by name: `frame["x"] = 1` changes what stays the same object
        self._before_run: dict[
            tuple[str, str | None], tuple[Any, int | None]
        ] = {}  # by name and part: object and version
        self._lock, self._stopped, self._cell_runs = threading.RLock(), threading.Event(), False

    def start(self) -> None:
        """Watch from now on."""
        _guards[self._shell] = self
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)
        self._shell.set_custom_exc((NameError,), self._explain)
        threading.Thread(target=self._look, name="sinchtools-freshness", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._shell.events.unregister("pre_run_cell", self._before)
        self._shell.events.unregister("post_run_cell", self._after)
        self._shell.set_custom_exc((), None)
        _guards.pop(self._shell, None)

    def check(self) -> dict[str, str]:
        """Show below each cell whether it is out of date; return why, by the id of the cell."""
        with self._lock:
            cells, before = (
                list(self._cells.values()),
                [cell.reason for cell in self._cells.values()],
            )
            for cell in cells:
                cell.reasons = list(self._reasons(cell))
            while any(
                self._inherits(cell) for cell in cells
            ):  # a cell may have run before or after the one that made what it reads
                pass
            for cell, reason in zip(cells, before, strict=True):
                if cell.reason != reason:
                    self._show(cell, update=True)
            return {key: cell.reason for key, cell in self._cells.items() if cell.reason}

    # --- what a cell read and made ----------------------------------------------------------------

    def _before(self, info: Any) -> None:
        self._cell_runs, here = True, self._shell.user_ns
        read = [(name, part) for name, part, _ in self._names(info.raw_cell).read if name in here]
        self._before_run = {
            (name, part): (here[name], _version(here[name], part)) for name, part in read
        }

    def _after(self, result: Any) -> None:
        key = result.info.cell_id or result.info.raw_cell
        with self._lock:
            self._cell_runs = False
            if result.success:
                if replaced := self._cells.pop(key, None):
                    replaced.reads, replaced.reasons = [], []
                self._cells[key] = self._ran(result)
            else:
                self._changes.update(
                    self._changed(self._names(result.info.raw_cell))
                )  # it may have come so far
                if key in self._cells:
                    self._cells[
                        key
                    ].display_id = ""  # its view is gone; what others took from it is not
            self._before_run = {}
        self.check()

    def _ran(self, result: Any) -> _Cell:
        names, here = self._names(result.info.raw_cell), self._shell.user_ns
        changed = self._changed(names)
        self._changes.update(changed)
        is_panel = type(result.result).__module__.startswith(
            "sinchtools.notebook.panels"
        )  # it tells by itself that its case changed
        acts = any(part is None or part in _ACTS for _, part, _ in names.read)
        reads = [
            _Read(
                name,
                is_own,
                part,
                _held(here[name]),
                None if is_panel else self._seen(name, part, acts),
                self._changes[name],
            )
            for name, part, is_own in names.read
            if name in here and not name.startswith("_") and name not in _OF_IPYTHON
        ]
        has_view = result.result is not None or _SHOWS.search(result.info.raw_cell)
        cell = _Cell(result.execution_count, reads, secrets.token_hex(8) if has_view else "")
        self._makers |= dict.fromkeys(names.written | changed, cell)
        self._show(cell)
        return cell

    def _names(self, source: str) -> Names:
        """
        Return the names of a cell.

        What a magic runs as Python counts as written in the cell itself.
        """
        python = _TIMED.sub(
            r"\g<before>",
            _CAPTURED.sub(lambda match: f"{match['name']} = None" if match["name"] else "", source),
        )
        return names_of(self._shell.transform_cell(python))

    def _changed(self, names: Names) -> set[str]:
        """
        Return the names whose object a cell changed in place.

        A method call counts if the object is a container or a frame.
        """
        here = self._shell.user_ns
        return names.changed | {
            name for name, method in names.called if method in _changing_methods(here.get(name))
        }

    def _seen(self, name: str, part: str | None, acts: bool) -> int | None:
        """
        Return the version that a cell saw.

        It is the version before the cell ran, because another kernel may have changed it since. If
        the cell changed it, it is the new one.
        """
        now = self._shell.user_ns[name]
        before, version = self._before_run.get((name, part), (None, None))
        return version if before is now and not acts else _version(now, part)

    def _reasons(self, cell: _Cell) -> Iterator[tuple[str, bool]]:
        """
        Yield why a cell is out of date by itself, and whether only data changed.

        If only data changed, an object with its own version, such as a case, is still good.
        """
        for read in cell.reads:
            is_same = (
                _same(read.held(), self._shell.user_ns.get(read.name, self))
                and self._changes[read.name] == read.changes
            )
            if not read.is_own and not is_same:
                where = (
                    f" (cell [{self._makers[read.name].number}])"
                    if read.name in self._makers
                    else ""
                )
                is_gone = read.name not in self._shell.user_ns
                said = (
                    f"is gone{where}. Make it again, then run"
                    if is_gone
                    else f"was made anew after this ran{where}. Run"
                )
                yield f"`{read.name}` {said} this cell again.", False
            if read.version is not None and _version(read.held(), read.part) != read.version:
                what = f"{read.name}.{read.part.partition('.')[0]}" if read.part else read.name
                yield (
                    f"`{what}` has changed since this ran, here or in another notebook. Run "
                    f"this cell again.",
                    True,
                )

    def _inherits(self, cell: _Cell) -> bool:
        """
        Add what is wrong with the cells that made what a cell read.

        Return whether there was anything new.
        """
        known = len(cell.reasons)
        for read in cell.reads:
            maker = None if read.is_own else self._makers.get(read.name)
            if (
                maker
                and maker is not cell
                and maker.reason
                and not (maker.is_only_data and _version(read.held(), "") is not None)
            ):
                said = (
                    f"`{read.name}` comes from cell [{maker.number}], which is out of date "
                    f"itself. Run that one, then this one again."
                )
                cell.reasons += (
                    [(said, maker.is_only_data)]
                    if (said, maker.is_only_data) not in cell.reasons
                    else []
                )
        return len(cell.reasons) > known

    def _show(self, cell: _Cell, *, update: bool = False) -> None:
        """Show the card, or nothing in its place, at the end of the cell's output."""
        if cell.display_id:
            text = f"OUT OF DATE: {cell.reason}" if cell.reason else ""
            words = re.sub("`(.+?)`", r"<code>\1</code>", escape(text))
            html = (
                untypeset(f"<div role='status' style='{_STYLE}'>▲ {words}</div>") if words else ""
            )
            data = {"text/html": html, "text/plain": text}
            self._shell.display_pub.publish(
                data=data,
                metadata=ALIASED,
                transient={"display_id": cell.display_id},
                update=update,
            )

    def _look(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            if not self._cell_runs:
                with suppress(
                    Exception
                ):  # a callback makes a name at this very moment: the next look sees it
                    self.check()

    # --- a name that is not there yet -------------------------------------------------------------

    def _explain(
        self,
        shell: Any,
        kind: type[BaseException],
        error: NameError,
        tb: Any,
        tb_offset: int | None = None,
    ) -> None:
        """
        Say in one sentence, in place of a traceback, which cell to run first.

        It stays an error.
        """
        last = tb
        while last.tb_next:
            last = last.tb_next
        if (
            kind is NameError
            and last.tb_frame.f_globals is shell.user_global_ns
            and (said := self._which_first(error.name))
        ):
            error.args = (said,)
            error._render_traceback_ = lambda: [said]  # type: ignore[attr-defined]  # IPython asks for it
        shell.showtraceback((kind, error, tb), tb_offset=tb_offset)

    def _which_first(self, name: str | None) -> str:
        sources = list(_cells_of_the_notebook())
        if not sources:
            return (
                f"`{name}` is not there: run the cell that makes it first (Run > Run All "
                f"Above Selected Cell), or look at its spelling."
            )
        for source in sources:
            if name in self._names(source).written:
                begins = visible(
                    next(filter(None, map(str.strip, source.splitlines())))[:_MOST_SHOWN]
                )
                return (
                    f"`{name}` is not there yet: run the cell that begins with `{begins}` "
                    f"first (or Run > Run All Above Selected Cell)."
                )
        return ""  # no cell makes it: Python guesses at its spelling


@dataclass(frozen=True, slots=True)
class _Read:
    name: str
    is_own: bool
    part: str | None
    held: Callable[[], Any]
    version: int | None
    changes: int


@dataclass(slots=True, eq=False)
class _Cell:
    number: int
    reads: list[_Read]
    display_id: str  # empty: it shows nothing
    reasons: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def reason(self) -> str:
        return self.reasons[0][0] if self.reasons else ""

    @property
    def is_only_data(self) -> bool:
        return all(is_data for _, is_data in self.reasons)


def _version(value: Any, part: str | None) -> int | None:
    """
    Return the version that an object of ours gives for its data, or None.

    It is -1 when its files are gone.
    """
    if part is None or not type(value).__module__.startswith("sinchtools."):
        return None
    try:
        found = (
            value.version_of(part.partition(".")[0])
            if part and hasattr(value, "version_of")
            else getattr(value, "version", None)
        )
    except (OSError, SinchToolsError):
        return -1
    return found if isinstance(found, int) else None


def _changing_methods(value: Any) -> set[str]:
    if isinstance(value, list | dict | set | bytearray):
        return _CHANGES_ITS
    return _CHANGES_FRAME if type(value).__name__ in ("DataFrame", "Series") else set()


def _held(value: Any) -> Callable[[], Any]:
    """
    Keep a reference to an object, so that no other is taken for it.

    A frame is referenced weakly.
    """
    if _version(value, "") is None:
        with suppress(TypeError):
            return weakref.ref(value)
    return lambda: value


def _same(before: Any, now: Any) -> bool:
    return before is now or (
        type(before) is type(now) and isinstance(now, _VALUES) and bool(before == now)
    )


def _cells_of_the_notebook() -> Iterator[str]:
    path = Path(os.environ.get("JPY_SESSION_NAME", ""))  # set by the Jupyter server
    if path.suffix == ".ipynb" and path.is_file():
        with suppress(ValueError, KeyError, TypeError, OSError):
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            yield from ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def load(shell: Any) -> None:
    """Begin to watch a shell."""
    Guard(shell).start()


def unload(shell: Any) -> None:
    """Watch it no more."""
    if guard := guard_of(shell):
        guard.stop()


def guard_of(shell: Any) -> Guard | None:
    """Return the guard of a shell, if it has one."""
    return _guards.get(shell)
