"""Where secrets stand in a text, whatever it is written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from sinchtools.core.placeholders import is_placeholder
from sinchtools.privacy.markers import MARKER

# what a name may go on with: which one of several it is, or where it is used
_OF_SEVERAL = (
    r"(?:[_.-]?(?:value|val|string|prod(?:uction)?|stag(?:e|ing)|dev|live|test|sandbox|qa|uat|old"
    r"|new|current|backup|hint"
    r"|primary|secondary|default|local|eu|us|\d{1,3}+))*+"
)
_SECRET_NAME = re.compile(
    rf"(?:[\w.-]*token|[\w.-]*(?:secret|passw(?:or)?d|passwd|passphrase|pwd|private[_-]?key"
    rf"|credential)s?|(?:[\w.-]*[_.-])?pass|[\w.-]*api[_-]?key"
    rf"|[\w.-]*(?:app|application|auth|access|admin|master|subscription|function|secret|shared"
    rf"|signing|encryption)s?[_-]?key){_OF_SEVERAL}"
    r"|(?:[\w.-]*[_.-])?(?:tok|tkn)\d?|(?:x-|proxy-)?auth(?:entication|orization)?|(?:x-)?jwt"
    r"|(?:x-)?session|(?:[\w.-]*[_.-])?assertion|(?:x-)?(?:bearer|sig|cookie)"
    r"|(?:x-[\w-]+-)?signature"
    r"|[\w.-]*session[_-]?(?:id|key)|set-cookie|[\w-]*-signature-\w+|pw|(?:[\w.-]*[_.-])?hmac",
    re.IGNORECASE,
)
_PLURAL = re.compile(
    r"(?P<one>[\w.-]*(?:token|api[_-]?key))s", re.IGNORECASE
)  # also how many there are: its values must be told from words
_SECRET_HEADER = re.compile(
    rf"{_SECRET_NAME.pattern}|[\w-]*signature(?:-\w+)?|x-[cx]srf[\w-]*|x-vault-[\w-]+"
    rf"|x-goog-iam-\w+|x-amz-security-token|ocp-apim-\w+",
    re.IGNORECASE,
)
SCHEME = re.compile(
    r"(\s*+(?:['\"]\s*+)?)(bearer|basic|token|apikey|digest|negotiate|application|jwt)((?:\s+"
    r"|:\s*))",
    re.IGNORECASE,
)
# a secret in a text stands after its name: these few letters are looked for first, since the
# patterns are slow on a large body
NEEDLES = (
    "tok", "tkn", "secret", "pass", "pwd", "key", "credential", "auth", "jwt",
    "session", "assertion", "sig", "cookie", "bearer", "basic", "eyj", "@",
    "hmac", "pw", "sid=", "hooks",
)  # fmt: skip
_QUERY_NAMES = {"key", "sid"}  # too common elsewhere
_LONGEST_NAME = 64
_NAME_REST = re.compile(r"[\w-]{0,130}")
# what stands between a name and its value: a colon or an equals sign; a sibling called value; a
# part of a multipart form; a tag; a table's line
_THEN = re.compile(
    r"(?P<named>\\*+[\"']\s*+[,;]?\s*+\\*[\"']?(?:value|val)\\*[\"']?\s*+[:=]\s*+(?=\\*[\"']))"
    r"|(?P<form>\"[^\r\n]{0,300}+\r?\n(?:[A-Z][\w-]{0,60}:[^\r\n]{0,300}+\r?\n){0,20}\r?\n)"
    r"|(?P<sign>(?:\\*[\"'“”])?(?:\]\s*(?:=>|=)|\s*(?:=>|:=|[:=]|%3D))\s*)"
    r"|(?P<tag>>)|(?P<cell>`?[ \t]*\|[ \t]*`?(?=[^|\s]*\d)(?=[^|\s]{8}))",
    re.IGNORECASE,
)
_QUOTE = re.compile(r"(?:(?:[rbfuRBFU]{1,2}|[@$])(?=[\"']))?(?P<slashes>\\*)(?P<quote>[\"'“])")
_CELL = re.compile(r"[^\s|`]+")
_BARE = re.compile(r"[^\s,;}\]\"'\[<>(){&\\]+")
_FORM_VALUE = re.compile(r"[^\s&\"'#<>\\]+")
_SPOKEN_NAME = re.compile(r"(?:[\w-]*[_-])?(?:token|secret|password|passwd|key)", re.IGNORECASE)
_SPOKEN = re.compile(
    r" (?=[A-Za-z_-]*\d)(?P<value>[\w-]{16,}+)(?!\.\w)", re.ASCII
)  # `token 5c1e9a7b3d2f4e68 is not valid`
# `Token 'X' is invalid`, `the token is X`, `Token(X)`, `the token, X, fails`; X must look like one
_SAID = re.compile(
    r"(?P<is>[ \t]+(?:is|was|are|of|header|value|returned|named)\b)*"
    r"(?P<then>[ \t]*(?:[:=]|,(?=[ \t])|->|=>|→)|\r?\n)?[ \t]*"
    r"(?:[rbfu]?(?P<open>\\*[\"']|[`“‘(\[<]|\(\s?[rbfu]?[\"']))?"
    r"(?P<value>[^\s\"'`“”‘’()\[\]<>{},;\\]{8,}+)(?P<close>[\"'`”’)\]>\\])?",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"\d{4}-\d\d-\d\d|.*://|[\w-]+(?:\.[a-z]{2,})+(?:[:/]|\Z)", re.IGNORECASE)
_TURN = re.compile(r"(?<=[A-Za-z])[-_.]?\d|(?<=\d)[-_.]?[A-Za-z]")
_NO_CREDENTIAL = re.compile(
    r"(?:unexpected|unrecognized|unknown|illegal)[ \t]+\Z", re.IGNORECASE
)  # token: one of JSON
_SAID_NAME = re.compile(
    r"(?:[\w.-]*(?:token|secret|api[_-]?key|passw(?:or)?d|passwd|pwd|passphrase))|authorization",
    re.IGNORECASE,
)
_WHICH_KEY = re.compile(r"(?:api|auth|secret|access|private|shared|signing)[ \t]\Z", re.IGNORECASE)
_PASSWORD = re.compile(r".*(?:passw(?:or)?d|passwd|pwd|passphrase)", re.IGNORECASE)
_NEXT = re.compile(
    r"\\*[\"']\s*,\s*(?=[rbfu]{0,2}\\*[\"'])"
)  # `Add("X-Api-Key", "X")`, `('Authorization', b'X')`
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?P<value>(?:(?!-----)[^\"'<])*)"
)
# a value that a mail or a terminal broke into lines goes on in the next one, which then holds
# nothing else
_MORE = re.compile(
    r"(?:[\\^`]\r?\n(?P<sure>)|=?[ \t]*\r?\n)(?P<indent>[>|< \t]{0,20})(?P<more>[\w.~+/-]+={0,2})"
    r"(?:(?(sure)|(?!))|(?=[;,\"'][^\n]*$|(?P<http>[ \t]+HTTP/\d)|[ \t\r]*$))",
    re.ASCII | re.MULTILINE,
)
_HEADER_START = re.compile(r"[>|<* \t]*[A-Za-z][\w-]{0,60}[ \t]*:[ \t]")
BREAK = re.compile(r"[=\\^`]?[ \t]*\r?\n[>|< \t]*")
_WORD_ALONE = re.compile(r"[A-Z]?[a-z]{4,}|[A-Z]{4,}")
# of a file for an HTTP client: `@tok = X`
_VARIABLE = re.compile(
    r"^@(?P<name>[\w.-]+)[ \t]*=[ \t]*(?P<value>[^\s{](?:[^\r\n]*[^\s])?)[ \t\r]*$", re.MULTILINE
)
_USED = re.compile(r"^(?P<header>[\w-]+)[ \t]*:[^\n{]*\{\{\s*(?P<name>[\w.-]+)", re.MULTILINE)
_COMMON = {  # a plain one is in all JSON
    "key": re.compile(
        r"(?<=[^\W\d]|[-?&])key|key [\w-]{16}|(?<=api |uth |ret |ess |ate |red |ing )key"
    ),
    "pw": re.compile(r"pw[=\"'\\:> ]"),
    "pass": re.compile(r"pass(?! \w)"),  # `pass it on`
}
_LIST = re.compile(  # of words without white space; a sentence is what a server says about a field
    r"\[\s*+[rbfu]?(?P<quote>\\*+[\"'])"
    r"(?P<value>[^\s\"'\\\[\]{}]++(?:(?P=quote)\s*+,\s*+(?P=quote)[^\s\"'\\\[\]{}]++)*+)"
    r"(?=(?P=quote))"
)
_HOOK = re.compile(
    r"hooks(?:\.slack\.com/(?:services|workflows|triggers)/|\.zapier\.com/hooks/catch/"
    r"|/\d{10,}/)(?P<value>[\w/-]{8,})",
    re.IGNORECASE,
)
_OF_TWO = re.compile(r"(?:auth|credentials?)\Z", re.IGNORECASE)
_TWO_OF_AUTH = re.compile(
    r"[\w.]{0,40}\(\s*(?P<quote>['\"])[^'\"\n]{0,200}(?P=quote)\s*,\s*(?=['\"])"
)  # `auth=("key", "secret")`
_AFTER_SCHEME = re.compile(
    r"(?:\s+|%20|\+)(?:[\"']\s*(?:\+\s*)?[rbfu]?[\"'])?(?P<value>[^\s\"'\\,;)}\]<>&]{8,})"
)
# from a word, a number, a date, an address: where it stands once more, it is the same secret
TOLD = re.compile(
    r"(?!\d{4}-\d\d-\d\dT)(?:(?=.*[A-Za-z])(?=.*[\d$@#%^&*=+~]).{8,}|[A-Za-z]{20,})", re.DOTALL
)
_JWT_RUN = re.compile(
    r"eyJ[\w-]++(\.[\w-]++\.[\w-]*+)?"
)  # a run that is no JWT is passed over whole: looking from each of its letters takes forever
_USER = re.compile(
    r"://(?P<value>[^\s/@?#\"'<>]*:[^\s/?#\"'<>@]*"
    r"|(?=[\w.~-]*\d)(?=[\w.~-]*[A-Za-z])[\w.~-]{16,})\Z"
)
_USER_OPTION = re.compile(  # of curl
    r"(?<![\w-])(?:-[uU]|--(?:proxy-)?user)(?:\s+|="
    r"|(?=\\*[\"']))\\*[\"']?(?P<value>(?!\w+://)[\w.@+-]+:(?:(?![\"'\\|])[!-~]){6,})",
    re.ASCII,
)
_OPTION_VALUE = re.compile(r"(?:(?![\"'\\|])[!-~])+")


def secrets_in(text: str) -> Iterator[tuple[str, str]]:
    """
    Yield each secret that a text still holds, with its name.

    Markers and placeholders are not secrets.

    Examples
    --------
    >>> list(secrets_in('{"password": "hunter22", "token": "[secret opaque 9 #1]"}'))
    [('password', 'hunter22')]
    """
    for start, end, name in spans_in(text):
        value = text[start:end]
        if not MARKER.search(value) and not is_placeholder(value.strip().strip("'\"“”‘’").strip()):
            yield name, value


def spans_in(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and name of each secret of a text, from left to right."""
    lowered = text.replace("İ", "I").lower()
    hits: list[tuple[int, str]] = []
    if "eyj" in lowered:
        hits += [(match.start(), "eyj") for match in _JWT_RUN.finditer(text) if match[1]]
    if lowered[:1] == "@" or "\n@" in lowered:
        hits += [(start, "@=") for start, _ in secret_variables(text)]
    if "private key" in lowered:
        hits += [(match.start("value"), "-----") for match in _KEY_BLOCK.finditer(text)]
    if "-u" in lowered:
        hits += [(match.start("value"), "-u") for match in _USER_OPTION.finditer(text)]
    for needle in NEEDLES:
        if needle == "eyj":
            continue
        common = _COMMON.get(needle)
        at = lowered.find(needle) if needle != "@" or "://" in lowered else -1
        while at >= 0:
            if common is None or common.match(lowered, at):
                hits.append((at, needle))
            at = lowered.find(needle, at + 1)
    done = 0
    for at, needle in sorted(hits):
        span = _FINDERS.get(needle, _named)(text, at) if at >= done else None
        if span and span[1] > span[0] >= done:
            yield span
            done = span[1]


