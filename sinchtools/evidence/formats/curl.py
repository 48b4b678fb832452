"""
Read curl commands as people paste them, from bash, Windows cmd and PowerShell.

Nothing is run, and only named files are read.
"""

from __future__ import annotations

import base64
import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from sinchtools.api.description import split_url
from sinchtools.core.placeholders import is_placeholder
from sinchtools.core.records import Exchange
from sinchtools.core.variables import with_variables
from sinchtools.evidence.formats import powershell, shell
from sinchtools.evidence.formats.shell import Command, UnclosedQuoteError
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece, joined, words

_MOST_URLS = 100
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
# curl's own options (its manual page, 8.x): those that take a value, those that take none, and the
# letters of both
WITH_VALUE = frozenset(
    words(
        """
        abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config
        connect-timeout connect-to continue-at cookie cookie-jar create-file-mode crlfile curves
        data data-ascii data-binary data-raw data-urlencode delegation dns-interface dns-ipv4-addr
        dns-ipv6-addr dns-servers doh-url dump-header ech egd-file engine etag-compare etag-save
        expand-url expand-data expand-header expand-user expect100-timeout form form-string
        ftp-account ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode
        happy-eyeballs-timeout-ms haproxy-clientip header help hostpubmd5 hostpubsha256 hsts
        interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type krb libcurl
        limit-rate local-port login-options mail-auth mail-from mail-rcpt max-filesize max-redirs
        max-time netrc-file noproxy oauth2-bearer output output-dir parallel-max pass pinnedpubkey
        preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath proxy-cert
        proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass
        proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype
        proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file range rate
        referer request request-target resolve retry retry-delay retry-max-time sasl-authzid
        service-name sigalgs socks4 socks4a socks5 socks5-gssapi-service socks5-hostname speed-limit
        speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlsauthtype
        tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file upload-flags url
        url-query user user-agent variable vlan-priority write-out
        """
    )
)
WITHOUT_VALUE = frozenset(
    words("""
        anyauth append basic ca-native cert-status compressed compressed-ssh create-dirs crlf digest
        disable disable-eprt disable-epsv disallow-username-in-url doh-cert-status doh-insecure fail
        fail-early fail-with-body false-start form-escape ftp-create-dirs ftp-pasv ftp-pret
        ftp-skip-pasv-ip ftp-ssl-ccc ftp-ssl-control get globoff haproxy-protocol head http0.9
        http1.0 http1.1 http2 http2-prior-knowledge http3 http3-only ignore-content-length include
        insecure ipv4 ipv6 junk-session-cookies list-only location location-trusted
        mail-rcpt-allowfails manual metalink mptcp negotiate netrc netrc-optional next no-alpn
        no-buffer no-clobber no-keepalive no-npn no-progress-meter no-sessionid ntlm ntlm-wb
        parallel parallel-immediate path-as-is post301 post302 post303 progress-bar proxy-anyauth
        proxy-basic proxy-ca-native proxy-digest proxy-http2 proxy-insecure proxy-negotiate
        proxy-ntlm proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tlsv1 proxytunnel raw
        remote-header-name remote-name remote-name-all remote-time remove-on-error retry-all-errors
        retry-connrefused sasl-ir show-error show-headers silent skip-existing socks5-basic
        socks5-gssapi socks5-gssapi-nec ssl ssl-allow-beast ssl-auto-client-cert ssl-no-revoke
        ssl-reqd ssl-revoke-best-effort sslv2 sslv3 styled-output suppress-connect-headers
        tcp-fastopen tcp-nodelay tftp-no-options tls-earlydata tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3
        tr-encoding trace-ids trace-time use-ascii verbose version xattr
        """)
)
LETTERS = dict(
    pair.split("=")
    for pair in words("""
        a=append E=cert K=config C=continue-at b=cookie c=cookie-jar d=data q=disable D=dump-header
        f=fail F=form P=ftp-port G=get g=globoff I=head H=header h=help 0=http1.0 i=include
        k=insecure 4=ipv4 6=ipv6 j=junk-session-cookies l=list-only L=location M=manual m=max-time
        n=netrc :=next N=no-buffer o=output Z=parallel #=progress-bar x=proxy U=proxy-user
        p=proxytunnel Q=quote r=range e=referer J=remote-header-name O=remote-name R=remote-time
        X=request S=show-error s=silent Y=speed-limit y=speed-time 2=sslv2 3=sslv3 t=telnet-option
        z=time-cond 1=tlsv1 T=upload-file B=use-ascii u=user A=user-agent v=verbose V=version
        w=write-out
        """)
)
DATA = {"data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json"}
NOT_FOLLOWED = {
    "config": "options in a file",
    "netrc": "credentials in .netrc",
    "netrc-file": "credentials in .netrc",
}
_PROMPT = (
    r"(?:[>|] ?)*(?:PS [^>\n]{0,200}>|[A-Za-z]:\\[^>\n]{0,200}>|\[[\w.-]+@[^\]\n]{1,80}\][$#%]"
    r"|[\w.-]+@[\w.-]+[^\n$#%]{0,80}[$#%]|(?:ba|z)?sh-[\d.]+[$#]|[$%#>❯➜])?"
)
_LEAD = (
    rf"(?:{_PROMPT}[ \t]*+)(?:(?:sudo|time|command|exec|env|then|do|&|!|RUN|CMD)[ \t]++"
    r"|[A-Za-z_]\w*=(?:\$\()?(?:\"|`)?(?=\$?\(?curl)"
    r"|[\d*/,-]{1,12}[ \t]++|\d+[.)][ \t]++|Step \d+/\d+ : |`|\$\()*"
)
_PROGRAM = r"(?:[\"']?(?:[\w./\\:-]{0,200}[/\\])?curl(?:\.exe)?[\"']?)"
START = re.compile(rf"^[ \t\xa0]*+{_LEAD}(?P<curl>{_PROGRAM})(?=[ \t\xa0\\\n^`]|$)", re.MULTILINE)
INNER = re.compile(
    rf"(?:[|;&(]|\bdo|\bthen|:|`|\$\()[ \t]*+(?P<curl>{_PROGRAM})[ \t]++(?=[-'\"h$\\])"
)
_ASSIGNMENT = re.compile(
    rf"^[ \t]*(?:[$%#] )?(?:export[ \t]+|set[ \t]+|local[ \t]+|readonly[ \t]+)?"
    rf"(?P<name>[A-Za-z_]\w*)="
    rf"(?=[^\s=])(?!\$?\({_PROGRAM})",
    re.MULTILINE,
)
_PIPED = re.compile(r"^[ \t]*(?:[$%#>] )?(?:echo|printf|cat)\b[^\n]*", re.MULTILINE)


