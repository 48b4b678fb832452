"""
Web requests of PowerShell.

Invoke-WebRequest, Invoke-RestMethod and curl.exe, with the variables that they name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from sinchtools.core.records import Exchange, header
from sinchtools.core.variables import request_texts, with_variables
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece, joined, words

_COMMAND = r"Invoke-WebRequest|Invoke-RestMethod|iwr|irm"
_WORDS = ("invoke-", "iwr", "irm", "curl")
_STATEMENT = re.compile(
    rf"(?:^|[;|(=]|^PS [^>\n]*>)[ \t]*"
    rf"(?:(?P<command>{_COMMAND}|curl(?:\.exe)?)(?=[ \t`])(?![ \t]*:[ \t])"
    r"|\$(?P<name>\w+)[ \t]*(?P<part>\[[^\]\n]+\]|(?:\.\w+)+)?[ \t]*(?P<sign>\+?=|\())",
    re.IGNORECASE | re.MULTILINE,
)
_LEFT = re.compile(r"\$(?:env:)?[A-Za-z_]\w{0,60}")
_SNIFF = re.compile(
    rf"(?:^|[;|(=]|PS [^>\n]*>)[ \t]*(?:{_COMMAND})[ \t]+[-\"'h$@({{]|^PS [A-Z]:[^>\n]*>[ \t]*curl"
    r"|^[ \t]*curl(?:\.exe)?\b[^\n]*[ \t]`[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_SKIP = re.compile(r"(?:[ \t\xa0]|`\r?\n|<#.*?#>)+", re.DOTALL)
_SKIP_LINES = re.compile(r"(?:\s|`\r?\n|#[^\n]*|;)+")
_HERE_STRING = re.compile(r"@([\"'])[ \t]*\r?\n(.*?)\r?\n[ \t]*\1@", re.DOTALL)
_DOUBLE = re.compile(r"[\"“”]((?:[^\"“”`]|`.|\"\")*+)[\"“”]", re.DOTALL)
_SINGLE = re.compile(r"['‘’]((?:[^'‘’]|'')*+)['‘’]")
_VARIABLE = re.compile(r"\$(?:\{([^}\n]+)\}|((?:env:)?\w+)((?:\.\w+)*))")
_SPLATTED = re.compile(r"@(\w+)(?=\s|$)")
_CONVERTED = re.compile(  # what a method gives that only changes how a text is stored
    r"\[(?:System\.)?(?:Text\.)?Encoding\][ \t]*::[ \t]*\w+\.Get(?:Bytes|String)\("
    r"|\[uri\]::EscapeDataString\(",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?=[\s,;)}]|$)")
_BARE = re.compile(r"[^\s;|,(){}=]+")
_ARGUMENT = re.compile(r"(?:[^\s;|(){}\"'`“”]|\{[^{}\s]*\}|`[^\r\n])+")
_IN_TEXT = re.compile(
    r"`(.)|\"\"|\$(?:\{(\w+)\}|(\w+)"
    r"|\([ \t]*\[char\][ \t]*(0x[0-9a-f]{1,6}|[1-9]\d{0,6}|0)[ \t]*\))",
    re.DOTALL | re.IGNORECASE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f", "a": "\a", "v": "\v"}
_CONSTANTS = {"true": True, "false": False, "null": None}
_COOKIE = re.compile(
    r"New-Object System\.Net\.Cookie\([\"']([^\"']*)[\"'],\s*[\"']((?:[^\"'`]|`.)*)[\"']"
)
_PARAMETERS = words(
    "uri method headers body contenttype useragent websession infile outfile form credential "
    "authentication token timeoutsec maximumredirection "
    "sessionvariable custommethod proxy proxycredential certificate certificatethumbprint "
    "transferencoding maximumretrycount retryintervalsec "
    "httpversion sslprotocol connectiontimeoutseconds operationtimeoutseconds erroraction "
    "errorvariable outvariable statuscodevariable "
    "responseheadersvariable"
)
_SWITCHES = words(
    "usebasicparsing skiphttperrorcheck skipcertificatecheck usedefaultcredentials "
    "disablekeepalive passthru resume noproxy "
    "allowunencryptedauthentication skipheadervalidation preserveauthorizationonredirect "
    "verbose debug followrellink proxyusedefaultcredentials"
)
_TO_JSON = re.compile(r"\|\s*ConvertTo-Json\b((?:[ \t]+-\w+(?:[ \t]+\d+)?)*)", re.IGNORECASE)
_QUOTES = tuple("\"'“”‘’")
_MAX_DEPTH = 50


def sniff(text: str) -> bool:
    """Tell whether the text holds a web request written for PowerShell."""
    lowered = text.lower()
    return any(word in lowered for word in _WORDS) and _SNIFF.search(text) is not None


def find(
    piece: Piece, text: str, curl: Callable[[list[str], int], Iterable[Exchange]]
) -> Iterator[Found]:
    """
    Yield each web request.

    `curl` turns the words of a curl.exe command into exchanges.
    """
    script = _Script(text)
    while match := _STATEMENT.search(text, script.at):
        script.at = match.end()
        start = match.start("command") if match["command"] else match.start()
        line = piece.line_of(start)
        if not match["command"]:
            script.assign(match)
            piece.use(line, line + text[start : script.at].rstrip().count("\n"))
            continue
        words = script.arguments()
        last = line + text[start : script.at].rstrip().count("\n")
        if match["command"].lower().startswith("curl") and not any(
            isinstance(w, str) and w.lower() in ("-uri", "-headers", "-method") for w in words
        ):
            made = curl([match["command"], *map(_as_text, words)], line)
        else:
            made = _exchange(piece, words, line)
        for exchange in made:
            yield Found(line, last, with_variables(exchange, _variables_in(exchange, text)))
        if script.unclosed:
            piece.guess(
                line, "a quote is opened and never closed: everything after it was read as quoted"
            )


def _variables_in(exchange: Exchange, text: str) -> Iterator[str]:
    """Yield the variables left in a request; one in single quotes goes out as it is written."""
    for name in dict.fromkeys(_LEFT.findall("\n".join(request_texts(exchange)))):
        if not re.search(rf"'[^'\n\"]*{re.escape(name)}[^'\n]*'", text):
            yield name


class _Script:
    """What is known of a script while it is read; nothing in it is run."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth, self.unclosed = text, 0, 0, False
        self.variables: dict[str, Any] = {}

    def skip(self, pattern: re.Pattern[str] = _SKIP) -> None:
        if blank := pattern.match(self.text, self.at):
            self.at = blank.end()

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match

    def assign(self, match: re.Match[str]) -> None:
        name, part = match["name"].lower(), (match["part"] or "").strip("[].'\"").lower()
        if match["sign"] == "(":
            self.call(name, part)
            return
        self.skip()
        if re.compile(rf"(?:{_COMMAND}|curl)", re.IGNORECASE).match(self.text, self.at):
            self.at = match.end() - 1
            return
        value = self.value()
        if not part:
            before = self.variables.get(name, "") if match["sign"] == "+=" else ""
            self.variables[name] = f"{before}{value}" if isinstance(value, str) else value
        elif isinstance(owner := self.variables.setdefault(name, {}), dict):
            owner[(match["part"] or "").strip("[].'\"")] = value

    def call(self, name: str, method: str) -> None:
        owner = self.variables.setdefault(name, {})
        if method == "cookies.add" and isinstance(owner, dict):
            cookie = _COOKIE.search(self.text, self.at, self.at + 10_000)
            if cookie:
                owner.setdefault("\0cookies", []).append(
                    f"{cookie[1]}={_unescaped(cookie[2], self.variables)}"
                )
                self.at = cookie.end()
        elif method.endswith("add"):
            values = self.items(")")
            if len(values) == 2 and isinstance(owner, dict):
                owner[_as_text(values[0])] = values[1]

    def arguments(self) -> list[Any]:
        words: list[Any] = []
        while self.at < len(self.text):
            self.skip()
            if self.text[self.at : self.at + 1] in ("", "\n", "\r", ";", "|", ")", "}"):
                break
            before = self.at
            words.append(self.argument())
            if self.at == before:
                self.at += 1
        return words

    def argument(self) -> Any:
        char = self.text[self.at]
        if char in "\"'“”‘’(" or self.text.startswith(("@{", "@(", '@"', "@'"), self.at):
            value = self.single()
            tail = self.take(_ARGUMENT) if isinstance(value, str) else None
            return f"{value}{tail[0]}" if tail else value
        variable = _VARIABLE.match(self.text, self.at) if char == "$" else None
        if variable and self.text[variable.end() : variable.end() + 1].strip() in ("", ")", ";"):
            return self.single()
        splatted = _SPLATTED.match(self.text, self.at)
        table = self.variables.get(splatted[1].lower()) if splatted else None
        if splatted and isinstance(table, dict):
            self.at = splatted.end()
            return table
        word = self.take(_ARGUMENT)
        if word is None:
            return ""
        text = _unescaped(word[0], self.variables)
        quoted = self.take(_DOUBLE) or self.take(_SINGLE) if text.endswith(("=", ":")) else None
        return text + _unescaped(quoted[1], self.variables) if quoted else text

    def value(self) -> Any:
        value, is_own = self.single(), False
        while self.depth < _MAX_DEPTH:
            self.skip()
            if self.take(_TO_JSON):
                value = json.dumps(value, ensure_ascii=False, indent=2)
            elif isinstance(value, str) and self.take(re.compile(r"\+[ \t]*")):
                value += _as_text(self.single())
            elif self.take(re.compile(r",\s*")):
                if not (is_own and isinstance(value, list)):  # that of a variable stays as it is
                    value, is_own = [*value] if isinstance(value, list) else [value], True
                value.append(self.single())
            else:
                break
        return value

    def single(self) -> Any:
        self.skip()
        if self.take(_CONVERTED):
            values = self.items(")")
            return values[0] if values else None
        self.take(re.compile(r"\[[\w.\[\],]{1,200}\][ \t]*"))
        for pattern, made in ((_HERE_STRING, 2), (_DOUBLE, 1), (_SINGLE, 1)):
            if match := self.take(pattern):
                if match[0][0] in "'‘’" or match[0].startswith("@'"):
                    return match[made].replace("''", "'")
                return _unescaped(match[made], self.variables)
        if self.text[self.at : self.at + 1] in _QUOTES:
            rest, self.at, self.unclosed = self.text[self.at + 1 :], len(self.text), True
            return rest
        if match := self.take(_VARIABLE):
            return self.variable(match)
        if number := self.take(_NUMBER):
            return float(number[0]) if "." in number[0] else int(number[0])
        return self.compound()

    def compound(self) -> Any:
        if self.depth >= _MAX_DEPTH:
            self.at = len(self.text)
            return None
        self.depth += 1
        try:
            if self.take(re.compile(r"@\{")):
                return self.table()
            if self.take(re.compile(r"@\(")):
                items = (item if isinstance(item, list) else [item] for item in self.items(")"))
                return [part for item in items for part in item]
            if self.take(re.compile(r"\(")):
                values = self.items(")")
                return values[0] if len(values) == 1 else values
            if self.take(re.compile(r"New-Object[^\n;]*", re.IGNORECASE)):
                return {}
            word = self.take(_BARE)
            return word[0] if word else None
        finally:
            self.depth -= 1

    def table(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        while self.at < len(self.text):
            self.skip(_SKIP_LINES)
            if self.take(re.compile(r"\}")):
                break
            key = self.take(_DOUBLE) or self.take(_SINGLE) or self.take(re.compile(r"[\w.-]+"))
            self.skip()
            if not key or not self.take(re.compile(r"=\s*")):
                self.at += 0 if key else 1
                continue
            made[_unescaped(key[1] if key.re.groups else key[0], self.variables)] = self.value()
        return made

    def items(self, close: str) -> list[Any]:
        values: list[Any] = []
        while self.at < len(self.text):
            self.skip(re.compile(r"(?:\s|,|`\r?\n)+"))
            if self.text.startswith(close, self.at):
                self.at += 1
                break
            before = self.at
            value = self.value()
            is_many = isinstance(value, list) and self.text[before] not in "@("
            values += value if is_many else [value]
            if self.at == before:
                self.at += 1
        return values

    def variable(self, match: re.Match[str]) -> Any:
        name = (match[1] or match[2]).lower()
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        value = self.variables.get(name, match[0])
        for part in filter(None, (match[3] or "").split(".")):
            if isinstance(value, Mapping):
                value = next((v for k, v in value.items() if k.lower() == part.lower()), match[0])
        return value


def _unescaped(text: str, variables: Mapping[str, Any]) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1]:
            return _ESCAPES.get(match[1], match[1])
        if match[0] == '""':
            return '"'
        if match[4]:
            number = int(match[4], 0)
            return chr(number) if number < 0x110000 else match[0]
        value = variables.get((match[2] or match[3] or "").lower())
        return _as_text(value) if isinstance(value, str | int | float) else match[0]

    whole = _IN_TEXT.sub(one, text)
    return whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _as_text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value)
    return "" if value is None else str(value)


