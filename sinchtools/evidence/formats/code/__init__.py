"""
HTTP calls in source code, as customers paste it.

The code is parsed and never executed. What it does not show stays visible as `{name}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from sinchtools.core.records import Exchange
from sinchtools.core.variables import with_variables
from sinchtools.evidence.formats.code import drafts, languages, literals, sdk, syntax
from sinchtools.evidence.formats.code.evaluator import Evaluator
from sinchtools.evidence.formats.code.values import Draft, holes_met
from sinchtools.evidence.formats.prose import status_of_reason
from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece
from sinchtools.evidence.times import BEGINNING

LARGEST = 300_000  # characters of code
DEEPEST = 150  # brackets within brackets
_SIGN = re.compile(
    r"\b(?:requests|httpx|aiohttp|urllib3?|http\.client|axios|fetch|superagent|XMLHttpRequest"
    r"|UrlFetchApp|ajax|curl_init|curl_setopt\w*|Guzzle\w*"
    r"|Http(?:::|Client|Request|Url|WebRequest|Get|Post|Put|Patch|Delete|Headers)\w*|wp_remote_\w+"
    r"|file_get_contents|OkHttp\w*|RestTemplate|WebClient|Unirest|RestClient|RestRequest"
    r"|HttpURLConnection|Net::HTTP|Faraday|HTTParty|NewRequest|resty|http\.Post|https?\.request|got"
    r"|HTTPSConnection|Request|URLRequest|reqwest|XMLHTTP|PostAsync|SendAsync|PostAs\w+|createBatch"
    r"|batches|SinchClient|ApiConnection|[xX]ms[.\\]+Client|bearerAuth"
    r"|\w*[cC]lient\.(?:post|get|put|delete|request)|->(?:request|post)"
    r"|jQuery|URLSession|NSMutableURLRequest|NSURL|LWP|socket\.http|set_method|set_header\w*"
    r"|httr|ureq|Dio|HTTPoison|WinHttp\w*|TIdHTTP|curl_easy_setopt|cpr::Post|http_client"
    r"|HttpPost|sttp|geturl|BaseOptions|Cohttp\w*|FsHttp|ComObject|parseRequest|web_rest"
    r"|web_custom_request|dexador|drakma|url-retrieve[\w-]*"
    r"|(?i:utl_http|sp_OAMethod|sp_invoke_external_rest_endpoint|make_rest_request"
    r"|http_(?:post|get|put|patch|delete|header)))\b|\bWeb\.Contents\("
)
_OF_API = r"https?://[^\s\"'`]*(?:sinch|clxcommunications|/xms/"
_ADDRESS = re.compile(
    r"(?:[(,]|[ \t]:?=>?[ \t]*|[sS]tring:|[bB]aseUrl:)[ \t\n]*(?:@|\w{1,3}!?\(?)?[\"'`]"
    rf"{_OF_API}|[{{$\\])"
    rf"|(?:\b(?:get|post|put|patch|delete|url|uri)[ \t]+|\$[ \t]*|[{{=]|N)[\"'`]{_OF_API})"
    r"|(?:\bgeturl|\bset[ \t]+\w+|\bof_string|parseRequest_?|url-retrieve[\w-]*)[ \t]+[\"{]?"
    rf"(?:[A-Z]+ )?{_OF_API})"
    rf"|^[ \t]+(?:(?:GET|POST|PUT|PATCH|DELETE)[ \t]+\"|\"URL=){_OF_API})",
    re.MULTILINE,
)
_NO_GRAMMAR = (
    "{} is read here by the texts in it and their order, not parsed: check the row against the code"
)
_NOT_PARSED = (
    "the code could not be parsed; the call was taken from the texts in it and their order: check "
    "the row against the code"
)
_FENCE = re.compile(r"[ \t>]*(?:```+|~~~+) ?(?:\{?\.?([\w#+-]*))")
_PROSE = re.compile(
    r"(?![ \t]*\w+:[ \t])[ \t>*-]*[A-Za-z][\w'’-]*"
    r"(?:[,.:;!?]?[ \t]+\w[\w'’/-]*(?:[.:]\d[\w'’/-]*)*){2,}[.,:!?]*[ \t]*\Z"
)
_GREETING = re.compile(
    r"(?:(?:Hi|Hello|Dear|Hey|Thanks?|Regards|Best|Cheers|Kind|Many|Please)\b[^\"'(){}=;]*"
    r"|[A-Z][\w'’-]*(?: [\w'’-]+){0,3}[,!])[ \t]*\Z"
)
# a paragraph of one line, such as a greeting: its comma would join it to the code below
_IN_WORDS = re.compile(r"\n?[A-Za-z][^(){}\[\];=<>\"'`$@_\n]{0,60}[,!]\n?")
_CODE_WORDS = re.compile(
    r"[ \t]*(?:import|from|using|package|def|class|func|function|return|end|Dim|Set|Sub|public"
    r"|private|const|let|var|if|else|for|while|with|async|await|new|throw|raise|use|include"
    r"|require|try|data|echo|except|catch|finally|puts|End|MsgBox|my|local)\b"
)
_RESULT = re.compile(
    r"[ \t]*(?:[1-5]\d\d\b|HTTP/\d|\{\"code\"|<Response \[|(?:Output|Response|Result)s? ?:\s*\Z)",
    re.I,
)
_CODEISH = re.compile(
    r"[(){}\[\];=]|\w::\w|[ \t]*(?:#|//|/?\*|'|<<|EOT|JSON|\w+\.\w+ :?\w+$)|[\"'`,][ \t]*\Z"
)
_OUTPUT = re.compile(r"Out\[\d+\]:")
_PROMPT = re.compile(
    r"(?:>>>|\.\.\.|In \[\d+\]:|irb\([^)]*\)[^>]*>|php >|[\w-]+[=('-][>#]|> )(?: |\Z)"
)
_ALWAYS = re.compile(r"[ \t]*<\?|>>>|\.\.\. |In \[\d+\]:|#!/")
_COMMENT = re.compile(
    r"(?:^[ \t]*(?:'|\*)|(?:^|[ \t;)])(?:#|//|--|/\*+))[ \t]*(?=[^\s\"])(.*?)(?:\*/)?[ \t]*\Z"
)
_BRACKETS = re.compile(
    r"\"(?:[^\"\\\n]|\\.){0,2000}+\"|'(?:[^'\\\n]|\\.){0,2000}+'|(?:#|//)[^\n]*|[()\[\]{}]"
)
# more without a space or a quotation mark is no code, and keeps a grammar busy for minutes
_NO_CODE = re.compile(r"[^\s\"'`]{2000}")
_BODY = re.compile(r"\{\"[^\n]*\}\Z")
_PRINTED_BYTES = re.compile(r"b?'(\{\".*\})'")
_LEVEL = re.compile(r"(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL):[\w.]+:")  # of Python's logging
_FRAME = re.compile(r"[ \t]*File [\"/~<].{1,300}, in ")  # of a traceback
_HOLLOW = re.compile(r"\{\w+\}")
_STATUS = re.compile(
    r"(?:[-=>:\s]*(?:returns?|status(?:code)?|gives|prints|got|http|outputs?|response|result"
    r"|error|answers?)?"
    r"[-=>:|\s]*)(?:HTTP/[\d.]+ )?([1-5]\d\d)\b(?!\s*(?:ms|s|%|chars?)\b)",
    re.IGNORECASE,
)
_MESSAGE = re.compile(r"(?m)^[ \t]*HTTP/\d[\d.]* [1-5]\d\d\b[^\n]*\n[ \t]*[A-Za-z][\w-]*: ?\S")


class _Block(NamedTuple):
    """Some code: the number of its line before the first, its text and what the fence calls it."""

    before: int
    text: str
    tag: str


def find(piece: Piece) -> Iterator[Found]:
    """Yield each HTTP call that code in a text makes."""
    if len(piece.text) > LARGEST or not _SIGN.search(piece.text):
        return
    for block in _blocks(piece.lines):
        yield from _read(piece, block)


def _blocks(lines: list[str]) -> Iterator[_Block]:
    """Yield what stands in fences, each by itself, and all the rest as one."""
    rest, inside, tag, start = list(lines), False, "", 0
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if fence and not inside:
            inside, tag, start = True, fence[1].lower(), number + 1
        elif fence:
            inside = False
            yield _Block(start, "\n".join(lines[start:number]), tag)
            rest[start - 1 : number + 1] = [""] * (number + 2 - start)
    if any(rest):
        yield _Block(0, "\n".join(rest), "")


def _read(piece: Piece, block: _Block) -> Iterator[Found]:
    if not _SIGN.search(block.text):
        return
    text = _code_of(block)
    with holes_met() as holes:
        rows, note = _best(block, text)
    if not rows:
        return
    if note:
        piece.guess(rows[0].start, note)
    lines = block.text.split("\n")
    first, last = min(row.start for row in rows), max(row.end for row in rows)
    for number, line in enumerate(text.split("\n"), start=block.before + 1):
        if (
            first <= number <= last
            or _ALWAYS.match(lines[number - block.before - 1])
            or _CODEISH.search(line)
            or _CODE_WORDS.match(line)
        ):
            piece.use(number)
    if block.before:
        piece.use(block.before)
        piece.use(block.before + text.count("\n") + 2)
    for row in rows:
        if row.format:
            piece.guess(row.start, row.format)
        if names := sorted(f"{{{name}}}" for name in drafts.unknown_in(row.exchange) & holes):
            listed = ", ".join(names)
            piece.guess(row.start, f"the code does not show what these are: {listed}")
        yield replace(row, exchange=with_variables(row.exchange, names), format="")
    yield from _printed(block, rows)


def _best(block: _Block, text: str) -> tuple[list[Found], str]:
    """
    Return the rows of the likeliest language, best of one in which the text has no error.

    With them comes what must be said of them.
    """
    best: list[Found] = []
    fewest = len(text) * 10
    closed = _closed(text)
    told = _languages(text, block.tag)[:4] or [""]
    if closed is None or _NO_CODE.search(text):
        return best, ""
    for at, language in enumerate(told):
        if languages.parser_of(language) is None:
            rows = _by_literals(block, text, language) if at == 0 or not best else []
            if rows:
                return rows, _NO_GRAMMAR.format(languages.said(language))
            continue
        sources = dict.fromkeys((text, closed))
        for source in map(_dedented, sources) if language == "python" else sources:
            root = syntax.parsed(language, source)
            if root is None:
                break
            rows = list(_rows(block, _evaluated(language, root), language))
            errors = syntax.errors(root) if rows else fewest
            if errors == 0:
                return rows, ""
            if errors < fewest:
                best, fewest = rows, errors
    by_literals = [] if best and not _is_hollow(best) else _by_literals(block, text, told[0])
    if best and (not by_literals or _is_hollow(by_literals)):
        return best, ""
    return by_literals, _NOT_PARSED


def _is_hollow(rows: list[Found]) -> bool:
    """Tell whether a body is nothing but a name, as where the grammar is of another language."""
    bodies = (row.exchange.request_body for row in rows)
    return any(isinstance(body, str) and _HOLLOW.fullmatch(body) for body in bodies)


def _evaluated(language: str, root: syntax.Node) -> list[Draft]:
    try:
        return Evaluator(language, root).run()
    except Exception:  # a defect here costs these rows, never those of the other finders
        return []


def _by_literals(block: _Block, text: str, language: str) -> list[Found]:
    if not _ADDRESS.search(text):
        return []
    lexer = languages.lexer_of(language)
    drafted = list(literals.calls(text, lexer)) or list(literals.calls(text, ""))
    return [
        Found(block.before + first, block.before + last, exchange)
        for draft, first, last in drafted
        if (exchange := drafts.exchange_of(draft, "")) is not None
        and (exchange.request_headers or exchange.request_body or draft.method)
    ]


def _languages(text: str, tag: str) -> list[str]:
    tagged = [name for name, one in languages.LANGUAGES.items() if tag in one.tags]
    return tagged or languages.by_signs(text)


def _code_of(block: _Block) -> str:
    """Return the text with empty lines where words, prompts or results stand."""
    paragraphs = re.split(r"(\n[ \t]*\n)", _without_output(block.text))
    return "".join(
        re.sub(r"[^\n]", "", part)
        if _IN_WORDS.fullmatch(part)
        else "\n".join(map(_code_line, part.split("\n")))
        for part in paragraphs
    )


def _without_output(text: str) -> str:
    """Return the text, those lines empty that IPython printed below ``Out[3]:``."""
    kept: list[str] = []
    is_output = False
    for line in text.split("\n"):
        is_output = _OUTPUT.match(line) is not None or (is_output and not _PROMPT.match(line))
        kept.append("" if is_output else line)
    return "\n".join(kept)


def _dedented(text: str) -> str:
    """Return the text as Python takes it: no line further left than the first of the code."""
    lines = text.split("\n")
    indents = [len(line) - len(line.lstrip()) for line in lines if _CODEISH.search(line)]
    cut = min(indents, default=0)
    return "\n".join(line[cut:] if not line[:cut].strip() else "" for line in lines)


def _code_line(line: str) -> str:
    if prompt := _PROMPT.match(line):
        return line[prompt.end() :]
    is_output = _RESULT.match(line) or _PRINTED_BYTES.fullmatch(line.strip()) or _FRAME.match(line)
    is_logged = BEGINNING.match(line) or _LEVEL.match(line)
    if is_output or is_logged or _is_prose(line) or line.startswith("##"):
        return ""
    return line.replace("<?php", "     ").replace("?>", "  ")


def _closed(text: str) -> str | None:
    """Return the text with the brackets closed that are left open; None when there are too many."""
    stack: list[str] = []
    for match in _BRACKETS.finditer(text):
        sign = match[0]
        if sign in "([{":
            stack.append(")]}"["([{".index(sign)])
            if len(stack) > DEEPEST:
                return None
        elif stack and sign == stack[-1]:
            stack.pop()
    return text.rstrip() + "\n" + "".join(reversed(stack))


def _is_prose(line: str) -> bool:
    is_sentence = _PROSE.match(line) is not None and _CODE_WORDS.match(line) is None
    return is_sentence or _GREETING.match(line) is not None


def _rows(block: _Block, made: list[Draft], language: str) -> Iterator[Found]:
    for draft in made:
        exchange = drafts.exchange_of(draft, language)
        if exchange is None or not drafts.is_plausible(draft, exchange):
            continue
        first = block.before + min(start for start, _ in draft.lines)
        last = block.before + max(end for _, end in draft.lines)
        yield Found(first, last, exchange, sdk.NOTE if draft.parts.get("sdk") else "")


def _printed(block: _Block, rows: list[Found]) -> Iterator[Found]:
    """Yield what was printed below a call, or is said of it in a comment: a status, a body."""
    lines, starts = block.text.split("\n"), sorted(row.start for row in rows)
    for row in rows:
        end = min(
            (start for start in starts if start > row.start), default=len(lines) + block.before + 1
        )
        if len(rows) == 1 and _MESSAGE.search("\n".join(lines[row.end - block.before :])):
            return  # a whole response, with headers: the finder of messages takes it
        yield from _result(block.before, lines, max(row.start, 1), end)


def _result(before: int, lines: list[str], start: int, end: int) -> Iterator[Found]:
    for number in range(start, end):
        line = lines[number - before - 1]
        said = _said(line)
        if said is None:
            continue
        if match := _STATUS.match(said):
            body = said[match.end() :].strip(" :-,|\t")
            is_json = body.startswith("{") and body.endswith("}")
            yield Found(
                number,
                number,
                Exchange(status=int(match[1]), response_body=body if is_json else None),
            )
            return
        if (match := _BODY.search(said)) is not None:
            word = said[: match.start()].strip(" :>=-").rpartition(" ")[2]
            yield Found(
                number, number, Exchange(status=status_of_reason(word), response_body=match[0])
            )
            return


def _said(line: str) -> str | None:
    """Return the text of a comment in a line, or of a line that is output; None for code."""
    if match := _COMMENT.search(line):
        return match[1].strip()
    if match := _PRINTED_BYTES.fullmatch(line.strip()):
        return match[1]
    return line.strip() if _RESULT.match(line.strip()) or _STATUS.match(line.strip()) else None


__all__ = ["find"]
