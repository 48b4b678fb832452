"""
The tools of agents as an agent uses them: the official client, over standard input and output.

`python -m tests.support.agents SAMPLES` calls every tool with each ticket of a folder, and prints
how many of its cases get the right diagnosis from the tools alone.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

T = TypeVar("T")
Answers = dict[str, list[dict[str, Any]]]  # by tool


class ToolFailedError(Exception):
    """A tool said that it cannot."""


def with_client(work: Path, do: Callable[[ClientSession], Awaitable[T]]) -> T:
    """Start the server on a work folder, and return what is done with a client of it."""

    async def run() -> T:
        env = {**os.environ, "SINCHTOOLS_HOME": str(work)}
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "sinchtools", "mcp"], env=env
        )
        async with (
            stdio_client(server) as (reader, writer),
            ClientSession(reader, writer) as session,
        ):
            await session.initialize()
            return await do(session)

    return anyio.run(run)


async def ask(session: ClientSession, tool: str, **arguments: Any) -> dict[str, Any]:
    """Return what a tool returned."""
    result: Any = await session.call_tool(tool, arguments)
    if result.is_error:
        raise ToolFailedError(result.content[0].text)
    assert json.loads(result.content[0].text) == result.structured_content
    return dict(result.structured_content)


async def every_tool(session: ClientSession, path: str, *, reports: bool = True) -> Answers:
    """Return what every tool says of one file of the work folder."""
    read = await ask(session, "read", path=path)
    name = read["evidence"]
    found = await ask(session, "diagnose", evidence=name)
    row = found["entries"][0]["row"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("read", {"evidence": name, "row": row}),
        ("diagnose", {"evidence": name, "row": row}),
        ("tips", {"evidence": name, "row": row}),
        ("replay_in_sandbox", {"evidence": name, "row": row}),
        ("smallest_change", {"evidence": name, "row": row}),
        ("compare", {"evidence": name, "row": row, "other_evidence": name, "other_row": 1}),
        ("change_points", {"evidence": name}),
        *[("report", {"evidence": name, "name": f"{name}.html"})] * reports,
    ]
    if status := found["entries"][0].get("status"):
        calls.append(("explain", {"status": status, "code": found["entries"][0].get("code") or ""}))
    answers: Answers = {"read": [read], "diagnose": [found]}
    for tool, arguments in calls:
        try:
            answer = await ask(session, tool, **arguments)
        except ToolFailedError as error:
            answer = {"error": str(error)}
        answers.setdefault(tool, []).append(answer)
    return answers


# --- the cases --------------------------------------------------------------------------------


async def misses(session: ClientSession, cases: list[dict[str, Any]]) -> list[str]:
    """Return the cases whose diagnosis is not what was expected, each with the reason."""
    found = []
    for case in cases:
        read = await ask(session, "read", text=json.dumps(_row(case)))
        one = await ask(session, "diagnose", evidence=read["evidence"], row=1, as_of=case["as_of"])
        if reason := _miss(case, one):
            found.append(f"{case['id']} {case['title']}: {reason}")
    return found


def _row(case: dict[str, Any]) -> dict[str, Any]:
    request, response = case["request"], case["response"] or {}
    row = {"id": case["id"], "method": request["method"], "url": request["url"]}
    row["request_headers"] = request.get("headers") or {}
    for name in ("body", "body_base64"):
        if request.get(name) is not None:
            row[f"request_{name}"] = request[name]
    if response:
        row |= {"status": response.get("status"), "response_body": response.get("body")}
        row["response_headers"] = response.get("headers") or {}
    return row


def _miss(case: dict[str, Any], told: dict[str, Any]) -> str:
    want, findings = case["expected"], told["findings"]
    first = findings[0] if findings else {}
    if want.get("root_cause") in (None, "none"):
        return "a false alarm" * any((one.get("status") or 0) >= 400 for one in findings)
    statuses = want.get("acceptable_statuses") or [want["status"]]
    if not {told["expected"].get("status"), first.get("status")} & {*statuses}:
        return f"status {told['expected'].get('status')}"
    if case["api"] == "sinch-sms":
        codes = want.get("acceptable_codes") or [want["code"]]
        if not {told["expected"].get("code"), first.get("code")} & {*codes}:
            return f"code {told['expected'].get('code')}"
        key = (want.get("field") or "").split(".")[-1].split("[")[0].lower()
        place = f"{first.get('field')} {first.get('untrusted', {})}".lower()
        if key not in place and want.get("visible_in_request_alone", True):
            return f"field {first.get('field')}"
    words = json.dumps(findings, ensure_ascii=False).lower()
    groups = want.get("must_mention_any") or []
    missing = [group for group in groups if not any(word.lower() in words for word in group)]
    return f"none of {missing[0]}" if missing else ""


async def graded(session: ClientSession, samples: Path) -> str:
    """Return the figures of a folder of samples in words."""
    tickets = sorted(path.name for path in (samples / "tickets").glob("[0-9]*-*.*"))
    answers = {name: await every_tool(session, name) for name in tickets}
    refused = [
        f"{name} {tool}: {one['error']}"
        for name, found in answers.items()
        for tool, some in found.items()
        for one in some
        if "error" in one
    ]
    cases = [json.loads(path.read_text()) for path in sorted((samples / "cases").glob("*.json"))]
    missed = await misses(session, cases)
    share = 1 - len(missed) / len(cases)
    return "\n".join(
        [
            f"{len(tickets)} tickets, {sum(map(len, answers.values()))} tools called",
            *refused,
            f"{len(cases) - len(missed)} of {len(cases)} cases right ({share:.1%})",
            *missed,
        ]
    )


def main(samples: Path) -> str:
    """Copy the tickets into a new work folder, and return the figures."""
    with tempfile.TemporaryDirectory() as work:
        for path in (samples / "tickets").glob("[0-9]*-*.*"):
            (Path(work) / path.name).write_bytes(path.read_bytes())
        return with_client(Path(work), lambda session: graded(session, samples))


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))
