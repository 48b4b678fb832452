# Needs make and Python >= 3.11; uv makes it faster when it is there.
PYTHON ?= $(firstword $(foreach p,python3 python3.11 python3.12 python3.13 python3.14 python,$(shell $(p) -c 'import sys; print("$(p)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)))
VENV   ?= .venv
UV     := $(shell uv --version >/dev/null 2>&1 && echo uv)
RUN    := $(VENV)/bin/python -m
PIP    := $(if $(UV),uv pip install --quiet --compile-bytecode --python $(VENV)/bin/python,$(RUN) pip install --quiet --disable-pip-version-check)
PYTEST := $(RUN) pytest -q -n auto --dist worksteal
ARGS   ?=

unexport PYTHONDONTWRITEBYTECODE  # each JupyterLab, kernel and worker would compile all its libraries anew

.DEFAULT_GOAL := help
.PHONY: help lab test test-fast test-spark test-all lint format docs house coverage check-long bench screenshots lock clean

help:         ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

lab: $(VENV)/lab.stamp        ## open JupyterLab with the notebooks and the sandbox; ARGS="--no-browser" is passed on
	$(VENV)/bin/sinchtools lab $(ARGS)

test: lint    ## check style and types, then run every test that is not long; ARGS="-k redact" is passed on
	$(PYTEST) -m "not long and not spark" $(ARGS)

test-fast: $(VENV)/dev.stamp  ## run the tests without the browser; on another Python: PYTHON=python3.13 VENV=.venv-3.13
	$(PYTEST) -m "not long and not spark and not browser" $(ARGS)

test-spark: $(VENV)/spark.stamp  ## run one test of each thing that Spark does; needs Java
	$(RUN) pytest -q -m spark $(ARGS)

test-all: test                ## run make test, then test-fast on every other Python of this machine
	.ci/pythons | while read -r version python; do $(MAKE) test-fast PYTHON=$$python VENV=.venv-$$version </dev/null || exit 1; done

lint: $(VENV)/dev.stamp       ## check style, types, and which package imports which
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(VENV)/bin/lint-imports
	$(RUN) mypy

format: $(VENV)/dev.stamp     ## format all files
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

docs: $(VENV)/dev.stamp       ## build docs/ and the API reference as one site, in docs/site
	$(RUN) sphinx -q -W -b html docs docs/site

house: $(VENV)/dev.stamp      ## print size and shape of the package beside their limits
	$(RUN) benchmarks.house --climbs

coverage: $(VENV)/dev.stamp   ## measure how much of the package the short tests reach, branches too (a quarter of an hour)
	$(PYTEST) -m "not long and not spark and not browser" --cov --cov-report term:skip-covered $(ARGS)

check-long: $(VENV)/spark.stamp  ## run the long tests at full size (hours); needs Java and 500 MB for Spark
	SINCHTOOLS_FULL=1 $(RUN) pytest -q -m "long and not timed" $(ARGS)
	$(RUN) tests.support.detection

bench: $(VENV)/dev.stamp      ## measure speed and memory
	$(VENV)/bin/python benchmarks/run.py $(ARGS)

screenshots: $(VENV)/dev.stamp  ## take the pictures of the README in a real JupyterLab
	$(VENV)/bin/python docs/screenshots.py $(ARGS)

lock:         ## update the pinned dependencies; needs uv
	uv pip compile pyproject.toml -o requirements.lock --extra code $(LOCK)
	uv pip compile pyproject.toml -o requirements-dev.lock --extra dev --extra code --extra mcp -c requirements.lock $(LOCK)

clean:        ## remove the environments
	rm -rf .venv .venv-*

LOCK := --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed. Name it: make PYTHON=/path/to/python3 lab" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/lab.stamp: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) -r requirements.lock
	$(PIP) --no-deps -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) -r requirements-dev.lock
	$(PIP) --no-deps -e .
	@touch $@

$(VENV)/spark.stamp: $(VENV)/dev.stamp
	$(PIP) -e ".[spark]"
	@touch $@
