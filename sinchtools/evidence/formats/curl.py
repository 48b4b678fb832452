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
from sinchtools.evidence.formats.curl_options import (
    DATA,
    LETTERS,
    NOT_FOLLOWED,
    WITH_VALUE,
    WITHOUT_VALUE,
)
from sinchtools.evidence.formats.curl_parts import (
    Request,
    all_headers,
    encoded,
    file_bytes,
    multipart,
    upload,
    urlencoded,
)
from sinchtools.evidence.formats.shell import Command, UnclosedQuoteError
from sinchtools.evidence.formats.values import decoded
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece

_MOST_URLS = 100
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
_PROMPT = (
    r"(?:[>|] ?)*(?:PS [^>\n]{0,200}>|[A-Za-z]:\\[^>\n]{0,200}>|\[[\w.-]+@[^\]\n]{1,80}\][$#%]"
    r"|[\w.-]+@[\w.-]+[^\n$#%]{0,80}[$#%]|(?:ba|z)?sh-[\d.]+[$#]|[❯➜] [^\n#'\"]{0,80}? (?=curl)"
    r"|[\w.-]{1,40}[$#%](?= )|[$%#>❯➜])?"
)
_LEAD = (
    rf"(?:{_PROMPT}[ \t]*+)(?:(?:sudo|time|command|exec|env|then|do|&|!|RUN|CMD)[ \t]++"
    r"|[A-Za-z_]\w*=(?:\$\()?(?:\"|`)?(?=\$?\(?curl)"
    r"|[\d*/,-]{1,12}[ \t]++|\d+[.)][ \t]++|Step \d+/\d+ : |`|\$\()*"
)
_PROGRAM = r"(?:[\"']?(?:[\w./\\:-]{0,200}[/\\])?curl(?:\.exe)?[\"']?)"
START = re.compile(rf"^[ \t\xa0]*+{_LEAD}(?P<curl>{_PROGRAM})(?=[ \t\xa0\\\n^`]|$)", re.MULTILINE)
# a program that runs another: its name, its own arguments, then curl, maybe in quotes
_RUNNER = (
    r"\b(?:docker|podman|nerdctl|kubectl|oc|ssh|vagrant|heroku|fly|gcloud|su|sh|bash|zsh|cmd|wsl"
    r"|timeout|nohup|watch|xargs|nice|strace|proxychains4?|torsocks)(?:\.exe)?[ \t][^\n#|]{0,200}?"
)
INNER = re.compile(
    rf"(?:[|;&(]|\bdo|\bthen|:|`|\$\()[ \t]*+(?P<curl>{_PROGRAM})[ \t]++(?=[-'\"h$\\])"
)
RUN = re.compile(
    rf"{_RUNNER}(?<=[ \t'\"])(?P<curl>(?:[\w.-]{{1,80}}/){{0,3}}curl(?::[\w.-]+)?)"
    r"[ \t]++(?=[-'\"h$\\])"
)
_ASSIGNMENT = re.compile(
    rf"^[ \t]*(?:[$%#>] )?(?:(?:export[ \t]+|set[ \t]+|local[ \t]+|readonly[ \t]+)?"
    rf"(?P<name>[A-Za-z_]\w*)=|set(?:[ \t]+-\w+)*[ \t]+(?P<fish>[A-Za-z_]\w*)[ \t]+)"
    rf"(?=[^\s=])(?!\$?\({_PROGRAM})",
    re.MULTILINE,
)
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
            yield Found(line, last, with_variables(exchange, sorted(command.variables)))
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
        command.stdin = (
            command.stdin if command.stdin is not None else _piped(piece, paste, at, start)
        )
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
    try:
        command = shell.bash_command(
            paste.text, match.end(), variables=piece.variables, note=lambda _: None
        )
    except UnclosedQuoteError:
        return
    words = command.words
    if words and "$(" not in words[0] and "`" not in words[0]:
        piece.variables[name] = words[0]
        piece.use(paste.line(match.start()), paste.line(max(match.end(), command.end - 1)))


