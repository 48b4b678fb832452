"""What an expression of code is worth when nothing is executed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

MOST_CHARACTERS = 500_000  # of one value: code can double a text in every line
_PERCENT = re.compile(r"%(?:\((\w+)\))?(?:(\d+)\$)?[-+ 0#]*\d*(?:\.\d+)?([sdvqfixn%])")
_BRACES = re.compile(r"\{(\d*|[A-Za-z_]\w*)(?:[:!][^{}\n]{0,20})?\}")
_HOLES_MET: ContextVar[set[str] | None] = ContextVar("holes", default=None)


@contextmanager
def holes_met() -> Iterator[set[str]]:
    """Collect the names of values that became text though the code does not show them."""
    met: set[str] = set()
    token = _HOLES_MET.set(met)
    try:
        yield met
    finally:
        _HOLES_MET.reset(token)


@dataclass(frozen=True, slots=True)
class Hole:
    """A value that the code does not show: it stays visible by its name."""

    name: str

    def __str__(self) -> str:
        if (met := _HOLES_MET.get()) is not None:
            met.add(self.name)
        return "{" + self.name + "}"


@dataclass(frozen=True, slots=True)
class Lambda:
    """A function without a name, to be looked into when it is known what it gets."""

    node: Any


@dataclass(slots=True, eq=False)
class Draft:
    """A request as far as it is known, or the client that requests are made with."""

    library: Any = None  # the row of the table that knows its library, or None
    is_client: bool = False  # whether requests are made with it, rather than it being one
    base: Any = None  # what the paths of its requests are added to
    method: str | None = None
    url: Any = None
    headers: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    # what is sent, and how an object becomes text: json, form or text
    body: Any = None
    form: str | None = None
    media: Any = None
    credentials: tuple[Any, Any] | None = None  # user and password for Basic authentication
    parts: dict[str, Any] = field(default_factory=dict)
    # first and last line of each statement that says something about it
    lines: list[tuple[int, int]] = field(default_factory=list)
    is_used: bool = False
    order: int = 0

    @property
    def draft(self) -> Draft:
        """Itself, as a `View` of it has it."""
        return self

    def made(self) -> Draft:
        """Return a request that this client makes."""
        return Draft(
            library=self.library,
            base=self.url if self.base is None else self.base,
            headers=dict(self.headers),
            params=dict(self.params),
            credentials=self.credentials,
            form=self.form,
            parts=dict(self.parts),
            method=self.method,
        )

    def take(self, other: Draft) -> None:
        """Add what another one knows, where this one does not."""
        other.is_used = True
        self.headers = {**other.headers, **self.headers}
        self.params = {**other.params, **self.params}
        for name in ("base", "method", "url", "body", "form", "media", "credentials", "library"):
            if getattr(self, name) is None:
                setattr(self, name, getattr(other, name))
        self.parts = {**other.parts, **self.parts}
        self.lines += other.lines


@dataclass(frozen=True, slots=True)
class View:
    """A part of a draft that more is added to: `request.headers`."""

    draft: Draft
    name: str


@dataclass(slots=True, eq=False)
class Builder:
    """A text that is put together piece by piece."""

    text: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Body:
    """A text with what it is said to be."""

    text: Any
    media: Any = None

    def __str__(self) -> str:
        return as_text(self.text)


def as_text(value: Any, language: str = "") -> str:
    """Return what a value is within a text."""
    if value is None:
        return {"python": "None", "go": "<nil>", "php": "", "csharp": "", "ruby": ""}.get(
            language, "null"
        )
    if isinstance(value, bool):
        return str(value) if language == "python" else str(value).lower()
    if isinstance(value, str | int | float | Hole | Body | Builder):
        return str(value)
    if isinstance(value, dict | list | tuple):
        return "[object Object]" if language == "javascript" else json_text(value)
    return "{value}"


def json_text(value: Any) -> str:
    """Return a value as JSON; what is not known stands there as a text in braces."""
    if isinstance(value, Body):
        return as_text(value.text)
    if is_too_large(value):
        return "{value}"
    try:
        return json.dumps(value, ensure_ascii=False, default=_for_json)
    except (ValueError, TypeError, RecursionError):  # holds itself, or has a key that is no text
        return "{value}"


def _for_json(value: Any) -> Any:
    if isinstance(value, Draft):
        return value.parts or "{object}"
    return str(value) if isinstance(value, Hole | Body | Builder) else "{value}"


def is_too_large(value: Any) -> bool:
    """Tell whether a value has more in it than a request holds, or itself."""
    left, stack = MOST_CHARACTERS, [value]
    while stack and left > 0:
        one = stack.pop()
        left -= len(one) + 1 if isinstance(one, str | list | tuple | dict) else 1
        if isinstance(one, Mapping):
            stack.extend(one.keys())
            stack.extend(one.values())
        elif isinstance(one, list | tuple) and left > 0:
            stack.extend(one)
    return left <= 0


def form_text(value: Mapping[Any, Any]) -> str:
    """Return a table as the text of a form."""
    if is_too_large(value):
        return "{value}"
    pairs = {str(key): _form_value(one) for key, one in value.items()}
    return urlencode(pairs, doseq=True, safe="{}")


def _form_value(value: Any) -> Any:
    return [as_text(one) for one in value] if isinstance(value, list) else as_text(value)


def basic(user: Any, password: Any) -> str:
    """Return the value of the header for Basic authentication."""
    pair = f"{as_text(user)}:{as_text(password)}"
    return f"Basic {encoded(pair)}"


def encoded(text: str) -> str:
    """Return a text in Base64; one that is not wholly known says so."""
    if re.search(r"\{[\w.]+\}", text):
        return "{base64 of " + text.replace("{", "").replace("}", "") + "}"
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def formatted(text: str, values: list[Any], named: Mapping[str, Any]) -> str:
    """Return a text with values in place of its %s or {}."""
    if is_too_large([text, *[list(values)] * max(1, text.count("%") // 10)]):
        return text
    put_in = _with_percent if _PERCENT.search(text) else _with_braces
    return put_in(text, values, named)


def _with_percent(text: str, values: list[Any], named: Mapping[str, Any]) -> str:
    left = iter(values)

    def value(match: re.Match[str]) -> str:
        name, position, kind = match.groups()
        if kind == "%":
            return "%"
        if kind == "n":
            return "\n"
        if name:
            return as_text(named.get(name, Hole(name)))
        if position:
            at = int(position) - 1
            return as_text(values[at] if at < len(values) else Hole(f"value{position}"))
        one = as_text(next(left, Hole("value")))
        return json.dumps(one, ensure_ascii=False) if kind == "q" else one

    return _PERCENT.sub(value, text)


def _with_braces(text: str, values: list[Any], named: Mapping[str, Any]) -> str:
    count = iter(range(len(text)))

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name and not name.isdigit():
            return as_text(named[name]) if name in named else match[0]
        at = int(name) if name else next(count)
        return as_text(values[at]) if at < len(values) else match[0]

    marked = text.replace("{{", "\0").replace("}}", "\1")
    return _BRACES.sub(value, marked).replace("\0", "{").replace("\1", "}")
