"""
No HTML of ours is typeset as mathematics.

The outermost element of each piece says so, and no label holds evidence.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies

import sinchtools as st
from sinchtools import panels
from sinchtools.notebook.panels.theme import Html, error_card
from sinchtools.notebook.shell import show_frames_as_text
from tests.support.evidence import MATHEMATICS
from tests.support.shell import BAD, Notebook

HOSTILE = " ".join(MATHEMATICS)
ROW = replace(
    BAD,
    id=f"a{HOSTILE}",
    source=HOSTILE,
    text=HOSTILE,
    code=f"{HOSTILE}_x",
    request_headers={"X-Evil": HOSTILE},
    response_body=HOSTILE,
)
VOID = {"img", "br", "wbr", "hr", "input"}


class Outermost(HTMLParser):
    """The classes of each element that stands in no other, and the text beside them."""

    def __init__(self, html: Any) -> None:
        super().__init__()
        self.depth, self.text = 0, ""
        self.classes: list[set[str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: Any, attrs: Any) -> None:
        if not self.depth:
            self.classes.append(set((dict(attrs).get("class") or "").split()))
        self.depth += tag not in VOID

    def handle_endtag(self, tag: Any) -> None:
        self.depth -= tag not in VOID

    def handle_data(self, data: Any) -> None:
        self.text += "" if self.depth else data.strip()


def is_untypeset(html: Any) -> Any:
    found = Outermost(html)
    is_marked = all({"mathjax_ignore", "tex2jax_ignore"} <= one for one in found.classes)
    return bool(found.classes) and is_marked and not found.text


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<div class='mathjax_ignore tex2jax_ignore'><p>x</p></div>", True),
        ("<p class='mathjax_ignore tex2jax_ignore'>x<br>y</p>", True),
        ("<div class='mathjax_ignore'>x</div>", False),
        ("<div class='tex2jax_ignore'>x</div>", False),
        ("<div><p class='mathjax_ignore tex2jax_ignore'>x</p></div>", False),
        ("<p class='mathjax_ignore tex2jax_ignore'>x</p>$y$", False),
        ("<p class='mathjax_ignore tex2jax_ignore'>x</p><p>y</p>", False),
        ("$x$", False),
        ("", False),
    ],
)
def test_the_check_looks_at_every_outermost_element(html: str, expected: bool) -> None:
    assert is_untypeset(html) is expected


def classes() -> Iterator[Any]:
    for found in pkgutil.walk_packages(st.__path__, "sinchtools."):
        if found.name != "sinchtools.__main__":
            module = importlib.import_module(found.name)
            for name, kind in inspect.getmembers(module, inspect.isclass):
                if kind.__module__ == module.__name__ and "_repr_html_" in vars(kind):
                    yield name


def with_a_case() -> Any:
    case = st.Case("4711", [ROW])
    case.note(HOSTILE)
    return case


SHOWN: dict[str, Callable[[], Any]] = {
    "Case": with_a_case,
    "Chart": lambda: st.charts.error_codes([ROW]),
    "Checkup": st.doctor,
    "Comparison": lambda: st.compare(ROW, replace(ROW, method=HOSTILE, request_body=HOSTILE)),
    "Diagnoses": lambda: st.diagnose([ROW] * 30),
    "Diagnosis": lambda: st.diagnose(ROW),
    "Entry": lambda: st.explain(418, HOSTILE),
    "Evidence": lambda: with_a_case().evidence,
    "Plan": lambda: st.plan([ROW]),
    "Proof": lambda: st.prove(st.diagnose(ROW)),
    "ReplayResults": lambda: st.replay([ROW]),
    "Walk": lambda: st.tips(ROW),
}
MORE: dict[str, Callable[[], Any]] = {
    "a preview": lambda: st.replay([ROW], target="preview"),
    "a case whose folder is gone": lambda: gone(),
    "an empty evidence": lambda: st.read([]),
    "no diagnoses": lambda: st.diagnose([]),
    "a page of the log": lambda: st.charts.timeline([ROW]),
    "a plan of many": lambda: st.plan([ROW] * 300, target="preview"),
}


def gone() -> Any:
    case = with_a_case()
    case.log.close()
    for path in sorted(case.folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    case.folder.rmdir()
    return case


def test_every_class_that_shows_itself_is_looked_at() -> None:
    assert set(classes()) == set(SHOWN)


@pytest.mark.parametrize("name", [*SHOWN, *MORE])
def test_what_shows_itself_is_untypeset(work: Path, name: str) -> None:
    assert is_untypeset({**SHOWN, **MORE}[name]()._repr_html_())


@pytest.mark.long
@given(st_text=strategies.text(max_size=60), number=strategies.integers(0, len(MATHEMATICS) - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_row_is_shown_untypeset(work: Path, st_text: Any, number: Any) -> None:
    evil = f"{st_text}{MATHEMATICS[number]}{st_text}"
    row = replace(ROW, text=evil, code=evil, source=evil, request_body=evil, response_body=evil)
    for shown in (
        st.diagnose(row),
        st.diagnose([row, row]),
        st.tips(row),
        st.plan(row),
        st.replay(row),
    ):
        assert is_untypeset(shown._repr_html_())


# --- panels ---------------------------------------------------------------------------------------


def widgets_of(widget: Any) -> Iterator[Any]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from widgets_of(child)


def press_all(panel: Any) -> None:
    for one in list(widgets_of(panel)):
        if isinstance(one, ipywidgets.Button) and not one.disabled:
            one.click()
            if hasattr(panel, "batch"):
                panel.batch.wait()


PANELS = sorted(name for name in panels.__all__ if name.endswith("Panel"))


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_its_html_and_its_twin_are_untypeset_and_no_label_holds_evidence(
    work: Path, name: Any
) -> None:
    panel = getattr(panels, name)(with_a_case())
    press_all(panel)
    found = list(widgets_of(panel))
    htmls = [one for one in found if isinstance(one, ipywidgets.HTML)]
    assert set(panel._dom_classes) >= {"mathjax_ignore", "tex2jax_ignore"}
    assert any(one.value for one in htmls)
    assert [one.value for one in htmls if one.value and not is_untypeset(one.value)] == []
    assert is_untypeset(panel._static_html())
    labels = [getattr(one, "description", "") for one in found]
    assert [words for words in labels if set(words) & set("$\\")] == []
    assert not [one for one in found if isinstance(one, ipywidgets.HTMLMath | ipywidgets.Label)]


@pytest.mark.parametrize("html", [*MATHEMATICS, error_card(ValueError(HOSTILE))])
def test_html_of_a_panel_is_untypeset_whatever_it_is(html: Any) -> None:
    one = Html(html)
    assert is_untypeset(one.value) and html in one.value
    one.value = ""
    assert one.value == ""
    one.value = f"<b>{html}</b>"
    assert is_untypeset(one.value)


# --- cells ----------------------------------------------------------------------------------------


FRAMES = {
    "evidence": "case.evidence.frame()",
    "its first rows": "case.evidence.frame().head()",
    "diagnoses": "st.diagnose([*case.evidence]).frame()",
    "a plan": "st.plan([*case.evidence]).frame()",
    "codes": "st.analysis.codes(case.evidence.frame())",
    "groups": "st.analysis.groups(case.evidence.frame())",
    "one column": "case.evidence.frame()[['text']]",
    "turned": "case.evidence.frame().T",
    "styled": "case.evidence.frame().style",
    "a user's own": "import pandas\npandas.DataFrame({'x': ['$5 and $6$']})",
    "polars": "import polars\npolars.DataFrame({'x': ['$5 and $6$']})",
}


@pytest.fixture
def notebook(work: Path) -> Iterator[Notebook]:
    with_a_case()
    with Notebook() as notebook:
        notebook.run("import sinchtools as st\ncase = st.Case('4711')", "first")
        yield notebook


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_untypeset(notebook: Notebook, name: str) -> None:
    notebook.run(FRAMES[name], "frame")
    (view,) = [view for view in notebook.views["frame"] if "text/html" in view]
    assert is_untypeset(view["text/html"])


def test_another_way_to_show_frames_stays(notebook: Notebook) -> None:
    html = notebook.shell.display_formatter.formatters["text/html"]
    html.for_type(pd.DataFrame, lambda frame: "theirs")
    show_frames_as_text()
    assert html(pd.DataFrame({"x": [1]})) == "theirs"


def test_the_import_alone_lets_frames_pass_and_loads_no_library_of_frames(tmp_path: Path) -> None:
    said = said_by_ipython(
        tmp_path,
        "import sys, sinchtools\nprint('pandas' in sys.modules)\nimport pandas\n"
        "html = get_ipython().display_formatter.formatters['text/html']\n"
        "html.enabled = True  # a terminal does not ask for it\n"
        "print(html(pandas.DataFrame({'x': ['$5 and $6$']})))",
    )
    assert said.startswith("False\n<div class='mathjax_ignore")


def said_by_ipython(folder: Any, code: Any) -> Any:
    options = ["--no-banner", "--HistoryManager.enabled=False", "--colors=NoColor"]
    return subprocess.run(
        [sys.executable, "-m", "IPython", *options, "-c", code],
        env={**os.environ, "IPYTHONDIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_frame_that_has_no_html_shows_none(notebook: Notebook) -> None:
    html = notebook.shell.display_formatter.formatters["text/html"]
    with pd.option_context("display.notebook_repr_html", False):
        assert html(pd.DataFrame({"x": [1]})) is None
