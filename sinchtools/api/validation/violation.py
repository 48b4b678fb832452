"""What is wrong with a request, or worth a look, and the response that it causes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

JSON, FORMAT, CONSTRAINT = (
    "syntax_invalid_json",
    "syntax_invalid_parameter_format",
    "syntax_constraint_violation",
)
# the order in which the API is taken to check (SMS API reference, our decision table): the first is
# the one that is answered
STAGES = (
    (401, None),
    (404, None),
    (405, None),
    (415, None),
    (400, JSON),
    (400, FORMAT),
    (400, CONSTRAINT),
    (403, None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """
    One rule that a request breaks, or (as a warning or note) one thing in it that is worth a look.

    Attributes
    ----------
    rule
        Id of the rule; the words for it stand in ``data/catalogue/rules.toml``.
    severity
        ``error``, ``warning`` or ``note``; only an error is refused.
    status, code
        The API's answer to an error; for a warning the code that a refusal would have, if any.
    location, field, pointer
        As in `records.Finding`.
    facts
        What the words of the rule need: ``value``, ``limit``, ``observed``, ``suggestion``.
    """

    rule: str
    severity: str = "error"
    status: int | None = 400
    code: str | None = FORMAT
    location: str = "body"
    field: str | None = None
    pointer: str | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def stage(self) -> int:
        """Position in the API's order of checks; warnings and notes come after every error."""
        if self.severity != "error":
            return len(STAGES)
        return next(
            (
                i
                for i, (status, code) in enumerate(STAGES)
                if status == self.status and code in (None, self.code)
            ),
            len(STAGES) - 1,
        )


def warning(rule: str, **rest: Any) -> Violation:
    """Return what is worth a look and is not refused."""
    return Violation(**{"rule": rule, "severity": "warning", "status": None, "code": None, **rest})


def note(rule: str, **rest: Any) -> Violation:
    """Return what may explain something and needs no change."""
    return warning(rule, severity="note", **rest)
