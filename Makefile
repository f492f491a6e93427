# `make serve` and `make test` work on a machine with git, make and Python 3.11+ with venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONFORMANCE := $(VENV)/conformance
PIP_INSTALL := pip --disable-pip-version-check install --quiet --constraint constraints.txt
PIP := $(BIN)/$(PIP_INSTALL)
CORPORA ?= ../shared/corpora

.PHONY: serve test check fix bench bench-terms bench-markup conformance clean

serve: $(VENV)/.serve
	$(BIN)/dragoman serve $(if $(PORT),--port $(PORT))

test: $(VENV)/.dev
	$(BIN)/pytest --cov --cov-report=term

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell src tests docs bench examples README.md CONTRIBUTING.md CHANGELOG.md

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python bench/chat.py --corpora $(CORPORA)

bench-terms: $(VENV)/.dev
	$(BIN)/python bench/terms.py --corpora $(CORPORA)

bench-markup: $(VENV)/.dev
	$(BIN)/python bench/markup.py --corpora $(CORPORA)

conformance: $(CONFORMANCE)/.done
	$(CONFORMANCE)/bin/python tests/conformance/run.py

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.serve

# The SDK's own tests need pytest plugins that ours must not see.
$(CONFORMANCE)/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(CONFORMANCE)
	$(CONFORMANCE)/bin/$(PIP_INSTALL) --editable '.[conformance]'
	touch $@
