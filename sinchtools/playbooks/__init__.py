"""The troubleshooting tips, step by step."""

from sinchtools.playbooks.playbook import Walk, tips

__all__ = ["Walk", "tips"]
