"""
Below a cell stands OUT OF DATE exactly when its result no longer follows from what there is.

A missing name is told with its cell.
"""

import gc
import json
import threading
import weakref

import pytest

from sinchtools.evidence import read
from sinchtools.notebook.cellnames import names_of
from sinchtools.playbooks.playbook import tips
from tests.support.shell import BAD, Notebook


@pytest.fixture
def notebook(work):
    with Notebook(guarded=True) as notebook:
        notebook.run("import sinchtools as st", "import")
        yield notebook


@pytest.mark.parametrize(
    ("first", "view", "then", "is_stale"),
    [
        pytest.param("rows = [1]", "rows", "rows = [1]", True, id="another-object"),
        pytest.param("rows = [1]", "rows", "other = [1]", False, id="another-name"),
        pytest.param(
            "code = 'not found'", "code", "code = 'not ' + 'found'", False, id="an-equal-value"
        ),
        pytest.param(
            "code = 403", "code", "code = 403.0", True, id="an-equal-value-of-another-kind"
        ),
        pytest.param("rows = [1]", "rows", "del rows", True, id="no-object"),
        pytest.param("rows = {}", "rows", "rows['x'] = 1", True, id="changed-in-its-place"),
        pytest.param("rows = [1]", "rows", "rows += [2]", True, id="added-to"),
        pytest.param("rows = [1]", "rows", "rows.append(2)", True, id="changed-by-its-method"),
        pytest.param(
            "rows = [1]",
            "rows",
            "last = rows.pop()",
            True,
            id="changed-by-its-method-whose-value-is-kept",
        ),
        pytest.param("rows = [1]", "rows", "rows.count(1)", False, id="asked-by-its-method"),
        pytest.param(
            "rows = [1]",
            "rows = [2]; rows.append(3); rows",
            "rows = [3]",
            False,
            id="its-own-changed-by-its-method",
        ),
        pytest.param(
            "import pandas\nrows = pandas.DataFrame({'x': [1]})",
            "rows",
            "rows.drop(0, inplace=True)",
            True,
            id="a-frame-in-its-place",
        ),
        pytest.param(
            "import pandas\nrows = pandas.DataFrame({'x': [1]})",
            "rows",
            "rows.add(1)",
            False,
            id="a-frame-made-from-a-frame",
        ),
        pytest.param(
            "rows = {}",
            "rows",
            "rows['x'] = 1; 1 / 0",
            True,
            id="changed-by-a-cell-that-failed-then",
        ),
        pytest.param("rows = [1]", "%time rows", "rows = [2]", True, id="timed"),
        pytest.param(
            "rows = [1]",
            "mine = %timeit -n 1 -r 1 -o rows\nmine",
            "rows = [2]",
            True,
            id="timed-often",
        ),
        pytest.param("rows = [1]", "%%time\nrows", "rows = [2]", True, id="a-cell-timed"),
        pytest.param(
            "rows = [1]", "%%capture shown\nprint(rows)", "rows = [2]", True, id="a-cell-captured"
        ),
        pytest.param(
            "%time rows = [1]", "rows", "%time rows = [2]", True, id="made-anew-in-a-magic"
        ),
        pytest.param("rows = [1]", "rows = [2]; rows", "rows = [3]", False, id="its-own"),
        pytest.param(
            "rows = [1]",
            "if rows:\n    mine = rows\nmine",
            "mine = 1",
            True,
            id="its-own-in-a-branch-only",
        ),
        pytest.param(
            "rows = [1]", "[x for x in rows]", "x = 1", False, id="a-name-of-a-comprehension"
        ),
        pytest.param("rows = [1]", "(lambda: rows)()", "rows = [2]", True, id="read-in-a-function"),
        pytest.param(
            "n = 5\ndef f(): return n",
            "f()",
            "n = 6",
            True,
            id="read-in-a-function-of-the-cell-that-made-it",
        ),
        pytest.param(
            "n = 5\nf = lambda: n",
            "f()",
            "n = 6",
            True,
            id="read-in-a-lambda-of-the-cell-that-made-it",
        ),
        pytest.param("n = 5\ndef f(n): return n", "f(1)", "n = 6", False, id="a-parameter"),
        pytest.param(
            "n = 5",
            "[n for n in [1]]\nn",
            "n = 6",
            True,
            id="a-name-of-a-comprehension-is-not-made-by-the-cell",
        ),
        pytest.param(
            "n = 5",
            "try:\n    pass\nexcept* OSError:\n    n = 1\nn",
            "n = 6",
            True,
            id="its-own-in-a-group-of-errors-only",
        ),
        pytest.param(
            "n = 5",
            "async def f():\n    n = 1\nn",
            "n = 6",
            True,
            id="a-name-of-a-coroutine-is-not-made-by-the-cell",
        ),
        pytest.param("rows = [1]", "print(rows)", "rows = [2]", True, id="printed"),
        pytest.param(
            "class Bag: pass\nbag = Bag()",
            "bag",
            "bag = Bag()",
            True,
            id="an-object-that-nobody-else-holds",
        ),
    ],
)
def test_a_cell_is_out_of_date_when_what_it_read_is_another(notebook, first, view, then, is_stale):
    notebook.run(first, "first")
    notebook.run(view, "view")
    assert notebook.card("view") == ""
    notebook.run(then, "then")
    assert ("OUT OF DATE" in notebook.card("view")) is is_stale