def _piped(piece: Piece, paste: _Paste, at: int, start: int) -> str | None:
    text = paste.text
    piped = next((match for match in _PIPED.finditer(text, at, start)), None)
    if piped is None or not text[piped.start() : start].rstrip().endswith("|"):
        return None
    try:
        before = shell.bash_command(
            text, piped.start(), variables=piece.variables, note=lambda _: None
        )
    except UnclosedQuoteError:
        return None
    piece.use(paste.line(piped.start()), paste.line(start))
    words = [word for word in before.words if word not in ("$", "%", "#", ">")]
    return (
        before.stdin
        if words[:1] == ["cat"]
        else " ".join(word for word in words[1:] if word not in ("-n", "-e", "%s")) + "\n"
    )


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


def _is_command(words: list[str]) -> bool:
    return any(
        re.match(r"-{1,2}[\w#:]", word)
        or re.search(r"://|^localhost|^[\w-]+(\.[\w-]+)+[/:]?|[{$<]", word)
        for word in words[1:]
    )


def _requests(piece: Piece, command: Command, line: int) -> Iterator[Exchange]:
    operations = [Request()]
    for name, value in _options(piece, command.words[1:], line):
        if name == "next":
            operations.append(Request())
        else:
            _apply(piece, operations[-1], name, value, command, line)
    for request in operations:
        if len(request.urls) > _MOST_URLS:
            piece.skip(
                line, f"a curl command with more than {_MOST_URLS} URLs: the others were not read"
            )
        if request.urls:
            yield from (_exchange(piece, request, url, line) for url in request.urls[:_MOST_URLS])
        elif len(operations) == 1 or request.options or request.headers:
            piece.skip(line, "a curl command without a URL: nothing says where the request goes")


def _options(piece: Piece, words: list[str], line: int) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(words):
        word, at = words[at], at + 1
        if len(word) < 2 or word[0] != "-":
            yield "url", word
            continue
        for name, attached in _names(piece, word, line):
            if name not in WITH_VALUE:
                yield name, ""
            elif attached is not None:
                yield name, attached
            elif at < len(words):
                if name == "header" and words[at] in ("-H", "--header") and at + 1 < len(words):
                    piece.guess(line, "an option -H without a header was left out")
                    at += 1
                yield name, words[at]
                at += 1
            else:
                piece.skip(line, f"curl: option --{name} needs a value and has none")
        if (
            at < len(words)
            and _unknown(word)
            and not words[at].startswith("-")
            and "://" not in words[at]
        ):
            at += 1  # what follows an unknown option is more likely its value than a URL


def _names(piece: Piece, word: str, line: int) -> Iterator[tuple[str, str | None]]:
    if not word.startswith("--"):
        yield from _letters(piece, word[1:], line)
        return
    name, equals, value = word[2:].partition("=")
    full = _full_name(name)
    if full:
        yield full, value if equals else None
    elif len(name) == 1 and name in LETTERS:
        piece.guess(line, f"--{name} is not an option of curl; it was read as -{name}")
        yield LETTERS[name], value if equals else None
    else:
        shown = f"--{name}" if re.fullmatch(r"[a-z][a-z-]{1,24}", name) else "an option"
        piece.guess(line, f"{shown} is not known to curl and was left out")


def _letters(piece: Piece, letters: str, line: int) -> Iterator[tuple[str, str | None]]:
    while letters:
        name, letters = LETTERS.get(letters[0]), letters[1:]
        if name is None:
            piece.guess(line, "an option is not known to curl and was left out")
            return
        if name in WITH_VALUE:
            yield (
                name,
                letters.removeprefix("=")
                if letters.startswith("=") and name == "request"
                else letters or None,
            )
            return
        yield name, None


def _full_name(name: str) -> str | None:
    if name in WITH_VALUE or name in WITHOUT_VALUE:
        return name
    if name.startswith("no-") and name[3:] in WITHOUT_VALUE:
        return "no-" + name[3:]
    starts = (
        [known for known in (*WITH_VALUE, *WITHOUT_VALUE) if known.startswith(name)]
        if len(name) > 2
        else []
    )
    return starts[0] if len(starts) == 1 else None


