"""The workbench without a browser: evidence is given, buttons are clicked, and the parts read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import sinchtools as st
from sinchtools.core.glossary import glossary
from sinchtools.evidence.formats.table_preview import preview
from sinchtools.notebook.workbench import bulk
from sinchtools.notebook.workbench import columns as columns_part
from sinchtools.notebook.workbench.desk import Workbench
from sinchtools.notebook.workbench.listing import compared, laid_out, listing, spot_of
from sinchtools.notebook.workbench.page import page
from sinchtools.notebook.workbench.still import still_html
from sinchtools.replays.planning import plan
from tests.support.present import present
from tests.support.words import NO_REQUEST

TICKETS = Path(__file__).parents[2] / "data/samples/tickets"
TOKEN = "c3a91f7e5d2b48600a1b2c3d4e5f6071"


@pytest.fixture
def bench(work: Path) -> Workbench:
    return st.workbench()


def read(bench: Workbench, name: Any) -> Any:
    bench.evidence.read((TICKETS / name).read_text(encoding="utf-8"))
    return bench


def text_of(html: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL))


def test_a_new_workbench_is_empty_and_makes_no_case(bench: Workbench, work: Path) -> None:
    assert (bench.state.case, list(work.glob("case-*"))) == (None, [])


def test_the_case_used_last_is_opened_again_and_nothing_is_written(
    bench: Workbench, work: Path
) -> None:
    read(bench, "curl.md")
    before = {path: path.read_bytes() for path in work.rglob("*.jsonl")}
    assert present(st.workbench().state.case).folder == present(bench.state.case).folder
    assert {path: path.read_bytes() for path in work.rglob("*.jsonl")} == before


def test_a_paste_to_fixed_with_every_change_in_reply_and_curl(bench: Workbench) -> None:
    read(bench, "curl.md")
    assert "syntax_invalid_json" in bench.problem.head.value
    assert bench.problem.replay_button.description == "Replay with 4 fixes"
    bench.problem.replay_button.click()
    assert present(bench.state.proven).result.verdict == "FIXED"
    said = bench.reply.text.value
    assert [word for word in ("comma", "mt_text", "summary", "08:00:00Z") if word not in said] == []
    curl = bench.bridge.texts["curl"]
    assert "$SINCH_API_TOKEN" in curl and TOKEN not in curl + said
    assert json.loads(bench.bridge.texts["body"])["delivery_report"] == "summary"


def test_what_helped_is_kept_and_offered_in_the_next_case_of_the_kind(bench: Workbench) -> None:
    closing = read(bench, "browser.har").reply.closing
    closing.close_button.click()
    assert "still empty" in bench.message.value
    closing.helped.value = "number 4711 of the group"
    closing.close_button.click()
    assert present(bench.state.case).helped == ""
    closing.helped.value = "group of the other plan"
    closing.close_button.click()
    assert (present(bench.state.case).helped, closing.close_button.description) == (
        "group of the other plan",
        "Change",
    )
    bench.begin(st.Case("next"))
    read(bench, "browser.har")
    assert (closing.helped.value, closing.helped.options) == ("", ("group of the other plan",))
    bench.begin(st.Case("well"))
    bench.evidence.read("HTTP/1.1 200 OK")
    assert closing.widget.layout.display == "none"


def test_without_one_of_the_fixes_it_is_changed_and_the_rest_is_told(bench: Workbench) -> None:
    read(bench, "curl.md")
    bench.tick(2, False)
    assert bench.problem.replay_button.description == "Replay with 3 fixes"
    bench.problem.replay_button.click()
    assert present(bench.state.proven).result.verdict == "CHANGED"
    assert "What is wrong now" in bench.proof.verdict.value
    assert bench.bridge.texts == {}


def test_an_edit_by_hand_is_what_is_replayed(bench: Workbench) -> None:
    read(bench, "token.md")
    bench.problem.edit_button.click()
    form = bench.problem.form
    form.body.value = form.body.value.replace("Hello", "Hi")
    bench.problem.replay_button.click()
    assert '"Hi"' in str(present(bench.state.proven).result.request.request_body)
    assert "with your edit" in bench.proof.verdict.value


def test_boxes_in_which_nothing_was_typed_change_nothing(bench: Workbench) -> None:
    url = "https://us.sms.api.sinch.com/xms/v1/plan-a/batches?page=1#top"
    bench.add(st.read([st.Exchange(id="a", method="GET", url=url, status=401)]), "call")
    bench.problem.edit_button.click()
    assert bench.problem.form.path.value.endswith("?page=1#top")
    bench.problem.form.take()
    assert bench.state.by_hand == {}


def test_what_no_request_can_fix_is_told_at_once_with_whom_to_ask(bench: Workbench) -> None:
    read(bench, "not-delivered.md")
    assert "INCONCLUSIVE" in bench.proof.verdict.value
    assert "412" in bench.problem.head.value
    assert "412" in bench.reply.manager_text.value
    assert present(bench.state.case).replays == []


def test_many_requests_have_a_pattern_and_one_rule_for_all(bench: Workbench) -> None:
    read(bench, "log.jsonl")
    assert "nordwind-travel-3c08" in bench.pattern.head.value
    bench.problem.replay_button.click()
    bench.bulk.start(20)
    bench.bulk.wait()
    assert "20 requests of 20" in text_of(bench.bulk.outcome.value)
    first = bench.state.exchange
    bench.step(1)
    assert bench.state.exchange is not first
    bench.pattern.filter.value = "no such account"
    assert bench.state.listed == []


def test_an_error_in_the_thread_of_a_bulk_is_told_and_its_bar_goes(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(bench, "log.jsonl")
    monkeypatch.setattr(bulk, "plan", lambda *_, **__: 1 / 0)
    bench.bulk.start(20)
    bench.bulk.wait()
    assert "ZeroDivisionError" in bench.message.value
    assert (bench.bulk.outcome.value, bench.bulk.all_button.disabled) == ("", False)


def test_a_stop_before_the_plan_of_a_bulk_is_made_is_not_lost(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_and_plan(*exchanges: Any, **options: Any) -> Any:
        bench.bulk.stop()
        return plan(*exchanges, **options)

    read(bench, "log.jsonl")
    monkeypatch.setattr(bulk, "plan", stop_and_plan)
    bench.bulk.start(20)
    bench.bulk.wait()
    assert "stopped" in text_of(bench.bulk.outcome.value)


def test_undo_takes_the_last_reading_from_the_disk(bench: Workbench) -> None:
    read(bench, "curl.md")
    bench.undo()
    evidence = (present(bench.state.case).folder / "evidence.jsonl").read_bytes()
    assert (len(bench.state.evidence), evidence.strip()) == (0, b"")


def test_an_error_stays_in_the_panel_with_the_paste(bench: Workbench) -> None:
    bench.evidence.paste.value = "Hello, nothing works."
    bench.evidence.read_button.click()
    assert NO_REQUEST in bench.message.value
    assert bench.evidence.paste.value == "Hello, nothing works."


def test_the_still_view_names_nobody_and_holds_no_secret(bench: Workbench) -> None:
    read(bench, "curl.md").problem.replay_button.click()
    still = still_html(bench.state)
    assert "syntax_invalid_json" in still and "FIXED" in still
    assert [word for word in (TOKEN, "447700900112", "table is booked") if word in still] == []


def marks(lines: Any) -> list[str]:
    return ["".join(part.text for part in line.parts if part.kind == "mark") for line in lines]


def test_a_mark_is_on_the_value_in_a_body_of_one_line() -> None:
    body = '{"to":["1"],"type":"mt-text",}'
    spot = present(spot_of(body, 1, "error", line=1, column=20, pointer="/type"))
    assert marks(listing(laid_out(body), [spot])) == ["", "", '"mt-text"', ""]


def test_a_comparison_marks_the_changed_characters() -> None:
    before, after = compared('{"a": "per-x",\n "b": 1,}', '{"a": "per_x",\n "b": 1}')
    assert (marks(before), marks(after)) == (["-", ","], ["_", ""])


def test_a_case_that_was_changed_elsewhere_is_out_of_date(bench: Workbench) -> None:
    read(bench, "token.md")
    assert not bench.check()
    st.Case(present(bench.state.case).folder).add("HTTP/1.1 403 Forbidden")
    bench.check()  # as the watcher does every other second
    assert "OUT OF DATE" in bench.message.value


def test_a_column_that_was_guessed_wrong_is_corrected_and_read_again(bench: Workbench) -> None:
    bench.evidence.read("Wann,Ziel,Wert\n2026-03-02 08:00,/xms/v1/plan-a/batches,404\n")
    columns = bench.evidence.columns
    assert [one.value for one in columns.choices.values()] == ["at", "url", "status"]
    columns.choices["Wann"].value = ""
    columns.again_button.click()
    assert [(one.at, one.status) for one in bench.state.evidence] == [(None, 404)]
    assert len(present(bench.state.case).readings) == 1


def test_the_columns_of_a_file_are_looked_at_only_when_they_are_asked_for(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "calls.csv"
    table.write_text("Wann,Ziel,Wert\n2026-03-02 08:00,/xms/v1/plan-a/batches,404\n")
    looked_at: list[Any] = []

    def look(text: str) -> Any:
        looked_at.append(text)
        return preview(text)

    monkeypatch.setattr(columns_part, "preview", look)
    bench.evidence.read(str(table))
    assert not looked_at
    bench.evidence.columns.open_button.click()
    assert len(looked_at) == 1 and bench.evidence.columns.is_open
    assert [one.value for one in bench.evidence.columns.choices.values()] == ["at", "url", "status"]


def test_a_table_that_tells_no_status_asks_for_its_columns(bench: Workbench) -> None:
    bench.evidence.read("Kunde;Report size;Stand\nAcme;404;offen\nBeta;404;offen\n")
    columns = bench.evidence.columns
    assert (columns.is_open, bench.state.case) == (True, None)
    columns.choices["Report size"].value = "status"
    columns.again_button.click()
    assert [one.status for one in bench.state.evidence] == [404, 404]
    assert not columns.is_open


def test_a_word_of_the_glossary_is_explained_once_and_reached_by_the_keyboard() -> None:
    shown = page("problem.html", status="412", title="Lost", tone="bad", said="", flow=(), facts=(),
                 aside="delivery code: <b> of a delivery code")  # fmt: skip
    assert shown.count("role='tooltip'") == shown.count("tabindex='0'") == 1
    assert glossary()["delivery code"] in shown and "<b> of" not in shown


# --- the chart of many requests, touched ----------------------------------------------------------


def hear(bench: Workbench, event: str, **more: Any) -> None:
    picture = present(bench.pattern.picture)
    picture._handle_custom_msg({"event": event, "serial": picture._serial, **more}, [])


def mark_of(bench: Workbench, words: str) -> int:
    found = [i for i, one in enumerate(bench.pattern._marks) if one.words.startswith(words)]
    return found[0]


def chips(bench: Workbench) -> list[Any]:
    return [one.description.removesuffix("  ×") for one in bench.pattern.chips.children]


def test_a_mark_or_a_brush_filters_the_list_and_each_filter_is_a_chip(bench: Workbench) -> None:
    read(bench, "log.jsonl")
    assert "<svg" in bench.pattern.still.value  # where no page says how wide it is
    hear(bench, "width", width=700)
    assert bench.pattern.still.value == ""
    mark = bench.pattern._marks[mark_of(bench, "Thu 5 Mar 15:00 to 18:00 UTC\n8 of 14 calls")]
    start, end = present(mark.span)
    hear(bench, "brush", **{"from": start, "to": end})
    at = "Time: Thu 5 Mar 2026 15:00 to 18:00 UTC"
    assert chips(bench) == ["Account: nordwind-travel-3c08", at]
    assert "1 to 8 of 8 failed requests" in bench.pattern.counts.value
    assert {f"{one.at:%d %H}" for one in bench.state.listed} <= {"05 15", "05 16", "05 17"}
    bench.step(1)
    assert bench.state.exchange in bench.state.listed
    hear(bench, "escape")
    assert chips(bench) == []
    bench.pattern.tabs.children[1].click()
    hear(bench, "mark", index=mark_of(bench, "503"))
    assert chips(bench) == ["Code: 503"]
    assert {one.status for one in bench.state.listed} == {503}
    again = st.workbench(bench.state.case)  # the filters are kept with the case
    again.wait()
    assert (chips(again), len(again.state.listed)) == (["Code: 503"], 8)
    bench.pattern.chips.children[0].click()
    assert "of 233 failed requests" in bench.pattern.counts.value
