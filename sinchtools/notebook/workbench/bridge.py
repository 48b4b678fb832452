"""What only the browser can do: copy, take dropped files, listen to keys, open a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from sinchtools.notebook.workbench.evidence import MOST_BYTES
from sinchtools.notebook.workbench.page import script

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.desk import Workbench


class Bridge(anywidget.AnyWidget):
    """
    A widget without a face.

    Attributes
    ----------
    texts
        What each copy button copies, by its name.
    most_bytes
        The largest file that can be dropped.
    """

    texts = traitlets.Dict().tag(sync=True)
    most_bytes = traitlets.Int(MOST_BYTES).tag(sync=True)

    def __init__(self, desk: Workbench) -> None:
        super().__init__(_esm=script())
        self._desk = desk
        self.on_msg(self._hear)

    def say(self, words: str) -> None:
        """Have words read aloud."""
        self.send({"do": "say", "words": words})

    def _hear(self, _: Any, message: dict[str, Any], buffers: list[Any]) -> None:
        works = {
            "read": lambda: self._desk.evidence.read(str(message["text"])),
            "files": lambda: self._take(message, buffers),
            "choose": lambda: self._desk.choose(str(message["id"])),
        }
        if work := works.get(message.get("do", "")):
            is_reading = message["do"] in ("read", "files")
            self._desk.doing(work, busy="Reading…" if is_reading else "")(None)

    def _take(self, message: dict[str, Any], buffers: list[Any]) -> None:
        names = [str(name) for name in message["names"]]
        self._desk.evidence.take_files(
            [(name, bytes(data)) for name, data in zip(names, buffers, strict=False)]
        )
        for name, size in message["large"]:
            self._desk.say(
                "warn",
                f"{name} is too large to upload ({int(size) / 1e6:,.0f} MB).",
                f"The notebook server takes up to {MOST_BYTES // 1_000_000} MB. "
                "Put the file on this machine and give its path.",
            )
