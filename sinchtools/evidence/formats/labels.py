"""The names that logs and windows give to the parts of a request and a response."""

from __future__ import annotations

import re
from functools import cache

from sinchtools.evidence.pieces import words
from sinchtools.evidence.row_tables import by_word, meanings_of

# French, Spanish, Portuguese, German, Italian, Dutch, Swedish
_ENGLISH = by_word("""
request: requête solicitud petición pedido requisição solicitação anfrage anforderung richiesta
      verzoek aanvraag förfrågan begäran
response: réponse respuesta resposta antwort risposta antwoord svar
method: méthode método methode metodo metod
status: statut état estado stato
body: corps cuerpo corpo textkörper nachrichtentext inhalt kropp brödtext contenu contenido
headers: en-têtes entêtes cabeceras encabezados cabeçalhos kopfzeilen intestazioni rubriker
duration: durée duración duração dauer durata duur varaktighet
error: erreur fehler erro errore fout fel
code: código codice kod
url: adresse dirección endereço indirizzo adress
""")
_OF = re.compile(r" (?:de la|de l'|del|della|dell'|de|du|des|da|do|di|der|des|van|för|av) ?")


@cache
def english(label: str) -> str:
    """
    Return a label in small letters and English words; one in English is as it was.

    Examples
    --------
    >>> english("Corps de la réponse"), english("Antwort")
    ('response body', 'response')
    """
    spoken = label.strip().lower().replace("’", "'")
    if spoken.isascii() and not _ENGLISH.keys() & set(spoken.split()):
        return spoken
    parts = _OF.split(spoken)
    return " ".join(_ENGLISH.get(word, word) for part in reversed(parts) for word in part.split())


_LABEL = re.compile(r"\W{0,6}([^\W\d_][\w'’ -]{0,48}?)(?:\[?\])?\s*(?::|=>?|-->)\s*(.*)", re.DOTALL)
LABELS = meanings_of("""
url: url, uri, from, endpoint, address, target, full url, requesturi, request url, request uri
method: method, verb, http method, httpmethod, request method, http verb
status: status, status code, statuscode, response code, responsecode, http status, http code,
    httpcode, http status code, response status, result code, code
headers: headers, header
body: body, payload, content, data, json, post fields, postfields, postdata, post data, entity,
    params, parameters, request, response, reply, result, output, details, raw
elapsed: duration, elapsed, took, time taken, response time, total time, latency, time,
    elapsed time, time duration, execution time, request time, roundtrip
failure: exception, curl error
nothing: status text, proto, protocol, encoding, id, exchangeid, exchange id, reason, version,
    reasonphrase, reason phrase, received at, timestamp, servicename, porttypename, portname,
    attempt, sent at, date time, messageid, message id, ok, success, http version, trace id,
    correlation id, request id, path url
""")
_OF_RESPONSE = words("response reply received result output answer error")


def label_of(text: str) -> tuple[str, str, bool] | None:
    """Return what a label means, its value, and whether it speaks of the response."""
    match = _LABEL.fullmatch(text.strip()[:1_000_000])
    if match is None:
        return None
    spoken = english(match[1].replace("_", " "))
    parts = spoken.replace("-", " ").split()
    of_response = any(word in _OF_RESPONSE for word in parts)
    kind = LABELS.get(spoken.replace("-", " "))
    if kind == "nothing" and "-" in spoken:
        return None
    if kind is None and "-" not in spoken:
        ends = (" ".join(parts[-2:]), *parts[-1:])
        kind = next(
            (LABELS[end] for end in ends if end in LABELS and LABELS[end] != "nothing"), None
        )
    return (kind, match[2], of_response) if kind else None
