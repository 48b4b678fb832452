"""What a replay came to: one result a request, and all of them as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sinchtools.core.columns import frame
from sinchtools.core.html import filled
from sinchtools.core.records import Exchange, visible
from sinchtools.evidence.exports import to_curl
from sinchtools.replays.planned import as_it_goes
from sinchtools.replays.verdicts import Difference, request_differences, response_differences

if TYPE_CHECKING:
    import pandas as pd
SHOWN = 20  # rows of a plan or a result in a notebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """
    What became of one exchange.

    Attributes
    ----------
    request
        What was to be sent; equal to `original` but for the changes.
    child
        The row of the replay, or None when nothing was sent.
    verdict, why
        One of `verdicts.VERDICTS`, and why.
    assumed
        What the sandbox was set up with because the original response implies it.
    """

    original: Exchange
    request: Exchange
    child: Exchange | None
    verdict: str
    why: tuple[str, ...]
    assumed: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the verdict is as it is, and what was assumed for it."""
        return (*self.why, f"assumed: {', '.join(self.assumed)}") if self.assumed else self.why

    @property
    def status_in_words(self) -> str:
        """The response to the replay, in words."""
        return self.child.status_in_words if self.child else "not sent"

    @property
    def request_differences(self) -> list[Difference]:
        """What was changed in the request."""
        return request_differences(self.original, self.request)

    @property
    def response_differences(self) -> list[Difference]:
        """
        What differs in the response, without `verdicts.IGNORED`.

        It is empty when there are not two responses.
        """
        was_answered = self.original.status or self.original.code
        return (
            response_differences(self.original, self.child)
            if was_answered and self.child and self.child.status
            else []
        )

    @property
    def differences(self) -> pd.DataFrame:
        """
        One row per difference.

        The columns are ``part`` (request or answer), ``where``, ``was`` and ``now``; <NA> where
        there is no value.
        """
        import pandas as pd

        rows = [
            (part, one.where, one.was, one.now)
            for part, found in (
                ("request", self.request_differences),
                ("answer", self.response_differences),
            )
            for one in found
        ]
        return pd.DataFrame(rows, columns=["part", "where", "was", "now"], dtype="string")

    def as_json(self) -> dict[str, Any]:
        """Return the object of ``sinchtools replay --json``."""
        child = self.child
        return {
            "id": child and child.id,
            "parent_id": self.original.id,
            "status": child and child.status,
            "code": child and child.code,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
        }


class ReplayResults(Sequence[Result]):
    """
    The results of a run, one per exchange, in the order of the plan.

    `stopped` says why it ended early, if it did.
    """

    def __init__(self, results: Iterable[Result], target: str, stopped: str = "") -> None:
        self.results, self.target, self.stopped = tuple(results), target, stopped

    def __getitem__(self, index: Any) -> Any:
        return self.results[index]

    def __len__(self) -> int:
        return len(self.results)

    def frame(self) -> pd.DataFrame:
        """Return the child rows, with the columns of every exchange frame."""
        return frame(result.child for result in self.results if result.child is not None)

    @property
    def verdicts(self) -> pd.DataFrame:
        """One row per exchange: id of the child, parent_id, was, now, verdict, reasons."""
        import pandas as pd

        rows = [
            {
                "id": r.child and r.child.id,
                "parent_id": r.original.id,
                "endpoint": r.original.endpoint,
                "was": r.original.status_in_words,
                "now": r.status_in_words,
                "verdict": r.verdict,
                "reasons": "; ".join(r.reasons),
            }
            for r in self.results
        ]
        return pd.DataFrame(
            rows,
            columns=["id", "parent_id", "endpoint", "was", "now", "verdict", "reasons"],
            dtype="string",
        )

    def as_json(self) -> dict[str, Any]:
        """Return the object of ``sinchtools replay --json``."""
        return {"results": [result.as_json() for result in self.results], "stopped": self.stopped}

    @property
    def summary(self) -> str:
        """How many went where, how many got which verdict, and why it ended early, if it did."""
        if self.target == "preview":
            return f"Preview of {len(self)}: nothing was sent"
        sent = sum(r.child is not None for r in self.results)
        counts = Counter(r.verdict if r.child else "not sent" for r in self.results)
        said = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.most_common())
        where = "SANDBOX (simulated)" if self.target == "sandbox" else self.target.upper()
        return "; ".join(
            filter(None, (f"Replayed {sent:,} of {len(self):,} to {where}", said, self.stopped))
        )

    def __repr__(self) -> str:
        if self.target == "preview":
            shown = (to_curl(as_it_goes(r.request)) for r in self.results[:SHOWN])
            return visible("\n".join([self.summary, *shown, *self._more]))
        lines = [
            f"{r.verdict:<12}  {r.original.source or r.original.id}: "
            f"{r.original.status_in_words} -> {r.status_in_words}"
            f"  {'; '.join(r.reasons)}"
            for r in self.results[:SHOWN]
        ]
        return visible("\n".join([self.summary, *lines, *self._more]))

    @property
    def _more(self) -> list[str]:
        return [f"... and {len(self) - SHOWN:,} more"] if len(self) > SHOWN else []

    def _repr_html_(self) -> str:
        if self.target == "preview":
            texts = [to_curl(as_it_goes(r.request)) for r in self.results[:SHOWN]]
            return filled("sinchtools.replays", "texts.html", title=self.summary, texts=texts)
        rows = [
            (
                r.verdict,
                r.original.source or r.original.id,
                r.original.endpoint or "",
                r.original.status_in_words,
                r.status_in_words,
                "; ".join(r.reasons),
            )
            for r in self.results[:SHOWN]
        ]
        return filled(
            "sinchtools.replays",
            "results.html",
            title=self.summary,
            rows=rows,
            total=len(self),
        )
