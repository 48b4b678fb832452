"""
Tell which disk a folder is on, and refuse to send when it is on a network.

Two machines cannot lock a file there reliably, so that a message could be sent twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sinchtools.core.errors import NotAllowedError, told, told_path
from sinchtools.core.tables import Row, Text, place_of, read_table

MOUNTS = Path("/proc/mounts")  # Linux alone has it
_OCTAL = re.compile(r"\\([0-7]{3})")  # how /proc/mounts writes a space, a tab, a line end, a \
_REMOTE = re.compile(r"//|[^/\s][^/\s]*:|\[[0-9A-Fa-f:]+\]:")  # //host/share, host:/path


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The file system of a folder."""

    kind: str = ""  # as the system names it, such as ``ext4``; empty where the system does not say
    # what kind of network it is on, in words; empty if it is on none that is known
    network: str = ""
    is_known: bool = False  # whether it is surely on a network, or surely on none


def disk_of(folder: Path) -> Disk:
    """
    Return the disk of a folder, after links are followed; the folder may be missing.

    Examples
    --------
    >>> disk_of(Path("/nowhere")).network
    ''
    """
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        place = folder.resolve()
    except OSError:  # macOS and Windows have no such file
        return Disk()
    mounts = [line.split(" ") for line in lines if line.count(" ") >= 2]
    above = [(mount, Path(_plain(mount[1]))) for mount in mounts]
    found = [(mount, at) for mount, at in above if place.is_relative_to(at)]
    if not found:
        return Disk()
    deepest = max(len(at.parts) for _, at in found)
    device, _, kind, *_ = [mount for mount, at in found if len(at.parts) == deepest][-1]
    return _judged(_plain(device), kind)  # the last one covers those that were mounted before it


def refuse_network(target: str, *folders: Path) -> None:
    """
    Raise when one of the folders that keep what was sent is on a network.

    Raises
    ------
    NotAllowedError
        Nothing is sent to the vendor from there.
    """
    for folder in folders:
        if network := disk_of(folder).network:
            raise NotAllowedError(
                f"The target {told(target)} is refused: {told_path(folder)} is on a network "
                f"({network}). Files cannot be locked reliably there, so a message could be "
                "sent twice.",
                hint="Set SINCHTOOLS_HOME to a folder on a local disk. Reading and the sandbox "
                "work as before.",
            )


def _plain(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)


def _judged(device: str, kind: str) -> Disk:
    if kind in _table().local:
        return Disk(kind=kind, is_known=True)
    if network := _network(kind):
        return Disk(kind=kind, network=network, is_known=True)
    if _REMOTE.match(device):
        return Disk(kind=kind, network="another machine", is_known=True)
    if kind.startswith("fuse"):
        return Disk(kind=kind, network=f"{kind}, which may be anywhere")
    return Disk(kind=kind)


class _Network(Row, frozen=True):
    types: tuple[Text, ...]
    name: Text
    source: Text


class _FileSystems(Row, frozen=True):
    local: frozenset[Text]
    network: tuple[_Network, ...]


@cache
def _table() -> _FileSystems:
    return read_table(place_of("file_systems.toml"), _FileSystems)


def _network(kind: str) -> str | None:
    """Return what a type of file system on a network is called; None: it is none."""
    return next((one.name for one in _table().network if kind in one.types), None)