def _named(text: str, at: int) -> tuple[int, int, str] | None:
    end = _NAME_REST.match(text, at).end()  # type: ignore[union-attr]
    then = _THEN.match(text, end)
    start = at
    while (
        start
        and at - start < _LONGEST_NAME
        and (text[start - 1].isalnum() or text[start - 1] in "_-.")
    ):
        start -= 1
    name = text[start:end].lstrip("-.")
    if then is None:
        return _next_to(text, start, end) or _spoken(text, start, end, name)
    is_known = is_secret_name(name) or (name.lower() in _QUERY_NAMES and _in_query(text, start))
    is_plural = not is_known and _PLURAL.fullmatch(name) is not None
    if end - start > 2 * _LONGEST_NAME or not (is_known or is_plural):
        return None
    if (then["tag"] and text[start - 1 : start] not in ("<", ":")) or (
        then["form"] and not text.endswith('name="', 0, start)
    ):
        return None
    if then["cell"] and not text[max(0, start - 9) : start].rstrip(" \t`*").endswith("|"):
        return None
    if _OF_TWO.search(name) and (two := _TWO_OF_AUTH.match(text, then.end())):
        quote = text[two.end()]
        return two.end() + 1, _closing(text, two.end() + 1, "", quote), text[start:end].lower()
    span = _value(text, then, in_form=text[start - 1 : start] in ("&", "?", "") and "=" in then[0])
    if span is None or (
        is_plural and not any(map(TOLD.fullmatch, re.split(r"[\s\"',]+", text[slice(*span)])))
    ):
        return None
    return *span, text[start:end].lower()


