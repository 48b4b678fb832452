"""
Start an IPython kernel with the Python of the environment that this file was installed into.

Jupyter starts it with its own Python, which may belong to another environment.
"""

import os
import subprocess
import sys
from pathlib import Path

_NAMES = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")


def python_of(prefix: Path) -> str:
    """Return the Python of an environment; the running one, if the environment has none."""
    if Path(sys.prefix).resolve() == prefix:
        return sys.executable
    found = (str(prefix / name) for name in _NAMES if (prefix / name).exists())
    return next(found, sys.executable)


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[4]  # above share/jupyter/kernels/sinchtools
    command = [python_of(here), "-m", "ipykernel_launcher", *sys.argv[1:]]
    if os.name == "nt":  # there, execv would leave Jupyter with a process that has ended
        sys.exit(subprocess.call(command, close_fds=False))
    os.execv(command[0], command)
