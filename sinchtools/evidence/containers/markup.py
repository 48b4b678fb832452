"""Take the markup of tickets, chats and web pages off a text, and the marks of quoted mail."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

_WIKI_TAG = r"\{(?:code|noformat|quote|panel|expand)\}"
_WIKI_BEGINS = re.compile(  # a tag with a value, or one where a line or a call begins
    r"\{(?:code|noformat|quote|panel|color|expand):(?! )[^{}\n]{0,200}\}"
    rf"|^[ \t>|]{{0,20}}{_WIKI_TAG}"
    rf"|(?<![$#%{{\\]){_WIKI_TAG}(?=(?:curl|HTTP/|POST|GET|PUT|PATCH|DELETE)\b|\{{\")",
    re.MULTILINE,
)
_WIKI_ENDS = re.compile(  # and none in a text that has a placeholder of that name
    rf"(?<![$#%{{\\\w ]){_WIKI_TAG}|(?<![$#%{{\\]){_WIKI_TAG}(?=[ \t\r]*$)|(?<![$#%{{])\{{color\}}",
    re.MULTILINE,
)
_ESCAPED_SIGN = re.compile(r"\\\{\\?\"")
_BB_SIGN = re.compile(r"\[/(?:code|quote|pre|url|b|i|color|size|font)\]", re.IGNORECASE)
_BB_TAG = re.compile(
    r"\[/?(?:code|quote|pre|url|b|i|color|size|font)(?:=[^\[\]\n]{0,300})?\]", re.IGNORECASE
)
_ENTITY_SIGN = re.compile(
    r"(?:-[HdXu]|--[\w-]{2,20}|[\[{,:]|curl) ?&(?:quot|apos|#3[49]|#x2[27]);|&lt;/?\w+&gt;"
    r"|^&gt; |&(?:quot|#34);\s?:",
    re.IGNORECASE | re.MULTILINE,
)
_ENTITY = re.compile(r"&(?:quot|apos|amp|lt|gt|nbsp|#\d{2,6}|#x[0-9a-f]{2,5});", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([{}\[\]_*|-])")
_MONOSPACE = re.compile(
    r"\{\{((?:curl|POST|GET|PUT|PATCH|DELETE)\s[^{}]{1,4000}(?:\{[^{}]*\})?[^{}]*)\}\}"
)
_HTML_SIGN = re.compile(r"<(?:pre|code|p|div|br|td|span|blockquote)\b", re.IGNORECASE)
_HTML_START = re.compile(
    r"\s{0,200}<(?:!doctype html|html|head|body|div|p|pre|table|blockquote|meta|span)\b", re.I
)
_HTTP_SIGN = re.compile(
    r"\bcurl\b|\bHTTP/\d|\b(?:POST|GET|PUT|DELETE|PATCH) |\bxms/v1\b|&quot;|\{\""
)
_BLOCKS = {
    *("p", "div", "br", "tr", "li", "pre", "table", "blockquote", "ul", "ol", "h1", "h2", "h3"),
    *("h4", "hr", "section", "article", "dd", "dt"),
}
_HIDDEN = {"script", "style", "head", "title"}
_FENCE_GLUED = re.compile(
    r"^(\s{0,9})```(?:\w{1,12} )?(?=(?:curl|HTTP/|POST|GET|PUT|PATCH|DELETE)\b|[{\[])"
)
_FENCE_END = re.compile(r"(?<=[^\s`])```\s*$")
_TICKED = re.compile(
    r"^(\s{0,9})`((?:curl|HTTP/|GET|POST|PUT|PATCH|DELETE|\{|\[)[^`]{3,8000})`[.;]?\s*$"
)
_TRACED = re.compile(r"^\++ (?=(?:curl|wget|https?|xh) )")  # set -x of a shell
_INDENTED = re.compile(r"^(?:[ \t]*[\u00a0\u2007\u202f])+[ \t\u00a0]*")
_QUOTED = re.compile(r"(?:> ?)+")
_QUOTED_ONCE = re.compile(r"> ?")
_REMARK = re.compile(r"> ?(?:[<*] |<$)")
# what is typed at Python's prompt, and the scripts and files of a request file
# and the line of arrows of a log
_TYPED = re.compile(
    r">>> (?:import|from|print|\w+ ?=|\w+[.(])|> ?\{%|>>?!? \.{0,2}/"
    r"|>{4,}\s*$"
)
_TRACE = re.compile(
    r"^(?:<{2,8} ?[A-Z\d]|<-? HTTP/|< [A-Z]{3,7} \S+ HTTP/"
    r"|\* (?:Connected|Trying|Host |using|ALPN|SSL|TLS|  ))",
    re.MULTILINE,
)
_GOES_ON = re.compile(r"[\\`^|{(,'\"]\s*$|^(?:PS\b|\$ |% |# |\w[\w.-]*@[\w.-]+)")


def unmarked(line: str) -> str:
    """
    Return one line without the markup of a chat or a ticket.

    Examples
    --------
    >>> unmarked("`curl https://us.sms.api.sinch.com`")
    'curl https://us.sms.api.sinch.com'
    """
    if line.startswith("+"):
        line = _TRACED.sub("", line)
    if "`" in line:
        line = _FENCE_END.sub("", _FENCE_GLUED.sub(r"\1", line))
        line = _TICKED.sub(r"\1\2", line)
    if "\u00a0" in line[:200] and (match := _INDENTED.match(line)):
        line = " " * len(match[0]) + line[match.end() :]
    return line


def without_tags(text: str) -> str:
    """Return a text without the tags of wiki and bulletin-board markup, and without escapes."""
    is_wiki = _WIKI_BEGINS.search(text) is not None
    if is_wiki:
        text = _WIKI_ENDS.sub("", _WIKI_BEGINS.sub("", text))
    if is_wiki or _ESCAPED_SIGN.search(text):
        text = _ESCAPED.sub(r"\1", text)
    if _BB_SIGN.search(text):
        text = _BB_TAG.sub("", text)
    if "{{" in text:
        text = _MONOSPACE.sub(r"\1", text)
    if _ENTITY_SIGN.search(text):
        text = _ENTITY.sub(lambda match: unescape(match[0]), text)
    return text


def is_html(text: str) -> bool:
    """Tell whether a text is a page in which a call is shown, and not the body of a response."""
    start = text[:20_000]
    return bool(_HTML_START.match(start) and _HTML_SIGN.search(start) and _HTTP_SIGN.search(start))


class _Text(HTMLParser):
    """Collect what a page shows: text, a new line where a block begins or ends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = self.as_is = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in _HIDDEN
        self.as_is += tag == "pre"
        self._break(tag)
        if tag in ("td", "th"):
            self.parts.append("\t")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in _HIDDEN and self.hidden > 0
        self.as_is -= tag == "pre" and self.as_is > 0
        self._break(tag if tag != "br" else "")

    def _break(self, tag: str) -> None:
        is_first = not self.parts or self.parts[-1].endswith("\n")
        if tag == "br" or (tag in _BLOCKS and not is_first):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self.hidden:
            return
        if not self.as_is:
            data = re.sub(r"[ \t\r\n]+", " ", data)
            data = data.lstrip(" ") if not self.parts or self.parts[-1].endswith("\n") else data
        if data:
            self.parts.append(data)