def _next_to(text: str, start: int, end: int) -> tuple[int, int, str] | None:
    """Return the value that follows a name in a list or a call: ``Add("X-Api-Key", "X")``."""
    name, then = text[start:end].lower(), _NEXT.match(text, end)
    quote = (
        then
        and text[start - 1 : start] in ("'", '"')
        and header_kind(name)
        and _QUOTE.match(text, then.end())
    )
    if not quote:
        return None
    start, end = quote.end(), _closing(text, quote.end(), quote["slashes"], quote["quote"])
    scheme = SCHEME.match(text, start, end)
    start = scheme.end() if scheme else start
    is_one = "cookie" in name or not re.search(r"\s", text[start:end])
    return (start, end, name) if is_one and TOLD.fullmatch(text, start, end) else None


def _spoken(text: str, start: int, end: int, name: str) -> tuple[int, int, str] | None:
    """Return the value that a sentence gives after a name: ``Token 'X' is invalid``."""
    if (plain := _SPOKEN.match(text, end)) and _SPOKEN_NAME.fullmatch(name):
        return plain.start("value"), _over_lines(text, plain.end("value")), name.lower()
    is_key = name.lower() == "key" and _WHICH_KEY.search(text, max(0, start - 10), start)
    if not (is_key or _SAID_NAME.fullmatch(name)) or _NO_CREDENTIAL.search(
        text, max(0, start - 14), start
    ):
        return None
    said = _SAID.match(text, end)
    if said is None or _NO_SECRET.match(said["value"]):
        return None
    start, end = said.start("value"), said.start("value") + len(said["value"].rstrip(".:!?"))
    end = end if said["open"] else _over_lines(text, end)
    return (
        (start, end, name.lower())
        if _looks_secret(said, BREAK.sub("", text[start:end]), name)
        else None
    )


