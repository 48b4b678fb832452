"""
Tools for agents: they read, explain and prove, and can neither send nor see a person or a secret.

The tools are in `sinchtools.agents.tools`; `TOOLS` names them for `jupyter-server-mcp`.
"""

NAMES = (
    "read",
    "diagnose",
    "explain",
    "tips",
    "replay_in_sandbox",
    "smallest_change",
    "compare",
    "change_points",
    "report",
)
TOOLS = [f"sinchtools.agents.tools:{name}" for name in NAMES]
