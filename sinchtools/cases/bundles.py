"""The bundle: a zip with the data, the page, the charts and what was done."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sinchtools.cases.pages import Page
from sinchtools.cases.story import Story
from sinchtools.core.files import scratch
from sinchtools.evidence.exports import to_curl, to_jsonl

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def bundle(page: Page) -> bytes:
    """Return the zip: `exchanges.jsonl` is what `read` opens again, the rest is for people."""
    story = page.story
    members = {
        "capsule.json": _json(
            {
                "kind": "sinchtools-capsule",
                "data": "exchanges.jsonl",
                "title": story.plain(f"Case {story.title}"),
            }
        ),
        "exchanges.jsonl": to_jsonl(story.shown).encode("utf-8", "replace"),
        "report.html": page.html(),
        "request.sh": story.plain(to_curl(story.masks.exchange(story.example)) + "\n").encode(
            "utf-8", "replace"
        ),
        "transcript.json": _json(_told(story, {"walks": story.walks, "replays": _replays(story)})),
        **_chart_files(page),
    }
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                entry = zipfile.ZipInfo(name, _ZIP_TIME)
                entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
                entry.external_attr = 0o600 << 16
                archive.writestr(entry, data)
        return buffer.getvalue()


def _replays(story: Story) -> list[dict[str, Any]]:
    """Return the replays without their requests: these are in clear."""
    return [
        {name: value for name, value in row.items() if name != "request"} for row in story.replays
    ]


def _chart_files(page: Page) -> dict[str, bytes]:
    from sinchtools import charts

    story = page.story
    with scratch() as folder:
        written = [
            path
            for name, chart in story.charts.items()
            for path in charts.save(chart, Path(folder) / name, formats=("png",))
        ]
        drawn = {f"charts/{path.name}": path.read_bytes() for path in written}
    kept = [one for one in page.kept if one.picture and not one.names_a_person(story.known)]
    return {
        **{f"charts/kept-{story.plain(one.name)}.png": one.picture for one in kept},
        **drawn,
    }


def _told(story: Story, value: Any) -> Any:
    """Return what JSON can hold with people hidden in its texts."""
    if isinstance(value, Mapping):
        return {story.plain(name): _told(story, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_told(story, inner) for inner in value]
    return story.plain(value) if isinstance(value, str) else value


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")