def _looks_secret(said: re.Match[str], value: str, name: str) -> bool:
    turns = len(_TURN.findall(value))
    is_password = _PASSWORD.fullmatch(name) is not None and TOLD.fullmatch(value) is not None
    if said["open"] and said["close"] and said["open"][-1] not in "([<":
        return turns > 1 or is_password
    if said["then"] and said["then"].endswith("\n"):
        return (
            turns > 2
            and len(value) >= 16
            and said.string[said.end("value") : said.end("value") + 1] in ("", "\r", "\n")
        )
    is_apart = said["open"] or said["is"] or said["then"] or (turns > 3 and said[0][:1] in " \t")
    return bool(is_apart) and (
        (turns > 2 and len(value) >= 16) or (is_password and said["is"] is not None)
    )


def _in_query(text: str, start: int) -> bool:
    mark = text.rfind("?", max(0, start - 400), start)
    return mark >= 0 and text[start - 1] in "?&" and not re.search(r"[\s\"'<>]", text[mark:start])


def _value(text: str, then: re.Match[str], *, in_form: bool) -> tuple[int, int] | None:
    start = then.end()
    if then["form"] or then["tag"]:
        stop = re.compile(r"\r?\n--" if then["form"] else "<").search(text, start)
        return start, stop.start() if stop else len(text)
    quote = _QUOTE.match(text, start)
    if quote:
        start = quote.end()
        end = _closing(
            text, start, quote["slashes"], "”" if quote["quote"] == "“" else quote["quote"]
        )
        scheme = SCHEME.match(text, start, end)
        return (scheme.end() if scheme else start), end
    if listed := _LIST.match(text, start):
        return listed.span("value")
    scheme = SCHEME.match(text, start)
    start = scheme.end() if scheme else start
    bare = (_CELL if then["cell"] else _FORM_VALUE if in_form else _BARE).match(text, start)
    if (
        bare is None
        or bare[0].lower() in ("true", "false", "null", "none", "undefined")
        or text.startswith("[secret ", start)
    ):
        return None
    return start, bare.end() if then["cell"] else _over_lines(text, bare.end())


def _over_lines(text: str, end: int) -> int:
    """Return where a value ends that was broken into lines."""
    while (more := _MORE.match(text, end)) and _goes_on(text, end, more):
        end = more.end("more")
    return end


