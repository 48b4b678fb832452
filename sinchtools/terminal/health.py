"""
Say in plain words what is wrong with this machine or configuration, and what to do.

Nothing is sent anywhere.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from sinchtools.client.disk import disk_of
from sinchtools.core import settings
from sinchtools.core.errors import LogError
from sinchtools.core.html import card, table
from sinchtools.core.records import visible
from sinchtools.notebook.installed import SERVER, cleans_what_it_saves, kernel_folder
from sinchtools.notebook.shell import (
    CLEAN_IT,
    KERNEL,
    SAVED_AS_SHOWN,
    SAVES_HISTORY,
    SWITCHED_ON,
    TURN_HISTORY_OFF,
    history_file,
    ipython_shell,
)

OLDEST_PYTHON = (3, 11)
_RELEASED = datetime(2025, 1, 1, tzinfo=UTC)  # a clock that is right is later
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_PANELS = {
    "ipywidgets": "the panels",
    "jupyterlab_widgets": "showing the panels in JupyterLab",
    "ipykernel": "running the notebooks",
}
_SAME_AGE = (Requirement("ipywidgets>=8.1"), Requirement("jupyterlab_widgets>=3"))
_WORDS = {"ok": "ok", "look": "LOOK", "wrong": "WRONG"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    One thing that was checked.

    It is ``ok``, ``look`` (works, but worth a look) or ``wrong``, with what was seen and what to
    do.
    """

    name: str
    state: str = "ok"
    says: str
    then: str = ""


class Checkup(list[Check]):
    """All that was looked at; shows itself as text and in a notebook."""

    @property
    def has_problem(self) -> bool:
        """Whether something is wrong."""
        return any(check.state == "wrong" for check in self)

    def as_json(self) -> dict[str, Any]:
        """Return what ``sinchtools doctor --json`` prints."""
        return {"ok": not self.has_problem, "checks": [asdict(check) for check in self]}

    def __str__(self) -> str:
        lines = (f"{_WORDS[c.state]:<6}{c.name}: {f'{c.says} {c.then}'.strip()}" for c in self)
        return visible("\n".join([self._verdict(), *lines]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        told = [(_WORDS[c.state], c.name, f"{c.says} {c.then}") for c in self]
        return card(self._verdict(), table(("State", "What", "Seen, and what to do"), told))

    def _verdict(self) -> str:
        wrong, look = (sum(check.state == state for check in self) for state in ("wrong", "look"))
        return (
            f"{wrong} wrong, {look} worth a look, {len(self) - wrong - look} ok."
            if wrong or look
            else "Everything is fine."
        )


def doctor(environ: Mapping[str, str] = os.environ) -> Checkup:
    """
    Check versions, Jupyter, kernel, proxies, clock, loopback, credentials, region and work folder.

    Parameters
    ----------
    environ
        The environment variables to look at.

    Returns
    -------
    Checkup
        What was checked, each with a state and what to do; shown as a table in a notebook.

    Examples
    --------
    >>> [check.name for check in doctor({})][:3]
    ['Python', 'libraries', 'panels']
    """
    return Checkup(check for look in _LOOKS for check in look(environ))


def _fine(name: str, says: str) -> Check:
    return Check(name=name, says=says)


def _look(name: str, says: str, then: str) -> Check:
    return Check(name=name, state="look", says=says, then=then)


def _wrong(name: str, says: str, then: str) -> Check:
    return Check(name=name, state="wrong", says=says, then=then)


# --- what is installed ----------------------------------------------------------------------------


def _python(environ: Mapping[str, str]) -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        then = "Install 3.11 or newer, then create the environment again."
        yield _wrong("Python", f"This is Python {version}.", then)
    else:
        yield _fine("Python", f"{version} in {sys.prefix}")


def _libraries(environ: Mapping[str, str]) -> Iterator[Check]:
    required = _required()
    if problems := [problem for one in required if (problem := _unmet(one))]:
        yield _wrong("libraries", f"{'; '.join(problems)}.", "Install requirements.lock again.")
    else:
        yield _fine("libraries", f"all {len(required)} are here in versions that fit")


def _panels(environ: Mapping[str, str]) -> Iterator[Check]:
    missing = [f"{name} ({what})" for name, what in _PANELS.items() if _version(name) is None]
    if missing:
        then = "Install requirements.lock, start JupyterLab again and reload the page."
        yield _wrong("panels", f"Not installed: {', '.join(missing)}.", then)
    elif any(map(_unmet, _SAME_AGE)):
        says = "ipywidgets and the widget manager are of different ages."
        yield _wrong("panels", says, "Install requirements.lock again.")
    else:
        widgets, manager = _version("ipywidgets"), _version("jupyterlab_widgets")
        yield _fine("panels", f"ipywidgets {widgets}, widget manager {manager}")


def _required() -> list[Requirement]:
    try:
        wanted = map(Requirement, metadata.requires("sinchtools") or [])
        return [one for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})]
    except metadata.PackageNotFoundError:
        return []


