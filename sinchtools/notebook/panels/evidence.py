"""The evidence panel: bring in a path, a paste or files, and see exactly what was read."""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets

from sinchtools.cases.case import Case
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.core.words import counted
from sinchtools.evidence import Evidence, read
from sinchtools.evidence.files import path_of
from sinchtools.notebook.panels.base import Panel
from sinchtools.notebook.panels.theme import Html, button, labelled, row, view
from sinchtools.privacy.aliases import Aliases

_LOOKED_AT = 500  # exchanges whose people are looked for in what is shown of them
UPLOAD_NOTE = (
    "The notebook server takes uploads up to about 10 MB in all: give a path for anything larger."
)


class EvidencePanel(Panel):
    """
    Read evidence by clicking; the function twins are ``st.read`` and ``case.add``.

    Parameters
    ----------
    source
        A case, which then keeps what is read; or a path or pasted text to begin with.

    Attributes
    ----------
    evidence
        What was read last; at first what the case holds, if one was given.

    Examples
    --------
    >>> command = "curl -X DELETE https://us.sms.api.sinch.com/xms/v1/plan/groups/g1"
    >>> EvidencePanel(command).evidence[0].endpoint
    'DELETE /groups/{group_id}'
    """

    keeps = ("path",)

    def __init__(self, source: Case | str | Path = "") -> None:
        super().__init__(
            "Bring in the evidence",
            "A path, pasted text or files. Tokens are removed before anything is kept.",
            source=source,
        )
        self.evidence: Evidence = self.case.evidence if self.case else read([])
        text = "" if self.case else str(source)
        self.path = labelled(
            widgets.Text,
            "Path or glob",
            "A file, a folder or a pattern such as logs/*.jsonl.gz",
            value="" if "\n" in text else text,
        )
        self.paste = labelled(
            widgets.Textarea,
            "Or paste here",
            "curl commands, an error body, log lines, a HAR",
            value=text if "\n" in text else "",
            layout=widgets.Layout(width="100%", height="110px"),
        )
        tooltip = "Files from this computer, read together with the paste above"
        self.upload = widgets.FileUpload(
            description="Or choose files",
            tooltip=tooltip,
            multiple=True,
            layout=widgets.Layout(width="auto"),
        )
        self.read_button = button("Read", "Read the paste", primary=True)
        self.report = Html(layout=widgets.Layout(width="100%"))
        self.read_button.on_click(self.guard(self.read, self.read_button, busy="Reading ..."))
        note = Html(view("quiet.html", words=UPLOAD_NOTE), layout=widgets.Layout(width="100%"))
        self.rows(self.path, self.paste, row(self.read_button, self.upload), note, self.report)
        self.begin()
        if text:
            self.read()
        elif self.case:
            self.redraw()

    def redraw(self) -> None:
        """Show what the case holds now."""
        self.evidence = self.exchanges
        self.report.value = self.evidence._repr_html_() if len(self.evidence) else ""
        self.say(f"The case has {counted(len(self.evidence), 'request')}.")

    def static(self, people: Aliases) -> tuple[str, list[Exchange]]:
        """Return what was read, in numbers."""
        lines = people.words(self.evidence.summary).split("\n")
        still = view("lines.html", said=lines, picture="")
        return still, list(self.evidence.exchanges[:_LOOKED_AT])

    def read(self) -> Evidence:
        """Read path, paste and chosen files together, and show the report."""
        if (
            path_of(self.path.value.strip()) is None and self.path.value.strip()
        ):  # a command: it may hold a token, and a path outlives the cell
            self.paste.value, self.path.value = (
                "\n".join(filter(None, (self.paste.value, self.path.value))),
                "",
            )
        sources: list[str | dict[str, bytes]] = [
            text for text in (self.path.value.strip(), self.paste.value) if text.strip()
        ]
        sources += [{one["name"]: bytes(one["content"])} for one in self.upload.value]
        if not sources:
            raise WrongUseError(
                "There is nothing to read yet.", hint="Give a path, paste text, or choose files."
            )
        self.evidence = read(sources)
        self.paste.value, self.upload.value = (
            "",
            (),
        )  # they may hold a token that must not be saved with the notebook
        self.report.value = self.evidence._repr_html_()
        self.say(f"Read {_counted(self.evidence)} The paste box was cleared.{self._kept()}")
        return self.evidence

    def _kept(self) -> str:
        if not self.case:
            return ""
        with self.own(self.case):
            self.case.add(self.evidence)
        return f" The case has {counted(len(self.exchanges), 'request')}."


def _counted(evidence: Evidence) -> str:
    rows, secrets = counted(len(evidence), "exchange"), counted(evidence.secrets_removed, "secret")
    return f"{rows}; {secrets} removed."