@dataclass(slots=True)
class Request:
    """What the options of one curl operation ask for, in their order."""

    urls: list[str] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    queries: list[bytes] = field(default_factory=list)
    forms: list[tuple[str, bool]] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


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
    paste = _Paste(text)
    at = 0
    while found := _next_command(piece, paste, at):
        start, command, line = found
        end = command.end - len(command.ended_by.strip("\n"))
        last = max(line, paste.line(max(start, len(text[:end].rstrip()) - 1)))
        for exchange in _requests(piece, command, line):
            yield Found(line, last, with_variables(exchange, sorted(command.variables)))
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

    def __init__(self, text: str) -> None:
        self.text, self.plain = text, text.translate(shell.SMART_QUOTES)
        self.lexer = shell.cmd_command if is_cmd(text) else shell.bash_command
        commands = [
            (match.start("curl"), match.start())
            for pattern in (START, INNER)
            for match in pattern.finditer(text)
        ]
        self.commands = sorted(commands)
        self.line_ends = [match.start() for match in re.finditer("\n", text)] if commands else []

    def line(self, at: int) -> int:
        return bisect_left(self.line_ends, at) + 1

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


def _assign(piece: Piece, paste: _Paste, match: re.Match[str]) -> None:
    try:
        command = shell.bash_command(
            paste.text, match.end(), variables=piece.variables, note=lambda _: None
        )
    except UnclosedQuoteError:
        return
    words = command.words
    if words and "$(" not in words[0] and "`" not in words[0]:
        piece.variables[match["name"]] = words[0]
        piece.use(paste.line(match.start("name")), paste.line(max(match.end(), command.end - 1)))


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
            value[1:].encode()
            if value.startswith("+")
            else _urlencoded(piece, value, command, line)
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
        return joined_by + _urlencoded(piece, value, command, line)
    if name == "data-raw" or not value.startswith("@"):
        return joined_by + _encoded(value)
    content = _file(piece, value[1:], command, line)
    if content is None:
        return joined_by + _encoded(value)
    return joined_by + (
        content if name in ("data-binary", "json") else re.sub(rb"[\r\n\0]", b"", content)
    )


