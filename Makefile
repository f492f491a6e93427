# `make serve` and `make test` work on a machine with git, make and Python 3.11+ with venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONFORMANCE := $(VENV)/conformance
INTEROP := $(VENV)/interop
PIP_INSTALL := pip --disable-pip-version-check install --quiet --constraint constraints.txt
PIP := $(BIN)/$(PIP_INSTALL)
CORPORA ?= ../shared/corpora
TRAINING := $(VENV)/training
LIBRETRANSLATE := $(VENV)/libretranslate
LITELLM := $(VENV)/litellm
# What `make train` makes: LANGUAGES with their shares, for MINUTES of training on DEVICE, in RUN. It begins from the
# model in the box and keeps its vocabulary.
RUN ?= ../dragoman-training
LANGUAGES ?= zh=0.9,es=0.7,fr=0.7,de=0.8,ja=1,nl=0.8,ko=1.3
MINUTES ?= 128
DEVICE ?= cpu
STARTER := src/dragoman/models/starter

.PHONY: serve test check fix bench bench-libretranslate bench-decoding bench-relay bench-terms bench-markup quality train train-smoke conformance interop clean

serve: $(VENV)/.serve
	$(BIN)/dragoman serve $(if $(PORT),--port $(PORT))

test: $(VENV)/.dev
	$(BIN)/pytest --numprocesses auto --dist worksteal --cov --cov-report=term

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
	$(BIN)/python bench/serving.py --corpora $(CORPORA)

bench-libretranslate: $(VENV)/.dev $(LIBRETRANSLATE)/.done
	$(BIN)/python bench/libretranslate.py --corpora $(CORPORA) --environment $(LIBRETRANSLATE)

bench-decoding: $(VENV)/.dev
	$(BIN)/python bench/decoding.py --corpora $(CORPORA)

bench-relay: $(VENV)/.dev $(LITELLM)/.done
	$(BIN)/python bench/relay.py --corpora $(CORPORA) --litellm $(LITELLM)

bench-terms: $(VENV)/.dev
	$(BIN)/python bench/terms.py --corpora $(CORPORA)

bench-markup: $(VENV)/.dev
	$(BIN)/python bench/markup.py --corpora $(CORPORA)

quality: $(VENV)/.dev
	$(BIN)/python training/evaluate.py --corpora $(CORPORA)

# Stopped, it goes on where it was. The model in the box is where it begins.
train: $(TRAINING)/.done $(RUN)/data/train.npz
	nice -n 10 $(TRAINING)/bin/python training/train.py --data $(RUN)/data --out $(RUN)/run --start $(STARTER) \
		--minutes $(MINUTES) --device $(DEVICE) $(TRAIN_OPTIONS)
	$(TRAINING)/bin/python training/export.py --data $(RUN)/data --run $(RUN)/run --card training/card.toml --out $(RUN)/model
	$(TRAINING)/bin/python training/evaluate.py --corpora $(CORPORA) --model $(RUN)/model --beside $(STARTER)

train-smoke: $(TRAINING)/.done
	$(TRAINING)/bin/python training/smoke.py --corpora $(CORPORA)

conformance: $(CONFORMANCE)/.done
	$(CONFORMANCE)/bin/python tests/conformance/run.py

interop: $(INTEROP)/.done
	$(INTEROP)/bin/pytest --timeout 300 tests/interop/*.py

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

$(RUN)/data/train.npz: | $(TRAINING)/.done
	$(TRAINING)/bin/python training/prepare.py --corpora $(CORPORA) --out $(RUN)/data --languages $(LANGUAGES) \
		--spm $(STARTER)/spm.model

# torch is large, and the server must work without it.
$(TRAINING)/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(TRAINING)
	$(TRAINING)/bin/$(PIP_INSTALL) --editable '.[train]'
	touch $@

# A program to compare with; nothing of it is imported.
$(LIBRETRANSLATE)/.done:
	$(PYTHON) -m venv $(LIBRETRANSLATE)
	$(LIBRETRANSLATE)/bin/pip --disable-pip-version-check install --quiet libretranslate spacy
	touch $@

# Converters and servers of large language models need torch.
$(INTEROP)/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(INTEROP)
	$(INTEROP)/bin/$(PIP_INSTALL) --editable '.[interop]'
	touch $@

$(LITELLM)/.done:
	$(PYTHON) -m venv $(LITELLM)
	$(LITELLM)/bin/pip --disable-pip-version-check install --quiet 'litellm[proxy]'
	touch $@

# The SDK's own tests need pytest plugins that ours must not see.
$(CONFORMANCE)/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(CONFORMANCE)
	$(CONFORMANCE)/bin/$(PIP_INSTALL) --editable '.[conformance]'
	touch $@