def _unknown(word: str) -> bool:
    name = word[2:].partition("=")[0]
    return (
        word.startswith("--")
        and "=" not in word
        and _full_name(name) is None
        and not (len(name) == 1 and name in LETTERS)
    )


def _apply(
    piece: Piece, request: Request, name: str, value: str, command: Command, line: int
) -> None:
    if name == "url":
        request.urls.append(value)
    elif name in DATA:
        request.data.append(
            _data(
                piece,
                name,
                value,
                command,
                line,
                joined_by=b"" if name == "json" or not request.data else b"&",
            )
        )
        request.options.setdefault("json" if name == "json" else "form", "")
    elif name == "url-query":
        request.queries.append(
            value[1:].encode() if value.startswith("+") else urlencoded(piece, value, command, line)
        )
    elif name == "header":
        request.headers += _headers(piece, value, command, line)
    elif name in ("form", "form-string"):
        request.forms.append((value, name == "form-string"))
    elif name == "upload-file":
        request.uploads.append(value)
    else:
        _set(piece, request, name, value, line)


def _set(piece: Piece, request: Request, name: str, value: str, line: int) -> None:
    if name == "cookie" and "=" not in value:
        piece.guess(line, "cookies in a file are not read")
    elif name in NOT_FOLLOWED:
        piece.guess(
            line, f"{NOT_FOLLOWED[name]} cannot be followed; the request is read without them"
        )
    elif name == "variable":
        variable, equals, content = value.partition("=")
        if equals and not variable.startswith("%"):
            request.variables[variable] = content
    elif name.startswith("expand-"):
        expanded = re.sub(
            r"\{\{(\w+)\}\}", lambda match: request.variables.get(match[1], match[0]), value
        )
        if "{{" in expanded:
            piece.guess(line, f"--{name}: a variable is not known here; it stays as written")
        _apply(piece, request, name.removeprefix("expand-"), expanded, Command(), line)
    elif name == "cookie" and name in request.options:
        request.options[name] += f"; {value}"
    else:
        request.options[name] = value


def _data(
    piece: Piece, name: str, value: str, command: Command, line: int, *, joined_by: bytes
) -> bytes:
    if name == "data-urlencode":
        return joined_by + urlencoded(piece, value, command, line)
    if name == "data-raw" or not value.startswith("@"):
        return joined_by + encoded(value)
    content = file_bytes(piece, value[1:], command, line)
    if content is None:
        return joined_by + encoded(value)
    return joined_by + (
        content if name in ("data-binary", "json") else re.sub(rb"[\r\n\0]", b"", content)
    )


def _headers(piece: Piece, value: str, command: Command, line: int) -> list[tuple[str, str]]:
    if value.startswith("@"):
        content = file_bytes(piece, value[1:], command, line)
        lines = (content or b"").decode("utf-8", "replace").splitlines()
        return [
            pair
            for text in lines
            if text.strip()
            for pair in _headers(piece, text, Command(), line)
        ]
    name, colon, rest = value.partition(":")
    if colon:
        return (
            [(name.strip(), re.sub(r"[\r\n]+", " ", rest.lstrip(" \t")))]
            if rest.strip()
            else [(name.strip(), "\0")]
        )
    if value.rstrip().endswith(";"):
        return [(value.rstrip().rstrip(";"), "")]
    piece.guess(line, "a header without a colon was left out, as curl does")
    return []


def _exchange(piece: Piece, request: Request, url: str, line: int) -> Exchange:
    body = b"".join(request.data) if request.data else None
    implied: list[tuple[str, str]] = []
    queries = list(request.queries)
    if "get" in request.options and body is not None:
        queries, body = [body], None  # curl drops --url-query then
    if request.forms:
        body, boundary = multipart(piece, request.forms, line)
        implied.append(("Content-Type", f"multipart/form-data; boundary={boundary}"))
    elif body is not None:
        implied += (
            [("Content-Type", JSON), ("Accept", JSON)]
            if "json" in request.options
            else [("Content-Type", FORM)]
        )
    url = _url(url, queries, glob="globoff" not in request.options)
    if request.uploads and body is None:
        url, body = upload(piece, request.uploads[0], url, line)
    return Exchange(
        source=piece.at(line),
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
