"""
The replay panel.

Choose failing exchanges, see what is wrong, change it, replay one or all of a kind, read the
verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
from markupsafe import Markup

from sinchtools.cases.case import Case
from sinchtools.client.log import CallLog
from sinchtools.core import settings
from sinchtools.core.errors import NotAllowedError, WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose
from sinchtools.notebook.panels.base import Panel
from sinchtools.notebook.panels.bulk_replay import Batch, stop_all_of
from sinchtools.notebook.panels.picker import ExchangeChoice, label
from sinchtools.notebook.panels.replay_html import KIND, compared_html, history_html, result_html
from sinchtools.notebook.panels.theme import WIDE, Html, banner, button, labelled, row, view
from sinchtools.notebook.request_texts import changed, header_lines, path_text
from sinchtools.privacy.aliases import Aliases
from sinchtools.replays.effects import VENDOR
from sinchtools.replays.planned import edited
from sinchtools.replays.planning import plan
from sinchtools.replays.plans import Plan
from sinchtools.replays.results import ReplayResults, Result
from sinchtools.replays.runner import Progress

_WORDS = {  # target: (in the dropdown, on the button, on the button for many)
    "preview": ("Preview: nothing is sent", "Show what would be sent", "Show all of this kind"),
    "sandbox": (
        "Sandbox: simulated on this machine",
        "Replay in the sandbox",
        "Replay all of this kind",
    ),
    "dry-run": (
        "Dry run: the vendor is asked, no SMS is sent",
        "Ask the vendor in a dry run",
        "Ask about all of this kind",
    ),
    "live": (
        "Live: real people get real messages",
        "Send for real",
        "Send all of this kind for real",
    ),
}


class ReplayPanel(Panel):
    """
    Replay failing exchanges by clicking.

    The function twins are ``st.replay(exchange, edit={...})`` and ``st.plan(evidence).run()``.

    Parameters
    ----------
    evidence
        A case, which then keeps the replays, or the exchanges to choose from; the failing ones are
        offered first.
    log
        Where the replays are written; None is the log of the case, or of the work folder.

    Attributes
    ----------
    results
        The replays of single exchanges, newest last.
    target
        The target; only what SINCHTOOLS_ALLOW switches on is offered.
    batch
        All exchanges of the chosen kind at once: start, stop, go on.

    Examples
    --------
    >>> from sinchtools import Exchange
    >>> ReplayPanel([Exchange(id="a", status=403, code="unknown_group")]).results
    []
    """

    keeps = ("choice",)

    def __init__(self, evidence: Case | Iterable[Exchange], *, log: CallLog | None = None) -> None:
        promise = "The original is never changed: a replay is a new row."
        super().__init__("Replay a failing request", promise, target="sandbox", source=evidence)
        place = (self.place, () if self.case else tuple(x.id for x in self.exchanges))
        was_running = stop_all_of(place)
        self.results: list[Result] = []
        self._checked: dict[
            tuple[object, ...], Plan
        ] = {}  # by their calls and originals: plans that the vendor was asked about
        self._log = self.case.log if self.case and log is None else log
        self.choice = ExchangeChoice(self.exchanges, self.guard(self._choose))
        self.diagnosis = Html(layout=WIDE)
        self._add_target()
        self._add_boxes()
        self.replay_button = button(
            "Replay in the sandbox", "Send this request to the target", primary=True
        )
        self.fix_button = button(
            "Apply the suggested fix", "Change the request as the diagnosis proposes"
        )
        self.reset_button = button("Back to the original", "Forget the changes made above")
        self.outcome = Html(layout=WIDE)
        self.batch = Batch(
            self,
            place,
            self._plan_of_kind,
            self._run,
            self._show_all,
            locks=(self.target, self.test_number),
        )
        buttons = (self.replay_button, self.fix_button, self.reset_button)
        self.check_button.on_click(
            self.guard(self.ask, self.check_button, *buttons, busy="Asking the vendor ...")
        )
        self.replay_button.on_click(self.guard(self.replay, *buttons, busy="Replaying ..."))
        self.fix_button.on_click(self.guard(self.fix, *buttons))
        self.reset_button.on_click(self.guard(self.reset, *buttons))
        boxes = (self.method, self.path, self.headers, self.body)
        self.batch.fix.observe(lambda _: self.batch.begin_anew(), names="value")
        self.rows(
            self.target,
            self.vendor,
            self.choice,
            self.diagnosis,
            *boxes,
            row(*buttons),
            self.batch,
            self.status,
            self.outcome,
        )
        self.begin()
        if self.choice.value:
            self.reset()
        else:
            self.say("There is no request to replay. Read some evidence first.")
        if was_running:
            self.say(
                "What this panel had under way was stopped, since its cell was run again. Click "
                "to go on with the rest."
            )

    def close(self) -> None:
        """Take the panel away; what it has under way is stopped."""
        self.batch.stop()
        super().close()

    def redraw(self) -> None:
        """
        Offer what the case holds now.

        The exchange that is chosen stays, and what was changed in the boxes.
        """
        if not self.choice.offer(self.exchanges):
            raise WrongUseError(
                "The exchange that was chosen is not there any more.",
                hint="Look at the one that is shown now, then click again.",
            )

    def _add_target(self) -> None:
        targets = settings.TARGETS[: settings.TARGETS.index(settings.allowed_target()) + 1]
        options = [(_WORDS[target][0], target) for target in targets]
        self.target = labelled(
            widgets.Dropdown,
            "Target",
            "Where a replay goes; more is switched on by SINCHTOOLS_ALLOW",
            options=options,
        )
        self.target.value = "sandbox"
        self.test_number = labelled(
            widgets.Text,
            "Test number",
            "Replaces every recipient. Leave it empty to use the real ones.",
        )
        self.effect = labelled(
            widgets.Text, "Effect", "Type what would happen, word for word, to confirm it"
        )
        self.check_button = button(
            "Check first (reads only)",
            "Ask the vendor what became of the originals and who is in their groups; sends no "
            "message",
        )
        children = (self.test_number, self.effect, row(self.check_button))
        self.vendor = widgets.VBox(
            children, layout=widgets.Layout(width="100%", display="none", overflow="visible")
        )
        self.target.observe(self.guard(self._aim), names="value")
        self.test_number.observe(self.guard(self._tell_effect), names="value")

    def _add_boxes(self) -> None:
        self.method = labelled(
            widgets.Text, "Method", "HTTP method", layout=widgets.Layout(width="280px")
        )
        self.path = labelled(widgets.Text, "Path", "Path and query of the request")
        self.headers = labelled(
            widgets.Textarea,
            "Headers",
            "One a line, Name: value; a removed secret is shown as its marker",
        )
        self.body = labelled(widgets.Textarea, "Body", "The request body as it was sent")
        for one in (self.headers, self.body):
            one.add_class("st-mono")

    def _aim(self) -> None:
        target = self.target.value
        self._banner.value, self.replay_button.description = banner(target), _WORDS[target][1]
        self.vendor.layout.display = "" if target in VENDOR else "none"
        self.effect.value = self.outcome.value = ""
        self.batch.begin_anew(_WORDS[target][2])
        self._tell_effect()
        self.say("Ready.")

    @property
    def exchange(self) -> Exchange:
        """The exchange that is chosen."""
        return self.choice.exchange

    def _tell_effect(self) -> None:
        """Say in the box what the chosen exchange would do; whoever means it types it."""
        if self.target.value in VENDOR and self.choice.value:
            made = self._plan_as_it_stands()
            self.effect.placeholder = (
                f"nothing is sent: {'; '.join(made.items[0].held_reasons)}"
                if made.reasons
                else made.effect
            )

    def _choose(self) -> None:
        self.batch.begin_anew()
        self.reset()
        self._tell_effect()

    def reset(self) -> None:
        """Show the chosen exchange as it was read."""
        found, x = self._found(), self.exchange
        self.diagnosis.value = found._repr_html_()
        self._show(x)
        self.body.disabled = isinstance(x.request_body, bytes)
        self.outcome.value = self.effect.value = ""  # what was typed was typed for another request
        self.say(
            "Ready."
            if found.fix
            else "Ready. There is no suggested fix for this one: change it yourself, or follow "
            "the tips."
        )

    def fix(self) -> None:
        """Make the certain repair in the boxes, without sending it."""
        fix = self._found().fix
        if fix is None:
            raise WrongUseError(
                "There is no suggested fix for this request.",
                hint="Change the request yourself, or walk the tips.",
            )
        self._show(fix.exchange)
        self.say("Changed: " + "; ".join(fix.changes))

    def replay(self) -> Result:
        """Replay the request as it stands in the boxes, and show the verdict; a preview is none."""
        self.outcome.value = (
            ""  # if this fails, the verdict on another request would be taken for its answer
        )
        result: Result = self._run(self._plan_as_it_stands())[0]
        if self.target.value == "preview":
            self.outcome.value = result_html(result, "preview")
            self.say("Preview: this is what would be sent. Nothing was.")
            return result
        self.results.append(result)
        self.outcome.value = result_html(result, self.target.value) + history_html(self.results)
        in_log = "" if result.child is None else "; it is in the call log."
        self.say(f"{result.verdict}. Replay {len(self.results)} of this panel{in_log}")
        return result

    def ask(self) -> None:
        """
        Ask the vendor the read-only questions about the chosen exchange and all of its kind.

        Show what is left to send.
        """
        self.outcome.value = ""
        made = {_calls(one): one for one in (self._plan_as_it_stands(), self._plan_of_kind())}
        self._checked |= {calls: one.check() for calls, one in made.items()}
        self.outcome.value = "".join(self._checked[calls]._repr_html_() for calls in made)
        was, left = (
            sum(len(one.reasons) for one in plans)
            for plans in (made.values(), [self._checked[calls] for calls in made])
        )
        asked = any(one.has_questions for one in made.values())
        said = (
            f"Checked. On hold: {was} before, {left} now."
            if asked
            else "There was nothing to ask: no outcome is unknown, and no group is named."
        )
        self.say(
            f"{said} Shown is what is left to be sent, of the chosen exchange and of all of its "
            f"kind; nothing was sent."
        )

    def edit(self) -> dict[str, Any]:
        """
        Return what the boxes change, as ``st.replay`` takes it.

        Empty when nothing was changed.
        """
        return changed(
            self.exchange,
            self.method.value.strip(),
            self.path.value.strip(),
            self.headers.value,
            None if self.body.disabled else self.body.value,
        )

    def _plan(self, exchanges: Sequence[Exchange], edits: Mapping[str, Mapping[str, Any]]) -> Plan:
        number = self.test_number.value.strip() if self.target.value in VENDOR else None
        made = plan(
            exchanges,
            target=self.target.value,
            edits=edits,
            test_number=number or None,
            log=self._log,
            among=self.exchanges,
        )
        checked = self._checked.get(_calls(made))
        return checked.beside(made) if checked else made

    def _plan_as_it_stands(self) -> Plan:
        typed = edited(self.exchange, self.edit())
        self.path.value, self.headers.value = (
            path_text(typed),
            header_lines(typed.request_headers),
        )  # a token that was typed is a marker from now on
        edit = self.edit()
        return self._plan([self.exchange], {self.exchange.id: edit} if edit else {})

    def _plan_of_kind(self) -> Plan:
        exchanges = self.choice.of_kind
        fixes = (
            {x.id: found.fix.edit for x in exchanges if (found := diagnose(x, now=x.at)).fix}
            if self.batch.fix.value
            else {}
        )
        return self._plan(exchanges, fixes)

    def _run(
        self, made: Plan, progress: Callable[[Progress], object] | None = None
    ) -> ReplayResults:
        if made.target in VENDOR and len(made.reasons) == len(made.items):
            why = "; ".join(made.items[0].held_reasons) if len(made.items) == 1 else made.why_held
            raise NotAllowedError(
                f"Everything is on hold: {why.rstrip('.')}.", hint="The sandbox takes it as it is."
            )
        if made.target in VENDOR and self.effect.value.strip().rstrip(".") != made.effect:
            held = f" On hold: {made.why_held}." if made.reasons else ""
            raise NotAllowedError(
                f"This would: {made.effect}.{held}",
                hint="Type exactly what it would do into the box Effect, then click again.",
            )
        self.effect.value = ""
        with self.own(self._log):
            done = made.run(confirm=made.effect, progress=progress)
        if self.case and done.target != "preview":
            self.case.add_replay(done)
        return done

    def _show_all(self, done: ReplayResults) -> None:
        self.outcome.value = done._repr_html_()
        if done.target == "preview":
            self.say(done.summary)
            return
        then = "click again to go on" if done.stopped else "they are in the call log"
        self.say(f"{done.summary}; {then}.")

    def static(self, people: Aliases) -> tuple[str, list[Exchange]]:
        """Return what is chosen, what is wrong with it, and the last verdict."""
        if not self.choice.value:
            return "No exchange is chosen.", []
        x, spoken_of = people.exchange(self.exchange), [self.exchange]
        last = None
        for one in self.results[-1:] if self.outcome.value else ():
            child = people.exchange(one.child) if one.child else None
            compared = compared_html(
                people.exchange(one.original), child, child.target if child else "preview"
            )
            last = {
                "word": f"{one.verdict}: replay {len(self.results)} of this panel",
                "kind": KIND.get(one.verdict, "open"),
                "reasons": [people.words(reason) for reason in one.reasons],
                "compared": compared,
            }
            spoken_of += [x for x in (one.original, one.child) if x]
        still = view(
            "replay.html",
            banner=banner(self.target.value),
            chosen=label(x),
            diagnosis=diagnose(x, now=x.at)._repr_html_(),
            last=last,
            counts=Markup(self.batch.counts.value),
        )
        return still, spoken_of

    def _found(self) -> Diagnosis:
        return diagnose(self.exchange, now=self.exchange.at)

    def _show(self, x: Exchange) -> None:
        self.method.value, self.path.value = x.method or "", path_text(x)
        self.headers.value = header_lines(x.request_headers)
        self.body.value = (
            x.request_body
            if isinstance(x.request_body, str)
            else "(no text)"
            if x.request_body
            else ""
        )


def _calls(made: Plan) -> tuple[object, ...]:
    return (made.target, *((item.call_id, item.original.id) for item in made.items))
