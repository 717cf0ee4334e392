# `make demo` and `make test` each set up what they need: Python 3.11 or newer, pip and make are enough.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || command -v python)
VENV := .venv
RUN := $(VENV)/bin
PIP := $(RUN)/python -m pip install --quiet --disable-pip-version-check
USER_STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

# One thread a test process: the tests already run on every core.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help demo test quick test-lowest test-newest shape lint format notebooks pictures card clean
.DEFAULT_GOAL := help

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1	/'

demo: $(USER_STAMP)  ## the main job on a real published case
	@$(RUN)/spinelink demo

test: $(DEV_STAMP)  ## the whole suite
	$(RUN)/python -m pytest -n auto --dist loadgroup --nbmake --nbmake-timeout=60 tests notebooks

quick: $(DEV_STAMP)  ## the suite without its slow tests: about three minutes on two cores
	$(RUN)/python -m pytest -n auto --dist loadgroup -m "not slow" tests

test-lowest:  ## a part of the suite with the lowest versions that pyproject.toml allows, on Python 3.11
	@PYTHON="$(PYTHON)" .ci/versions lowest

test-newest:  ## the same with the newest versions, on Python 3.13 where there is one
	@PYTHON="$(PYTHON)" .ci/versions newest

shape: $(DEV_STAMP)  ## figures of the code's shape against their aims; `make shape DETAILS=--details` names the places
	@$(RUN)/python -m tests.shape $(DETAILS)

lint: $(DEV_STAMP)  ## style, types, layers
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy --strict src
	$(RUN)/lint-imports

format: $(DEV_STAMP)  ## mend style
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

notebooks: $(DEV_STAMP)  ## make the notebooks from their .py twins, run them, keep their outputs
	$(RUN)/python -m tests.notebook.execute

pictures: $(DEV_STAMP)  ## make the README's pictures (needs Chromium)
	$(RUN)/python -m tests.notebook.pictures

card: $(DEV_STAMP)  ## write the model card, and the table of what becomes of each record of the evidence stock
	@$(RUN)/spinelink card back-leg-pain --stock evidence/evidence.yaml

clean:  ## remove what was made, the environment too
	rm -rf $(VENV) .venv-lowest .venv-newest .venv-uv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(RUN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"spinelink needs Python 3.11 or newer, and this is {sys.version.split()[0]}; say make PYTHON=/path/to/python3.11")'
	@echo "Setting up $(VENV) (once; a minute or two)"
	@"$(PYTHON)" -m venv $(VENV)

$(USER_STAMP): pyproject.toml | $(RUN)/python
	@echo "Installing spinelink"
	@$(PIP) --editable .
	@touch $@

$(DEV_STAMP): pyproject.toml | $(USER_STAMP)
	@echo "Installing what the tests need"
	@$(PIP) --editable '.[dev]'
	@touch $@
