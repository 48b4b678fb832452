"""The official client calls every tool over standard input and output."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sinchtools.agents import NAMES
from tests.support import agents

SAMPLES = os.environ.get("SINCHTOOLS_SAMPLES")
TICKETS = Path(__file__).parents[2] / "data" / "samples" / "tickets"
FIRST = {  # what the first finding, or the sandbox, has to say of each ticket
    "curl.md": "json-missing-comma",
    "browser.har": "unknown_group",
    "log.jsonl": "syntax_invalid_parameter_format",
    "traceback.md": "syntax_constraint_violation",
    "not-delivered.md": "412",
    "token.md": "auth-quoted",
}


async def conversation(session: Any) -> Any:
    listed = (await session.list_tools()).tools
    answers = {
        name: await agents.every_tool(session, name, reports=name == "curl.md") for name in FIRST
    }
    refused = []
    for arguments in (
        {"evidence": "e1", "row": "+447700900142 x"},
        {"evidence": "e99 +447700900142"},
        {},
    ):
        refused.append(await session.call_tool("diagnose", arguments))
    refused.append(await session.call_tool("send", {"to": "+447700900142"}))
    return listed, answers, refused


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    work = tmp_path_factory.mktemp("work")
    for name in FIRST:
        shutil.copy(TICKETS / name, work)
    return agents.with_client(work, conversation)


def test_every_tool_is_listed_with_a_short_description(told: Any) -> None:
    listed = told[0]
    assert [tool.name for tool in listed] == list(NAMES)
    assert all(40 < len(tool.description.partition("\n\n")[0]) < 120 for tool in listed)
    assert [tool.name for tool in listed if not tool.annotations.read_only_hint] == ["report"]
    named = [name for tool in listed for name in tool.input_schema["properties"]]
    assert not {"target", "confirm", "live", "client"} & {*named}


@pytest.mark.parametrize("ticket", FIRST)
def test_every_tool_answers_on_every_ticket(told: Any, ticket: str) -> None:
    found = told[1][ticket]
    assert {*NAMES} - {*found} <= {"explain", "report"}
    errors = [one["error"] for some in found.values() for one in some if "error" in one]
    assert all("no request to compare" in error for error in errors)
    assert FIRST[ticket] in json.dumps(found["diagnose"])


def test_results_are_small(told: Any) -> None:
    sizes = [
        len(json.dumps(one))
        for found in told[1].values()
        for some in found.values()
        for one in some
    ]
    assert max(sizes) < 25_000


def test_a_refusal_repeats_no_argument(told: Any) -> None:
    assert all(one.is_error and "4477" not in one.content[0].text for one in told[2])


@pytest.mark.long
@pytest.mark.skipif(not SAMPLES, reason="SINCHTOOLS_SAMPLES names the folder of the samples")
def test_the_samples_get_the_right_answer_through_the_tools_alone() -> None:
    figures = agents.main(Path(str(SAMPLES)))
    print(figures)
    right, of = (int(figures.partition(" cases right")[0].split()[n]) for n in (-3, -1))
    assert right / of >= 0.9, figures
