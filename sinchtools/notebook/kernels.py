"""
Run the kernels and consoles of `sinchtools lab`.

What is pasted into a cell stays out of IPython's history file.
"""

from __future__ import annotations

from jupyter_server.services.kernels.kernelmanager import ServerKernelManager

NO_HISTORY = "--HistoryManager.enabled"


class QuietKernelManager(ServerKernelManager):
    """Start every IPython kernel, whatever its kernelspec, without a history on disk."""

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """Return the kernelspec's command, with the history off if it starts an IPython kernel."""
        return quiet(super().format_kernel_cmd(extra_arguments))


def quiet(command: list[str]) -> list[str]:
    """
    Return a command that starts an IPython kernel with its history off, any other as it is.

    Examples
    --------
    >>> quiet(["python", "-m", "ipykernel_launcher", "-f", "kernel.json"])[-1]
    '--HistoryManager.enabled=False'
    >>> quiet(["ir", "kernel.json"])
    ['ir', 'kernel.json']
    """
    if not any("ipykernel" in word for word in command):
        return command
    others = [
        word for word in command if not word.startswith(NO_HISTORY)
    ]  # a second one is an error
    return [*others, f"{NO_HISTORY}=False"]
