"""
Walk through the troubleshooting tips as steps, with a transcript.

The steps are in data/catalogue/playbooks.toml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from msgspec.structs import asdict

from sinchtools.api import catalogue
from sinchtools.client.client import Client
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.html import filled
from sinchtools.core.records import Exchange, Finding, Step, in_words, visible
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.playbooks.check_rows import ASKED, NOT_DECIDABLE, Checked, tables
from sinchtools.playbooks.checks import CHECKS
from sinchtools.playbooks.live_checks import live_check

__all__ = ["CHECKS", "ENDS", "STATES", "Checked", "Playbook", "Walk", "playbook", "tips"]
STATES = ("done", "skipped", "failed")
ENDS = "ends:"
_UNKNOWN = "The response is unknown: the vendor's checklist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """
    The steps for one status and code.

    If the code has none of its own, they are those of its class, or the vendor's checklist.
    """

    status: int | None
    code: str | None
    title: str
    steps: tuple[Step, ...]
    source: str = ""


def playbook(status: int | str | None, code: str | None = None) -> Playbook:
    """
    Return the playbook of a status and code; every one has one.

    A status of None means that no response came back.

    Examples
    --------
    >>> playbook(403, "missing_callback_url").steps[0].title
    'Does the request contain a URL?'
    >>> playbook(None, "unknown_group").title
    'Find the group that is not known'
    >>> playbook(418).title
    "The vendor's checklist"
    """
    status = catalogue.status_of(code) if status is None else status
    entry = None if status is None else catalogue.explain(status, code)
    number = entry.number if entry and entry.number > 0 else None
    code = entry.code if entry else code
    labels = ["any" if code else "none"]
    if number is not None:
        labels = [f"{number} {code}", f"{number}", f"{number // 100}xx"]
    title, source, steps = next(
        found for label in [*labels, "any"] if (found := _playbooks().get(label))
    )
    return Playbook(status=number, code=code, title=title, source=source, steps=steps)


def tips(
    what: Exchange | int | str | None,
    code: str | None = None,
    findings: Sequence[Finding] | None = None,
) -> Walk:
    """
    Return a walk through the tips for an exchange, or for a status and code.

    Parameters
    ----------
    findings
        What the diagnosis says of the exchange; it is made here when it is not given. With the rest
        of the evidence it knows more: ``tips(exchange, findings=diagnose(exchange,
        history=evidence).findings)``.
    what
        An exchange, a status, or None for no response.
    code
        The code of the response, with a status.

    Returns
    -------
    Walk
        The steps, the current one first; the evidence has answered what it can.

    Examples
    --------
    >>> tips(415).current.title
    'Is Content-Type application/json?'
    """
    if isinstance(what, Exchange):
        findings = diagnose(what).findings if findings is None else findings
        return Walk(_playbook_of(what, findings), what, findings)
    return Walk(playbook(what, code), None, findings or ())


def _playbook_of(exchange: Exchange, findings: Sequence[Finding]) -> Playbook:
    """Return the playbook of what came back, or of what the API would return if that is unknown."""
    if exchange.delivery and exchange.outcome in ("success", "not_delivered"):
        return playbook(201)
    if exchange.status is not None or exchange.failure or exchange.code:
        return playbook(exchange.status, exchange.code)
    top = next((one for one in findings if one.severity == "error" and one.status), None)
    if top and top.status:
        return playbook(top.status, top.code)
    _, source, steps = _playbooks()["any"]
    return Playbook(status=None, code=None, title=_UNKNOWN, source=source, steps=steps)


class Walk:
    """
    One walk through a playbook: answer step by step.

    Every answer goes into the transcript with its time and proof.

    ``done`` means that this was it and is fixed: the walk ends. ``failed`` means that it did not
    help: the walk goes on where the step's `otherwise` points. ``skipped`` means that it was not
    the cause, or was not looked at: the next step follows.

    Attributes
    ----------
    transcript
        The events in order: step, title, state (``done``, ``skipped``, ``failed`` or ``taken
        back``), proof, reason, at.
    ended
        The sentence where the walk ended; empty while it goes on.

    Examples
    --------
    >>> walk = Walk(playbook(429), now=lambda: datetime(2026, 11, 23, tzinfo=UTC))
    >>> walk.answer("failed", "no such header")
    >>> walk.transcript[0]["state"], walk.ended
    ('failed', '')
    """

    def __init__(
        self,
        playbook: Playbook,
        exchange: Exchange | None = None,
        findings: Iterable[Finding] = (),
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.playbook = playbook
        self.exchange = exchange
        self.findings = tuple(findings)
        self.transcript: list[dict[str, str]] = []
        self.ended = ""
        self._now = now
        self._read: dict[str, Checked] = {}  # by step: what a read-only call told
        self._path = [playbook.steps[0].id]
        self._steps = {step.id: step for step in playbook.steps}

    @property
    def current(self) -> Step:
        """The step to look at; the last one when the walk has ended."""
        return self._steps[self._path[-1]]

    @property
    def finished(self) -> bool:
        """Whether the walk has ended."""
        return bool(self.ended)

    def check(self, client: Client | None = None) -> Checked:
        """
        Decide the current step from the evidence, if it can be.

        Parameters
        ----------
        client
            Giving one is the consent to a read-only call, where the step has one; without it no
            call is ever made.
        """
        step, exchange = self.current, self.exchange
        if client is not None and step.live and exchange is not None:
            self._read[step.id] = live_check(step.live, exchange, client)
        return self._read.get(step.id) or self.decided(step)

    def decided(self, step: Step) -> Checked:
        """Return what the evidence says of a step."""
        if step.check is None:
            return Checked(ASKED, "Only you can check this.")
        if self.exchange is None:
            return Checked(NOT_DECIDABLE, "There is no request to look at.")
        return CHECKS[step.check](self.exchange, self.findings)

    def answer(self, state: str, note: str = "") -> None:
        """
        Answer the current step and go on.

        Raises
        ------
        WrongUseError
            The state is none of `STATES`, or the walk has ended.
        """
        if state not in STATES:
            raise WrongUseError(
                f"{told(state)} is not an answer to a step.",
                hint=f"Use one of: {', '.join(STATES)}.",
            )
        if self.finished:
            raise WrongUseError(
                "The walk has ended.", hint="Go back() a step, or begin a new walk."
            )
        self._record(state, note)
        target = {
            "done": f"{ENDS} solved at {self.current.title!r}.",
            "failed": self.current.otherwise,
            "skipped": self._next(),
        }[state]
        if target.startswith(ENDS):
            self.ended = target.removeprefix(ENDS).strip()
        else:
            self._path.append(target)

    def answer_step(self, step: str, state: str, note: str = "") -> None:
        """
        Answer one step, in whatever order; the walk stands at it.

        Raises
        ------
        WrongUseError
            There is no such step, or as in `answer`.
        """
        if step not in self._steps:
            raise WrongUseError(f"There is no step {told(step)}.", hint="Use a step's id.")
        self.ended = ""
        self._path.append(step)
        self.answer(state, note)

    def back(self) -> None:
        """
        Return to the step before, or reopen the last one when the walk has ended.

        The transcript keeps what was answered.
        """
        if self.finished:
            self.ended = ""
        elif len(self._path) > 1:
            self._path.pop()
        else:
            return
        self._record("taken back", "")

    def as_text(self) -> str:
        """Return the playbook with its states as plain text: the static twin of the panel."""
        lines = [self._heading()]
        for i, step in enumerate(self.playbook.steps, 1):
            pointer = ">" if step is self.current and not self.finished else " "
            lines += [
                f"{pointer} {i}. {step.title}{self._said(step)}",
                f"     Look       {step.look}",
                f"     Do         {step.do}",
                f"     Otherwise  {self._otherwise(step)}",
            ]
        return visible("\n".join([*lines, f"Ended: {self.ended}"] if self.finished else lines))

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        return filled(
            "sinchtools.playbooks",
            "walk.html",
            title=self._heading(),
            steps=[(x, self._said(x), self._otherwise(x)) for x in self.playbook.steps],
            now=None if self.finished else self.current,
            ended=self.ended,
        )

    def _heading(self) -> str:
        label = in_words(self.playbook.status, self.playbook.code)
        return ": ".join(filter(None, (label, self.playbook.title)))

    def _said(self, step: Step) -> str:
        said = next(
            (event for event in reversed(self.transcript) if event["step"] == step.id), None
        )
        if said is None or said["state"] == "taken back":
            return ""
        return f" [{'; '.join(filter(None, (said['state'], said['reason'], said['proof'])))}]"

    def _otherwise(self, step: Step) -> str:
        ends = step.otherwise.startswith(ENDS)
        return (
            step.otherwise.removeprefix(ENDS).strip() if ends else self._steps[step.otherwise].title
        )

    def _next(self) -> str:
        ids = list(self._steps)
        after = ids.index(self.current.id) + 1
        return ids[after] if after < len(ids) else self.current.otherwise

    def _record(self, state: str, note: str) -> None:
        decided = self.current.id in self._read or (self.current.check and self.exchange)
        checked = self.check() if decided and state in STATES else None
        self.transcript.append(
            {
                "step": self.current.id,
                "title": self.current.title,
                "state": state,
                "proof": f"{checked.state}: {checked.proof}" if checked else "",
                "reason": note.strip(),
                "at": self._now()
                .astimezone(UTC)
                .isoformat(timespec="seconds")
                .replace("+00:00", "Z"),
            }
        )


@cache
def _playbooks() -> dict[str, tuple[str, str, tuple[Step, ...]]]:
    return {
        label: (row.title, row.source, tuple(Step(**asdict(one)) for one in row.step))
        for row in tables().playbook
        for label in row.labels
    }