def test_the_card_names_what_changed_and_the_cell_that_made_it(notebook):
    notebook.run("rows = [1]", "first")
    notebook.run("rows", "view")
    number = notebook.run("rows = [2]", "first").execution_count
    assert (
        notebook.card("view")
        == f"OUT OF DATE: `rows` was made anew after this ran (cell [{number}]). Run this "
        f"cell again."
    )
    assert "<div role='status'" in notebook.card(
        "view", "text/html"
    ) and "<code>rows</code>" in notebook.card("view", "text/html")
    assert "var(--jp-" in notebook.card("view", "text/html")


def test_a_name_that_was_deleted_is_told_to_be_gone(notebook):
    for source, cell in (("rows = [1]", "first"), ("rows", "view")):
        notebook.run(source, cell)
    number = notebook.run("del rows", "del").execution_count
    assert (
        notebook.card("view")
        == f"OUT OF DATE: `rows` is gone (cell [{number}]). Make it again, then run this "
        f"cell again."
    )


def test_run_again_a_cell_is_in_date(notebook):
    for source, cell in (
        ("rows = [1]", "first"),
        ("rows", "view"),
        ("rows = [2]", "first"),
        ("rows", "view"),
    ):
        notebook.run(source, cell)
    assert notebook.guard.check() == {}
    assert notebook.card("view") == ""


def test_a_card_goes_when_its_reason_does(notebook):
    for source, cell in (("code = 403", "first"), ("code", "view"), ("code = 401", "first")):
        notebook.run(source, cell)
    assert notebook.card("view")
    notebook.run("code = 403", "first")
    assert notebook.card("view") == ""


def test_what_was_made_from_something_out_of_date_is_out_of_date(notebook):
    for source, cell in (
        ("code = 403", "code"),
        ("rows = [code]", "rows"),
        ("n = len(rows)", "n"),
        ("n", "view"),
        ("code = 401", "code"),
    ):
        notebook.run(source, cell)
    assert set(notebook.guard.check()) == {"rows", "n", "view"}
    assert "`n` comes from cell" in notebook.card("view")
    notebook.run("rows = [code]", "rows")
    assert set(notebook.guard.check()) == {"n", "view"}
    notebook.run("n = len(rows)", "n")
    assert notebook.guard.check() == {}  # the same number as before


def test_a_maker_that_ran_again_to_the_same_object_is_still_a_maker(notebook):
    for source, cell in (
        ("code, rows = 403, [1]", "code"),
        ("row = rows if code else 0", "row"),
        ("row", "view"),
        ("row = rows if code else 0", "row"),
    ):
        notebook.run(source, cell)
    assert notebook.guard.check() == {}
    notebook.run("code = 401", "other")
    assert set(notebook.guard.check()) == {"row", "view"}
    notebook.run("code = 403", "other")
    assert notebook.guard.check() == {}


