"""Clean a notebook file that was saved where no save hook was: by VS Code, by papermill."""

from __future__ import annotations

import json
from pathlib import Path

from sinchtools.core.errors import WrongUseError, told_path
from sinchtools.core.files import write_atomically
from sinchtools.notebook.savehook import clean


def clean_file(path: str | Path) -> Path:
    """
    Clean a notebook in its place, as JupyterLab does when it saves one, and return its path.

    Secrets become markers. Outputs stay only if they name nobody. Afterwards only its owner can
    read the file.

    Raises
    ------
    WrongUseError
        It cannot be read, or is not a notebook; nothing was changed.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "case.ipynb")
    >>> shown = {"output_type": "stream", "name": "stdout", "text": "+15551230001"}
    >>> cell = {"cell_type": "code", "metadata": {}, "source": "print(to)", "outputs": [shown]}
    >>> _ = path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}))
    >>> "+15551230001" in clean_file(path).read_text()
    False
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        said = f"{told_path(path)} cannot be read: {error.strerror}."
        raise WrongUseError(said, hint="Check the path.") from None
    except ValueError:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise WrongUseError(
            f"{told_path(path)} is not a notebook.", hint="Give a file that ends in .ipynb."
        )
    clean({"type": "notebook", "content": content})
    return write_atomically(
        path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
    )
