"""
List every judgment that is assumed in one table.

Neither the vendor's pages nor an observation states them.

`python -m tools.assumptions` prints it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

from sinchtools.api.catalogue import delivery_codes, smpp_codes, status_rows
from sinchtools.api.description import ENDPOINTS, SCHEMAS
from sinchtools.core.settings import share_folder
from sinchtools.diagnosis.rules import rules

_TITLE = "# What is assumed"
_INTRO = (
    "Made by `python -m tools.assumptions > docs/assumed.md`; a test keeps it up to date. Each row "
    "is a judgment that neither the vendor's pages nor an observation states. All others have the "
    "tag documented or observed, and their source. The column refusal says how sure it is that the "
    "API refuses the request at all. Where that is assumed too, the finding is a warning and never "
    "decides the expected response. Elsewhere only the status or the code is assumed."
)


def table() -> str:
    """
    Return the table as Markdown.

    Examples
    --------
    >>> "| rule | json-too-deep | documented |" in table()
    True
    """
    rows = sorted(set(_rows()))
    lines = [
        f"| {kind} | {name} | {_refusal(kind, name)} | {_cell(what)} |" for kind, name, what in rows
    ]
    return "\n".join(
        [
            _TITLE,
            "",
            _INTRO,
            "",
            f"{len(rows)} assumptions:",
            "",
            "| where | what | refusal | judgement |",
            "|---|---|---|---|",
            *lines,
            "",
        ]
    )


def _rows() -> Iterator[tuple[str, str, str]]:
    yield from (
        ("rule", name, rule.says) for name, rule in rules().items() if rule.tag == "assumed"
    )
    for entry in (*status_rows(), *delivery_codes(), *smpp_codes()):
        if entry.tag == "assumed":
            yield entry.kind, entry.label, entry.meaning
    for name, words in (("http", "entry"), ("retry", "rule")):
        yield from (_of(name, row) for row in _tables(name)[words] if row["tag"] == "assumed")
    for schema, fields in SCHEMAS.items():
        yield from (
            ("field", f"{schema} {name}", f"{spec.kind}, {_limits(spec.low, spec.high)}")
            for name, spec in fields.items()
            if spec.tag == "R"
        )
    for endpoint in ENDPOINTS:
        yield from (
            ("parameter", f"{endpoint.template} {name}", spec.kind)
            for name, spec in endpoint.query.items()
            if spec.tag == "R"
        )


def _refusal(kind: str, name: str) -> str:
    """Return how sure it is that the API refuses; of a warning nothing is said."""
    rule = rules().get(name) if kind == "rule" else None
    if rule is None or rule.severity != "error" or name.startswith("observed-"):
        return ""
    return rule.refusal


def _of(name: str, row: dict[str, object]) -> tuple[str, str, str]:
    if name == "http":
        return (
            "http",
            " ".join(str(row[key]) for key in ("status", "code") if key in row),
            str(row["meaning"]),
        )
    when = ", ".join(map(str, row["when"]))  # type: ignore[call-overload]
    return "retry", when, f"{row['advice']}: {row['reason']}"


def _tables(name: str) -> dict[str, list[dict[str, object]]]:
    return tomllib.loads(
        (share_folder("data/catalogue") / f"{name}.toml").read_text(encoding="utf-8")
    )


def _limits(low: int | None, high: int | None) -> str:
    return f"at least {low or 0}" + (f", at most {high:,}" if high is not None else "")


def _cell(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}").replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    print(table(), end="")