def test_cells_that_feed_each_other_are_in_date_again_with_what_feeds_both(notebook):
    for source, cell in (
        ("code, b = 403, [1]", "code"),
        ("a = [code, b]", "a"),
        ("b = a and b", "b"),
        ("code = 401", "other"),
    ):
        notebook.run(source, cell)
    assert {"a", "b"} <= set(notebook.guard.check())
    notebook.run("code = 403", "other")
    assert notebook.guard.check() == {}


def test_a_maker_that_fails_when_it_is_run_again_does_not_make_its_views_fresh(notebook):
    for source, cell in (
        ("code = 403", "code"),
        ("rows = [code]", "rows"),
        ("rows", "view"),
        ("code = 401", "code"),
        ("rows = 1 / 0", "rows"),
    ):
        notebook.run(source, cell)
    assert "OUT OF DATE" in notebook.card("view")


CHANGES = {
    "evidence": lambda case: case.add([BAD]),
    "note": lambda case: case.note("x"),
    "walk": lambda case: case.add_walk(tips(401)),
    "log": lambda case: case.log.add([BAD]),
    "chart": lambda case: (case.charts / "codes.png").write_bytes(b""),
}


@pytest.mark.parametrize(
    ("view", "stale_after"),
    [
        ("case", {"evidence", "note", "walk", "log", "chart"}),
        ("len(case.evidence.failing())", {"evidence"}),
        ("case.notes", {"note"}),
        ("case.walks[:1]", {"walk"}),
        ("case.log", {"log"}),
        ("case.log.frame()", {"log"}),
        ("dict(log=case.log)", set()),
        ("case.folder, case.name", set()),
        ("sorted(case.charts.glob('*'))", {"chart"}),
        ("print(case.charts / 'codes.png')", set()),
        ("case = st.Case('4711'); case.evidence", {"evidence"}),
    ],
)
def test_a_view_of_a_case_is_out_of_date_when_another_kernel_changed_what_it_shows(
    notebook, view, stale_after
):
    import sinchtools as st

    notebook.run("case = st.Case('4711', 'HTTP/1.1 403 Forbidden')", "case")
    found = set()
    for name, change in CHANGES.items():
        notebook.run(view, "view")
        assert notebook.guard.check() == {}
        change(st.Case("4711"))
        found |= {name} if "view" in notebook.guard.check() else set()
    assert found == stale_after


def test_what_rests_on_the_evidence_of_a_case_is_out_of_date_with_it(notebook):
    import sinchtools as st

    for source, cell in (
        ("case = st.Case('4711', 'HTTP/1.1 403 Forbidden')\nevidence = case.evidence", "case"),
        ("len(evidence)", "view"),
    ):
        notebook.run(source, cell)
    st.Case("4711").add([BAD])
    assert set(notebook.guard.check()) == {"case", "view"}


def test_a_case_is_still_good_when_the_cell_that_opened_it_shows_old_evidence(notebook):
    import sinchtools as st

    notebook.run("name = '4711'", "name")
    notebook.run("case = st.Case(name, 'HTTP/1.1 403 Forbidden')\ncase.evidence", "case")
    notebook.run("case.notes", "view")
    st.Case("4711").add([BAD])
    assert set(notebook.guard.check()) == {"case"}
    notebook.run("name = '4712'", "name")
    assert set(notebook.guard.check()) == {"case", "view"}


def test_what_another_kernel_changed_while_a_cell_ran_is_seen(notebook):
    import sinchtools as st

    notebook.shell.user_ns["meanwhile"] = lambda: st.Case("4711").note("x")
    notebook.run("case = st.Case('4711', 'HTTP/1.1 403 Forbidden')", "case")
    notebook.run("n = len(case.notes)\nmeanwhile()\nn", "view")
    assert set(notebook.guard.check()) == {"view"}


@pytest.mark.parametrize("act", ["case.note('x')", "st.replay(case.evidence[0], log=case.log)"])
def test_what_a_cell_changes_itself_is_no_news_to_it(notebook, act):
    notebook.run("case = st.Case('4711', 'HTTP/1.1 403 Forbidden')", "case")
    notebook.run(f"{act}\ncase", "view")
    assert notebook.guard.check() == {}


