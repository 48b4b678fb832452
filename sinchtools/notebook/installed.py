"""Tell what Jupyter finds of the files that the wheel brings: the kernel and the save hook."""

from __future__ import annotations

KERNEL_NAME = "sinchtools"
SERVER = "sinchtools.notebook.server"


def kernel_folder() -> str | None:
    """Return the folder of our kernelspec, as Jupyter finds it; None when it finds none."""
    from jupyter_client.kernelspec import KernelSpecManager

    return KernelSpecManager().find_kernel_specs().get(KERNEL_NAME)


def cleans_what_it_saves() -> bool:
    """Return whether a Jupyter server that is started here loads our save hook."""
    from jupyter_core.paths import jupyter_config_path
    from jupyter_server.extension.config import ExtensionConfigManager

    config = ExtensionConfigManager(read_config_path=jupyter_config_path())
    return bool(config.enabled(SERVER))
