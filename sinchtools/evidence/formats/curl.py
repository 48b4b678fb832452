"""
Read curl commands as people paste them, from bash, Windows cmd and PowerShell.

Nothing is run, and only named files are read.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from sinchtools.core.records import Exchange
from sinchtools.core.variables import with_variables
from sinchtools.evidence.formats import powershell, shell
from sinchtools.evidence.formats.curl_parts import (
    DATA,
    LETTERS,
    NOT_FOLLOWED,
    WITH_VALUE,
    WITHOUT_VALUE,
    Request,
    all_headers,
    encoded,
    file_bytes,
    multipart,
    upload,
    urlencoded,
)
from sinchtools.evidence.formats.retries import with_attempts
from sinchtools.evidence.formats.shell import Command, UnclosedQuoteError
from sinchtools.evidence.formats.values import decoded
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece, json_end
from sinchtools.evidence.terminal import PROMPT

_MOST_URLS = 100
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
_PROMPT = (
    r"(?:[>|] ?)*(?:\[\d\d:\d\d(?::\d\d)?\] (?=[\w.-]+@))?"
    rf"(?:{PROMPT}|PS [^>\n]{{0,200}}>|[❯➜] [^\n#'\"]{{0,80}}? (?=curl)"
    r"|[\w.-]{1,40}[$#%](?= )|[$%#>❯➜])?"
)
_LEAD = (
    rf"(?:{_PROMPT}[ \t]*+)(?:(?:sudo|time|command|exec|env|then|do|&|!|RUN|CMD)[ \t]++"
    r"|[A-Za-z_]\w*=(?:\$\()?(?:\"|`)?(?=\$?\(?[\w./-]{0,60}curl)"
    r"|[@-]{1,2}(?=[\w./]{0,60}curl)"
    r"|[\d*/,-]{1,12}[ \t]++|\d\d:\d\d:\d\d[ \t]++|\d+[.)][ \t]++|Step \d+/\d+ : |`|\$\()*"
)
_PROGRAM = r"(?:[\"']?(?:[\w./\\:-]{0,200}[/\\])?curl(?:\.exe)?[\"']?)"
START = re.compile(rf"^[ \t\xa0]*+{_LEAD}(?P<curl>{_PROGRAM})(?=[ \t\xa0\\\n^`]|$)", re.MULTILINE)
# a program that runs another: its name, its own arguments, then curl, maybe in quotes
_RUNNER = (
    r"\b(?:docker|podman|nerdctl|kubectl|oc|ssh|vagrant|heroku|fly|gcloud|su|sh|bash|zsh|cmd|wsl"
    r"|timeout|nohup|watch|xargs|nice|strace|proxychains4?|torsocks)(?:\.exe)?"
    r"(?:[ \t]|[\"'],?[ \t]*[\"'])[^\n#|]{0,200}?"
)
INNER = re.compile(
    rf"(?:[|;&(]|\bdo|\bthen|:|`|\$\()[ \t]*+(?P<curl>{_PROGRAM})[ \t]++(?=[-'\"h$\\])"
)
RUN = re.compile(
    rf"{_RUNNER}(?<=[ \t'\"])(?P<curl>(?:[\w.-]{{1,80}}/){{0,3}}curl(?::[\w.-]+)?)"
    r"[ \t]++(?=[-'\"$\\]|https?:)"
)
_ASSIGNMENT = re.compile(
    rf"^[ \t]*(?:[$%#>] )?(?:(?:export[ \t]+|set[ \t]+|local[ \t]+|readonly[ \t]+)?"
    rf"(?P<name>[A-Za-z_]\w*)=|set(?:[ \t]+-\w+)*[ \t]+(?P<fish>[A-Za-z_]\w*)[ \t]+)"
    rf"(?=[^\s=])(?!\$?\({_PROGRAM})",
    re.MULTILINE,
)
_URL = re.compile(r"://|^localhost|^[\w-]+(?:\.[\w-]+)+(?:[:/?]|$)|[{$<\\]|/xms/")
_STATUS_OUT = re.compile(r"%\{(?:http|response)_code\}")
_MOST_OUTPUT = 200  # lines below a command
_PIPED = re.compile(r"^[ \t]*(?:[$%#>] )?(?:echo|printf|cat)\b[^\n]*", re.MULTILINE)


def find(piece: Piece) -> Iterator[Found]:
    """Yield the request of each curl command, and of each web request of PowerShell."""
    if "curl" not in piece.text and not powershell.sniff(piece.text):
        return
    text = piece.text
    if powershell.sniff(text):
        yield from powershell.find(
            piece, text, lambda words, line: _requests(piece, Command(words=words), line)
        )
        return
    paste = _Paste(piece)
    at = 0
    while found := _next_command(piece, paste, at):
        start, command, line = found
        end = command.end - len(command.ended_by.strip("\n"))
        last = max(line, paste.line(max(start, len(text[:end].rstrip()) - 1)))
        for exchange in _requests(piece, command, line):
            known = with_variables(exchange, sorted(command.variables))
            yield from with_attempts(piece, Found(line, last, known))
        yield from _written_out(paste, command, last)
        at = max(end, start + 1)


def is_cmd(text: str) -> bool:
    """
    Tell whether a command is written for Windows cmd.

    Cmd has its own prompt, and carets that open or escape a quote or end a line.
    """
    if re.search(r"[ \t]\\[ \t]*\n", text):
        return False  # bash's line continuation
    return bool(
        re.search(
            r"[ \t]\^\"|\^\\\^\"|[ \t]\^[ \t]*(?:\n|$)|^[A-Za-z]:\\[^>\n]*>[ \t]*curl",
            text,
            re.MULTILINE,
        )
    )


class _Paste:
    """
    A paste with what is looked up again and again in it, found once.

    A search from each command on would take forever.
    """

    def __init__(self, piece: Piece) -> None:
        self.text, self.line = (text := piece.text), piece.line_of
        self.plain = text.translate(shell.SMART_QUOTES)
        self.lexer = shell.cmd_command if is_cmd(text) else shell.bash_command
        commands = {
            (match.start("curl"), match.start("curl"))
            for pattern in (START, INNER, RUN)
            for match in pattern.finditer(text)
        }
        self.commands = sorted(commands)

    def next_command(self, at: int) -> int | None:
        place = bisect_left(self.commands, (at, 0))
        return self.commands[place][0] if place < len(self.commands) else None


def _next_command(piece: Piece, paste: _Paste, at: int) -> tuple[int, Command, int] | None:
    while (start := paste.next_command(at)) is not None:
        for assignment in _ASSIGNMENT.finditer(paste.text, at, start):
            _assign(piece, paste, assignment)
        line = paste.line(start)
        command = _lex(piece, paste, start, line)
        if command.stdin is None:
            command.stdin = _piped(piece, paste, at, start)
        if _is_command(command.words):
            return start, command, line
        at = start + 4
    return None


def _lex(piece: Piece, paste: _Paste, start: int, line: int) -> Command:
    notes: list[str] = []
    if inner := _in_quotes(paste.text, start):
        command = paste.lexer(inner, 0, variables=piece.variables, note=notes.append, strict=False)
        command.end = start + len(inner)
        return command
    for source, strict in ((paste.text, True), (paste.plain, True), (paste.text, False)):
        notes = [] if source is paste.text else ["typographic quotes were read as plain ones"]
        try:
            command = paste.lexer(
                source, start, variables=piece.variables, note=notes.append, strict=strict
            )
        except UnclosedQuoteError:
            continue
        break
    for note in dict.fromkeys(notes):
        piece.guess(line, note)
    return command


def _in_quotes(text: str, start: int) -> str:
    """Return a command that another shell gets as one text, without the quotes around it."""
    quote = text[start - 1 : start]
    if quote not in ("'", '"') or text[start] == quote:
        return ""
    inner = re.compile(rf"(?:[^{quote}\\]|\\.){{0,20000}}+(?={quote})", re.DOTALL)
    found = inner.match(text, start)
    if found is None:
        return ""
    return re.sub(r"\\([\"\\$`])", r"\1", found[0]) if quote == '"' else found[0]


def _assign(piece: Piece, paste: _Paste, match: re.Match[str]) -> None:
    name = match["name"] or match["fish"]
    if match["fish"] and f"${name}" not in paste.text:
        return
    command = shell.quiet_command(paste.text, match.end(), piece.variables)
    words = command.words if command else []
    if command and words and "$(" not in words[0] and "`" not in words[0]:
        piece.variables[name] = words[0]
        piece.use(paste.line(match.start()), paste.line(max(match.end(), command.end - 1)))


def _piped(piece: Piece, paste: _Paste, at: int, start: int) -> str | None:
    text = paste.text
    piped = next((match for match in _PIPED.finditer(text, at, start)), None)
    if piped is None or not text[piped.start() : start].rstrip().endswith("|"):
        return None
    before = shell.quiet_command(text, piped.start(), piece.variables)
    if before is None:
        return None
    piece.use(paste.line(piped.start()), paste.line(start))
    words = [word for word in before.words if word not in ("$", "%", "#", ">")]
    if words[:1] == ["cat"]:
        return before.stdin
    return " ".join(word for word in words[1:] if word not in ("-n", "-e", "%s")) + "\n"


def _written_out(paste: _Paste, command: Command, last: int) -> Iterator[Found]:
    """Yield the status that a command writes below its output, in the form of its option -w."""
    form = next((word for word in command.words if _STATUS_OUT.search(word)), "")
    wanted = next((line for line in re.split(r"\n|\\n", form) if _STATUS_OUT.search(line)), "")
    parts = re.split(r"(%\{[\w.]+\})", wanted.strip())
    pattern = "".join(
        r"([1-5]\d\d)"
        if _STATUS_OUT.match(part)
        else r"\S*"
        if part[:2] == "%{"
        else re.escape(part)
        for part in parts
    )
    if not wanted or pattern.count("(") != 1:
        return
    for number, line in enumerate(paste.text.split("\n")[last : last + _MOST_OUTPUT], last + 1):
        if START.match(line):
            return
        if match := re.fullmatch(pattern, line.strip()):
            yield Found(number, number, Exchange(status=int(match[1])))
            return
        end = json_end(line) if line.startswith("{") else None
        if end and (match := re.fullmatch(pattern, line[end:].strip())):
            body = line[:end]
            yield Found(number, number, Exchange(status=int(match[1]), response_body=body))
            return


def _is_command(words: list[str]) -> bool:
    return any(
        re.match(r"-{1,2}[\w#:]", word)
        or re.search(r"://|^localhost|^[\w-]+(\.[\w-]+)+[/:]?|[{$<]", word)
        for word in words[1:]
    )


def _requests(piece: Piece, command: Command, line: int) -> Iterator[Exchange]:
    operations = [Request(piece, command, line)]
    for name, value in _options(operations[0], command.words[1:]):
        if name == "next":
            operations.append(Request(piece, command, line))
        else:
            _apply(operations[-1], name, value)
    for request in operations:
        _without_words(request)
        if len(request.urls) > _MOST_URLS:
            piece.skip(
                line, f"a curl command with more than {_MOST_URLS} URLs: the others were not read"
            )
        if request.urls:
            yield from (_exchange(request, url) for url in request.urls[:_MOST_URLS])
        elif len(operations) == 1 or request.options or request.headers:
            piece.skip(line, "a curl command without a URL: nothing says where the request goes")


def _without_words(request: Request) -> None:
    """Leave out the words that somebody wrote behind a command, where it has a URL."""
    whole = [url for url in request.urls if _URL.search(url)]
    if whole and len(whole) < len(request.urls):
        request.piece.guess(request.line, "words behind the command that are no URL were left out")
        request.urls[:] = whole


def _options(request: Request, words: list[str]) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(words):
        word, at = words[at], at + 1
        if len(word) < 2 or word[0] != "-":
            yield "url", word
            continue
        for name, attached in _names(request, word):
            if name not in WITH_VALUE:
                yield name, ""
            elif attached is not None:
                yield name, attached
            elif at < len(words):
                if name == "header" and words[at] in ("-H", "--header") and at + 1 < len(words):
                    request.guess("an option -H without a header was left out")
                    at += 1
                yield name, words[at]
                at += 1
            else:
                request.piece.skip(
                    request.line, f"curl: option --{name} needs a value and has none"
                )
        value = words[at] if at < len(words) else "-"
        if _is_unknown(word) and not value.startswith("-") and "://" not in value:
            at += 1  # what follows an unknown option is more likely its value than a URL


def _names(request: Request, word: str) -> Iterator[tuple[str, str | None]]:
    if not word.startswith("--"):
        yield from _letters(request, word[1:])
        return
    name, equals, value = word[2:].partition("=")
    full = _full_name(name)
    if full:
        yield full, value if equals else None
    elif name in LETTERS:
        request.guess(f"--{name} is not an option of curl; it was read as -{name}")
        yield LETTERS[name], value if equals else None
    else:
        shown = f"--{name}" if re.fullmatch(r"[a-z][a-z-]{1,24}", name) else "an option"
        request.guess(f"{shown} is not known to curl and was left out")


def _letters(request: Request, letters: str) -> Iterator[tuple[str, str | None]]:
    while letters:
        name, letters = LETTERS.get(letters[0]), letters[1:]
        if name is None:
            request.guess("an option is not known to curl and was left out")
            return
        if name in WITH_VALUE:
            yield name, (letters.removeprefix("=") if name == "request" else letters) or None
            return
        yield name, None


def _full_name(name: str) -> str | None:
    if name in WITH_VALUE or name in WITHOUT_VALUE:
        return name
    if name.startswith("no-") and name[3:] in WITHOUT_VALUE:
        return name
    starts = [known for known in (*WITH_VALUE, *WITHOUT_VALUE) if known.startswith(name)]
    return starts[0] if len(starts) == 1 and len(name) > 2 else None


def _is_unknown(word: str) -> bool:
    name = word.removeprefix("--")
    return word != name and "=" not in name and _full_name(name) is None and name not in LETTERS


def _apply(request: Request, name: str, value: str) -> None:
    if name == "url":
        request.urls.append(value)
    elif name in DATA:
        joint = b"" if name == "json" or not request.data else b"&"
        request.data.append(joint + _data(request, name, value))
        request.options.setdefault("json" if name == "json" else "form", "")
    elif name == "url-query":
        query = value[1:].encode() if value.startswith("+") else urlencoded(request, value)
        request.queries.append(query)
    elif name == "header":
        request.headers += _headers(request, value)
    elif name in ("form", "form-string"):
        request.forms.append((value, name == "form-string"))
    elif name == "upload-file":
        request.uploads.append(value)
    else:
        _set(request, name, value)


def _set(request: Request, name: str, value: str) -> None:
    if name == "cookie" and "=" not in value:
        request.guess("cookies in a file are not read")
    elif name in NOT_FOLLOWED:
        request.guess(f"{NOT_FOLLOWED[name]} cannot be followed; the request is read without them")
    elif name == "variable":
        variable, equals, content = value.partition("=")
        if equals and not variable.startswith("%"):
            request.variables[variable] = content
    elif name.startswith("expand-"):
        expanded = re.sub(
            r"\{\{(\w+)\}\}", lambda match: request.variables.get(match[1], match[0]), value
        )
        if "{{" in expanded:
            request.guess(f"--{name}: a variable is not known here; it stays as written")
        _apply(request, name.removeprefix("expand-"), expanded)
    elif name == "cookie" and name in request.options:
        request.options[name] += f"; {value}"
    else:
        request.options[name] = value


def _data(request: Request, name: str, value: str) -> bytes:
    if name == "data-urlencode":
        return urlencoded(request, value)
    if name == "data-raw" or not value.startswith("@"):
        return encoded(value)
    content = file_bytes(request, value[1:])
    if content is None:
        return encoded(value)
    is_exact = name in ("data-binary", "json")
    return content if is_exact else re.sub(rb"[\r\n\0]", b"", content)


def _headers(request: Request, value: str) -> list[tuple[str, str]]:
    if value.startswith("@"):
        content = file_bytes(request, value[1:]) or b""
        lines = filter(str.strip, content.decode("utf-8", "replace").splitlines())
        return [pair for text in lines for pair in _headers(request, text)]
    name, colon, rest = value.partition(":")
    if colon:
        text = re.sub(r"[\r\n]+", " ", rest.lstrip(" \t"))
        return [(name.strip(), text if rest.strip() else "\0")]
    if value.rstrip().endswith(";"):
        return [(value.rstrip().rstrip(";"), "")]
    request.guess("a header without a colon was left out, as curl does")
    return []


def _exchange(request: Request, url: str) -> Exchange:
    body = b"".join(request.data) if request.data else None
    implied: list[tuple[str, str]] = []
    queries = list(request.queries)
    if "get" in request.options and body is not None:
        queries, body = [body], None  # curl drops --url-query then
    if request.forms:
        body, boundary = multipart(request)
        implied.append(("Content-Type", f"multipart/form-data; boundary={boundary}"))
    elif body is not None and "json" in request.options:
        implied += [("Content-Type", JSON), ("Accept", JSON)]
    elif body is not None:
        implied.append(("Content-Type", FORM))
    url = _url(url, queries, glob="globoff" not in request.options)
    if request.uploads and body is None:
        url, body = upload(request, request.uploads[0], url)
    return Exchange(
        source=request.piece.at(request.line),
        method=request.options.get("request") or _method(request, body),
        url=url,
        request_headers=all_headers(request, implied, body),
        request_body=None if body is None else decoded(body),
    )


def _method(request: Request, body: bytes | None) -> str:
    if "head" in request.options:
        return "HEAD"
    if request.uploads and not request.data and not request.forms:
        return "PUT"
    return "GET" if body is None else "POST"


def _url(url: str, queries: list[bytes], *, glob: bool) -> str:
    url = url.strip()
    if glob:
        url = re.sub(r"\\([\[\]{}])", r"\1", url)
    if not re.match(r"[A-Za-z][\w+.-]*://|[{$<%]", url):
        url = f"http://{url}"
    if queries:
        base, sharp, fragment = url.partition("#")
        query = b"&".join(queries).decode("utf-8", "replace")
        url = f"{base}{'&' if '?' in base else '?'}{query}{sharp}{fragment}"
    return url