def test_a_cell_run_again_and_again_keeps_hold_of_its_last_object_only(notebook):
    class Mark:
        pass

    notebook.shell.user_ns |= {"Mark": Mark, "rows": [Mark()]}
    notebook.run("rows = [Mark()] * len(rows)", "more")
    first = weakref.ref(notebook.shell.user_ns["rows"][0])
    for _ in range(3):
        notebook.run("rows = [Mark()] * len(rows)", "more")
    gc.collect()
    assert first() is None


def test_a_walk_that_went_on_makes_its_views_out_of_date(notebook):
    for source, cell in (
        ("walk = st.tips(401)", "walk"),
        ("walk", "view"),
        ("walk.answer('skipped')", "answer"),
    ):
        notebook.run(source, cell)
    assert set(notebook.guard.check()) == {"view"}


def test_a_panel_tells_by_itself_that_its_case_changed(notebook):
    import sinchtools as st

    notebook.run("case = st.Case('4711', 'HTTP/1.1 403 Forbidden')", "case")
    notebook.run("panel = st.panels.ReportPanel(case)\npanel", "panel")
    st.Case("4711").note("x")
    assert notebook.guard.check() == {}
    notebook.run("case = st.Case('4711')", "case")
    assert set(notebook.guard.check()) == {"panel"}


def test_a_case_whose_folder_is_gone_is_out_of_date(notebook):
    import shutil

    notebook.run("case = st.Case('4711', 'HTTP/1.1 403 Forbidden')", "case")
    notebook.run("case", "view")
    shutil.rmtree(notebook.shell.user_ns["case"].folder)
    assert "view" in notebook.guard.check()


def test_a_cell_without_a_view_gets_no_place_for_a_card(notebook):
    notebook.run("rows = [1]", "first")
    notebook.run("rows.append(2)", "act")
    assert [notebook.has_place(cell) for cell in ("first", "act", "import")] == [False] * 3


# --- a name that is not there yet -----------------------------------------------------------------


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """The notebook's file, as the server names it to the kernel."""
    sources = [
        "import sinchtools as st",
        "\nframe = evidence.frame()\nframe.head()",
        "frame = frame.dropna()",
        "%%time\nfound = 1",
    ]
    cells = [
        {"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources
    ]
    path = tmp_path / "02.ipynb"
    path.write_text(
        json.dumps({"cells": [{"cell_type": "markdown", "source": ["# frame = 1"]}, *cells]})
    )
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    return path


def test_a_missing_name_is_told_with_the_cell_that_makes_it_and_stays_an_error(notebook, saved):
    result = notebook.run("frame.tail()", "view")
    said = (
        "`frame` is not there yet: run the cell that begins with `frame = evidence.frame()` "
        "first (or Run > Run All Above Selected Cell)."
    )
    assert notebook.errors == [said]
    assert isinstance(result.error_in_exec, NameError) and str(result.error_in_exec) == said


def test_a_cell_that_is_timed_makes_its_names_too(notebook, saved):
    notebook.run("found", "view")
    assert notebook.errors[0].startswith(
        "`found` is not there yet: run the cell that begins with `%%time` first"
    )


@pytest.mark.parametrize("content", [None, "", "{}", '{"cells": 1}', '{"cells": []}'])
def test_without_a_readable_notebook_file_the_way_to_the_cell_is_told(notebook, saved, content):
    saved.unlink() if content is None else saved.write_text(content)
    notebook.run("frame.tail()", "view")
    assert notebook.errors[0].startswith(
        "`frame` is not there: run the cell that makes it first (Run > Run All Above"
    )


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("fram", id="a-name-that-no-cell-makes"),
        pytest.param(
            "st.diagnose.__globals__['diagnose'](frame_of_ours) if False else exec('frame', {})",
            id="elsewhere-than-in-the-notebook",
        ),
        pytest.param("def f():\n    print(frame)\n    frame = 1\nf()", id="a-local-name"),
        pytest.param("1 / 0", id="another-error"),
    ],
)
def test_every_other_error_is_told_as_always(notebook, saved, source):
    notebook.run(source, "view")
    assert "is not there" not in notebook.errors[0] and "Traceback" in notebook.errors[0]


# --- coming and going -----------------------------------------------------------------------------