def _unmet(wanted: Requirement) -> str | None:
    found = _version(wanted.name)
    if found is None:
        return f"{wanted.name} is not installed"
    if wanted.specifier.contains(found, prereleases=True):
        return None
    return f"{wanted.name} is {found}, and {wanted.specifier} is needed"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


# --- Jupyter --------------------------------------------------------------------------------------


def _kernel(environ: Mapping[str, str]) -> Iterator[Check]:
    is_notebook = type(ipython_shell()).__name__ == "ZMQInteractiveShell"
    where = "in a notebook kernel" if is_notebook else "outside a notebook"
    yield _fine("kernel", f"{where}: {sys.executable}")
    if is_notebook and SWITCHED_ON not in environ:
        yield _look("saving", SAVED_AS_SHOWN, CLEAN_IT)
    if history := history_file():
        yield _look("history", SAVES_HISTORY.format(history), TURN_HISTORY_OFF)


def _jupyter(environ: Mapping[str, str]) -> Iterator[Check]:
    folder, is_clean = kernel_folder(), cleans_what_it_saves()
    if folder and is_clean:
        says = f'the Launcher has the kernel "{KERNEL}" ({folder}); saved notebooks are cleaned'
        yield _fine("Jupyter", says)
    if not folder:
        says = f'The Launcher of JupyterLab does not have the kernel "{KERNEL}".'
        then = "Install sinchtools again, or start JupyterLab with `sinchtools lab`."
        yield _look("Jupyter", says, then)
    if not is_clean:
        says = "Notebooks are not cleaned when they are saved: our server extension is off."
        then = f"Run `jupyter server extension enable {SERVER}`, or use `sinchtools lab`."
        yield _look("Jupyter", says, then)


# --- the machine ----------------------------------------------------------------------------------


def _proxies(environ: Mapping[str, str]) -> Iterator[Check]:
    found = [name for name in environ if name.lower() in _PROXIES and environ[name]]
    listed = ",".join(environ.get(name, "") for name in ("no_proxy", "NO_PROXY"))
    spared = {part.strip() for part in listed.split(",")}
    if found and not spared & {"*", "127.0.0.1", "localhost"}:
        then = (
            "The sandbox is reached without it; other programs are not: add "
            "NO_PROXY=127.0.0.1,localhost."
        )
        yield _look("proxy", f"{', '.join(sorted(found))} is set.", then)
    else:
        yield _fine("proxy", "loopback is reached directly")


def _clock(environ: Mapping[str, str]) -> Iterator[Check]:
    now = datetime.now(UTC)
    with tempfile.NamedTemporaryFile() as file:
        written = datetime.fromtimestamp(Path(file.name).stat().st_mtime, UTC)
    if now < _RELEASED or abs((written - now).total_seconds()) > 60:
        then = "Set the clock: dates in requests and tokens are held against it."
        yield _wrong("clock", f"It says {now:%Y-%m-%d %H:%M} UTC, which cannot be.", then)
    else:
        yield _fine("clock", f"{now:%Y-%m-%d %H:%M} UTC; it cannot be checked offline")


def _loopback(environ: Mapping[str, str]) -> Iterator[Check]:
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname(), timeout=5),
        ):
            yield _fine("loopback", "the sandbox can listen on 127.0.0.1")
    except OSError as error:
        then = (
            "Allow local connections in the firewall or security software: the sandbox runs there."
        )
        yield _wrong("loopback", f"127.0.0.1 cannot be used: {error.strerror}.", then)


# --- what is configured ---------------------------------------------------------------------------


def _credentials(environ: Mapping[str, str]) -> Iterator[Check]:
    groups = (settings.PLAN_VARIABLES, settings.PROJECT_VARIABLES)
    given = [group for group in groups if any(environ.get(name) for name in group)]
    if not given:
        yield _fine("credentials", "none are set: the sandbox needs none")
    for group in given:
        yield _credential(group, environ)
    if len(given) == len(groups):
        says = "A service plan's and a project's are both set; the service plan's is used."
        yield _look("credentials", says, "Unset one of them to be sure.")


