"""SQL of times, told from examples."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sinchtools.evidence import scan_sql
from sinchtools.evidence.pieces import Piece

if TYPE_CHECKING:
    import duckdb

Instants = Callable[[list[Any], str], str]  # SQL of a time in a value, told from examples

_MOST_TIMES = 300


class Times:
    """
    Tell SQL of times from examples, as the reader of single lines takes them.

    `in_any_zone` is for a connection of somebody else, whose time zone may be another.
    """

    def __init__(self, *, in_any_zone: bool = False) -> None:
        self.in_any_zone = in_any_zone

    def __call__(self, examples: list[Any], value: str) -> str:
        """Return the SQL of the moment in a value."""
        forms = [self._written(form, value) for form in self._forms(examples)]
        return scan_sql.first(forms, "TIMESTAMP")

    def _written(self, form: str, value: str) -> str:
        made = scan_sql.ANY_ZONE.sub(scan_sql.IN_ANY_ZONE, form) if self.in_any_zone else form
        return made.replace("{0}", value)

    def _forms(self, examples: list[Any]) -> list[str]:
        texts = [str(one) for one in examples[:_MOST_TIMES]]
        if not texts:  # the sample has none: the form that most have
            return [scan_sql.INSTANTS[0]]
        piece = Piece("sample", "\n".join(texts))
        moments = [piece.instant(one) for one in texts]
        wanted = [None if one is None else round(one.timestamp() * 1e6) for one in moments]
        chosen, left = [], {i for i, one in enumerate(wanted) if one is not None}
        for form, got in zip(scan_sql.INSTANTS, self._moments(texts), strict=True):
            right = {i for i in left if got[i] == wanted[i]}
            if right and not any(got[i] not in (None, wanted[i]) for i in left):
                chosen.append(form)
                left -= right
        return chosen

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        connection = duckdb.connect()  # the caller's may be in the middle of a result
        connection.execute("SET TimeZone = 'UTC'")
        return connection

    def _moments(self, texts: list[str]) -> list[tuple[int | None, ...]]:
        """Return what each form makes of each text, in microseconds since 1970."""
        tried = [form.replace("{0}", "v") for form in scan_sql.INSTANTS]
        asked = ", ".join(f"epoch_us({form})" for form in tried)
        rows = self._connection.execute(f"SELECT {asked} FROM (SELECT unnest(?) AS v)", [texts])
        return list(zip(*rows.fetchall(), strict=True))
