"""
The pictures of docs/charts.md, one for each chart, drawn from seeded traffic.

`python docs/charts.py`.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from sinchtools import charts
from tools.traffic import fast_traffic

PICTURES = Path(__file__).parent / "charts"


def main() -> None:
    """Write the pictures; the same code writes the same bytes."""
    rows = fast_traffic(20_000, seed=4711)
    PICTURES.mkdir(exist_ok=True)
    for draw in charts.ALL:
        options = {"top": 10} if draw is charts.latency else {}
        chart = draw(rows, source="seeded traffic of three made-up customers", **options)
        path = PICTURES / f"{draw.__name__.replace('_', '-')}.png"
        drawn = io.BytesIO()
        chart.savefig(drawn, format="png", dpi=80)
        Image.open(drawn).convert("RGB").quantize(128).save(path, optimize=True)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB. {chart.description}")


if __name__ == "__main__":
    main()