def _urlencoded(piece: Piece, value: str, command: Command, line: int) -> bytes:
    match = re.match(r"([^=@]*)([=@])", value)
    name, sign, content = (match[1], match[2], value[match.end() :]) if match else ("", "=", value)
    known = _file(piece, content, command, line) if sign == "@" else _encoded(content)
    if known is None:
        return _encoded(value)
    escaped = (
        content
        if sign == "=" and re.fullmatch(r"\{\{?[^{}]*\}?\}|<[^<>]*>|\$\{?\w+\}?", content)
        else quote_plus(known)
    )
    return _encoded(f"{name}={escaped}" if name else escaped)


def _headers(piece: Piece, value: str, command: Command, line: int) -> list[tuple[str, str]]:
    if value.startswith("@"):
        content = _file(piece, value[1:], command, line)
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


def _file(piece: Piece, name: str, command: Command, line: int) -> bytes | None:
    if name == "-" and command.stdin is not None:
        return _encoded(command.stdin)
    name = (command.stdin_file or name) if name == "-" else name
    if name == "-":
        piece.guess(
            line, "what came from standard input is not in the evidence; the body stays as written"
        )
        return None
    return piece.file(name, line)


def _exchange(piece: Piece, request: Request, url: str, line: int) -> Exchange:
    body = b"".join(request.data) if request.data else None
    implied: list[tuple[str, str]] = []
    queries = list(request.queries)
    if "get" in request.options and body is not None:
        queries, body = [body], None  # curl drops --url-query then
    if request.forms:
        body, boundary = _multipart(piece, request.forms, line)
        implied.append(("Content-Type", f"multipart/form-data; boundary={boundary}"))
    elif body is not None:
        implied += (
            [("Content-Type", JSON), ("Accept", JSON)]
            if "json" in request.options
            else [("Content-Type", FORM)]
        )
    url = _url(url, queries, glob="globoff" not in request.options)
    if request.uploads and body is None:
        url, body = _upload(piece, request.uploads[0], url, line)
    return Exchange(
        source=piece.at(line),
        method=request.options.get("request") or _method(request, body),
        url=url,
        request_headers=_all_headers(request, implied, body),
        request_body=_text(body),
    )


def _method(request: Request, body: bytes | None) -> str:
    if "head" in request.options:
        return "HEAD"
    if request.uploads and not request.data and not request.forms:
        return "PUT"
    return "GET" if body is None else "POST"


