"""Command lines as people paste them: bash and Windows cmd words, without running anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

Note = Callable[[str], None]
SMART_QUOTES = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‟": '"', "‘": "'", "’": "'", "‚": "'", "‛": "'"}
)
_PLAIN = re.compile(r"[^\s\\'\"$`;&|<>()#“”‘’\xa0\u2013\u2014]+")
_DOUBLE_QUOTED = re.compile(r"[^\"\\$`]+")
_NAME = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(['\"\\]?)(\w+)\2?")
_CAT_HEREDOC = re.compile(
    r"\$\(\s*cat\s*<<-?\s*(['\"\\]?)(\w+)\1?[ \t]*\n(.*?)\n[ \t]*\2[ \t]*\n?\s*\)", re.DOTALL
)
_PLACEHOLDER = re.compile(r"<[A-Za-z_][\w .-]{0,40}>")
_QUERY_GOES_ON = re.compile(r"&[\w.%\[\]-]+(?:=|&|\s|$)")
# what bash and zsh put before the lines that a command goes on in
_GOES_ON = r"(?:> |(?:(?:d|b)?quote|heredoc|pipe|cmdand|cmdor)(?: (?:d|b)?quote)?> )"
_NEXT_OPTION = re.compile(r"[ \t]*\n[ \t]*(?=--?[A-Za-z][\w-]*(?:[ \t=]|$|\n))")
_ANSI_C = re.compile(
    r"\\(?:([abeEfnrtv\\'\"?])|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{1,4})"
    r"|U([0-9a-fA-F]{1,8})|c(.))",
    re.DOTALL,
)
_ANSI_C_LETTERS = dict(zip("abeEfnrtv\\'\"?", b"\a\b\x1b\x1b\f\n\r\t\v\\'\"?", strict=True))


class UnclosedQuoteError(ValueError):
    """A quote is opened and never closed; never leaves this package."""


@dataclass(slots=True)
class Command:
    """
    The words of one simple command, its standard input, how it ended.

    It also says where the next command starts.
    """

    words: list[str] = field(default_factory=list)
    stdin: str | None = None
    stdin_file: str | None = None
    variables: set[str] = field(default_factory=set)
    ended_by: str = ""
    end: int = 0


def bash_command(
    text: str, start: int, *, variables: dict[str, str], note: Note, strict: bool = True
) -> Command:
    r"""
    Return the bash command that starts at `start`.

    Words are unquoted. Variables that the paste assigns are put in, all others stay as written.

    Examples
    --------
    >>> bash_command("echo 'a b' $'\\x41' \"$HOME\" | cat", 0, variables={}, note=print).words
    ['echo', 'a b', 'A', '$HOME']
    """
    return _Bash(text, start, variables, note, strict).command()


def quiet_command(text: str, start: int, variables: dict[str, str]) -> Command | None:
    """Return a bash command, or None when a quote in it is never closed; nothing is noted."""
    try:
        return bash_command(text, start, variables=variables, note=lambda _: None)
    except UnclosedQuoteError:
        return None


def cmd_command(
    text: str, start: int, *, variables: dict[str, str], note: Note, strict: bool = True
) -> Command:
    r"""
    Return the command for Windows cmd that starts at `start`.

    Carets are resolved as cmd does, quotes as C programs do.

    Examples
    --------
    >>> cmd_command('curl ^"http://x/^" -d "{\\"a\\":1}"', 0, variables={}, note=print).words
    ['curl', 'http://x/', '-d', '{"a":1}']
    """
    command = Command()
    line, command.end, command.ended_by = _without_carets(text, start, note)
    command.words = _c_words(line, strict)
    return command


class _Bash:
    def __init__(
        self, text: str, start: int, variables: dict[str, str], note: Note, strict: bool
    ) -> None:
        self.text, self.at, self.variables, self.note, self.strict = (
            text,
            start,
            variables,
            note,
            strict,
        )
        self.done = Command()
        self.word: list[str] | None = None
        self.has_query = False  # whether the word has a question mark
        self.heredocs: list[tuple[str, bool]] = []

    def command(self) -> Command:
        while self.at < len(self.text) and not self.done.ended_by:
            plain = _PLAIN.match(self.text, self.at)
            if plain:
                self.add(plain[0], plain.end())
            else:
                self.special(self.text[self.at])
        self.close_word()
        self.done.end = self.at
        return self.done

    def add(self, part: str, end: int) -> None:
        self.word = [] if self.word is None else self.word
        self.word.append(part)
        self.has_query = self.has_query or "?" in part
        self.at = end

    def close_word(self) -> None:
        if self.word is not None:
            self.done.words.append("".join(self.word))
        self.word, self.has_query = None, False

    def special(self, char: str) -> None:
        handler = _SPECIAL.get(char)
        if handler:
            handler(self)
        elif char.isspace():
            self.blank(char)
        else:
            self.add(char, self.at + 1)

    def blank(self, char: str) -> None:
        if char == "\xa0":
            self.note("no-break spaces between words were read as spaces")
        self.close_word()
        self.at += 1

    def newline(self) -> None:
        self.close_word()
        self.at += 1
        for tag, dashed in self.heredocs:
            self.done.stdin = self.heredoc(tag, dashed)
        option = _NEXT_OPTION.match(self.text, self.at - 1)
        if option and not self.heredocs and self.done.words:
            self.note(
                "a line that starts with an option was read as part of the command before it, "
                "though no backslash joins them"
            )
            self.at = option.end()
            return
        self.done.ended_by = "\n"

    def heredoc(self, tag: str, dashed: bool) -> str:
        indent = r"[ \t]*" if dashed else ""
        is_prompted = re.compile(_GOES_ON).match(self.text, self.at)
        prompt = _GOES_ON if is_prompted else ""
        close = re.compile(rf"^{prompt}{indent}{re.escape(tag)}[ \t]*$", re.MULTILINE).search(
            self.text, self.at
        )
        body = self.text[self.at : close.start() if close else len(self.text)]
        body = re.sub(rf"^{prompt}", "", body, flags=re.MULTILINE) if is_prompted else body
        self.at = min(close.end() + 1, len(self.text)) if close else len(self.text)
        return re.sub(r"^\t+", "", body, flags=re.MULTILINE) if dashed else body

    def backslash(self) -> None:
        rest = re.compile(r"\\([ \t\xa0]*)(?:\r?\n|\Z)").match(self.text, self.at)
        if rest:
            if rest[1] and rest.end() < len(self.text):
                self.note("a backslash with blanks after it was read as a line continuation")
            prompt = re.compile(_GOES_ON).match(self.text, rest.end())
            self.at = prompt.end() if prompt else rest.end()
        else:
            self.add(self.text[self.at + 1], self.at + 2)

    def single(self) -> None:
        close = self.text.find("'", self.at + 1)
        if close < 0:
            return self.unclosed(self.at + 1)
        self.add(without_prompts(self.text[self.at + 1 : close]), close + 1)

    def smart(self) -> None:
        kind = '“”„"' if self.text[self.at] in "“”" else "‘’'"
        close = next(
            (
                i
                for i in range(self.at + 1, min(len(self.text), self.at + 100_000))
                if self.text[i] in kind
            ),
            -1,
        )
        if self.word and self.text[self.at] in "‘’":
            return self.add(self.text[self.at], self.at + 1)
        self.note("typographic quotes were read as plain ones")
        if close < 0:
            return self.unclosed(self.at + 1)
        self.add(self.text[self.at + 1 : close], close + 1)

    def unclosed(self, start: int) -> None:
        if self.strict:
            raise UnclosedQuoteError
        self.note("a quote is opened and never closed: everything after it was read as quoted")
        self.add(self.text[start:].rstrip("\n"), len(self.text))

    def double(self) -> None:
        parts: list[str] = []
        at, opened = self.at + 1, self.at + 1
        while at < len(self.text) and self.text[at] != '"':
            plain = _DOUBLE_QUOTED.match(self.text, at)
            part, at = (plain[0], plain.end()) if plain else self.escaped(at)
            parts.append(part)
        if at >= len(self.text):
            return self.unclosed(opened)
        self.add(without_prompts("".join(parts)), at + 1)

    def escaped(self, at: int) -> tuple[str, int]:
        char = self.text[at]
        if char == "\\":
            following = self.text[at + 1 : at + 2]
            return (
                "" if following == "\n" else following if following in '$`"\\' else char + following
            ), at + 2
        return self.expansion(at)

    def dollar(self) -> None:
        if self.text.startswith("$'", self.at):
            close = re.compile(r"[^'\\]*+(?:\\.[^'\\]*+)*+'", re.DOTALL).match(
                self.text, self.at + 2
            )
            if not close:
                return self.unclosed(self.at + 2)
            return self.add(ansi_c(close[0][:-1]), close.end())
        if self.text.startswith('$"', self.at):
            self.at += 1
            return self.double()
        self.add(*self.expansion(self.at))

    def expansion(self, at: int) -> tuple[str, int]:
        if heredoc := _CAT_HEREDOC.match(self.text, at):
            return heredoc[3], heredoc.end()
        if name := _NAME.match(self.text, at):
            known = self.variables.get(name[1] or name[2])
            if known is None and not (name[1] or "").isdigit():
                self.done.variables.add(name[0])
            return name[0] if known is None else known, name.end()
        if self.text.startswith("$(", at) or self.text[at] == "`":
            end = _substitution_end(self.text, at)
            self.note(
                "what a command inside the command would give is not known; it stays as written"
            )
            return self.text[at:end], end
        return self.text[at], at + 1

    def comment(self) -> None:
        if self.word is not None:
            return self.add("#", self.at + 1)
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def operator(self) -> None:
        char = self.text[self.at]
        if char == "&" and self.has_query and _QUERY_GOES_ON.match(self.text, self.at):
            self.note(
                "an & without quotes was read as part of the URL; a shell would end the "
                "command there"
            )
            return self.add("&", self.at + 1)
        if char == "(":
            return self.add("(", self.at + 1)
        doubled = self.text[self.at : self.at + 2]
        self.done.ended_by = doubled if doubled in ("&&", "||") else char
        self.at += len(self.done.ended_by)

    def redirection(self) -> None:
        if placeholder := _PLACEHOLDER.match(self.text, self.at):
            self.note(
                "a placeholder in angle brackets was kept as written; a shell would take it as "
                "a redirection"
            )
            return self.add(placeholder[0], placeholder.end())
        if self.word and "".join(self.word).isdigit():
            self.word = None
        self.close_word()
        heredoc = _HEREDOC.match(self.text, self.at)
        if self.text.startswith("<<<", self.at):
            self.done.stdin = self.target(3) + "\n"
        elif heredoc:
            self.heredocs.append((heredoc[3], bool(heredoc[1])))
            self.at = heredoc.end()
        elif self.text[self.at] == "<":
            self.done.stdin_file = self.target(1)
        else:
            self.target(2 if self.text[self.at + 1 : self.at + 2] in (">", "&", "|") else 1)

    def target(self, skip: int) -> str:
        inner = _Bash(self.text, self.at + skip, self.variables, self.note, self.strict)
        while inner.at < len(self.text) and self.text[inner.at] in " \t":
            inner.at += 1
        while inner.at < len(self.text) and self.text[inner.at] not in " \t\n;|&<>)":
            plain = _PLAIN.match(self.text, inner.at)
            if plain:
                inner.add(plain[0], plain.end())
            else:
                inner.special(self.text[inner.at])
        self.at = inner.at
        return "".join(inner.word or [])

    def dash(self) -> None:
        if self.word is None:
            self.note("a typographic dash was read as the two hyphens of an option")
            return self.add("--", self.at + 1)
        self.add(self.text[self.at], self.at + 1)


_SPECIAL: dict[str, Callable[[_Bash], None]] = {
    "\n": _Bash.newline,
    "\\": _Bash.backslash,
    "'": _Bash.single,
    '"': _Bash.double,
    "$": _Bash.dollar,
    "`": _Bash.dollar,
    "#": _Bash.comment,
    **dict.fromkeys(";&|()", _Bash.operator),
    **dict.fromkeys("<>", _Bash.redirection),
    **dict.fromkeys("“”‘’", _Bash.smart),
    **dict.fromkeys("\u2013\u2014", _Bash.dash),
}


def without_prompts(quoted: str) -> str:
    r"""
    Return the text of several lines without the prompts that a shell put before each.

    Examples
    --------
    >>> without_prompts('{\n> "to": ["1"]\n> }')
    '{\n"to": ["1"]\n}'
    """
    lines = quoted.split("\n")
    following = [line for line in lines[1:] if line]
    if not following or not all(re.match(_GOES_ON, line) for line in following):
        return quoted
    return "\n".join(re.sub(rf"^{_GOES_ON}", "", line) for line in lines)


def ansi_c(quoted: str) -> str:
    r"""
    Return what bash makes of the inside of ``$'...'``.

    Two halves of a character outside the basic plane become one.

    Examples
    --------
    >>> ansi_c(r"caf\xc3\xa9\u0021")
    'café!'
    """
    made = bytearray()
    at = 0
    for match in _ANSI_C.finditer(quoted):
        made += quoted[at : match.start()].encode("utf-8", "surrogatepass") + _ansi_c_bytes(match)
        at = match.end()
    made += quoted[at:].encode("utf-8", "surrogatepass")
    if not _is_utf8(made):
        return made.decode("utf-8", "surrogateescape")
    return (
        made.decode("utf-8", "surrogatepass")
        .encode("utf-16-le", "surrogatepass")
        .decode("utf-16-le", "replace")
    )


def _ansi_c_bytes(match: re.Match[str]) -> bytes:
    letter, hexadecimal, octal, short, long, control = match.groups()
    if letter:
        return bytes([_ANSI_C_LETTERS[letter]])
    if hexadecimal or octal:
        return bytes([int(hexadecimal, 16) if hexadecimal else int(octal, 8) & 255])
    if control:
        return bytes([ord(control) & 31])
    number = int(short or long, 16)
    return chr(number if number < 0x110000 else 0xFFFD).encode("utf-8", "surrogatepass")


def _is_utf8(data: bytes | bytearray) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _substitution_end(text: str, start: int) -> int:
    if text[start] == "`":
        return (text.find("`", start + 1) + 1) or len(text)
    depth = 0
    for match in re.compile(r"[()]").finditer(text, start):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.end()
    return len(text)


def _without_carets(text: str, start: int, note: Note) -> tuple[str, int, str]:
    line: list[str] = []
    at, quoted, old_style = start, False, False
    token = re.compile(r"\^(?:\r?\n)?|\"|[\r\n&|]|[^\^\"\r\n&|]+", re.DOTALL)
    while match := token.match(text, at):
        part, at = match[0], match.end()
        if part == '"':
            if quoted and old_style and text.endswith("^\\^", start, match.start()):
                line.append('"')  # the backslash before it is already there
                continue
            quoted = not quoted
            old_style = quoted and bool(re.compile(r"[^\"\n]*\^\\\^\"").match(text, at))
            if old_style:
                note(
                    "carets inside plain quotes were read as the escapes that they were meant "
                    "to be; cmd would keep them"
                )
            line.append(part)
        elif part.startswith("^") and (not quoted or old_style):
            at += len("More? ") if part != "^" and text.startswith("More? ", at) else 0
            following = text[at : at + 1]
            line.append(following)
            at += len(following)
            if following == "\r" and text.startswith("\n", at):
                at, line[-1] = at + 1, "\n"
        elif part in "\r\n" and not quoted:
            return "".join(line), at, "\n"
        elif part in "&|" and not quoted:
            return "".join(line), at, part
        else:
            line.append(part)
    return "".join(line), len(text), ""


def _c_words(line: str, strict: bool) -> list[str]:
    words: list[str] = []
    word: list[str] | None = None
    quoted = False
    at = 0
    token = re.compile(r"(\\*)(\"\"?)|\\+|[ \t\n\xa0]|[^\\\" \t\n\xa0]+")
    while match := token.match(line, at):
        part, at = match[0], match.end()
        if match[2]:
            word = word if word is not None else []
            word.append("\\" * (len(match[1]) // 2))
            escaped, doubled = len(match[1]) % 2, len(match[2]) == 2
            if escaped or (doubled and quoted and line[at : at + 1] not in ("", " ", "\t", "\n")):
                word.append('"')
                at -= 1 if escaped and doubled else 0
            else:
                quoted = not quoted
                at -= 1 if doubled else 0
        elif part in " \t\n\xa0" and not quoted:
            words += [] if word is None else ["".join(word)]
            word = None
        else:
            word = word if word is not None else []
            word.append(part)
    if quoted and strict:
        raise UnclosedQuoteError
    return words if word is None else [*words, "".join(word)]
