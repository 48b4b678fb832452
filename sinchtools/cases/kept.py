"""What a case keeps of a replay, of a walk through tips and of a chart."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinchtools.core.columns import as_json, from_json
from sinchtools.core.files import opened_own
from sinchtools.core.records import Exchange, in_words
from sinchtools.playbooks.playbook import Walk
from sinchtools.privacy.gate import Known
from sinchtools.privacy.redaction import Redactor
from sinchtools.replays.results import ReplayResults, Result

if TYPE_CHECKING:
    from sinchtools.cases.case import Case

_LARGEST_FILE, _MOST_PIXELS = 20 * 2**20, 25_000_000


def replay_rows(replayed: ReplayResults) -> list[dict[str, Any]]:
    """Return what a case keeps of a replay."""
    return [
        {
            **result.as_json(),
            "was": result.original.status_in_words,
            "now": result.status_in_words,
            "endpoint": result.original.endpoint,
            "target": replayed.target,
            "assumed": list(result.assumed),
            "request": _sent(result),
        }
        for result in replayed
    ]


_SENT = ("method", "url", "request_headers", "request_body")


def _sent(result: Result) -> dict[str, Any] | None:
    """Return the changed request of a replay; None when it was sent unchanged."""
    sent, original = (as_json(one, _SENT) for one in (result.request, result.original))
    return None if sent == original else sent


def replayed_request(row: Mapping[str, Any]) -> Exchange:
    """Return the changed request that a case keeps of a replay."""
    return from_json(row["request"])


def walk_row(walk: Walk, redactor: Redactor) -> dict[str, Any]:
    """Return what a case keeps of a walk through tips."""
    return {
        "exchange": walk.exchange.id if walk.exchange else None,
        "label": in_words(walk.playbook.status, walk.playbook.code),
        "title": walk.playbook.title,
        "transcript": [
            {**event, "reason": redactor.text(event["reason"])} for event in walk.transcript
        ],
        "ended": walk.ended,
    }


# --- charts, drawn again so that nothing can hide in them -----------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptChart:
    """
    A chart that was saved into the case.

    It has the picture if it can be read, its words and numbers, and whether evidence was added
    after it.
    """

    name: str
    picture: bytes = b""
    words: str = ""
    numbers: str = ""
    is_old: bool = False

    def names_a_person(self, known: Known) -> bool:
        """Whether a person can be read in it: the pixels show the same as its words."""
        text = f"{self.words}\n{self.numbers}"
        return bool(any(known.numbers_in(text)) or known.texts_in(text))


def kept_charts(case: Case) -> Iterator[KeptChart]:
    """Yield the charts in the folder of a case, also those that cannot be read."""
    for path in sorted(case.charts.glob("*.png")):
        try:
            picture, said = _picture(_content_of(path))
            numbers = _content_of(path.with_suffix(".csv")) if said else b""
        except FileNotFoundError:  # no numbers: no chart of ours, so nobody knows whom it shows
            continue
        except Exception:  # half a picture, or one without end: a report is not lost over it
            yield KeptChart(name=path.stem)
            continue
        if said:
            yield KeptChart(
                name=path.stem,
                picture=picture,
                words=said["Description"],
                numbers=f"{said['Title']}\n{numbers.decode('utf-8', 'replace')}",
                is_old=bool(case.read_at and path.stat().st_mtime < case.read_at.timestamp()),
            )


def _content_of(path: Path) -> bytes:
    with opened_own(path, os.O_RDONLY) as handle, os.fdopen(handle, "rb", closefd=False) as file:
        data = file.read(_LARGEST_FILE + 1)
    if len(data) > _LARGEST_FILE:
        raise ValueError
    return data


def _picture(data: bytes) -> tuple[bytes, dict[str, str]]:
    """
    Draw a chart of ours again, and return it with its words.

    Nothing can hide in the new file. For any other picture nothing is returned.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a picture that is too large
        image = Image.open(io.BytesIO(data), formats=["PNG"])
    with image, io.BytesIO() as buffer:
        said: dict[str, str] = {
            name: str(image.info[name]) for name in ("Title", "Description") if name in image.info
        }
        if len(said) < 2:
            return b"", {}
        if image.width * image.height > _MOST_PIXELS:
            raise ValueError
        words = PngInfo()
        for name, value in said.items():
            words.add_itxt(name, value)
        image.save(buffer, "PNG", pnginfo=words)
        return buffer.getvalue(), said
