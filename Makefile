# Needs make and Python >= 3.11; uv makes it faster when it is there.
PYTHON ?= $(firstword $(foreach p,python3 python3.11 python3.12 python3.13 python3.14 python,$(shell $(p) -c 'import sys; print("$(p)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)))
UV     := $(shell uv --version >/dev/null 2>&1 && echo uv)
PIP    := $(if $(UV),uv pip install --quiet --python .venv/bin/python,.venv/bin/python -m pip install --quiet --disable-pip-version-check)
RUN    := .venv/bin/python -m
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help lab test lint check-long bench screenshots lock clean

help:         ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

lab: .venv/lab.stamp          ## open JupyterLab on the notebooks, sandbox ready; ARGS="--no-browser" is passed on
	.venv/bin/sinchtools lab $(ARGS)

test: lint    ## style, types and every test that is not long; ARGS="-k redact" is passed on
	$(RUN) pytest -q -n auto --dist loadscope -m "not long" $(ARGS)

lint: .venv/dev.stamp         ## style and types
	$(RUN) ruff check .
	$(RUN) mypy

check-long: .venv/spark.stamp  ## the long tests, at full size; they also need Spark (500 MB) and Java
	SINCHTOOLS_FULL=1 $(RUN) pytest -q -m long $(ARGS)
	$(RUN) tests.detection

bench: .venv/dev.stamp        ## measure speed and memory
	.venv/bin/python benchmarks/run.py $(ARGS)

screenshots: .venv/dev.stamp  ## the pictures of the README, from a real JupyterLab
	.venv/bin/python docs/screenshots.py $(ARGS)

lock:         ## pin the dependencies anew (needs uv)
	uv pip compile pyproject.toml -o requirements.lock $(LOCK)
	uv pip compile pyproject.toml -o requirements-dev.lock --extra dev -c requirements.lock $(LOCK)

clean:        ## remove the environment
	rm -rf .venv

LOCK := --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed. Name it: make PYTHON=/path/to/python3 lab" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/lab.stamp: requirements.lock pyproject.toml | .venv/bin/python
	$(PIP) -r requirements.lock
	$(PIP) --no-deps -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml | .venv/bin/python
	$(PIP) -r requirements-dev.lock
	$(PIP) --no-deps -e .
	@touch $@

.venv/spark.stamp: .venv/dev.stamp
	$(PIP) -e ".[spark]"
	@touch $@
