"""The replay panel: choose a failing exchange, see what is wrong, change it, replay it, read the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import urlsplit

import ipywidgets as widgets

from sinchtools.calllog import CallLog
from sinchtools.diagnosis import Diagnosis, diagnose
from sinchtools.errors import WrongUseError
from sinchtools.panels.choice import ExchangeChoice, label
from sinchtools.panels.look import WIDE, Panel, button, card, labelled, row, table
from sinchtools.records import Exchange
from sinchtools.replay import Result, replay

_KIND = {"FIXED": "good", "WORSE": "bad"}


class ReplayPanel(Panel):
    """
    Replay failing exchanges in the sandbox by clicking; the function twin is ``st.replay(exchange, edit={...})``.

    Parameters
    ----------
    evidence
        The exchanges to choose from; the failing ones are offered first.
    log
        Where the replays are written; None is the work folder's log.

    Attributes
    ----------
    results
        The replays done, newest last.
    """

    def __init__(self, evidence: Iterable[Exchange], *, log: CallLog | None = None) -> None:
        super().__init__("Replay a failing request", "The original is never changed: a replay is a row of its own.", target="sandbox")
        self.results: list[Result] = []
        self._log = log
        self.choice = ExchangeChoice(evidence, self.guard(self.reset))
        self.diagnosis = widgets.HTML(layout=WIDE)
        self.method = labelled(widgets.Text, "Method", "HTTP method", layout=widgets.Layout(width="280px"))
        self.path = labelled(widgets.Text, "Path", "Path and query of the request")
        self.headers = labelled(widgets.Textarea, "Headers", "One a line, Name: value; a removed secret stands as its marker", layout=_box("96px"))
        self.body = labelled(widgets.Textarea, "Body", "The request body as it was sent", layout=_box("170px"))
        self.replay_button = button("Replay in the sandbox", "Send what stands above to the simulated API", primary=True)
        self.fix_button = button("Apply the certain fix", "Change the request as the diagnosis proposes")
        self.reset_button = button("Back to the original", "Forget the changes made above")
        self.outcome = widgets.HTML(layout=WIDE)
        buttons = (self.replay_button, self.fix_button, self.reset_button)
        self.replay_button.on_click(self.guard(self.replay, *buttons, busy="Replaying in the sandbox ..."))
        self.fix_button.on_click(self.guard(self.fix, *buttons))
        self.reset_button.on_click(self.guard(self.reset, *buttons))
        self.rows(self.choice, self.diagnosis, self.method, self.path, self.headers, self.body, row(*buttons), self.outcome)
        if self.choice.value:
            self.reset()
        else:
            self.say("There is no exchange to replay: read some evidence first.")

    @property
    def exchange(self) -> Exchange:
        """The exchange that is chosen."""
        return self.choice.exchange

    def reset(self) -> None:
        """Show the chosen exchange as it was read."""
        found, x = self._found(), self.exchange
        self.diagnosis.value = found._repr_html_()
        self._show(x)
        self.body.disabled = isinstance(x.request_body, bytes)
        self.outcome.value = ""
        self.say("Ready." if found.fix else "Ready. There is no certain fix for this one: change it yourself, or follow the tips.")

    def fix(self) -> None:
        """Make the certain repair in the boxes, without sending it."""
        fix = self._found().fix
        if fix is None:
            raise WrongUseError("There is no certain fix for this exchange.", hint="Change the request yourself, or walk the tips.")
        self._show(fix.exchange)
        self.say("Changed: " + "; ".join(fix.changes))

    def replay(self) -> Result:
        """Replay the request as it stands in the boxes, and show the verdict."""
        result: Result = replay(self.exchange, edit=self.edit() or None, log=self._log)[0]
        self.results.append(result)
        self.outcome.value = result_html(result) + self._history()
        self.say(f"{result.verdict}. Replay {len(self.results)} of this panel; it is in the call log.")
        return result

    def edit(self) -> dict[str, Any]:
        """Return what the boxes change, as ``st.replay`` takes it; empty when nothing was changed."""
        x, changes = self.exchange, {}
        if self.method.value.strip() != (x.method or ""):
            changes["method"] = self.method.value.strip()
        if self.path.value.strip() != _path(x):
            parts = urlsplit(x.url or "")
            changes["url"] = (f"{parts.scheme}://{parts.netloc}" if parts.netloc else "") + self.path.value.strip()
        if (headers := _headers(self.headers.value)) != dict(x.request_headers):
            gone = {name: None for name in x.request_headers if name.lower() not in {one.lower() for one in headers}}
            changes["headers"] = {**gone, **headers}
        if not self.body.disabled and self.body.value != (x.request_body or ""):
            changes["body"] = self.body.value
        return changes

    def _found(self) -> Diagnosis:
        return diagnose(self.exchange, now=self.exchange.at)

    def _show(self, x: Exchange) -> None:
        self.method.value, self.path.value = x.method or "", _path(x)
        self.headers.value = "\n".join(f"{name}: {value}" for name, value in x.request_headers.items())
        self.body.value = x.request_body if isinstance(x.request_body, str) else "(no text)" if x.request_body else ""

    def _history(self) -> str:
        if len(self.results) < 2:
            return ""
        rows = [[str(i), label(r.original), r.verdict, "; ".join(r.reasons)] for i, r in enumerate(self.results, 1)]
        return table(["Replay", "Exchange", "Verdict", "Why"], rows[-10:], total=len(rows), caption="Replays of this panel")


def result_html(result: Result) -> str:
    """Return the verdict with its reasons, and original and replay side by side."""
    child = result.child
    rows = [
        [name, _shown(getattr(result.original, name)), _shown(getattr(child, name)) if child else "not sent"]
        for name in ("status", "code", "text", "elapsed_ms")
    ]
    reasons = "".join(f"<p>{escape(reason)}</p>" for reason in result.reasons)
    compared = table(["", "Original", "Replay (simulated)"], rows)
    return card(result.verdict, reasons + compared, _KIND.get(result.verdict, "open"))


def _shown(value: object) -> str:
    return "none" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)


def _path(x: Exchange) -> str:
    parts = urlsplit(x.url or "")
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _headers(text: str) -> Mapping[str, str]:
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, colon, value = line.partition(":")
        if line.strip() and not (colon and name.strip()):
            raise WrongUseError(f"Line {number} of the headers is no header.", hint="Write Name: value, one a line.")
        if line.strip():
            found[name.strip()] = value.removeprefix(" ")
    return found


def _box(height: str) -> widgets.Layout:
    return widgets.Layout(width="100%", height=height)
