"""
What a cell shows in the place of a result.

One sentence without a traceback, in which nothing hides or commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

import sinchtools as st
from tests.support.evidence import ODD, obeyed
from tests.support.shell import BAD, Notebook

CALLS = {
    "a format": f"st.read('HTTP/1.1 403 Forbidden', format={ODD!r})",
    "a position": "evidence[99]",
    "a column": f"st.diagnose({{{ODD!r}: 1}})",
    "a paste": f"st.diagnose({ODD!r})",
    "a kind": "st.diagnose(object())",
    "a status": f"st.explain({ODD!r})",
    "two codes": f"st.explain(403, delivery={ODD!r})",
    "a target": f"st.plan(evidence, target={ODD!r})",
    "a bar": f"st.charts.error_codes(evidence).behind({ODD!r})",
    "a filter": f"st.charts.error_codes(evidence, outcome={ODD!r})",
    "an ending": f"st.report(evidence, {'x.' + ODD!r})",
    "a place": f"st.report(evidence, {'/missing/' + ODD + '/x.html'!r})",
    "an export": f"st.export(evidence, {'x.' + ODD!r})",
    "a scan": f"st.scan({ODD + '.parquet'!r})",
    "a tip": f"st.tips({ODD!r})",
    "an answer": f"st.tips(403, 'missing_callback_url').answer({ODD!r})",
    "an edit": f"st.plan(evidence, edits={{evidence[0].id: {{{ODD!r}: 1}}}})",
}


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SINCHTOOLS_HOME", str(tmp_path_factory.mktemp("work")))
        case = st.Case("4711", [replace(BAD, text=ODD, code=f"x_{ODD}", source=f"{ODD}.har")])
        assert len(case.evidence) == 1
        with Notebook() as notebook:
            notebook.run("import sinchtools as st\nevidence = st.Case('4711').evidence", "first")
            yield notebook


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_error_of_ours_is_one_sentence_that_commands_nothing(
    notebook: Notebook, call: str
) -> None:
    result = notebook.run(call, "view")
    said = notebook.failed["view"]
    assert isinstance(result.error_in_exec, st.SinchToolsError)
    assert "Traceback" not in said
    assert obeyed(said) == set()


@pytest.mark.parametrize("hint", ["", ODD, "Read it first."])
def test_every_error_of_ours_is_shown_by_its_code_points_also_by_python_itself(hint: str) -> None:
    error = st.SinchToolsError(f"The chart has no bar {ODD}.", hint=hint)
    assert obeyed(str(error)) == set() and "U+202E" in str(error)
    assert error._render_traceback_() == [f"SinchToolsError: {error}"]
