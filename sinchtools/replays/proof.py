"""
Prove that a fix works.

The sandbox runs original and fix, and finds the smallest change that passes there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from sinchtools.api.description import locate
from sinchtools.core.html import filled
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose
from sinchtools.replays.planning import plan
from sinchtools.replays.trials import MOST_TRIALS, Change, Trials, changes_of, edited, together


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """
    What the sandbox returns for the original and for its repair.

    Attributes
    ----------
    proven
        Whether the repair removes the reason of the failure.
    original, repaired
        The simulated responses, child rows of the evidence; None when nothing was run.
    verdict, reason
        Of the replay: FIXED, SAME, CHANGED, WORSE or INCONCLUSIVE, and why.
    changes
        What was changed.
    request
        The changed request; None when nothing was run.
    """

    proven: bool = False
    verdict: str = "INCONCLUSIVE"
    reason: str
    original: Exchange | None = None
    repaired: Exchange | None = None
    changes: tuple[str, ...] = ()
    request: Exchange | None = None

    def as_text(self) -> str:
        """Return both responses as a few lines."""
        lines = [
            f"{self.verdict}: {self.reason}",
            *(f"  changed: {change}" for change in self.changes),
        ]
        responses = (("original", self.original), ("repaired", self.repaired))
        return "\n".join(
            [*lines, *(f"  {name}: {x.status_in_words} (simulated)" for name, x in responses if x)]
        )

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        title = "Proof in the sandbox (simulated)"
        return filled("sinchtools.replays", "texts.html", title=title, texts=[self.as_text()])


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallestChange:
    """
    The smallest change of a request that the sandbox takes; simulated, so a proposal and no repair.

    Attributes
    ----------
    changes
        Each is needed: without any one of them the request is refused. Empty when there is none.
    alternatives
        Other single changes that pass as well.
    trials
        How many requests the sandbox was asked.
    reason
        Why there is none, or how sure it is.
    request
        The changed request; None when there is none.
    """

    changes: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    trials: int = 0
    reason: str = ""
    request: Exchange | None = None

    def as_text(self) -> str:
        """Return the change, its alternatives and the number of trials as one sentence."""
        if not self.changes:
            return f"No change was found: {self.reason} ({self.trials} trials, simulated)"
        others = "".join(f"; or {other}" for other in self.alternatives)
        return (
            f"{' and '.join(self.changes)}{others} ({self.reason}; {self.trials} trials, simulated)"
        )

    def __repr__(self) -> str:
        return self.as_text()


def prove(diagnosis: Diagnosis) -> Proof:
    """
    Run the original and its certain repair in the sandbox, set up as the evidence implies.

    Nothing leaves this machine.

    Parameters
    ----------
    diagnosis
        What `diagnose` found in one exchange.

    Returns
    -------
    Proof
        Both responses, simulated, and whether the fix is proven.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
    >>> headers = {"Authorization": "Bearer [secret opaque 32 #1]",
    ...            "Content-Type": "application/json"}
    >>> body = '{"to": ["+15551230001"], "body": "Hi",}'
    >>> bad = Exchange(id="a", method="POST", url=url, request_headers=headers, request_body=body)
    >>> proof = prove(diagnose(bad))
    >>> proof.proven, proof.original.status, proof.repaired.status
    (True, 400, 201)
    """
    if not diagnosis.failing and diagnosis.fix is None:
        return Proof(reason="nothing wrong was found, so there is nothing to prove")
    if diagnosis.not_fixable_because:
        return Proof(reason=f"no change of the request can help: {diagnosis.not_fixable_because}")
    if diagnosis.fix is None:
        hint = "smallest_change(exchange) looks for one that passes"
        return Proof(reason=f"there is no certain repair; {hint}")
    trials = Trials(diagnosis.exchange)
    [before], [after] = trials.run([{}]), trials.run([diagnosis.fix.edit])
    proven, reason = _compared(diagnosis.exchange, before.child, after.child)
    verdict = "FIXED" if proven else after.verdict if after.verdict != "FIXED" else "INCONCLUSIVE"
    return Proof(
        proven=proven,
        verdict=verdict,
        reason=reason,
        original=before.child,
        repaired=after.child,
        changes=diagnosis.fix.changes,
        request=after.request,
    )


def _compared(
    evidence: Exchange, before: Exchange | None, after: Exchange | None
) -> tuple[bool, str]:
    if before is None or after is None:
        return False, "the sandbox cannot run this request"
    if evidence.status is not None and (evidence.status, evidence.code) != (
        before.status,
        before.code,
    ):
        return (
            False,
            f"not reproduced: the evidence says {evidence.status_in_words}, the sandbox "
            f"{before.status_in_words}",
        )
    if before.http_outcome == after.http_outcome == "success":
        return False, "the sandbox accepts both: what it does not know, it ignores"
    if before.http_outcome == "success" or after.http_outcome != "success":
        return (
            False,
            f"the sandbox returns {before.status_in_words} for the original and "
            f"{after.status_in_words} for the fixed request",
        )
    return (
        True,
        f"the sandbox refuses the original ({before.status_in_words}) and accepts the fixed "
        f"request ({after.status_in_words})",
    )


def smallest_change(
    evidence: Exchange | Diagnosis, *, most_trials: int = MOST_TRIALS
) -> SmallestChange:
    """
    Return the smallest change that makes a request pass.

    It is found by removing and varying fields, in the sandbox only.

    Parameters
    ----------
    evidence
        The failing exchange, or its diagnosis.
    most_trials
        The sandbox is asked no more often than this.

    Returns
    -------
    SmallestChange
        The changes, the request with them, and how often the sandbox was asked.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
    >>> headers = {"Authorization": "Bearer [secret opaque 32 #1]",
    ...            "Content-Type": "application/json"}
    >>> body = ('{"to": ["+15551230001"], "from": "15559870002", "body": "Hi", '
    ...         '"send_at": "tomorrow"}')
    >>> bad = Exchange(id="a", method="POST", url=url, request_headers=headers, request_body=body)
    >>> smallest_change(bad).changes
    ('remove send_at',)
    """
    diagnosis = evidence if isinstance(evidence, Diagnosis) else diagnose(evidence)
    exchange = diagnosis.exchange
    if reason := _refusal(diagnosis):
        return SmallestChange(reason=reason)
    if plan(exchange).items[0].fault:
        return SmallestChange(
            reason="the response does not match the request shown, so the sandbox "
            "cannot try changes"
        )
    trials = Trials(exchange, most_trials)
    if trials.passes([()]) == [True]:
        return SmallestChange(
            trials=trials.count,
            reason="the sandbox takes the request as it is, so the cause does not show here",
        )
    return _searched(exchange, trials)


def _refusal(diagnosis: Diagnosis) -> str:
    x = diagnosis.exchange
    if x.method is None or x.url is None or not locate(x.url).is_sms_api:
        return "the evidence contains no request to the SMS API"
    if diagnosis.not_fixable_because:
        return f"no change of the request can help: {diagnosis.not_fixable_because}"
    return "" if diagnosis.failing else "nothing wrong was found"


def _searched(exchange: Exchange, trials: Trials) -> SmallestChange:
    options = list(changes_of(exchange))
    singles = [(one,) for one in options]
    passing = [
        change for change, passed in zip(singles, trials.passes(singles), strict=False) if passed
    ]
    found, sure = (passing[0], True) if passing else _reduced(options, trials)
    if not found:
        reason = (
            "the trials were used up"
            if trials.left <= 0
            else "neither removing nor varying its fields makes the request pass"
        )
        return SmallestChange(trials=trials.count, reason=reason)
    return SmallestChange(
        changes=tuple(one.words for one in found),
        alternatives=tuple(change[0].words for change in passing[1:4]),
        trials=trials.count,
        reason="each of them is needed"
        if sure
        else "the trials were used up before it was known to be the smallest",
        request=edited(exchange, found),
    )


def _reduced(options: Sequence[Change], trials: Trials) -> tuple[tuple[Change, ...], bool]:
    """
    Try pairs first.

    Otherwise make every change, then undo one after the other while the request still passes.
    """
    pairs = [pair for pair in combinations(options, 2) if together(*pair)]
    if len(pairs) <= trials.left // 2:
        for pair, passed in zip(pairs, trials.passes(pairs), strict=True):
            if passed:
                return pair, True
    kept = tuple(
        {
            one.place: one
            for one in reversed(options)
            if one.place != "fix" and "/" not in one.place
        }.values()
    )
    if trials.passes([kept]) != [True]:
        return (), False
    while trials.left >= len(kept):
        fewer = [tuple(other for other in kept if other is not one) for one in kept]
        smaller = next(
            (rest for rest, passed in zip(fewer, trials.passes(fewer), strict=True) if passed), None
        )
        if smaller is None:
            return kept, True
        kept = smaller
    return kept, False