def _all_headers(
    request: Request, implied: list[tuple[str, str]], body: bytes | None
) -> dict[str, str]:
    options = request.options
    for option, name in (
        ("user-agent", "User-Agent"),
        ("referer", "Referer"),
        ("cookie", "Cookie"),
    ):
        if options.get(option):
            implied.append((name, options[option]))
    if "range" in options:
        part = (
            ("Range", f"bytes={options['range']}")
            if body is None
            else ("Content-Range", f"bytes {options['range']}/{len(body)}")
        )
        implied.append(part)
    if "oauth2-bearer" in options:
        implied.append(("Authorization", f"Bearer {options['oauth2-bearer']}"))
    elif "user" in options:
        implied.append(("Authorization", _authorization(options)))
    written = {name.lower() for name, _ in request.headers}
    headers = [(name, value) for name, value in request.headers if value != "\0"]
    headers += [(name, value) for name, value in implied if name.lower() not in written]
    if request.forms:
        headers = [(name, _with_boundary(name, value, implied)) for name, value in headers]
    return joined(headers)


def _with_boundary(name: str, value: str, implied: list[tuple[str, str]]) -> str:
    boundary = implied[0][1].partition("; ")[2]
    return (
        f"{value}; {boundary}"
        if name.lower() == "content-type" and boundary not in value
        else value
    )


def _authorization(options: dict[str, str]) -> str:
    scheme = (
        "Digest"
        if "digest" in options
        else "Negotiate"
        if "negotiate" in options or "ntlm" in options
        else "Basic"
    )
    user, colon, password = options["user"].partition(":")
    if scheme != "Basic" or all(not part or is_placeholder(part) for part in (user, password)):
        return f"{scheme} {user}{colon}{password}"
    return f"Basic {base64.b64encode(_encoded(f'{user}:{password}')).decode('ascii')}"


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


def _upload(piece: Piece, name: str, url: str, line: int) -> tuple[str, bytes | None]:
    file = re.split(r"[/\\]", name)[-1]
    path = split_url(url).path
    if name not in ("-", ".") and (path == "" or path.endswith("/")) and "?" not in url:
        url = (
            f"{url.rstrip('/')}/{quote(_encoded(file))}"
            if not path
            else f"{url}{quote(_encoded(file))}"
        )
    content = _file(piece, name, Command(), line)
    return url, _encoded(f"@{name}") if content is None else content


def _multipart(piece: Piece, forms: list[tuple[str, bool]], line: int) -> tuple[bytes, str]:
    boundary = (
        "-" * 24
        + hashlib.blake2b(repr(forms).encode("utf-8", "replace"), digest_size=8).hexdigest()
    )
    parts = [_part(piece, value, literal, line) for value, literal in forms]
    body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    return body + f"--{boundary}--\r\n".encode(), boundary


def _part(piece: Piece, value: str, literal: bool, line: int) -> bytes:
    name, _, content = value.partition("=")
    disposition, kind = f'form-data; name="{name}"', ""
    if not literal:
        content, *attributes = re.split(r";(?=\s*(?:type|filename|headers?|encoder)=)", content)
        given = {
            key.strip(): rest.strip('"')
            for key, _, rest in (attribute.partition("=") for attribute in attributes)
        }
        kind = given.get("type", "")
        if content[:1] in ("@", "<"):
            if content[0] == "@":
                file = given.get("filename") or re.split(r"[/\\]", content)[-1].lstrip("@")
                disposition += f'; filename="{file}"'
            known = _file(piece, content[1:].strip('"'), Command(), line)
            return _headed(disposition, kind) + (known if known is not None else _encoded(content))
        content = (
            content[1:-1] if len(content) > 1 and content[0] == content[-1] == '"' else content
        )
    return _headed(disposition, kind) + _encoded(content)


def _headed(disposition: str, kind: str) -> bytes:
    return _encoded(
        f"Content-Disposition: {disposition}\r\n"
        + (f"Content-Type: {kind}\r\n" if kind else "")
        + "\r\n"
    )


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _text(body: bytes | None) -> str | bytes | None:
    try:
        return None if body is None else body.decode("utf-8")
    except UnicodeDecodeError:
        return body
