# The same without make, on Windows too: README.md, "Without make".
# PYTHON is the first Python 3.11 or newer that can make environments; set-up says so when there is none.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
    $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; exit; }; \
    done; echo python3)
BIN := .venv/bin
ARGS ?=
# Processes that share the tests: auto is one for each processor, two at least; 0 is none beside pytest's own.
WORKERS ?= auto
# For tests that take an hour: when to give up, and to say before where all threads stand.
HOUR := --timeout=3600 -o faulthandler_timeout=3590
# Thoroughness of crash and fuzz runs: how many times the usual number of rounds.
EFFORT ?= 20

.PHONY: help set-up lab drill test bench crash fuzz lint format i18n i18n-check notebooks screenshots wheel clean

help:
	@echo "make lab         JupyterLab with the notebooks (DIR=folder)"
	@echo "make drill       the life-cycle drill, without a screen"
	@echo "make test        all tests, on all processors (ARGS='-k name', WORKERS=0 for one process)"
	@echo "make bench       benchmarks against their references"
	@echo "make crash       kill tests, many rounds (EFFORT=20)"
	@echo "make fuzz        random sites, damaged image files, wrong set-ups, for long (EFFORT=20)"
	@echo "make lint        ruff, mypy for Linux and Windows, import-linter, constraints, translations"
	@echo "make format      ruff format and the fixes ruff can make"
	@echo "make i18n        bring labkit.po up to date with the texts and compile it"
	@echo "make notebooks   build the notebooks from their sources, with outputs"
	@echo "make screenshots the portal's pictures in the documents, from JupyterLab in chromium"
	@echo "make wheel       dist/labkit-*.whl"
	@echo "make clean       remove what was built and cached; .venv stays"

set-up:
	@$(PYTHON) tools/setup.py

lab: set-up
	$(BIN)/labkit lab $(DIR) $(ARGS)

drill: set-up
	$(BIN)/labkit drill run life-cycle $(ARGS)

test: set-up
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

bench: set-up
	$(BIN)/labkit bench $(ARGS)

crash: set-up
	LABKIT_EFFORT=$(EFFORT) $(BIN)/python -m pytest $(HOUR) tests/crash $(ARGS)

fuzz: set-up
	LABKIT_EFFORT=$(EFFORT) $(BIN)/python -m pytest $(HOUR) tests/plain tests/fuzz \
		tests/recovery/test_any_precondition.py $(ARGS)

lint: set-up
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy labkit tools
	$(BIN)/mypy --platform win32 labkit tools
	$(BIN)/lint-imports
	$(BIN)/python tools/constraints.py check
	$(BIN)/python tools/i18n.py check

format: set-up
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

i18n: set-up
	$(BIN)/python tools/i18n.py update

i18n-check: set-up
	$(BIN)/python tools/i18n.py check

notebooks: set-up
	$(BIN)/python tools/notebooks.py build

screenshots: set-up
	$(BIN)/python -m tools.screenshots $(ARGS)

wheel: set-up
	$(BIN)/python -m build --wheel --no-isolation

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
