"""Run every benchmark (or those named on the command line), print their figures, and write them to RESULTS.md with date and machine."""

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
    """Run the scripts in order; the exit code says whether one of them failed or missed its bound."""
    scripts = [HERE / f"bench_{name}.py" for name in names] if names else sorted(HERE.glob("bench_*.py"))
    sections, failed = _kept(), []
    for script in scripts:
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=HERE.parent, check=False)
        print(f"== {script.stem}\n{done.stdout}{done.stderr}", flush=True)
        failed += [script.stem] * bool(done.returncode)
        if not done.returncode or done.stdout:
            sections[script.stem] = f"{_machine()}\n\n```text\n{done.stdout.rstrip()}\n```"
    text = "\n\n".join(f"## {name}\n\n{body}" for name, body in sorted(sections.items()))
    RESULTS.write_text(f"# Figures, as printed by `make bench` and `make check-long`\n\n{text}\n", encoding="utf-8")
    print(f"{len(scripts) - len(failed)} of {len(scripts)} within their bounds" + f"; not: {', '.join(failed)}" * bool(failed))
    return int(bool(failed))


def _kept() -> dict[str, str]:
    if not RESULTS.exists():
        return {}
    parts = RESULTS.read_text(encoding="utf-8").split("\n## ")[1:]
    return {name.strip(): body.strip() for name, _, body in (part.partition("\n") for part in parts)}


def _machine() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