def _credential(group: tuple[str, ...], environ: Mapping[str, str]) -> Check:
    values = {name: environ.get(name, "") for name in group}
    missing = [name for name, value in values.items() if not value]
    odd = [name for name, value in values.items() if value != value.strip().strip("'\"")]
    if missing:
        says = f"{', '.join(missing)} is missing beside the others."
        return _wrong("credentials", says, "Set all of them, or none.")
    if odd:
        says = f"{', '.join(odd)} has quotes or white space around it."
        return _wrong("credentials", says, "Take them away.")
    return _fine("credentials", f"complete: {', '.join(group)}")


def _region(environ: Mapping[str, str]) -> Iterator[Check]:
    region = environ.get("SINCH_REGION", "").strip().lower()
    has_project = any(environ.get(name) for name in settings.PROJECT_VARIABLES)
    has_plan = all(environ.get(name) for name in settings.PLAN_VARIABLES)
    if region and region not in settings.REGIONS:
        says = f"SINCH_REGION is {region[:20]!r}, which is not a region."
        yield _wrong("region", says, f"Use one of {', '.join(settings.REGIONS)}.")
    elif region and has_project and not has_plan and not settings.REGIONS[region]:
        says = f"Project access keys (OAuth2) do not work in region {region!r}."
        yield _wrong("region", says, "Use us or eu, or the service plan's own API token.")
    else:
        yield _fine("region", region or "none is set: us is used")


def _switch(environ: Mapping[str, str]) -> Iterator[Check]:
    wish = environ.get("SINCHTOOLS_ALLOW", "").strip()
    if wish and wish.lower() not in ("dry-run", "live"):
        says = f"SINCHTOOLS_ALLOW is {wish[:20]!r}, which switches nothing on."
        yield _look("live calls", says, "Use dry-run or live.")
    elif wish:
        switch = f"SINCHTOOLS_ALLOW={wish.lower()}"
        says = f"{switch}: the vendor can be reached, after a confirmation each time."
        yield _look("live calls", says, "Unset it when you are done.")
    else:
        yield _fine("live calls", "off: nothing leaves this machine")


def _work_folder(environ: Mapping[str, str]) -> Iterator[Check]:
    try:
        folder = settings.work_folder()
        with tempfile.TemporaryFile(dir=folder):
            mode = stat.S_IMODE(folder.stat().st_mode)
    except LogError as error:
        yield _wrong("work folder", str(error.args[0]), error.hint)
        return
    except OSError as error:
        then = "Free some space, or set SINCHTOOLS_HOME to a folder that you may write to."
        yield _wrong("work folder", f"The work folder cannot be written: {error.strerror}.", then)
        return
    if os.name != "nt" and mode & 0o077:
        says = f"{folder} can be read by others (mode {mode:o}), and numbers of people are in it."
        yield _wrong("work folder", says, f"Run: chmod 700 {folder}")
    else:
        yield _fine("work folder", f"{folder}, readable by its owner only")
    yield _disk(folder, has_switch=bool(environ.get("SINCHTOOLS_ALLOW", "").strip()))


def _disk(folder: Path, *, has_switch: bool) -> Check:
    """Check whether what was sent can be kept in a folder; it matters where sending is on."""
    disk = disk_of(folder)
    if disk.network:
        says = f"The work folder is on a network ({disk.network}): dry-run and live are refused."
        then = "Set SINCHTOOLS_HOME to a folder on a local disk. Reading and the sandbox work."
        return (_wrong if has_switch else _look)("disk", says, then)
    if disk.is_known:
        return _fine("disk", f"local ({disk.kind})")
    says = f"{disk.kind or 'the file system'} is unknown, so a network folder cannot be recognized"
    then = "Before you send, make sure that the work folder is on a local disk."
    return Check(name="disk", state="look" if has_switch else "ok", says=f"{says}.", then=then)


_LOOKS: tuple[Callable[[Mapping[str, str]], Iterator[Check]], ...] = (
    _python,
    _libraries,
    _panels,
    _kernel,
    _jupyter,
    _proxies,
    _clock,
    _loopback,
    _credentials,
    _region,
    _switch,
    _work_folder,
)