def test_nothing_is_left_of_it_when_it_is_unloaded(work):
    with Notebook(guarded=True) as notebook:
        assert "sinchtools-freshness" in [thread.name for thread in threading.enumerate()]
        looking = next(
            thread for thread in threading.enumerate() if thread.name == "sinchtools-freshness"
        )
        notebook.run("%unload_ext sinchtools", "unload")
        looking.join(timeout=10)
        assert not looking.is_alive()
        for source, cell in (
            ("rows = [1]", "first"),
            ("rows", "view"),
            ("rows = [2]", "first"),
            ("fram", "wrong"),
        ):
            notebook.run(source, cell)
        assert notebook.card("view") == "" and "Traceback" in notebook.errors[0]


def test_it_looks_by_itself_between_cells(work, monkeypatch):
    monkeypatch.setattr("sinchtools.notebook.freshness.LOOK_EVERY_S", 0.01)
    looked = threading.Event()
    with Notebook(guarded=True) as notebook:
        monkeypatch.setattr(notebook.guard, "check", lambda: looked.set())
        assert looked.wait(timeout=10)


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "name_read", "written", "changed"),
    [
        ("a.b.c(d)", [("a", "b.c", False), ("d", "", False)], set(), set()),
        ("x, y = 1, a", [("a", "", False)], {"x", "y"}, set()),
        ("import os.path as p, sys", [], {"p", "sys"}, set()),
        ("d[a] = 1", [("d", "", False), ("a", "", False)], set(), {"d"}),
        ("d.loc[a] = 1", [("d", "loc", False), ("a", "", False)], set(), {"d"}),
        ("d.x = a", [("d", "x", False), ("a", "", False)], set(), {"d"}),
        ("n += a", [("n", "", False), ("a", "", False)], {"n"}, {"n"}),
        (
            "def f(x, y=a):\n    z = x + b\n    return z",
            [("a", "", False), ("b", "", False)],
            {"f"},
            set(),
        ),
        ("f(log=case.log)", [("f", "", False), ("case", None, False)], set(), set()),
        (
            "save(chart, case.charts / 'x')",
            [("save", "", False), ("chart", "", False), ("case", None, False)],
            set(),
            set(),
        ),
        (
            "@deco\ndef f(x):\n    def g(y):\n        return x + y + z\n    z = 1\n    return g",
            [("deco", "", False)],
            {"f"},
            set(),
        ),
        ("rows = [1]\nx = [x for x in rows]", [("rows", "", True)], {"rows", "x"}, set()),
        ("n = 1\nf = lambda m, k=n: m + n", [("n", "", True), ("n", "", False)], {"n", "f"}, set()),
        ("not python at all", [], set(), set()),
    ],
)
def test_the_names_of_a_cell(source, name_read, written, changed):
    names = names_of(source)
    assert (names.read, names.written, names.changed) == (name_read, written, changed)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("[x for x in y]", set()),
        ("{x for x in y if x}", set()),
        ("{x: 1 for x, (z, *w) in y}", set()),
        ("list(x for x in y)", set()),
        ("[[x for x in z] for z in y]", set()),
        ("def f(x): pass\n[x for x in y]", {"f"}),
        ("def f():\n    return [x for x in y]", {"f"}),
        ("f = lambda: [x for x in y]", {"f"}),
        ("for x in y: [x for x in z]", {"x"}),
        ("[x for x in y]\nx = 1", {"x"}),
        ("import x\n[x for x in y]", {"x"}),
        ("def x(): pass\n[x for x in y]", {"x"}),
        ("try: pass\nexcept E as x: [x for x in y]", {"x"}),
        ("match y:\n    case [z, *x]: [x for x in z]", {"x", "z"}),
        ("match y:\n    case {'z': z, **x}: [x for x in z]", {"x", "z"}),
        ("def f():\n    global x\n    x = 1\n[x for x in y]", {"f"}),
    ],
)
def test_what_a_comprehension_loops_with_is_no_name_of_the_cell(source, written):
    assert names_of(source).written == written


def test_every_answer_moves_the_version_of_a_walk():
    walk = tips(read("HTTP/1.1 401 Unauthorized")[0])
    seen = [walk.version]
    for act in (lambda: walk.answer("skipped"), walk.back):
        act()
        seen.append(walk.version)
    assert seen == sorted(set(seen))
