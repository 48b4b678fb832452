"""
A notebook without a kernel.

Cells run in an IPython shell of this process, and what is seen below each is kept.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import io
import os
import re
import sys
from types import ModuleType
from typing import Any

from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from sinchtools.core.records import Exchange
from sinchtools.notebook.shell import show_frames_as_text

BAD = Exchange(
    id="row-1",
    source="case.har#1",
    method="POST",
    url="https://us.sms.api.sinch.com/xms/v1/plan1/batches",
    request_headers={"Content-Type": "application/json"},
    request_body='{"to": ["+46701740605"], "from": "15559870002", "body": "Hi", }',
    status=400,
    code="syntax_invalid_json",
)
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_NAMES = ("get_ipython", "display")  # of builtins, which a shell puts there


class Notebook:
    """
    Cells by their ids in one shell.

    Attributes
    ----------
    views
        By cell: what it printed, displayed and returned, each by MIME type.
    errors
        What was shown in the place of a result, newest first.
    failed
        By cell: that of its last run, or nothing.
    """

    def __init__(self) -> None:
        self._at = ""
        self.views: dict[str, list[dict[str, str]]] = {}
        self.errors: list[str] = []
        self.failed: dict[str, str] = {}

    def __enter__(self) -> Notebook:
        self._before = [getattr(builtins, name, None) for name in _NAMES]
        folder = os.environ["SINCHTOOLS_HOME"]
        config = Config(
            {"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}
        )
        made: Any = InteractiveShell.instance
        self.shell = made(
            config=config, user_module=ModuleType("cells"), ipython_dir=f"{folder}/.ipython"
        )
        self.shell.display_pub = _Publisher(self)
        hook: Any = self.shell.displayhook
        hook.write_output_prompt = lambda: None
        hook.write_format_data = lambda data, _=None: self.views[self._at].append(data)
        self.shell._showtraceback = lambda kind, value, lines: self.errors.insert(
            0, _COLOUR.sub("", "\n".join(lines))
        )
        show_frames_as_text()  # as the import does that comes after the shell
        return self

    def __exit__(self, *_: object) -> None:
        for panel in [
            value
            for value in self.shell.user_ns.values()
            if type(value).__module__.startswith("sinchtools.notebook.panels")
        ]:
            panel.close()  # it looks after its case for as long as it is open
        self.shell.user_ns.clear()
        atexit.unregister(self.shell.atexit_operations)
        InteractiveShell.clear_instance()
        sys.modules.pop("cells", None)
        for name, value in zip(_NAMES, self._before, strict=True):
            if value:
                setattr(builtins, name, value)
            else:
                vars(builtins).pop(name, None)

    def run(self, source: str, cell: str) -> Any:
        """Run a cell, and keep what it shows."""
        self._at, self.views[cell], self.failed[cell] = cell, [], ""
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            result = self.shell.run_cell(source, store_history=True, cell_id=cell)
        if printed.getvalue().strip():
            self.views[cell].append({"text/plain": printed.getvalue()})
        if not result.success:
            self.failed[cell] = self.errors[0]
        return result

    def publish(self, data: dict[str, str]) -> None:
        """Take what is displayed into the views of the cell that runs."""
        self.views[self._at].append(data)


class _Publisher(DisplayPublisher):
    def __init__(self, notebook: Notebook) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._notebook = notebook

    def publish(
        self,
        data: Any,
        metadata: Any = None,
        source: Any = None,
        *,
        transient: Any = None,
        update: Any = False,
        **_: Any,
    ) -> None:
        if not update:
            self._notebook.publish(data)
