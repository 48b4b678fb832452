"""
The pictures of docs/charts.md, drawn from seeded traffic, and a section for each chart.

`python docs/charts.py`; with names of charts, only those are drawn.
"""

from __future__ import annotations

import inspect
import io
import re
import sys
import textwrap
from pathlib import Path

from sinchtools import charts
from sinchtools.charts import Kind

PAGE = Path(__file__).with_suffix(".md")
PICTURES = Path(__file__).parent / "charts"
_SECTIONS = re.compile(
    r"(?<=<!-- charts -->\n\n).*?(?=^## What stands out)", re.DOTALL | re.MULTILINE
)


def main(names: list[str]) -> None:
    """Write the pictures and the page; the same code writes the same bytes."""
    draw([kind for kind in charts.KINDS if not names or kind.name in names])
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def page(text: str) -> str:
    """Return the page with a section for each chart, as its docstring describes it."""
    return _SECTIONS.sub(lambda _: "".join(map(section, charts.KINDS)), text)


def section(kind: Kind) -> str:
    """Return the question, what the chart shows, and its picture."""
    about = inspect.getdoc(kind.draw) or ""
    paragraphs = about.partition("\nParameters\n")[0].split("\n\n")
    words = "\n\n".join(textwrap.fill(paragraph, 100) for paragraph in paragraphs).strip()
    picture = f"![{kind.question} Drawn from seeded traffic.](charts/{kind.file}.png)"
    return f"## {kind.question} `st.charts.{kind.name}`\n\n{words}\n\n{picture}\n\n"


def draw(kinds: list[Kind]) -> None:
    """Draw the pictures."""
    from PIL import Image

    from tools.traffic import fast_traffic

    rows = fast_traffic(20_000, seed=4711)
    PICTURES.mkdir(exist_ok=True)
    for kind in kinds:
        options = {"top": 10} if kind.draw is charts.latency else {}
        chart = kind.draw(rows, source="seeded traffic of three made-up customers", **options)
        path = PICTURES / f"{kind.file}.png"
        drawn = io.BytesIO()
        chart.savefig(drawn, format="png", dpi=80)
        Image.open(drawn).convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE).save(
            path, optimize=True
        )
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB. {chart.description}")


if __name__ == "__main__":
    main(sys.argv[1:])
