"""A call in code, with what is known of its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sinchtools.evidence.formats.code import libraries
from sinchtools.evidence.formats.code.syntax import Node


@dataclass(frozen=True, slots=True)
class Call:
    """A call: what it stands on, what it is named, and what it is given."""

    node: Node
    holder: Node  # what stands before the name, as code; `receiver` is its value
    receiver: Any
    name: str
    path: str  # the whole name, as ``client.messages.create``
    values: list[Any]
    named: dict[str, Any]

    @property
    def plain(self) -> str:
        """The name in small letters without signs."""
        return libraries.plain(self.name)

    @property
    def verb(self) -> str:
        """The HTTP method that the name says, or nothing."""
        return libraries.verb_of(self.name)

    @property
    def given(self) -> list[Any]:
        """All values, named or not."""
        return [*self.values, *self.named.values()]
