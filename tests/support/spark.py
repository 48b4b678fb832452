"""
Kernels that find no Spark, as where its extra is not installed.

Its JVM takes half a minute. `make check-long` runs the notebook that asks for it.
"""

from pathlib import Path

NO_SPARK = 'import sys\nsys.modules["pyspark"] = None\n'


def without_spark(folder: Path) -> str:
    """Return what to put before PYTHONPATH so that no Python finds PySpark."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(NO_SPARK)
    return str(folder)
