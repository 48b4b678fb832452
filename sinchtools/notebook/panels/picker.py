"""Choosing one exchange among many: first the kind of failure, then the exchange."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import ipywidgets as widgets

from sinchtools.api.description import locate
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange, calls_of, visible
from sinchtools.notebook.panels.theme import labelled

EVERY_FAILURE, SUCCESSES = "every failure", "successes"
SHOWN = 200


class ExchangeChoice(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    Two dropdowns: the failures with their numbers, and the exchanges of the one that is chosen.

    Parameters
    ----------
    exchanges
        What there is to choose from.
    on_change
        Called with the change when another exchange is chosen.
    more
        Further choices without an exchange: (words, value).
    side
        What the labels end with, where there are two of this.

    Attributes
    ----------
    value
        Id of the chosen exchange, or the value of one of `more`.
    exchanges
        What is offered, by id: of each call the last attempt.
    """

    def __init__(
        self,
        exchanges: Iterable[Exchange],
        on_change: Callable[[object], object],
        more: Sequence[tuple[str, str]] = (),
        *,
        side: str = "",
    ) -> None:
        self._more, self._on_change, self._paused = more, on_change, False
        wide = 100 if side else 140
        self.kind = labelled(
            widgets.Dropdown,
            f"Response{side}" if side else "Failure",
            "Status and code, with the number of exchanges",
            wide=wide,
            options=[],
        )
        self.one = labelled(
            widgets.Dropdown, f"Exchange{side}", f"The first {SHOWN} of them", wide=wide, options=[]
        )
        super().__init__(
            (self.kind, self.one), layout=widgets.Layout(width="100%", overflow="visible")
        )
        self._offer_kinds(exchanges)
        self._offer()
        self.kind.observe(lambda _: None if self._paused else self._offer(), names="value")
        self.one.observe(
            lambda change: (
                None if self._paused or change["new"] is None else self._on_change(change)
            ),
            names="value",
        )

    def offer(self, exchanges: Iterable[Exchange]) -> bool:
        """
        Offer other exchanges.

        Return whether what was chosen is among them, and is chosen still.
        """
        kind, one = self.kind.value, self.one.value
        self._paused = True
        try:
            self._offer_kinds(exchanges)
            if kind in {value for _, value in self.kind.options}:
                self.kind.value = kind
            self._offer()
            if is_kept := one in {value for _, value in self.one.options}:
                self.one.value = one
        finally:
            self._paused = False
        if not is_kept and self.value is not None:
            self._on_change(None)
        return is_kept or one is None

    @property
    def value(self) -> str | None:
        """What is chosen; None when there is nothing to choose."""
        return self.one.value  # type: ignore[no-any-return]

    @value.setter
    def value(self, wanted: str) -> None:
        exchange = self.exchanges.get(wanted)
        self.kind.value = kind_of(exchange) if exchange else ""
        self.one.value = wanted

    @property
    def exchange(self) -> Exchange:
        """The exchange that is chosen."""
        if self.value not in self.exchanges:
            raise WrongUseError(
                "No exchange is chosen.", hint="Read some evidence, then choose one."
            )
        return self.exchanges[self.value]

    @property
    def of_kind(self) -> list[Exchange]:
        """All exchanges of the kind that is chosen, also those that are not offered one by one."""
        wanted = self.kind.value
        return [
            x
            for x in self.exchanges.values()
            if wanted == kind_of(x) or (wanted == EVERY_FAILURE and x.failed)
        ]

    def _offer_kinds(self, exchanges: Iterable[Exchange]) -> None:
        self.exchanges = {exchange.id: exchange for exchange in calls_of(exchanges)}
        kinds = Counter(kind_of(exchange) for exchange in self.exchanges.values())
        offered = [(kind, n) for kind, n in kinds.most_common() if kind != SUCCESSES]
        failed = sum(exchange.failed for exchange in self.exchanges.values())
        if len(offered) > 1 and failed:
            offered.append((EVERY_FAILURE, failed))
        if kinds[SUCCESSES]:
            offered.append((SUCCESSES, kinds[SUCCESSES]))
        options = [(visible(f"{kind} ({n:,})"), kind) for kind, n in offered]
        if self._more:
            options.append(("a row of the status page", ""))
        self.kind.options = options
        self.kind.index = 0 if self.kind.options else None

    def _offer(self) -> None:
        self.one.options = (
            [(label(x), x.id) for x in self.of_kind[:SHOWN]]
            if self.kind.value
            else list(self._more)
        )
        self.one.index = 0 if self.one.options else None


def kind_of(exchange: Exchange) -> str:
    """Return status and code in words: what failures are sorted by."""
    if exchange.outcome == "success":
        return SUCCESSES
    return exchange.status_in_words


def label(exchange: Exchange) -> str:
    """Return one line that tells an exchange from the others."""
    at = exchange.at.strftime("%Y-%m-%d %H:%M:%S") if exchange.at else ""
    what = exchange.endpoint or f"{exchange.method or '?'} {locate(exchange.url or '').path}"[:60]
    return visible(
        "  |  ".join(
            filter(None, (exchange.status_in_words, what, at, exchange.source or exchange.id))
        )
    )
