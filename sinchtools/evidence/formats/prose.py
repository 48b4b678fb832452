"""What the words of a person tell of a response: "The SDK raised SMSException: Error 403"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus

from sinchtools.api import catalogue
from sinchtools.core.records import Exchange
from sinchtools.evidence.found import Found

Line = tuple[int, str]  # its number and its text

_SENTENCE = re.compile(
    r"\b(?:error|status(?:[ _-]?code)?|http(?:/[\d.]+)?|returns?|returned|respond(?:s|ed) with"
    r"|gives?|gave|(?:fails|failed|rejected|refused) with"
    r"|erro|erreur|fehler(?:code)?|fel(?:kod)?|feil|fejl|status(?:kod|kode|wert)|estado|statut"
    r"|antwort"
    r"|(?:c[oó]digo|code)(?: de)? (?:estado|statut|status)|respuesta|r[ée]ponse|resposta|svar"
    r"|devuelve|retorna|retorne|renvoie|liefert|odpowied[źz]|odpov[ěe]ď|b[łl][ąa]d|errore"
    r"|kod(?: statusu| b[łl][ęe]du)?|risposta|stato|antwoord|fout(?:code)?|virhe|vastaus"
    r"|hata(?: kodu)?|yan[ıi]t"
    r"|ошибка|ошибку|код|ответ|статус|отвечает|помилка|válasz|hiba|eroare|răspuns|lỗi"
    r"|response(?: code)?|g[eo]t(?:s|ting)?(?: back)?(?: an?)?|code)"
    r"[\s:=('\"#]{0,4}([2-5]\d\d)\b(?![.:]\d| ?(?:ms|s|sec|seconds|minutes|EUR|USD|SEK)\b| ?[€$%])"
    r"(?! delivered\b| (?!errors|responses|status|sometimes|always|unless|plus)[a-z]{3,20}s\b)",
    re.IGNORECASE,
)
_ARROW = re.compile(r"\W{0,4}(?:->|=>|→|-->)\s*(?:HTTP\s*)?([1-5]\d\d)\b(?![.:]\d)")
# a status as code, or with what is said of its body: "`401`, empty body"
_AS_CODE = re.compile(
    r"[^`\n]{0,40}`(?:HTTP )?([45]\d\d)`(?![\w`])"
    r"|\W{0,4}([45]\d\d)[,;:]? (?:and |with |but )?(?:an? |the |no )?(?:empty |response |blank )?"
    r"(?:body|response|reply|answer|content)\b",
    re.IGNORECASE,
)
_NGINX = {"service temporarily unavailable", "gateway time-out", "request-uri too large"}
_PHRASES = {status.phrase.lower() for status in HTTPStatus} | _NGINX
_PHRASE = re.compile(
    rf"\b([1-5]\d\d)[ "
    rf":,(-]{{1,3}}({'|'.join(sorted(map(re.escape, _PHRASES), key=len, reverse=True))})\b",
    re.IGNORECASE,
)
_OTHER_CODE = re.compile(
    r"\b(?:delivery|smpp)\b[^.;\n]{0,40}$", re.IGNORECASE
)  # a delivery code or an SMPP code is no status
# the screen of a message: its code is that of its delivery
_OF_REPORT = re.compile(r"(?i)\b(?:batch|message) id\b|\brecipient\b|\bmsisdn\b")
_DELIVERY_CODE = re.compile(r"(?i)(?<!status )(?<!http )\bcode\b[\s:]{1,9}4\d\d\s*$")
LONGEST = 20_000  # characters of prose


def response_in(lines: Sequence[Line]) -> list[Found]:
    """
    Return the one response that lines tell of, a part for each line that does.

    Nothing is taken when they tell of several.
    """
    if sum(len(text) for _, text in lines) > LONGEST:
        return []
    is_report = any(_OF_REPORT.search(text) for _, text in lines)
    told = [
        (number, found)
        for number, text in lines
        if (found := found_in_words(text)) and not (is_report and _DELIVERY_CODE.search(text))
    ]
    statuses = {found.status for _, found in told if found.status}
    codes = {found.code for _, found in told if found.code}
    if len(statuses) > 1 or len(codes) > 1:
        return []
    return [Found(number, number, found, "words") for number, found in told]


def found_in_words(text: str) -> Exchange | None:
    """
    Return what a sentence tells of an answer, or None.

    Examples
    --------
    >>> found_in_words("The SDK raised SMSException: Error 403").status
    403
    """
    phrase = _PHRASE.search(text)
    sentence = next(
        (
            match
            for match in _SENTENCE.finditer(text)
            if not _OTHER_CODE.search(text[: match.start()])
        ),
        None,
    )
    arrow = _ARROW.match(text)  # below a command
    alone = _AS_CODE.match(text)
    found = (phrase, sentence, arrow, alone)
    status = next((int(match[1] or match[2]) for match in found if match), None)
    codes = known_codes() if "_" in text else ()
    code = next((code for code in codes if re.search(rf"\b{code}\b", text)), None)
    if status is None and code is None:
        return None
    return Exchange(status=status, code=code)


@cache
def known_codes() -> tuple[str, ...]:
    """Return the codes that the vendor's page lists."""
    return tuple(entry.code for entry in catalogue.status_rows() if entry.code)


@cache
def _statuses() -> dict[str, int]:
    names = {name: int(status) for status in HTTPStatus for name in (status.name, status.phrase)}
    return {_letters(name): status for name, status in names.items()}


def status_of_reason(reason: str) -> int | None:
    """
    Return the status of a reason phrase in any spelling.

    Examples
    --------
    >>> status_of_reason("TooManyRequests"), status_of_reason("Not Found"), status_of_reason("No")
    (429, 404, None)
    """
    return _statuses().get(_letters(reason))


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())
