"""The labels of requests and responses in other languages, in English words."""

from __future__ import annotations

import re
from functools import cache

from sinchtools.evidence.row_tables import by_word

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