def _goes_on(text: str, end: int, more: re.Match[str]) -> bool:
    begin = text.rfind("\n", 0, end) + 1
    is_soft = text[end - 1 : end] == "=" or more[0][0] in "=\\^`"
    has_digit = any(map(str.isdigit, more["more"]))
    is_folded = len(more["indent"]) > len(text[begin:end]) - len(text[begin:end].lstrip(">|< \t"))
    if _WORD_ALONE.fullmatch(more["more"]) and not is_soft and not is_folded:
        return False
    is_random = len(_TURN.findall(more["more"])) > 2 or (has_digit and len(more["more"]) >= 16)
    is_header = has_digit and _HEADER_START.match(text, begin) is not None
    return (
        is_soft
        or is_folded
        or is_header
        or end - begin >= 60
        or is_random
        or more["http"] is not None
    )


def _closing(text: str, start: int, slashes: str, quote: str) -> int:
    end = re.compile(
        rf"(?<!\\){re.escape(slashes)}{quote}"
        if slashes
        else rf"(?:[^{quote}\\]|\\.)*+(?={quote})",
        re.DOTALL,
    )
    match = end.search(text, start) if slashes else end.match(text, start)
    if match is None:
        return len(text)
    return match.start() if slashes else match.end()


def _after_scheme(text: str, at: int) -> tuple[int, int, str] | None:
    word = _NAME_REST.match(text, at)[0]  # type: ignore[index]
    match = (
        _AFTER_SCHEME.match(text, at + len(word)) if word.lower() in ("bearer", "basic") else None
    )
    if match is None or (
        re.fullmatch(r"[a-z]{1,20}\.?", match["value"]) and not (at and text[at - 2 : at] == ": ")
    ):
        return None  # an ordinary word: "basic authentication"
    return match.start("value"), _over_lines(text, match.end("value")), "bearer value"


def _bearer(text: str, at: int) -> tuple[int, int, str] | None:
    return _after_scheme(text, at) or _named(text, at)


def _address(text: str, at: int) -> tuple[int, int, str] | None:
    match = _HOOK.match(text, at)
    return match and (*match.span("value"), "webhook")


def _jwt(text: str, at: int) -> tuple[int, int, str] | None:
    match = _JWT_RUN.match(text, at)
    return match and (match.start(), _over_lines(text, match.end()), "jwt")


def _user(text: str, at: int) -> tuple[int, int, str] | None:
    begin = text.rfind("://", max(0, at - 400), at)
    match = _USER.match(text, begin, at) if begin >= 0 else None
    return match and (match.start("value"), match.end("value"), "userinfo")


def _option(text: str, at: int) -> tuple[int, int, str] | None:
    match = _OPTION_VALUE.match(text, at)
    return match and (at, _over_lines(text, match.end()), "user option")


def secret_variables(text: str) -> Iterator[tuple[int, int]]:
    """
    Yield the value of each variable that is a secret.

    Its own name, or the header that it is used in, says so.
    """
    used = {match["name"] for match in _USED.finditer(text) if header_kind(match["header"])}
    for match in _VARIABLE.finditer(text):
        if (
            match["name"] in used
            or is_secret_name(match["name"])
            or match["name"].lower() in _QUERY_NAMES
        ):
            yield match.span("value")


def _rest_of_line(text: str, at: int) -> tuple[int, int, str] | None:
    match = _VARIABLE.match(text, text.rfind("\n", 0, at) + 1)
    return match and (*match.span("value"), f"@{match['name'].lower()}")


def _key_block(text: str, at: int) -> tuple[int, int, str] | None:
    end = re.compile(r"-----|[\"'<]|\Z").search(text, at)
    return (at, end.start(), "private key") if end else None


_FINDERS: dict[str, Callable[[str, int], tuple[int, int, str] | None]] = {
    "bearer": _bearer,
    "basic": _after_scheme,
    "eyj": _jwt,
    "@": _user,
    "-u": _option,
    "hooks": _address,
    "-----": _key_block,
    "@=": _rest_of_line,
}


@lru_cache(maxsize=4096)
def header_kind(name: str) -> str:
    """Return ``credential`` or ``cookie`` for a header that holds a secret, else an empty text."""
    lowered = name.strip("'\" ").lower()
    if lowered.startswith("access-control-"):  # says what a browser may do
        return ""
    if lowered in {"cookie", "set-cookie"}:
        return "cookie"
    return (
        "credential"
        if lowered in {"authorization", "proxy-authorization"} or _SECRET_HEADER.fullmatch(lowered)
        else ""
    )


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret."""
    return _SECRET_NAME.fullmatch(name) is not None and not name.lower().startswith(
        "access-control-"
    )
