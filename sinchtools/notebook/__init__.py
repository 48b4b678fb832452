"""What runs in JupyterLab: panels, and what is saved of a notebook."""
