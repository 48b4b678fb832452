"""What a status or code means, as it is shown."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sinchtools.core.html import filled

RETRY = {  # what is written in the tables, and what people read
    "as-is": "Retry unchanged",
    "after-change": "Retry after fixing",
    "after-wait": "Wait, then retry",
    "do-not-retry": "Do not retry",
    "ask-first": "Check before retrying",
    "not-needed": "No retry needed",
}
Advice = Literal["as-is", "after-change", "after-wait", "do-not-retry", "ask-first", "not-needed"]
Location = Literal["body", "path", "query", "header", "host", "method", "account", "rate", "server"]
LOCATIONS: tuple[str, ...] = get_args(Location)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Entry:
    """
    What one status or code means and what to do about it.

    Shows itself as a card in a notebook, as a few lines in a terminal.

    Attributes
    ----------
    kind
        ``http``, ``delivery`` or ``smpp``.
    number
        The HTTP status, delivery code or SMPP code.
    code
        The API's own ``code`` string; None for delivery and SMPP codes.
    on_page
        Whether the vendor's page of its kind lists it.
    title, meaning
        A few words; one to three sentences.
    tips
        What to try, in order.
    retry, retry_reason
        One of `RETRY`, and why.
    location
        Where the usual culprit is (`LOCATIONS`); None when nothing is at fault or it is not known.
    source, tag
        The page that states it; ``documented``, ``observed`` or ``assumed``.
    row
        1-based place on the status page; None when it is no row of it.
    statuses
        The delivery statuses that come with a delivery code; empty when not stated.
    sample
        A body of such a response, where the vendor's page shows one; own values, the same fields.
    group, permanent, ten_dlc
        Class of an SMPP code, whether a repeat fails again (None: not stated), and how US carriers
        use it for 10DLC senders.
    """

    kind: str
    number: int
    code: str | None = None
    on_page: bool = True
    title: str
    meaning: str
    tips: tuple[str, ...]
    retry: str
    retry_reason: str
    location: str | None = None
    source: str
    tag: str
    row: int | None = None
    statuses: tuple[str, ...] = ()
    group: str | None = None
    permanent: bool | None = None
    ten_dlc: str | None = None
    sample: str | None = None

    @property
    def label(self) -> str:
        """
        The name to show.

        ``403 missing_callback_url``, ``delivery code 412``, ``SMPP code 310``.
        """
        if self.kind == "http":
            return f"{self.number} {shown(self.code)}" if self.code else str(self.number)
        return f"{'SMPP' if self.kind == 'smpp' else self.kind} code {self.number}"

    def as_json(self) -> dict[str, Any]:
        """
        Return the entry as the command line prints it.

        `status` is the HTTP status, or the statuses of a delivery code.
        """
        http = self.kind == "http"
        return {
            "kind": self.kind,
            "status": self.number if http else list(self.statuses) or None,
            "code": self.code if http else self.number,
            "on_page": self.on_page,
            "title": self.title,
            "meaning": self.meaning,
            "tips": list(self.tips),
            "retry": self.retry,
            "retry_reason": self.retry_reason,
            "location": self.location,
            "source": self.source,
            "tag": self.tag,
            **(
                {}
                if http
                else {"group": self.group, "permanent": self.permanent, "ten_dlc": self.ten_dlc}
            ),
        }

    def __repr__(self) -> str:
        return "\n".join(
            [f"{self.label}: {self.title}", *(_lines(name, text) for name, text in self._facts())]
        )

    def _repr_html_(self) -> str:
        title = f"{self.label}: {self.title}"
        return filled("sinchtools.api", "entry.html", title=title, facts=self._facts())

    def _facts(self) -> list[tuple[str, str | tuple[str, ...]]]:
        page = "" if self.on_page else "; not on the page"
        facts: list[tuple[str, str | tuple[str, ...]]] = [
            ("Meaning", self.meaning),
            ("Status", " or ".join(self.statuses)),
            ("Try", self.tips),
            ("Retry", f"{retry_in_words(self.retry)}. {self.retry_reason}"),
            ("Sample", (self.sample or "").strip()),
            ("Source", f"{self.source} ({self.tag}{page})"),
        ]
        return [(name, text) for name, text in facts if text]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """
    One status of a delivery report.

    It has its name on the wire, whether it is the last one, and what it means.
    """

    name: str
    final: bool
    meaning: str
    source: str
    tag: str


def shown(value: object) -> str:
    """Return a value for a text: printable, and not long."""
    text = (
        str(value).encode("unicode_escape").decode("ascii")
        if not str(value).isprintable()
        else str(value)
    )
    return text if len(text) <= 60 else f"{text[:59]}…"


def _lines(name: str, text: str | tuple[str, ...]) -> str:
    items = [text] if isinstance(text, str) else [f"{i}. {item}" for i, item in enumerate(text, 1)]
    wrapped = "\n".join(
        textwrap.fill(item, 100, subsequent_indent="   " if len(items) > 1 else "")
        for item in items
    )
    return f"  {name:<8} " + wrapped.replace("\n", "\n" + " " * 11)


def retry_in_words(advice: str) -> str:
    """
    Return an advice of `RETRY` in words, as the value of something that is named Retry.

    Examples
    --------
    >>> retry_in_words("after-change"), retry_in_words("do-not-retry")
    ('After fixing', 'Do not retry')
    """
    words = RETRY[advice].removeprefix("Retry ")
    return words[0].upper() + words[1:]
