"""
Compare two requests: "it works with curl and fails in our app", "it worked yesterday".

What can matter comes first; what differs in every two requests is folded. On request the sandbox
is asked which difference decides.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from sinchtools.core.errors import WrongUseError
from sinchtools.core.gsm import not_gsm7, parts_of
from sinchtools.core.html import filled
from sinchtools.core.json import value_of
from sinchtools.core.records import Exchange, header, most_frequent
from sinchtools.core.volatile import volatile
from sinchtools.core.words import counted, listed
from sinchtools.privacy.alias_forms import representative
from sinchtools.privacy.markers import marker_facts
from sinchtools.privacy.numbers import form_of
from sinchtools.replays.planning import plan
from sinchtools.replays.trials import Trials

if TYPE_CHECKING:
    import pandas as pd

MOST_SHOWN = 12
_NUMBERS = ("to", "from")
_MOST_TRIED = 40  # differences that are swapped one by one
_MOST_LOOKED_AT = 200  # requests that succeeded: the one most alike is among so many

Swap = dict[str, Any]  # an edit of a plan: method, url, headers, body


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """
    One thing that differs between two requests.

    Attributes
    ----------
    what
        What it is: ``host``, ``path``, ``credential``, ``header content-type``, ``body to``, ...
    a, b
        How it is in each, in words; never a secret, a number or a message text, unless a header
        of the customer's own repeats one.
    folded
        Whether it differs in every two requests, so that it hardly matters.
    """

    what: str
    a: str
    b: str
    folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """
    What differs between two requests.

    Attributes
    ----------
    a, b
        The requests.
    differences
        What differs, what can matter first; the folded ones last.
    cause
        Which of them decide, as the sandbox has it (simulated); empty without `prove`, or where it
        cannot say.
    reason
        Why there is a cause or none.
    trials
        How many requests the sandbox was asked.
    """

    a: Exchange
    b: Exchange
    differences: tuple[Contrast, ...] = ()
    cause: tuple[Contrast, ...] = ()
    reason: str = ""
    trials: int = 0

    def frame(self) -> pd.DataFrame:
        """Return one row per difference: what, a, b, folded, is_cause."""
        import pandas as pd

        rows = [(x.what, x.a, x.b, x.folded, x in self.cause) for x in self.differences]
        kinds = {"what": "string", "a": "string", "b": "string"}
        names = [*kinds, "folded", "is_cause"]
        return pd.DataFrame(rows, columns=names).astype(
            {**kinds, "folded": "bool", "is_cause": "bool"}
        )

    def as_json(self) -> dict[str, Any]:
        """Return the object of ``sinchtools compare --json``."""
        listed_ = [
            {"what": x.what, "a": x.a, "b": x.b, "folded": x.folded, "is_cause": x in self.cause}
            for x in self.differences
        ]
        return {
            "a": self.a.id,
            "b": self.b.id,
            "differences": listed_,
            "cause": [x.what for x in self.cause],
            "reason": self.reason,
            "trials": self.trials,
        }

    def as_text(self) -> str:
        """Return the comparison as a few lines, the cause first."""
        shown = [x for x in self.differences if not x.folded]
        folded = [x.what for x in self.differences if x.folded]
        lines = [f"A: {_named(self.a)}", f"B: {_named(self.b)}"]
        lines += [f"Cause (simulated): {_in_words(x)}" for x in self.cause]
        lines += [self.reason] if self.reason else []
        rest = [x for x in shown if x not in self.cause]
        lines += [f"  {_in_words(x)}" for x in rest[:MOST_SHOWN]]
        lines += [f"  and {len(rest) - MOST_SHOWN} more"] if len(rest) > MOST_SHOWN else []
        lines += [] if shown else ["Nothing that can matter differs."]
        lines += [f"  Also different, as in any two requests: {listed(folded)}"] if folded else []
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        rest = [x for x in self.differences if x not in self.cause]
        return filled(
            "sinchtools.replays",
            "comparison.html",
            title=self.headline,
            a=_named(self.a),
            b=_named(self.b),
            reason=self.reason,
            shown=[(f"✓ {x.what}", x.a, x.b) for x in self.cause]
            + [(x.what, x.a, x.b) for x in rest if not x.folded],
            folded=[(x.what, x.a, x.b) for x in rest if x.folded],
        )

    @property
    def headline(self) -> str:
        """What the comparison says, in one line."""
        if self.cause:
            decide = "decides" if len(self.cause) == 1 else "decide together"
            return f"Simulated: {listed([_place(x.what) for x in self.cause])} {decide}"
        n = sum(not x.folded for x in self.differences)
        if not n:
            return "Nothing that can matter differs"
        return f"{counted(n, 'difference')} that can matter"


def compare(
    a: Exchange | Iterable[Exchange], b: Exchange | Iterable[Exchange], *, prove: bool = False
) -> Comparison:
    """
    Compare two requests, or two captures: what can matter first.

    Of two captures, the most frequent failure of one is compared with the request to the same
    endpoint that succeeded in the other.

    Parameters
    ----------
    a, b
        An exchange, or evidence.
    prove
        Put each difference of the request that succeeded into the one that failed, one after the
        other, in the sandbox: what makes it pass is the cause (simulated). Nothing leaves this
        machine.

    Returns
    -------
    Comparison
        The differences in their order, and with `prove` the cause; `.as_text()` says it.

    Raises
    ------
    WrongUseError
        A side holds no request.

    Examples
    --------
    >>> url = "https://us.sms.api.sinch.com/xms/v1/plan1/batches"
    >>> good = Exchange(id="a", method="POST", url=url, status=201, endpoint="POST /batches",
    ...                 request_body='{"to": ["+15551230001"], "body": "Hi"}')
    >>> bad = Exchange(id="b", method="POST", url=url, status=400, endpoint="POST /batches",
    ...                request_body='{"to": "+15551230001", "body": "Hi"}')
    >>> [(x.what, x.a, x.b) for x in compare(good, bad).differences]
    [('body to', 'a list of 1 international number', 'text, an international number')]
    """
    first, second = nearest_pair(_rows(a), _rows(b))
    pairs = list(_differences(first, second))
    found = Comparison(a=first, b=second, differences=tuple(one for one, _ in pairs))
    return _proven(found, pairs) if prove else found


# --- which two ------------------------------------------------------------------------------------


def _rows(given: Exchange | Iterable[Exchange]) -> list[Exchange]:
    rows = [given] if isinstance(given, Exchange) else list(given)
    if odd := [one for one in rows if not isinstance(one, Exchange)]:
        raise WrongUseError(
            f"A {type(odd[0]).__name__} is not an exchange.",
            hint="Read the evidence first: st.read(...).",
        )
    rows = [row for row in rows if row.method or row.url]
    if not rows:
        raise WrongUseError(
            "There is no request to compare.", hint="Each side needs at least one request."
        )
    return rows


def nearest_pair(a: Sequence[Exchange], b: Sequence[Exchange]) -> tuple[Exchange, Exchange]:
    """Return the two that tell most: a failure, and what succeeded at the same endpoint."""
    if len(a) == len(b) == 1:
        return a[0], b[0]
    for bad, good, is_a in ((a, b, True), (b, a, False)):
        well = [row for row in good if row.outcome == "success"]
        endpoints = {row.endpoint for row in well}
        for failing in most_frequent(bad):
            one = next((row for row in failing if row.endpoint in endpoints), None)
            if one is not None:
                other = _most_alike(one, [row for row in well if row.endpoint == one.endpoint])
                return (one, other) if is_a else (other, one)
    of = {row.endpoint: row for row in reversed(b) if row is not a[0]}
    return next(((row, of[row.endpoint]) for row in a if row.endpoint in of), (a[0], b[0]))


def _most_alike(one: Exchange, well: Sequence[Exchange]) -> Exchange:
    same = [row for row in well if row.account == one.account] or well
    return min(same[:_MOST_LOOKED_AT], key=lambda row: _distance(one, row))


def _distance(one: Exchange, other: Exchange) -> int:
    return sum(not found.folded for found, _ in _differences(one, other))


# --- what differs ---------------------------------------------------------------------------------


def _differences(a: Exchange, b: Exchange) -> Iterator[tuple[Contrast, Swap]]:
    """Yield what differs, each with the edits that make one like the other; folded ones last."""
    found = [*_of_line(a, b), *_of_headers(a, b), *_of_body(a, b)]
    yield from sorted(found, key=lambda pair: pair[0].folded)


def _of_line(a: Exchange, b: Exchange) -> Iterator[tuple[Contrast, Swap]]:
    """Yield the differences of the request line: method, scheme, host, path, query."""
    if a.method != b.method:
        yield Contrast(what="method", a=a.method or "none", b=b.method or "none"), {"method": None}
    one, other = urlsplit(a.url or ""), urlsplit(b.url or "")
    for i, what in enumerate(("scheme", "host", "path", "query")):
        if one[i] != other[i]:
            yield Contrast(what=what, a=one[i] or "none", b=other[i] or "none"), {"url": i}


def _of_headers(a: Exchange, b: Exchange) -> Iterator[tuple[Contrast, Swap]]:
    ours, theirs = ({k.lower(): v for k, v in x.request_headers.items()} for x in (a, b))
    names = sorted({*ours, *theirs}, key=lambda name: (name not in _FIRST, name))
    for name in names:
        told_ = [_header(name, headers.get(name)) for headers in (ours, theirs)]
        if told_[0] == told_[1]:
            continue
        what = "credential" if name == "authorization" else f"header {name}"
        folded = name in volatile("headers")
        yield Contrast(what=what, a=told_[0], b=told_[1], folded=folded), {"headers": name}


_FIRST = ("authorization", "content-type")


def _header(name: str, value: str | None) -> str:
    if value is None:
        return "none"
    if name != "authorization":
        return value[:80]
    facts = marker_facts(value)
    scheme = value.partition(" ")[0] if " " in value.strip() else "no scheme"
    if facts is None:
        return f"{scheme}, no token" if not value.strip() else f"{scheme}, a placeholder"
    kind = {"jwt": "a JWT", "pair": "an ID and a secret"}.get(facts["kind"], "a token")
    more = [name.replace("-", " ") for name in facts if name not in _PLAIN_FACTS]
    return ", ".join([scheme, kind, *more])


_PLAIN_FACTS = ("kind", "length", "number", "issuer")


def _of_body(a: Exchange, b: Exchange) -> Iterator[tuple[Contrast, Swap]]:
    if a.request_body == b.request_body:
        return
    one, other = value_of(a.request_body), value_of(b.request_body)
    if not isinstance(one, dict) or not isinstance(other, dict):
        yield Contrast(what="body", a=_body_kind(a), b=_body_kind(b)), {"body": ...}
        return
    for name in dict.fromkeys([*one, *other]):
        if name in one and name in other and one[name] == other[name]:
            continue
        told_ = [_field(name, body[name]) if name in body else "none" for body in (one, other)]
        folded = told_[0] == told_[1] or ("none" not in told_ and _is_free(name, told_))
        yield Contrast(what=f"body {name}", a=told_[0], b=told_[1], folded=folded), {"body": name}


def _is_free(name: str, told_: list[str]) -> bool:
    return name in volatile("fields") and all(text.startswith("text") for text in told_)


def _body_kind(x: Exchange) -> str:
    body = x.request_body
    if not body:
        return "none"
    if isinstance(body, bytes):
        return "bytes that are not UTF-8"
    if body.startswith("\ufeff"):
        return "JSON after a byte order mark"
    value = value_of(body)
    return "not JSON" if value is None else f"JSON, {_kind(value)}"


def _field(name: str, value: Any) -> str:
    """Return a value in words, without a person or a message."""
    if name in _NUMBERS:
        return _numbers(value)
    if name == "body" and isinstance(value, str):
        letters = "characters beyond GSM-7" if not_gsm7(value) else "GSM-7"
        return f"text, {letters}, {counted(parts_of(value), 'part')}"
    if isinstance(value, list | dict):
        return f"{_kind(value)} of {len(value)}"
    return f"{_kind(value)} {json.dumps(value)[:60]}" if value is not None else "null"


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "text", list: "a list"}
    return "null" if value is None else kinds.get(type(value), "an object")


def _numbers(value: Any) -> str:
    if not isinstance(value, list):
        return f"text, {_a(_form(value))}" if isinstance(value, str) else _kind(value)
    forms = Counter(_form(one) if isinstance(one, str) else _kind(one) for one in value)
    told_ = [counted(n, form) for form, n in forms.items()]
    return f"a list of {listed(told_)}" if told_ else "an empty list"


def _form(text: str) -> str:
    form = form_of(representative(text))
    return "sender name or other text" if form == "other" else f"{form} number"


def _a(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


# --- which one decides ----------------------------------------------------------------------------


def _proven(found: Comparison, pairs: Sequence[tuple[Contrast, Swap]]) -> Comparison:
    bad, good = (found.a, found.b) if found.a.failed else (found.b, found.a)
    if not bad.failed or good.outcome != "success":
        return replace(found, reason="One side must have failed, and the other succeeded.")
    if not pairs:
        return replace(found, reason="The requests are the same, so the cause is not in them.")
    if plan(bad).items[0].fault:
        return replace(
            found,
            reason="The failing request looks right as it is shown, so the sandbox cannot say what "
            "decides.",
        )
    trials = Trials(bad)
    chosen, reason = _decisive(bad, good, pairs[:_MOST_TRIED], trials)
    return replace(found, cause=tuple(chosen), reason=reason, trials=trials.count)


def _decisive(
    bad: Exchange, good: Exchange, pairs: Sequence[tuple[Contrast, Swap]], trials: Trials
) -> tuple[list[Contrast], str]:
    """Return which differences decide: one alone if there is one, else the fewest together."""
    every = [swap for _, swap in pairs]
    edits = [{}, *(_edit(bad, good, [swap]) for swap in every), _edit(bad, good, every)]
    plain, *single, together = (_passes(result) for result in trials.run(edits))
    if plain:
        return [], "The sandbox accepts the failing request too, so it cannot say what decides."
    alone = [one for (one, _), passes in zip(pairs, single, strict=True) if passes]
    if alone:
        return alone[:1], "With this alone taken from the other request, it is accepted."
    if not together:
        return [], "Even with all of them taken from the other request, it is not accepted."
    kept = list(pairs)
    for pair in list(reversed(pairs)):
        fewer = [other for other in kept if other is not pair]
        if trials.left > 0 and _passes(trials.run([_edit(bad, good, [s for _, s in fewer])])[0]):
            kept = fewer
    return [one for one, _ in kept], "With these taken from the other request, it is accepted."


def _passes(result: Any) -> bool:
    return result.child is not None and result.child.http_outcome == "success"


def _edit(bad: Exchange, good: Exchange, swaps: Sequence[Swap]) -> dict[str, Any]:
    """Return the edit that takes some things over from the request that succeeded."""
    edit: dict[str, Any] = {}
    for swap in swaps:
        ((part, which),) = swap.items()
        if part == "method":
            edit["method"] = good.method
        elif part == "url":
            split = [*urlsplit(edit.get("url", bad.url or ""))]
            split[which] = urlsplit(good.url or "")[which]
            edit["url"] = urlunsplit(split)
        elif part == "headers":
            edit.setdefault("headers", {})[which] = header(good.request_headers, which)
        elif which is ...:
            edit["body"] = good.request_body
        else:
            edit["body"] = _with_field(edit.get("body", value_of(bad.request_body)), good, which)
    return edit


def _with_field(body: Mapping[str, Any], good: Exchange, name: str) -> dict[str, Any]:
    theirs = value_of(good.request_body)
    taken = {name: theirs[name]} if name in theirs else {}
    return {key: value for key, value in body.items() if key != name} | taken


# --- words ----------------------------------------------------------------------------------------


def _named(x: Exchange) -> str:
    what = x.endpoint or f"{x.method or '?'} {(x.url or '?').partition('?')[0]}"
    return f"{what}, {x.status_in_words}{f' ({x.source})' if x.source else ''}"


def _place(what: str) -> str:
    part, _, name = what.partition(" ")
    return f'"{name}" in the body' if part == "body" and name else f"the {what}"


def _in_words(one: Contrast) -> str:
    return f"{one.what}: {one.a} | {one.b}"
