"""
Run every benchmark, or those named on the command line, and print the figures.

The figures go into RESULTS.md, with date and machine.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"


def main(names: list[str]) -> int:
    """
    Run the scripts in order.

    The exit code says whether one of them failed or missed its bound.
    """
    scripts = (
        [HERE / f"bench_{name}.py" for name in names] if names else sorted(HERE.glob("bench_*.py"))
    )
    failed = []
    for script in scripts:
        done = subprocess.run(
            [sys.executable, str(script)],
            capture_output=True,
            text=True,
            cwd=HERE.parent,
            check=False,
        )
        print(f"== {script.stem}\n{done.stdout}{done.stderr}", flush=True)
        failed += [script.stem] * bool(done.returncode)
        if done.stdout:
            keep(script.stem, done.stdout)
    print(
        f"{len(scripts) - len(failed)} of {len(scripts)} within their bounds"
        + f"; not: {', '.join(failed)}" * bool(failed)
    )
    return int(bool(failed))


def keep(name: str, figures: str) -> None:
    """
    Put figures into RESULTS.md under their name, with date and machine.

    They replace the earlier figures of that name.
    """
    parts = RESULTS.read_text(encoding="utf-8").split("\n## ")[1:] if RESULTS.exists() else []
    sections = {
        title.strip(): body.strip() for title, _, body in (part.partition("\n") for part in parts)
    }
    machine = (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()},"
        f" {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    sections[name] = f"{machine}\n\n```text\n{figures.rstrip()}\n```"
    text = "\n\n".join(f"## {title}\n\n{body}" for title, body in sorted(sections.items()))
    RESULTS.write_text(
        f"# Figures, as printed by `make bench` and `make check-long`\n\n{text}\n", encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
