"""
Each row of the status page is in catalogue, sandbox, diagnosis and tips.

A hole is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sinchtools.api import catalogue
from sinchtools.api.entries import Entry
from sinchtools.client.log import CallLog
from sinchtools.core.records import Exchange
from sinchtools.diagnosis import diagnosis
from sinchtools.diagnosis import rules as wording
from sinchtools.playbooks import playbook
from sinchtools.sandbox import Sandbox
from tests.support.clients import client_of
from tests.support.present import present
from tests.support.status_page import PAGE, in_words

Label = tuple[int, str | None]


@dataclass
class Parts:
    """The four places where a row must be; a test takes one away."""

    entries: dict[Label, Entry] = field(
        default_factory=lambda: {
            (entry.number, entry.code): entry for entry in catalogue.status_rows()
        }
    )
    scenes: dict[Label, Any] = field(default_factory=lambda: dict(PAGE))
    playbooks: dict[str, Any] = field(default_factory=lambda: dict(playbook._playbooks()))
    rules: dict[str, Any] = field(default_factory=lambda: dict(wording.rules()))


def holes(parts: Any, tmp_path: Path, rows: Iterable[Label] = tuple(PAGE)) -> Any:
    """Return what is missing, a line for each hole."""
    found = []
    for status, code in rows:
        name = in_words((status, code))
        entry = parts.entries.get((status, code))
        if entry is None or not (entry.on_page and entry.meaning and entry.tips and entry.source):
            found.append(f"{name}: catalogue")
        if not (parts.playbooks.get(name) or parts.playbooks.get(str(status))):
            found.append(f"{name}: tips")
        exchange = produced(parts.scenes.get((status, code)), tmp_path)
        if exchange is None or (exchange.status, exchange.code) != (status, code):
            found.append(f"{name}: sandbox")
        elif not recognised(exchange, parts.rules):
            found.append(f"{name}: diagnosis")
    return found


def produced(scene: Any, tmp_path: Path) -> Any:
    if scene is None:
        return None
    with Sandbox() as sandbox, CallLog(tmp_path / "calls.sqlite") as log:
        return scene(
            client_of(sandbox, log),
            sandbox,
        )


def recognised(exchange: Exchange, rules: Any) -> bool:
    """Tell whether a rule knows the response alone, and the whole exchange agrees with it."""
    whole = diagnosis.diagnose(exchange)
    if exchange.outcome == "success":
        return (whole.expected_status, [f for f in whole.findings if f.severity == "error"]) == (
            exchange.status,
            [],
        )
    alone = (f"observed-{exchange.code or exchange.status}", "observed-listed")
    top = present(whole.top)
    return (
        any(name.startswith(alone) for name in rules)
        and whole.consistent is True
        and (top.status, top.code) == (exchange.status, exchange.code)
        and top.rule in rules
        and bool(top.says and top.then and top.page)
    )


def test_no_row_of_the_page_has_a_hole(tmp_path: Path) -> None:
    assert [(entry.number, entry.code) for entry in catalogue.status_rows()] == list(PAGE)
    assert holes(Parts(), tmp_path) == []


@pytest.mark.parametrize("row", PAGE, ids=in_words)
def test_a_missing_entry_is_named(row: Any, tmp_path: Path) -> None:
    status, code = row
    name = in_words(row)
    for place in ("catalogue", "sandbox", "tips", "diagnosis"):
        parts = Parts()
        if place == "catalogue":
            del parts.entries[row]
        elif place == "sandbox":
            del parts.scenes[row]
        elif place == "tips":
            parts.playbooks = {}
        elif status < 400:
            continue  # a success needs no rule
        else:
            parts.rules = {
                rule: words
                for rule, words in parts.rules.items()
                if not rule.startswith((f"observed-{code or status}", "observed-listed"))
            }
        assert f"{name}: {place}" in holes(parts, tmp_path, [row])
