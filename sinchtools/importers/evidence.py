"""What one reading gave: the exchanges, what was left out or guessed, and how many secrets were removed."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sinchtools import tables
from sinchtools.records import Exchange, Skipped, as_dict

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 20


@dataclass(frozen=True, slots=True, repr=False)
class Evidence:
    """
    The exchanges of one reading and the report on it.

    Attributes
    ----------
    exchanges
        What was read, secrets removed, in the order of the evidence.
    skipped
        What was not read: where, why, how many in a row.
    warnings
        What was read but guessed.
    secrets
        How many secrets were removed, by place.
    formats
        How many exchanges came from which format.

    Examples
    --------
    >>> from sinchtools.importers import read
    >>> evidence = read("curl -X DELETE https://us.sms.api.sinch.com/xms/v1/plan/groups/g1 -H 'Authorization: Bearer abc123def456'")
    >>> evidence[0].request_headers, evidence.secrets_removed
    ({'Authorization': 'Bearer [secret opaque 12 #1]'}, 1)
    """

    exchanges: tuple[Exchange, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[Skipped, ...] = ()
    secrets: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)

    @property
    def secrets_removed(self) -> int:
        """How many secrets were removed."""
        return sum(self.secrets.values())

    def __len__(self) -> int:
        return len(self.exchanges)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    def __getitem__(self, key: int | str) -> Exchange:
        """Return the exchange at a position or with an id."""
        if isinstance(key, str):
            found = next((exchange for exchange in self.exchanges if exchange.id == key), None)
            if found is None:
                raise KeyError(key)
            return found
        return self.exchanges[key]

    def failing(self) -> Evidence:
        """Return the evidence with only those rows that are no success."""
        return replace(self, exchanges=tuple(exchange for exchange in self.exchanges if exchange.outcome != "success"))

    def frame(self) -> pd.DataFrame:
        """Return one row per exchange with the columns of `tables.COLUMNS`."""
        return tables.frame(self.exchanges)

    def as_json(self) -> dict[str, Any]:
        """Return what `sinchtools read --json` prints."""
        return {
            "exchanges": [tables.as_json(exchange) for exchange in self.exchanges],
            "skipped": [as_dict(skipped) for skipped in self.skipped],
            "warnings": [as_dict(warning) for warning in self.warnings],
            "secrets_removed": self.secrets_removed,
        }

    @property
    def summary(self) -> str:
        """The report in a few lines of text."""
        lines = [f"{_count(len(self), 'exchange')} read{_of(self.formats)}; {_count(self.secrets_removed, 'secret')} removed{_of(self.secrets)}."]
        lost = sum(skipped.count for skipped in self.skipped)
        lines += [f"Not read: {_count(lost, 'piece')}."] if lost else []
        lines += [f"  {_said(skipped)}" for skipped in self.skipped[:SHOWN]] + _more(len(self.skipped))
        lines += ["Read, but guessed:"] if self.warnings else []
        lines += [f"  {_said(warning)}" for warning in self.warnings[:SHOWN]] + _more(len(self.warnings))
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Show the numbers, never a header or a body."""
        return f"<Evidence: {len(self)} exchanges, {sum(s.count for s in self.skipped)} skipped, {self.secrets_removed} secrets removed>"

    def __str__(self) -> str:
        return self.summary

    def _repr_html_(self) -> str:
        rows = "".join(_html_row(exchange) for exchange in self.exchanges[:SHOWN])
        heads = "".join(
            f'<th scope="col" style="text-align:left;padding:2px 8px">{name}</th>' for name in ("id", "at", "request", "status", "code", "source")
        )
        table = f'<table style="border-collapse:collapse"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>' if rows else ""
        more = f"<p>Shown are {SHOWN} of {len(self)}.</p>" if len(self) > SHOWN else ""
        style = "color:var(--jp-content-font-color1,inherit);font-family:var(--jp-content-font-family,sans-serif)"
        return f'<div style="{style}"><pre style="white-space:pre-wrap;color:inherit">{html.escape(self.summary)}</pre>{table}{more}</div>'


def _html_row(exchange: Exchange) -> str:
    at = f"{exchange.at:%Y-%m-%d %H:%M:%S}" if exchange.at else ""
    what = exchange.endpoint or f"{exchange.method or '?'} {(exchange.url or '?').partition('?')[0]}"
    cells = (exchange.id, at, what, exchange.status if exchange.status is not None else exchange.outcome, exchange.code or "", exchange.source or "")
    return "<tr>" + "".join(f'<td style="padding:2px 8px">{html.escape(str(cell)[:120])}</td>' for cell in cells) + "</tr>"


def _said(entry: Skipped) -> str:
    return f"{entry.source}: {entry.reason}" + (f" ({entry.count} in a row)" if entry.count > 1 else "")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _of(counts: Counter[str]) -> str:
    return f" ({', '.join(f'{name} {number:,}' for name, number in counts.most_common(8))})" if counts else ""


def _more(number: int) -> list[str]:
    return [f"  and {number - SHOWN:,} more"] if number > SHOWN else []
