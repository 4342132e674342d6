# make run    a lender in a terminal: embedded Kafka and Redis, simulator, worker, board, exporter
# make test   everything, real servers included; make check is its fast part and needs no server
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# two processes, whatever the cores: each starts a Kafka and a Redis of its own
SHARED := -n 2 --dist worksteal
CODE := schemas kpi_rules streams loanpulse tests bench

.PHONY: help setup run check test bench clean

help:
	@echo 'make setup   create $(VENV) and install what constraints.txt pins'
	@echo 'make run     start the demo (Ctrl-C stops it and leaves nothing behind)'
	@echo 'make check   lint, format, types and the tests that need no server'
	@echo 'make test    the same and every other test, on real Kafka and Redis'
	@echo 'make bench   measure events per second and CPU per event'
	@echo 'make clean   remove $(VENV), caches and the data of embedded servers'

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@python=; for name in python3.11 python3 python3.14 python3.13 python3.12; do \
	    if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo 'LoanPulse needs Python 3.11 or newer on PATH' >&2; exit 1; fi; \
	[ -x $(BIN)/python ] || "$$python" -m venv --clear $(VENV)
	PIP_CONSTRAINT='$(CURDIR)/constraints.txt' $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    -c constraints.txt -e '.[dev]'
	@touch $@

run: $(STAMP)
	@$(BIN)/loanpulse demo

.PHONY: lint
lint: $(STAMP)
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy

check: lint
	$(BIN)/pytest $(SHARED) -m 'not servers and not slow'

test: lint
	$(BIN)/pytest $(SHARED)

bench: $(STAMP)
	$(BIN)/python -m bench.run $(ARGS)

clean:
	rm -rf $(VENV) .loanpulse .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
