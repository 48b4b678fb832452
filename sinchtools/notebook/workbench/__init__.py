"""The workbench: one panel from the pasted evidence to the copied reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinchtools.cases import Case
    from sinchtools.notebook.workbench.desk import Workbench

__all__ = ["workbench"]


def workbench(case: Case | str | int | None = None) -> Workbench:
    """
    Return the whole way of a ticket on one panel: evidence, what is wrong, proof, tips, reply.

    Parameters
    ----------
    case
        A case, or its name or ticket number; it is made when it is new. None opens the case that
        was used last.

    Returns
    -------
    Workbench
        A widget; the cell that ends with it shows it.

    Examples
    --------
    >>> import tempfile
    >>> from sinchtools.cases import Case
    >>> case = Case(tempfile.mkdtemp() + "/case-T-1", "HTTP/1.1 415 Unsupported Media Type")
    >>> workbench(case)
    <Workbench of case T-1>
    """
    from sinchtools.notebook.workbench.desk import Workbench

    return Workbench(case)
