"""
Read a call from the texts that stand in code, in their order, where no grammar knows the language.

A URL begins a call; a method, pairs of header and value, and a JSON text or table add to it.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, String
from pygments.util import ClassNotFound

from sinchtools.evidence.formats.code import drafts
from sinchtools.evidence.formats.code.libraries import HEADERS, Library
from sinchtools.evidence.formats.code.syntax import unescaped
from sinchtools.evidence.formats.code.values import Draft, Hole, as_text, formatted, json_text
from sinchtools.evidence.formats.values import parsed
from sinchtools.evidence.pieces import HTTP_METHODS

MOST_TEXTS = 2_000
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.|\"\")*+\"|'(?:[^'\\\n]|\\.|'')*+'|\[\[.*?\]\]", re.DOTALL)
_MARK = r"\x00(\d{1,5})\x00"
_CALLED = r"[.:>-]{1,2}[\w$]+|\([^()\n]{0,80}\)|\[[^\[\]\n]{0,80}\]"  # what may follow a name
_OPERAND = rf"(?:\x00\d{{1,5}}\x00|@?[\w$]+(?:{_CALLED}){{0,6}})"
_BREAK = r"(?:_?[ \t]*\n[ \t]*)?"
_SIGN = rf"[ \t]*{_BREAK}(?:\+\+|\.\.|<>|\|\||&&?|[+~^]|\.(?=[ \t]*[$\x00]|[ \t]+\w))[ \t]*{_BREAK}"
_SUM = re.compile(rf"{_OPERAND}(?:{_SIGN}{_OPERAND}){{0,30}}")
_TYPE = (
    r"[ \t]*:[ \t]*[\w&'?<>]+"
    r"|[ \t]+(?i:constant[ \t]+)?(?:\w+\([\w ,]{0,20}\)|(?i:clob|text|string|json))"
)
_SET = re.compile(
    rf"(?:\bset[ \t]+(\w+)[ \t]+|([\w$]+)(?:{_TYPE})?[ \t]*(?::=|=|<-)[ \t\n]*)"
    rf"(?:@|r#*|f|N|String\.from\()?({_SUM.pattern})"
)
_FORMAT = re.compile(
    r"(?:\bformat!?|\bsprintf|\bFormat|\(format:|stringWithFormat:|\bvformat)[ \t]*"
    rf"[(]?[ \t\n]*@?{_MARK}"
    rf"((?:[ \t\n]*,[ \t\n]*{_OPERAND})+)[ \t\n]*[)\]]?"
)
# the words of Tcl, which are texts without quotes
_WORD = re.compile(r"(?<=[ \t])(?:\{([^{}\s\"]+)\}|(https?://[^\s\"{}\[\]]+))(?=\s)")
_VERB = re.compile(
    r"\b(?:(get|post|put|patch|delete)_?(?:async|json|request)?"
    r"|http(get|post|put|patch|delete))!?[ \t]*[(\[]?[ \t]*@?\Z",
    re.IGNORECASE,
)
_METHOD = re.compile(
    r"\b(?:Method|HTTP(?:_?METHOD)?|Verb|reqwest|Alamofire)?(?:::|\.|_| )"
    r"(GET|POST|PUT|PATCH|DELETE)\b"
    r"|\.(post|put|patch|delete)\b|\b(POST|PUT|PATCH|DELETE)\b[ \t]*(?:=>|,)"
    r"|\bHttp(Get|Post|Put|Patch|Delete)\b(?![ \t]*\()",
    re.I,
)
_SMALL_METHODS = frozenset(("get", "post", "put", "patch", "delete"))
_CAME_BACK = re.compile(r"\{\s*\"code\"\s*:\s*\"|\{\s*\"id\"\s*:")  # a response below the call
_BEARER = re.compile(
    rf"bearer(?:_?(?:auth|token)\w*)?(?:[ \t]*[({{:=,][ \t]*|[ \t]+(?=\x00))({_SUM.pattern})",
    re.IGNORECASE,
)
_JSON_MEDIA = re.compile(r"application[_/.]?json|:json\b", re.IGNORECASE)
_ENCODED = re.compile(r"encode|serializ|stringif|dumps|to_?json\b", re.IGNORECASE)
_SCHEME = re.compile(rf"{_MARK}[ \t]*,[ \t]*({_SUM.pattern})")  # "Bearer", token
_BARE_HEADER = re.compile(
    r"\b(Authorization|Content[_-]Type|Accept)\b`?[ \t]*(?:(?:=>|=|:(?!\w))[ \t]*|(?=\x00))"
    rf"({_SUM.pattern})",
    re.IGNORECASE,
)
# the value of a header whose name stands before it: `, x` or `, value => x`
_VALUE = re.compile(rf"[ \t\n]*(?:,|=>|[:=])[ \t\n]*(?:\w+[ \t]*=>?[ \t]*)?({_SUM.pattern})")
_QUERY = re.compile(
    r"(?:\b|_)(?:query|params|parameters|query_?param(?:eter)?s)\b"
    r"[ \t]*(?:=>|[:=(]|)[ \t]*[&!%]?(?:Dict|list|vec!|Map)?(?=[{\[(])",
    re.IGNORECASE,
)
_PATH = re.compile(r"/?(?:xms/v\d/\S+|(?:[\w{}-]+/)?(?:batches|groups|inbounds)\b[^\s\"]*)")
_RESOURCE = re.compile(r"/(?:batches|groups|inbounds|delivery_reports?)\b")
_OF_LOADRUNNER = re.compile(r"\bweb_(?:rest|custom_request)\(")
_ARGUMENT = re.compile(r"^(?:URL|Method|Body|Name|Value)=")
_CONS = re.compile(r"(\(\x00\d{1,5}\x00) \. (?=\S)")  # a pair of Lisp
_TYPED = re.compile(r"[ \t]*::[ \t]*\[?\w+\]?(?=[ \t]*\))")  # of Haskell
_KEY = re.compile(r"[@.]?(?:\x00(\d{1,5})\x00|([\w$]+))[ \t\n]*(?:=>|\.?[:=,](?!=))[ \t\n]*")
_AFTER = re.compile(r"forHTTPHeaderField:[ \t]*@?\Z")
_INSIDE = re.compile(r"\\\((\w[\w.]*)\)|\$\{(\w[\w.]*)\}|\$(\w+)|#\{(\w[\w.]*)\}|%\{(\w+)\}")
_OPENING = {"{": "}", "[": "]", "(": ")"}
_PREFIX = re.compile(
    r"(?:String\.from|json!|vec!|list|dict|Map|Some|NSDictionary|format!?|@|%|qw|to_string|c"
    r"|[Nn]ew[ \t]+[\w.]*(?:<[^{}()\n]{0,60}>|\[\]|\([\w ,]{0,40}\))?(?:[ \t]+From)?)?[ \t\n]*"
)
_RAW = re.compile(r"(?:u8|[uUL])?R\"([^()\s\\]{0,16})\((.*)\)\1\"", re.DOTALL)  # of C++


class _Text(NamedTuple):
    """A literal: its value and where it stands in the source."""

    value: str
    start: int
    end: int


class Literals:
    """The texts of some code, and the code with a mark in the place of each."""

    def __init__(self, source: str, lexer: str) -> None:
        source = _WORD.sub(_quoted, source) if lexer == "tcl" else source
        self.texts = list(_texts(source, lexer))[:MOST_TEXTS]
        if _OF_LOADRUNNER.search(source):
            self.texts = [one._replace(value=_ARGUMENT.sub("", one.value)) for one in self.texts]
        self.names: dict[str, Any] = {}
        self.set_at: set[int] = set()
        pieces, at = [], 0
        for number, one in enumerate(self.texts):
            lines = "\n" * source.count("\n", one.start, one.end)
            pieces += [source[at : one.start], f"\0{number}\0", lines]
            at = one.end
        self.code = "".join([*pieces, source[at:]])
        if lexer in ("common-lisp", "racket"):
            self.code = _CONS.sub(r"\1, ", self.code)
        self.code = _TYPED.sub("", self.code) if lexer == "haskell" else self.code
        self._look_for_names()
        self.code = _FORMAT.sub(self._format, self.code)
        self._look_for_names()

    def _look_for_names(self) -> None:
        found = list(_SET.finditer(self.code))
        self.set_at = {match.start(3) for match in found}
        for match in found:
            self.names.setdefault((match[1] or match[2]).lstrip("$"), self.value(match[3]))

    def _format(self, match: re.Match[str]) -> str:
        """Put a text with its values in place of the call that formats it."""
        values: list[Any] = [self.value(one) for one in re.findall(_OPERAND, match[2])]
        whole = formatted(self.texts[int(match[1])].value.replace("%@", "%s"), values, {})
        self.texts.append(_Text(whole, 0, 0))
        return f"\0{len(self.texts) - 1}\0" + "\n" * match[0].count("\n")

    def value(self, expression: str) -> str:
        """Return what a sum of texts and names is worth."""
        return "".join(self._operand(match[0]) for match in re.finditer(_OPERAND, expression))

    def _operand(self, operand: str) -> str:
        mark = re.search(_MARK, operand)
        inside = self.texts[int(mark[1])].value if mark else ""
        if mark and mark[0] == operand.lstrip("@"):
            return self.filled(inside)
        if re.fullmatch(r"[A-Za-z_][\w.]*", inside):
            return as_text(Hole(inside))
        known = self.names.get(operand.strip("$@"))
        name = re.findall(r"\w+", re.sub(r"\(.*?\)|\[.*?\]", "", operand)) or ["value"]
        return as_text(known if known is not None else Hole(name[-1]))

    def filled(self, text: str) -> str:
        """Return a text with the names in it that are known."""

        def known(match: re.Match[str]) -> str:
            name = next(group for group in match.groups() if group)
            return as_text(self.names.get(name, Hole(name)))

        return _INSIDE.sub(known, text)

    @cached_property
    def sums(self) -> list[tuple[int, int, str]]:
        """Start and end in the code, and the value, of each sum with a text in it."""
        found, at = [], 0
        while match := _SUM.search(self.code, at):
            at = match.end()
            if not re.match(_MARK, match[0].lstrip("@")) and re.fullmatch(_OPERAND, match[0]):
                at = match.start() + len(re.match(r"@?[\w$]*", match[0])[0])  # type: ignore[index]
            elif "\0" in match[0]:
                found.append((match.start(), match.end(), self.value(match[0])))
        return found

    def table(self, start: int) -> Any:
        """Return the table or list that begins at a bracket, or None."""
        try:
            return self._group(start, 0)[0]
        except (IndexError, RecursionError, ValueError):
            return None

    def _group(self, at: int, depth: int) -> tuple[Any, int]:
        if depth > 20:
            raise ValueError
        closing, at = _OPENING[self.code[at]], at + 1
        table: dict[str, Any] = {}
        values: list[Any] = []
        while True:
            at += len(re.match(r"[\s,;]*", self.code[at : at + 200])[0])  # type: ignore[index]
            if self.code[at] == closing:
                return table or values, at + 1
            key = _KEY.match(self.code, at)
            is_key = key and (key[0].rstrip()[-1:] in ":=>")
            value, at = self._one(key.end() if key and is_key else at, depth)
            if key and is_key:
                table[self.texts[int(key[1])].value if key[1] else key[2]] = value
            else:
                values.append(value)

    def _one(self, at: int, depth: int) -> tuple[Any, int]:
        prefix = _PREFIX.match(self.code, at)
        after = prefix.end() if prefix else at
        if self.code[after] in _OPENING:
            value, stop = self._group(after, depth + 1)
            is_in_brackets = self.code[at:].startswith("(") and isinstance(value, list)
            return (value[0], stop) if is_in_brackets and len(value) == 1 else (value, stop)
        if number := re.compile(r"-?\d+(?:\.\d+)?\b|true\b|false\b", re.I).match(self.code, at):
            return json.loads(number[0].lower()), number.end()
        if one := _SUM.match(self.code, at) or _SUM.match(self.code, after):
            end = re.compile(r"(?:\.\w+\(\))*").match(self.code, one.end())
            return self.value(one[0]), end.end() if end else one.end()
        raise ValueError


def calls(source: str, lexer: str) -> Iterator[tuple[Draft, int, int]]:
    """Yield each call with its first and last line."""
    found = Literals(source, lexer)
    starts = _starts(found)
    if not starts:
        return
    bounds = [start for start, _, _ in starts[1:]] + [len(found.code)]
    before = 0
    for (start, end, text), bound in zip(starts, bounds, strict=True):
        method, _, url = text.rpartition(" ")
        draft = Draft(library=Library(re.compile("")), method=method or None, url=url)
        last = _Filling(found, draft, before, bound).around(start, end)
        yield draft, found.code.count("\n", 0, start) + 1, found.code.count("\n", 0, last) + 1
        before = last


def _starts(found: Literals) -> list[tuple[int, int, str]]:
    """Return the URLs that are called: none that only gets a name to make another one of."""
    starts = [(start, end, text) for start, end, text in found.sums if _is_call(text)]
    urls = [text for _, _, text in starts]
    return [
        one
        for number, one in enumerate(starts)
        if one[0] not in found.set_at
        or not any(url.startswith(f"{one[2].rstrip('/')}/") for url in urls[number + 1 :])
    ]


def _is_call(text: str) -> bool:
    return re.match(
        r"(?:[A-Z]{3,6} )?(?:https?://|\{[\w.]*(?:url|base|host)\w*\}/)\S+\Z", text, re.I
    ) is not None and (
        re.search(r"sinch|clxcommunications|/xms/|/batches|/groups|\{", text) is not None
    )


class _Filling:
    """Gives a draft what stands around its URL, between two places of the code."""

    def __init__(self, found: Literals, draft: Draft, before: int, bound: int) -> None:
        self.found, self.draft, self.before = found, draft, before
        self.part = found.code[before:bound]
        self.bound, self.last = bound, 0
        self.name, self.previous = "", ""  # a header that waits for its value, the text before

    def around(self, start: int, end: int) -> int:
        """Take all parts; return where the last of them ends."""
        verb = _VERB.search(self.found.code[max(0, start - 40) : start])
        if verb:
            self.draft.method = (verb[1] or verb[2]).upper()
        self.last, done = end, 0
        sums = self.found.sums
        first, after = (bisect_left(sums, (place,)) for place in (self.before, self.bound))
        for at, stop, text in sums[first:after]:
            if done <= at != start:
                done = self.text(at, stop, text)
                self.last = max(self.last, done)
        self.headers()
        self.body()
        self.query()
        if self.draft.method is None and (method := _METHOD.search(self.part)):
            self.draft.method = next(filter(None, method.groups())).upper()
        return self.last

    def text(self, at: int, stop: int, text: str) -> int:
        """Take one text for what it is; return where what was taken ends, or 0."""
        draft, name = self.draft, text.lower()
        if self.name and name not in HEADERS:
            draft.headers[self.name], self.name = text, ""
        elif name in HEADERS and _AFTER.search(self.found.code[max(0, at - 60) : at]):
            draft.headers[text] = self.previous
        elif name in HEADERS:
            value = _VALUE.match(self.found.code, stop)
            if value is None:
                self.name = text
                return 0
            stop = value.end()
            if name != "content-length":  # that is counted when it is sent
                draft.headers[text] = self.found.value(value[1])
        elif (line := re.match(r"([A-Za-z-]+): (.+)", text)) and line[1].lower() in HEADERS:
            draft.headers[line[1]] = line[2]
        elif text in HTTP_METHODS or text in _SMALL_METHODS:
            draft.method = text.upper()
        elif text[:1] in "{[" and '"' in text and self.takes(text):
            pass
        elif _PATH.fullmatch(text) and not _RESOURCE.search(str(draft.url)):
            self.path(text)
        else:
            self.previous = text
            return 0
        return stop

    def takes(self, text: str) -> bool:
        """Take a JSON text as the headers or the body; tell whether it is one of these."""
        value = parsed(text)
        if isinstance(value, dict) and drafts.is_headers(value):
            drafts.headers(self.draft, [value])
        elif self.draft.body is None and not _CAME_BACK.match(text):
            self.draft.body = text
        else:
            return False
        return True

    def path(self, text: str) -> None:
        """Take the path below the base that stands where the URL was looked for."""
        base = str(self.draft.url).rstrip("/")
        plan = [self.previous] if base.endswith("/xms/v1") and "/" not in text.strip("/") else []
        self.draft.url = "/".join((base, *plan, text.lstrip("/")))

    def headers(self) -> None:
        """Take the headers that have names of their own, and a token."""
        found, draft = self.found, self.draft
        for scheme in _SCHEME.finditer(self.part):
            if found.texts[int(scheme[1])].value.strip(": ").lower() == "bearer":
                self.set_header("Authorization", f"Bearer {found.value(scheme[2])}", scheme)
        for header in _BARE_HEADER.finditer(self.part):
            self.set_header(header[1].replace("_", "-"), found.value(header[2]), header)
        bearer = _BEARER.search(self.part)
        if bearer and "Authorization" not in draft.headers:
            self.set_header("Authorization", f"Bearer {found.value(bearer[1])}", bearer)

    def set_header(self, name: str, value: str, match: re.Match[str]) -> None:
        self.draft.headers.setdefault(name, value)
        self.last = max(self.last, self.before + match.end())

    def body(self) -> None:
        """Take a table as the body, where no text is one."""
        found, draft = self.found, self.draft
        if draft.body is None and (table := _body(found, self.before, self.bound)):
            draft.body = json_text(table[0])
            self.last = max(self.last, table[1])
            if not _ENCODED.search(self.part):
                draft.media = "application/json"  # what takes a table writes JSON and says so
        if draft.body is not None and _says_json(found, self.part):
            draft.media = "application/json"

    def query(self) -> None:
        """Take the table of the query."""
        for match in _QUERY.finditer(self.part):
            table = self.found.table(self.before + match.end())
            pairs = _as_table(table)
            if pairs and not ({"to", "from"} & set(pairs) or drafts.is_options(pairs)):
                drafts.setter(self.draft, "params", [pairs])


def _says_json(found: Literals, part: str) -> bool:
    """Tell whether code names JSON as the type of what it sends, by a constant or in a text."""
    texts = (found.texts[int(mark)].value for mark in re.findall(_MARK, part))
    return bool(_JSON_MEDIA.search(part) or any(map(_JSON_MEDIA.match, texts)))


def _body(found: Literals, before: int, bound: int) -> tuple[Any, int] | None:
    """Return the table that holds the fields of a message."""
    for match in re.finditer(r"[{\[(]", found.code[before:bound]):
        table = _as_table(found.table(before + match.start()))
        if isinstance(table, dict) and {"to", "from"} & set(table):
            return table, found._group(before + match.start(), 0)[1]
    return None


def _as_table(value: Any) -> dict[str, Any] | None:
    """Return a table, also one that is written as a list of pairs, or of names and values."""
    if isinstance(value, list) and {"to", "from"} <= {*filter(_is_text, value[::2])}:
        values = (one[0] if _is_cell(one) else one for one in value[1::2])
        return dict(zip(value[::2], values, strict=False))
    if isinstance(value, list) and value and all(isinstance(one, list) for one in value):
        pairs = [one for one in value if len(one) == 2 and isinstance(one[0], str)]
        value = dict(pairs) if len(pairs) == len(value) else None
    return value if isinstance(value, dict) else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_cell(value: Any) -> bool:
    """Tell whether a value is a list in a list, as MATLAB writes a list within a struct."""
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], list)


def _quoted(match: re.Match[str]) -> str:
    return f'"{match[1] or match[2]}"'


def _texts(source: str, lexer: str) -> Iterator[_Text]:
    try:
        tokens = list(get_lexer_by_name(lexer).get_tokens_unprocessed(source))
    except ClassNotFound:
        tokens = []
    runs: list[list[int]] = []
    comments = [(at, at + len(text)) for at, kind, text in tokens if kind in Comment]
    for at, kind, text in tokens:
        if kind not in String or kind in String.Symbol or not text:
            continue
        if runs and (runs[-1][1] == at or _is_open(source, runs[-1][0], runs[-1][1], at)):
            runs[-1][1] = at + len(text)
        else:
            runs.append([at, at + len(text)])
    if not runs:
        runs = [[one.start(), one.end()] for one in _QUOTED.finditer(source)]
    for start, end in runs:
        if not any(a <= start < b for a, b in comments[:500]):
            yield from _split(source, start, end)


def _is_open(source: str, start: int, end: int, following: int) -> bool:
    """Tell whether a text goes on after the names within it."""
    text = source[start:end].lstrip("@$rRfF")
    is_closed = len(text) > 1 and text[-1] == text[:1]
    return text[:1] in "\"'`" and not is_closed and "\n" not in source[end:following]


def _split(source: str, start: int, end: int) -> Iterator[_Text]:
    """Yield the literal of a run; doubled quotes or a backslash stand for what they escape."""
    text = source[start:end]
    if raw := _RAW.fullmatch(text):
        yield _Text(raw[2], start, end)
        return
    match = re.match(
        r"(?:[@$a-zA-Z]{0,2}#*)?(\"\"\"|'''|[\"'`]|\[\[)(.*?)(?:\1|\]\])#*\Z", text, re.DOTALL
    )
    value = match[2] if match else text
    if match and len(match[1]) == 3:
        value = value.strip()
    if match and match[1] in "\"'" and match[1] * 2 in value:
        value = value.replace(match[1] * 2, match[1])
    if not (match and text[:1] in "rR@") or text.startswith('@"'):
        value = re.sub(
            r"\\(?:u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[^(])",
            lambda m: unescaped(m[0]),
            value,
            flags=re.DOTALL,
        )
    yield _Text(value, start, end)
