"""Print the size and the shape of the package beside their bounds; `--climbs` traces a plan too."""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sinchtools"
SPINE = ("core", "privacy", "api", "client", "diagnosis", "replays")
# the packages in their order: one may import only what is left of it
ORDER = [
    "core",
    "privacy",
    "api",
    "sandbox",
    "client",
    "evidence",
    "diagnosis",
    "playbooks",
    "replays",
    "analysis",
    "charts",
    "cases",
    "agents",
    "notebook",
    "terminal",
]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def main() -> int:
    files = {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
    lines = {path: text.count("\n") for path, text in files.items()}
    functions = [length for text in files.values() for length in _function_lines(text)]
    graph = imports(files)
    rows = [
        ("lines of the package", sum(lines.values()), 27_000),
        ("lines of the spine", sum(n for path, n in lines.items() if _part(path) in SPINE), 11_500),
        ("lines of the largest file", max(lines.values()), 500),
        (
            "longest line",
            max(len(line) for text in files.values() for line in text.split("\n")),
            100,
        ),
        ("function lines, median", int(statistics.median(functions)), 8),
        ("function lines, p90", int(statistics.quantiles(functions, n=10)[-1]), 20),
        ("function lines, longest", max(functions), 60),
        ("import layers", _layers(graph), 14),
        ("lines with fmt: skip", sum(text.count("# fmt: skip") for text in files.values()), 15),
    ]
    if "--climbs" in sys.argv:
        rows.append(("climbs of plan(evidence)", climbs(), 8))
    for name, value, bound in rows:
        print(f"{name:28} {value:>7,}  bound {bound:>7,}  {'held' if value <= bound else 'MISSED'}")
    for path in sorted(lines, key=lines.__getitem__, reverse=True)[:5]:
        print(f"  {lines[path]:>5}  {path.relative_to(PACKAGE)}")
    return int(any(value > bound for _, value, bound in rows))


def _part(path: Path) -> str:
    """Return the package of a file."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _function_lines(text: str) -> Iterator[int]:
    """Yield the length of each function without its docstring and its decorators."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            first = node.body[0]
            if ast.get_docstring(node) is not None and first.end_lineno is not None:
                size -= first.end_lineno - first.lineno + 1
            yield size


def imports(files: dict[Path, str]) -> dict[str, set[str]]:
    """Return which packages each package imports, in any place of a file."""
    graph: dict[str, set[str]] = {part: set() for part in ORDER}
    for path, text in files.items():
        if _part(path) in graph:
            graph[_part(path)] |= set(_named(text)) & set(ORDER) - {_part(path)}
    return graph


def _named(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sinchtools":
            parts = (node.module or "").split(".")
            yield from parts[1:2] or [alias.name for alias in node.names]


def _layers(graph: dict[str, set[str]]) -> int:
    """Return how many floors the packages have; a cycle counts as a thousand."""
    floor: dict[str, int] = {}
    try:
        for part in TopologicalSorter(graph).static_order():
            floor[part] = 1 + max((floor[below] for below in graph[part]), default=0)
    except CycleError as error:
        print("a cycle:", *error.args[1])
        return 1000
    return max(floor.values())


def climbs() -> int:
    """Return how often a plan calls from a package into one above it."""
    sys.path.insert(0, str(ROOT))  # this checkout, wherever the installed one is
    import sinchtools as st

    evidence = st.read(
        'curl https://us.sms.api.sinch.com/xms/v1/p/batches -H "Authorization: '
        'Bearer {token}" -d \'{"to": ["+15551230001"], "body": "Hi"}\''
    )
    st.plan(evidence)  # what loads on first use is loaded
    walk: list[str] = []

    def trace(frame: object, event: str, _: object) -> None:
        name = getattr(frame, "f_globals", {}).get("__name__", "")
        if event == "call" and name.startswith("sinchtools."):
            part = name.split(".")[1]
            if part in ORDER and (not walk or walk[-1] != part):
                walk.append(part)

    sys.setprofile(trace)
    st.plan(evidence)
    sys.setprofile(None)
    ups = [(one, two) for one, two in pairwise(walk) if ORDER.index(two) > ORDER.index(one)]
    print("  the walk:", " ".join(walk))
    return len(ups)


if __name__ == "__main__":
    sys.exit(main())