def _parameters(words: list[Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    at = 0
    while at < len(words):
        word, at = words[at], at + 1
        if not isinstance(word, str) or not re.match(r"-[A-Za-z]", word):
            if isinstance(word, dict):
                made |= {key.lower(): value for key, value in word.items()}
            else:
                made.setdefault("uri", word)
            continue
        name, _, attached = word[1:].lower().partition(":")
        full = next((known for known in (*_PARAMETERS, *_SWITCHES) if known.startswith(name)), name)
        if full in _SWITCHES:
            continue
        if attached:
            made[full] = attached
        elif at < len(words):
            made[full], at = words[at], at + 1
    return made


def _exchange(piece: Piece, words: list[Any], line: int) -> Iterator[Exchange]:
    given = _parameters(words)
    if not isinstance(given.get("uri"), str) or not given["uri"]:
        piece.skip(line, "a web request of PowerShell without a URL: nothing says where it goes")
        return
    method = _as_text(given.get("method") or given.get("custommethod") or "GET").upper()
    body, implied = _body(piece, given, method, line)
    own = _table(given.get("headers"))
    headers = [*((name, _as_text(value)) for name, value in own.items()), *implied]
    url = given["uri"] if re.match(r"[\w+.-]+://|[{$<]", given["uri"]) else f"http://{given['uri']}"
    if method == "GET" and isinstance(given.get("body"), dict):
        query = urlencode(given["body"], errors="replace")
        url, body = f"{url}{'&' if '?' in url else '?'}{query}", None
    yield Exchange(
        source=piece.at(line),
        method=method,
        url=url,
        request_headers=joined(headers),
        request_body=body,
    )


def _body(
    piece: Piece, given: Mapping[str, Any], method: str, line: int
) -> tuple[str | None, list[tuple[str, str]]]:
    body, implied = given.get("body"), []
    own, session = _table(given.get("headers")), _table(given.get("websession"))
    if content_type := given.get("contenttype"):
        implied.append(("Content-Type", _as_text(content_type)))
    elif body is not None and method == "POST" and not header(own, "content-type"):
        implied.append(("Content-Type", "application/x-www-form-urlencoded"))
    if agent := given.get("useragent") or session.get("UserAgent"):
        implied.append(("User-Agent", _as_text(agent)))
    if session.get("\0cookies"):
        implied.append(("Cookie", "; ".join(session["\0cookies"])))
    if "token" in given:
        implied.append(("Authorization", f"Bearer {_as_text(given['token'])}"))
    if "form" in given:
        piece.guess(line, "the fields of a multipart form are read as their names and values only")
        implied.append(("Content-Type", "multipart/form-data"))
        return urlencode(_table(given["form"]), errors="replace"), implied
    if "infile" in given and body is None:
        name = _as_text(given["infile"])
        content = piece.file(name, line)
        return f"@{name}" if content is None else content.decode("utf-8", "replace"), implied
    if isinstance(body, dict):
        return urlencode(body, errors="replace"), implied
    return None if body is None else _as_text(body), implied


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
