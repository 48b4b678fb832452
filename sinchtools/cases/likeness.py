"""Which rows failed alike."""

from __future__ import annotations

from sinchtools.core.records import Exchange


def fingerprint(exchange: Exchange | None) -> str:
    """Return what groups an exchange, as in `analysis.groups`; nothing for None."""
    from sinchtools import analysis

    if exchange is None:
        return ""
    lost = exchange.outcome == "not_delivered"
    return analysis.fingerprint(
        None if lost else exchange.status,
        f"delivery code {exchange.delivery_code}" if lost else exchange.code,
        exchange.endpoint,
        exchange.failure if exchange.text is None else exchange.text,
    )