def text_of_html(page: str) -> str:
    r"""
    Return what a page shows as text.

    Examples
    --------
    >>> text_of_html("<p>We run<br>curl &quot;https://x.example&quot;</p>")
    'We run\ncurl "https://x.example"\n'
    """
    parser = _Text()
    parser.feed(page)
    parser.close()
    return "".join(parser.parts)


def unquoted(lines: list[str]) -> list[str]:
    """
    Return the lines without the marks of quoted mail, where these are no marks of a terminal.

    Examples
    --------
    >>> unquoted([">> GET /xms HTTP/1.1", ">> Host: us.sms.api.sinch.com"])
    ['GET /xms HTTP/1.1', 'Host: us.sms.api.sinch.com']
    """
    lines = _without_bars(lines)
    if not any(line.startswith(">") for line in lines):
        return lines
    is_trace = _TRACE.search("\n".join(line for line in lines if not line.startswith(">")))
    left, at = list(lines), 0
    while at < len(lines):
        end = at
        while end < len(lines) and lines[end].startswith(">"):
            end += 1
        if end > at and not is_trace and _is_quotation(lines, at, end):
            mark = _QUOTED_ONCE if any(map(_REMARK.match, lines[at:end])) else _QUOTED
            left[at:end] = [mark.sub("", line, count=1) for line in lines[at:end]]
        at = max(end, at + 1)
    return left


def _without_bars(lines: list[str]) -> list[str]:
    """Return the lines without the bars that other mail programs put before what they quote."""
    barred = [line for line in lines if line.startswith("|")]
    is_quoted = len(barred) > 2 and not any("|" in line[1:] for line in barred)
    return [re.sub(r"^\| ?", "", line) for line in lines] if is_quoted else lines


def _is_quotation(lines: list[str], start: int, end: int) -> bool:
    """Tell whether lines that begin with ``>`` are quoted, and not typed at a prompt."""
    before = lines[start - 1] if start else ""
    return not _GOES_ON.search(before) and not any(map(_TYPED.match, lines[start:end]))
