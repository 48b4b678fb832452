"""
Tell which disk a folder is on, and refuse to send when it is on a network.

Two machines cannot lock a file there reliably, so that a message could be sent twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sinchtools.core.errors import NotAllowedError, told, told_path
from sinchtools.core.tables import place_of, read_tables

MOUNTS = Path("/proc/mounts")  # Linux alone has it
_OCTAL = re.compile(r"\\([0-7]{3})")  # how /proc/mounts writes a space, a tab, a line end, a \
_REMOTE = re.compile(r"//|[^/\s][^/\s]*:|\[[0-9A-Fa-f:]+\]:")  # //host/share, host:/path


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """
    The file system of a folder.

    Attributes
    ----------
    kind
        As the system names it, such as ``ext4``; empty where the system does not say.
    network
        What kind of network it is on, in words; empty if it is on none that is known.
    is_known
        Whether it is surely on a network, or surely on none.
    """

    kind: str = ""
    network: str = ""
    is_known: bool = False


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
    table = _table()
    if kind in table["local"]:
        return Disk(kind=kind, is_known=True)
    if kind in table["network"]:
        return Disk(kind=kind, network=table["network"][kind], is_known=True)
    if _REMOTE.match(device):
        return Disk(kind=kind, network="another machine", is_known=True)
    if kind.startswith("fuse"):
        return Disk(kind=kind, network=f"{kind}, which may be anywhere")
    return Disk(kind=kind)


@cache
def _table() -> dict[str, Any]:
    """Return the types of local disks, and the words of those on a network by their types."""
    schema = {"local": "", "network": "types name source"}
    table: dict[str, Any] = read_tables(place_of("file_systems.toml"), schema)
    return {
        "local": frozenset(table["local"]),
        "network": {kind: row["name"] for row in table["network"] for kind in row["types"]},
    }
