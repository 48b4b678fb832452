r"""
Parse objects as languages print them.

Python's dict and repr, JavaScript's console, PHP's print_r, var_dump and dd, Ruby's inspect, Go's
%+v, Java's toString: all are names and values in brackets. One tolerant parser takes them all; what
they differ in is in the tables here. Nothing is executed.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sinchtools.evidence.pieces import json_end

DEEPEST = 40
LONGEST_BARE = 20_000
CLOSERS = {"{": "}", "[": "]", "(": ")", "<": ">"}
WORDS: dict[str, Any] = {
    **dict.fromkeys(("true", "True", "TRUE", "bool(true)"), True),
    **dict.fromkeys(("false", "False", "FALSE", "bool(false)"), False),
    **dict.fromkeys(("null", "None", "nil", "undefined", "NULL", "<nil>", "<null>", ""), None),
}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "0": "\0", "\n": ""}
_QUOTED = r'"(?:[^"\\]|\\.)*+"|' + r"'(?:[^'\\]|\\.)*+'"
# a name and what separates it from its value
KEY = re.compile(
    rf"[+\-#@:~]{{0,2}}(?:(?P<quoted>[bu]?(?:{_QUOTED}))"
    r"|\[(?P<php>\"[^\"\n]{0,200}\"(?::\w+|:\"[^\"\n]{0,200}\")*|[\w .:$()-]{1,200})\]"
    r"|(?P<word>[A-Za-z_$][\w$.-]{0,100}'?))[ \t]*(?P<sep>=>|:(?![:/])|=(?![=>]))",
    re.DOTALL,
)
# a name in Go, where only a space stands between the fields
_GO_KEY = re.compile(r"[ \t]+[A-Za-z_]\w{0,60}:(?=[^\s:/])")
# a name in PHP's print_r, where line feeds were lost
_PHP_KEY = re.compile(r" {1,40}\[[\w .:-]{1,60}\] =>")
# what stands before the bracket of an object: its class, its number of members
TAG = re.compile(
    r"(?:<ref \*\d+> )?&?%?(?:"
    r"(?<=%)(?=\{)|"
    r"map\[\w{0,20}\](?:interface ?\{\}|\w{1,20})(?=\{)|map(?=\[)|\[\][\w.*]{1,40}(?=\{)"
    r"|(?:object|enum)\([\w\\]{1,80}\)#\d{1,6} ?(?:\(\d{1,6}\))?"
    r"|(?:stdClass|[A-Z][\w\\]{0,80}) Object(?=\s*\()|Array(?=\s*\()"
    r"|array(?:\(\d{1,6}\)|:\d{1,6})?|dict|[a-z]\w{0,30}(?:\.\w{1,40}){1,6}(?=[{(])"
    r"|\[(?:Object|\w{1,40})(?:: [\w ]{1,40})?\](?= \{)"
    r"|[A-Z][\w.$*\\:]{0,80}(?:\(\d{1,6}\))?(?: \[[\w: ]{1,60}\])?"
    r")\s{0,40}(?=[{\[(])"
)
_RUBY = re.compile(
    r"#?<(?:struct )?[A-Za-z][\w:]{0,80}(?::0x[0-9a-f]{1,16})?(?=[ ,\n]\s{0,20}@?\w)"
)
_HIDDEN = re.compile(
    r"\[(?:Object|Array|Function|AsyncFunction|Circular|Getter|Setter|class|Symbol|Map|Set)\b"
    r"(?:[^\[\]\n]|\[[^\[\]\n]{0,80}\]){0,100}\](?! ?\{)|<Circular[^>]{0,40}>|\*RECURSION\*"
)
_BUFFER = re.compile(r"<Buffer((?: [0-9a-f]{2})*)[^>]{0,40}>")
_DUMPED = re.compile(r"(?:int|float|double|bool|boolean|enum)\(([^)\n]{0,80})\)")
_DUMPED_TEXT = re.compile(r"string\((\d{1,8})\) \"")
_STRING = re.compile(
    rf"(?:[bu@]|string )?(?P<text>{_QUOTED}|`[^`]*+`)(?: \(length=\d+\))?", re.DOTALL
)
_PLUS = re.compile(r"\s*\+\s*(?=[\"'`])")
_BLANK = re.compile(r"(?:[\s,;▼▶…]|\.{3} ?\d+ more (?:items?|characters?))*+")
_JSON = re.compile(r"\{\s*+\"")
_SPACE, _SPACES = re.compile(r"\s*+"), re.compile(r"[ \t]*+")
_CHUNK = re.compile(r"[^\n,{}\[\]()<>\s]++")
_AFTER = re.compile(r"[ \t]*+(?:[,;}\])>\n]|$)")
# a stack within an error that is printed within an object
_STACK = re.compile(r"(?:\n[ \t]+at [^\n]*?(?=\n|[ \t]\{$|\Z))+", re.MULTILINE)


class Json(dict[str, Any]):
    """An object that stood there as JSON, with its text."""

    text: str = ""


class Printed:
    """The text of printed objects; each bracket is parsed once, however often it is asked for."""

    def __init__(self, text: str) -> None:
        self.text = _STACK.sub(lambda match: " " * len(match[0]), text)
        self.known: dict[int, tuple[Any, int] | None] = {}
        self.left = 20 * len(text) + 100_000  # characters that may be looked at again

    def value_at(self, at: int, depth: int = 0) -> tuple[Any, int] | None:
        """Return the object that begins at a place, maybe with its class before, and its end."""
        if at in self.known or self.left < 0:
            return self.known.get(at)
        self.known[at] = None
        tag = TAG.match(self.text, at)
        opening = tag.end() if tag else at
        if ruby := _RUBY.match(self.text, at):
            found = self._container(ruby.end(), ">", depth)
        elif self.text[opening : opening + 1] in CLOSERS:
            found = self._bracket(opening, depth)
        else:
            found = None
        self.known[at] = found
        return found

    def _bracket(self, at: int, depth: int) -> tuple[Any, int] | None:
        if _JSON.match(self.text, at):
            try:
                value, end = json.JSONDecoder().raw_decode(self.text, at)
            except ValueError as error:
                self.left -= getattr(error, "pos", at) - at + at // 20  # it counts lines
            except RecursionError:
                self.left -= 10_000
            else:
                whole = Json(value)
                whole.text = self.text[at:end]
                return whole, end
        return self._container(at + 1, CLOSERS[self.text[at]], depth)

    def _container(self, at: int, closer: str, depth: int) -> tuple[Any, int] | None:
        if depth > DEEPEST:
            return None
        fields: dict[str, Any] = {}
        items: list[Any] = []
        end, text = at, self.text
        while (at := _match_end(_BLANK, text, at)) < len(text) and text[at] != closer:
            key = KEY.match(text, at)
            if text[at] in "}])" or (key is None and fields):
                return (fields or items), end
            found: tuple[Any, int] | None = None
            if key and key["php"] and self._is_php_key(key.end()):
                found = None, key.end()  # a value of nothing
            else:
                start, sep = (key.end(), key["sep"]) if key else (at, ",")
                found = self._item(start, closer, depth, sep)
            if found is None or found[1] <= at:
                return ((fields or items), end) if fields else None
            value, at = found
            end = at
            if key:
                fields[_name(key)] = value
            else:
                items.append(value)
        return (fields or items), min(at + 1, len(text))

    def _item(self, at: int, closer: str, depth: int, sep: str) -> tuple[Any, int] | None:
        text = self.text
        is_go = sep == ":" and text[at : at + 1] not in (" ", "\n", "\t", "")
        at = _match_end(_SPACES if sep == "=" else _SPACE, text, at)
        for read in (self._scalar, self._nested):
            found = read(at, depth)
            if found and (
                _AFTER.match(text, found[1])
                or (is_go and _GO_KEY.match(text, found[1]))
                or KEY.match(text, found[1] + 1)
            ):
                return found
        return self._bare(at, closer, depth, is_go, sep)

    def _nested(self, at: int, depth: int) -> tuple[Any, int] | None:
        return self.value_at(at, depth + 1)

    def _scalar(self, at: int, depth: int = 0) -> tuple[Any, int] | None:
        text = self.text
        if hidden := _HIDDEN.match(text, at):
            return None, hidden.end()
        if text.startswith("()", at):  # nothing, in Haskell and Rust
            return None, at + 2
        if buffer := _BUFFER.match(text, at):
            return bytes.fromhex(buffer[1]).decode("utf-8", "replace"), buffer.end()
        if dumped := _DUMPED.match(text, at):
            return plain(dumped[1]), dumped.end()
        if dumped := _DUMPED_TEXT.match(text, at):
            return self._counted(dumped)
        return self._string(at)

    def _counted(self, dumped: re.Match[str]) -> tuple[Any, int] | None:
        rest = self.text[dumped.end() : dumped.end() + int(dumped[1]) + 1]
        size = len(rest.encode("utf-8", "replace")[: int(dumped[1])].decode("utf-8", "ignore"))
        end = dumped.end() + size
        if self.text[end : end + 1] != '"':
            end = self.text.find('"', dumped.end())
        return (self.text[dumped.end() : end], end + 1) if end > 0 else None

    def _string(self, at: int) -> tuple[Any, int] | None:
        match = _STRING.match(self.text, at)
        if match is None:
            return None
        parts = [unescaped(unwrapped(match["text"][1:-1]))]
        end = match.end()
        while (plus := _PLUS.match(self.text, end)) and (
            match := _STRING.match(self.text, plus.end())
        ):
            parts.append(unescaped(unwrapped(match["text"][1:-1])))
            end = match.end()
        return "".join(parts), end

    def _bare(
        self, at: int, closer: str, depth: int, is_go: bool, sep: str
    ) -> tuple[Any, int] | None:
        """Return a text without quotes: it ends where the next name or the closing bracket is."""
        text, start, inner = self.text, at, 0
        limit = min(len(text), at + LONGEST_BARE)
        while at < limit:
            if chunk := _CHUNK.match(text, at):
                at = chunk.end()
                continue
            mark = text[at]
            if mark == "\n" or (mark in "}])" and not inner and mark == closer):
                break
            if mark == ">" and closer == ">":
                break
            if mark == "," and not inner and (sep == "," or self._begins(at + 1)):
                break
            if mark == " " and is_go and _GO_KEY.match(text, at):
                break
            if mark == " " and sep == "=>" and _PHP_KEY.match(text, at):
                break
            if mark == "{" and text[at - 1 : at].isspace():
                found = self.value_at(at, depth + 1)
                if found and isinstance(found[0], dict):
                    return {"": text[start:at].strip(), **found[0]}, found[1]
            inner += mark in "{[("
            inner -= mark in "}])" and inner > 0
            at += 1
        self.left -= at - start
        return plain(text[start:at]), at

    def _is_php_key(self, at: int) -> bool:
        key = KEY.match(self.text, _match_end(_SPACE, self.text, at))
        return key is not None and key["php"] is not None

    def _begins(self, at: int) -> bool:
        after = _match_end(_SPACES, self.text, at)
        return self.text[after : after + 1] in ("\n", "") or KEY.match(self.text, after) is not None


def _match_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _name(key: re.Match[str]) -> str:
    if quoted := key["quoted"]:
        return unescaped(quoted.lstrip("bu")[1:-1])
    return (key["php"] or key["word"]).split('":', 1)[0].strip('"').split(":protected")[0]


def plain(text: str) -> Any:
    """Return the number, truth or nothing that a bare word is, else the text."""
    text = text.strip()
    if text in WORDS:
        return WORDS[text]
    if re.fullmatch(r"-?\d{1,15}", text):
        return text if re.match(r"-?0\d", text) else int(text)
    if re.fullmatch(r"0x[0-9a-f]{6,16}", text):
        return None  # an address in memory
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", text):
        return float(text)
    return text


def unwrapped(text: str) -> str:
    """Return a text without the line feeds that a mail program put into it."""
    return re.sub(r"\n", _gap, text) if "\n" in text else text


def _gap(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 30) : match.start()]
    return " " if re.search(r"\s", before) else ""


def unescaped(text: str) -> str:
    """Return what is between the quotes of a literal, its escapes written out."""
    if "\\" not in text:
        return text
    return re.sub(
        r"\\(?:x([0-9A-Fa-f]{2})|u\{?([0-9A-Fa-f]{4,6})\}?|(.))", _escape, text, flags=re.S
    )


def _escape(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    if digits:
        return chr(int(digits, 16)) if int(digits, 16) < 0x110000 else match[0]
    return _ESCAPES.get(match[3], match[3])


# --- where a body begins -----------------------------------------------------------------------

_LEAD = re.compile(r"\s{0,20}(?:[:\-]\s{0,4})?b?[\"'`\[]{0,3}\s{0,4}(?=[{<])")
_CUT = re.compile(r"\(truncated\.{0,3}\)|\.\.\. \(\d+ bytes\)|\n[ \t]*\n|\n(?=\s+at )|\Z")
_LONGEST_CUT = 8_000
_PAGE = re.compile(r"<(?:!|\?xml|html|head|body|h1|center|title)", re.IGNORECASE)
_PAGE_END = re.compile(r"</html>|\(truncated\.{0,3}\)|\n[ \t]*\n|\Z", re.IGNORECASE)


def body_at(text: str, at: int) -> tuple[str, int] | None:
    """Return the body that begins at a place, on this line or on the next, and its end."""
    lead = _LEAD.match(text, at)
    if lead is None or lead[0].count("\n") > 1:
        return None
    start = lead.end()
    if text[start] == "<":
        return _page(text, start)
    if text.startswith('{\\"', start):
        return _escaped(text, start)
    if end := json_end(text, start):
        return text[start:end], _closed(text, end)
    cut = _CUT.search(text, start, start + _LONGEST_CUT)
    if cut and cut[0] and not text.startswith("\n", cut.start()):
        return text[start : cut.start()].rstrip(), cut.end()
    found = KEY.match(text, _match_end(_SPACE, text, start + 1)) and Printed(
        text[start : start + _LONGEST_CUT]
    ).value_at(0)
    if found and found[0]:
        return body_text(found[0]) or "", start + found[1]
    end = cut.start() if cut else start
    return (text[start:end].rstrip(), end) if end > start else None


def _closed(text: str, end: int) -> int:
    while text[end : end + 1] in ('"', "'", "`", "]") and text[end : end + 1]:
        end += 1
    return end


def _page(text: str, start: int) -> tuple[str, int] | None:
    closing = _PAGE_END.search(text, start, start + 200_000)
    if not _PAGE.match(text, start) or closing is None:
        return None
    end = closing.end() if closing[0].startswith("</") else closing.start()
    return text[start:end].rstrip(), closing.end() if closing[0].strip() else end


def _escaped(text: str, start: int) -> tuple[str, int] | None:
    match = re.compile(r'(?:[^"\\]|\\.)*+', re.DOTALL).match(text, start, start + 200_000)
    body = unescaped(match[0]) if match else ""
    return (body.strip(), _closed(text, match.end())) if match and body else None


def body_text(value: Any) -> str | None:
    """Return a body as it was on the wire where that is known, else as JSON of what was printed."""
    if isinstance(value, Json):
        return value.text
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
