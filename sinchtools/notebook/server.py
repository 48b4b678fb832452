"""
Clean the notebooks that any Jupyter server saves, if they use sinchtools.

The wheel's ``jupyter_server_config.d`` file loads this in the servers of its environment.
"""

from __future__ import annotations

import os
import re
from typing import Any

from sinchtools.notebook.savehook import clean
from sinchtools.notebook.shell import SWITCHED_ON
from sinchtools.privacy.alias_forms import ALIASED

_NAMED = re.compile(r"\bsinchtools\b")


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    contents = server.contents_manager
    if contents.pre_save_hook is not clean:  # `sinchtools lab` cleans every notebook
        contents.register_pre_save_hook(clean_ours)
    os.environ[SWITCHED_ON] = "1"  # for the kernels that this server starts


def clean_ours(model: dict[str, Any], **_: object) -> None:
    """
    Clean a notebook that is about to be saved, if it uses sinchtools; leave any other as it is.

    Examples
    --------
    >>> shown = {"output_type": "stream", "name": "stdout", "text": "+15551230001"}
    >>> cells = [{"cell_type": "code", "source": "import sinchtools as st", "outputs": [shown]}]
    >>> clean_ours({"type": "notebook", "content": {"cells": cells, "metadata": {}}})
    >>> cells[0]["outputs"]
    []
    """
    try:
        is_ours = uses_sinchtools(model.get("content"))
    except Exception:  # an odd notebook: rather clean one too many
        is_ours = True
    if is_ours:
        clean(model)


def uses_sinchtools(notebook: Any) -> bool:
    """Return whether a notebook has our kernel, names the package in a cell, or shows a panel."""
    if not isinstance(notebook, dict):
        return False
    if _NAMED.search(str(notebook.get("metadata", {}).get("kernelspec", {}).get("name"))):
        return True
    return any(
        _NAMED.search("".join(cell.get("source") or ""))
        or any(ALIASED.items() <= shown.get("metadata", {}).items() for shown in _outputs(cell))
        for cell in notebook.get("cells", [])
        if cell.get("cell_type") == "code"
    )


def _outputs(cell: dict[str, Any]) -> list[dict[str, Any]]:
    return cell.get("outputs") or []
