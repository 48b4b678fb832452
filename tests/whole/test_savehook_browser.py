"""What JupyterLab itself saves of a notebook, again and again."""

import json

import pytest
from nbformat.v4 import new_code_cell, new_notebook, writes

from sinchtools.privacy.alias_forms import ALIASED
from tests.notebook.test_savehook import KERNEL, MARK, NUMBER, TEXT, TOKEN
from tests.support.lab import Lab, run_all, wait_idle

pytestmark = pytest.mark.browser
CODE = f"""
from IPython.display import HTML, display
import ipywidgets
print("{NUMBER}")
display(ipywidgets.Text(value="{TEXT}"))
display(HTML("<b id=twin>nobody</b>"), metadata={ALIASED})
token = "{TOKEN}"
raise ValueError("{NUMBER}")
"""


def test_jupyterlab_saves_edits_and_saves_again_and_shows_the_twin_when_opened_anew(
    lab: Lab,
) -> None:
    path = lab.root / "saved.ipynb"
    path.write_text(
        writes(new_notebook(cells=[new_code_cell(CODE)], metadata={"kernelspec": KERNEL}))
    )
    page = lab.open(path.name)
    run_all(page)
    wait_idle(page)
    for size, words in enumerate(("", "# one\n", "# two\n")):
        page.locator(".jp-Notebook .cm-content").first.click()
        page.keyboard.press("Control+Home")
        page.keyboard.type(words)
        with page.expect_response(
            lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url
        ):
            page.keyboard.press("Control+s")
        page.wait_for_function("() => !document.querySelector('.lm-TabBar-tab.jp-mod-dirty')")
        assert page.locator(".jp-Dialog").count() == 0, size
    assert (
        NUMBER in page.locator(".jp-OutputArea").first.inner_text()
    )  # the open page keeps what it shows
    page.close()
    text = path.read_text()
    assert text.count("# one") == text.count("# two") == 1 and MARK in text
    (kept,) = json.loads(text)["cells"][0]["outputs"]
    assert "nobody" in "".join(kept["data"]["text/html"])
    assert not [canary for canary in (TOKEN, '"value"', "Traceback") if canary in text]
    page = lab.open(path.name)
    page.locator(".jp-OutputArea", has_text="nobody").wait_for()
    page.close()
    written = [*lab.root.rglob("*.ipynb"), *lab.home.rglob("*.ipynb")]
    assert path in written
    assert not [found for found in written if TOKEN in found.read_text()]
