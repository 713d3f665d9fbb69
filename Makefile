# oxgate: `make demo` runs it, `make test` passes its tests; both set up what they need in .venv. `make help` lists the rest.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint config/constraints.txt
# The tests start many processes: their bytecode is kept, and not in the tree, whatever the environment says of it.
PYTHON_KEPT = env -u PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX=$(abspath $(VENV))/bytecode $(BIN)/python
PYTEST = $(PYTHON_KEPT) -m pytest
JOBS ?= 3
ARGS ?=

.PHONY: help demo test check lint style types peers desktop fuzz stress model crash bench spec docs clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1 - /p' Makefile

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "oxgate needs Python 3.11 or newer: none was found. Install it, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment (on Debian: apt install python3-venv)."; exit 1; }

$(VENV)/.run: $(VENV)/bin/python pyproject.toml config/constraints.txt
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@$(PIP) --editable '.[dev]'
	@touch $@

demo: $(VENV)/.run  ## run a demo server on loopback (ARGS="--port-offset 100" and others are handed on)
	@$(BIN)/oxgate demo $(ARGS)

test: $(VENV)/.dev  ## run the tests
	@$(PYTHON_KEPT) -m tests.support.bytecode
	@$(PYTEST) -n $(JOBS) -m "not peers and not fuzz and not crash" --ignore tests/peers $(ARGS)

style: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(VENV)/.dev
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lint: style types  ## formatting, lint, types, import contracts

check: style  ## everything that must be green before a change lands
	@# mypy runs on one core: the tests run beside it, and what it said is shown after theirs.
	@$(MAKE) --no-print-directory types >$(VENV)/types.log 2>&1 & types=$$!; \
	$(MAKE) --no-print-directory test; tests=$$?; \
	wait $$types; types=$$?; cat $(VENV)/types.log; \
	exit $$((tests ? tests : types))

peers: $(VENV)/.dev  ## real clients and real peers against a server that the tests start
	@$(PYTEST) -m peers -p no:randomly $(ARGS) tests/peers

desktop: $(VENV)/.dev  ## desktop programs (Thunderbird, Jakarta Mail, Evolution's Camel) against a server that the tests start
	@$(PYTEST) -m desktop -p no:randomly $(ARGS) tests/peers/test_signin_desktop.py tests/peers/test_imap_desktop.py

fuzz: $(VENV)/.dev  ## long randomised runs over every parser and property (OXGATE_FUZZ_SECONDS: each of the targets by the clock)
	@OXGATE_FUZZ_EXAMPLES=$${OXGATE_FUZZ_EXAMPLES:-20000} $(PYTEST) -n $(JOBS) --timeout 3600 tests/fuzz $(ARGS)
	@OXGATE_HYPOTHESIS=$${OXGATE_HYPOTHESIS:-20} $(PYTEST) -n $(JOBS) --timeout 3600 -m "hypothesis and not peers" --ignore tests/fuzz $(ARGS)
	@$(BIN)/python -m tests.fuzz.long --seconds $${OXGATE_FUZZ_SECONDS:-1200}

stress: $(VENV)/.dev  ## imaptest's scripts, and a minute of each of its loads (OXGATE_IMAPTEST names the program)
	@OXGATE_STRESS_SECONDS=$${OXGATE_STRESS_SECONDS:-60} $(PYTEST) -m peers -p no:randomly $(ARGS) tests/peers/test_imaptest.py

model: $(VENV)/.dev  ## 10,000 random IMAP commands, and as many pipelines, beside a naive model of a mailbox
	@OXGATE_MODEL_STEPS=$${OXGATE_MODEL_STEPS:-10000} $(PYTEST) --timeout 3600 $(ARGS) tests/gateway/imap/test_model.py tests/gateway/imap/test_pipelines.py

crash: $(VENV)/.dev  ## 200 rounds of kill -9 under load, SQLite and PostgreSQL
	@OXGATE_CRASH_ROUNDS=$${OXGATE_CRASH_ROUNDS:-200} $(PYTEST) --timeout 7200 tests/store/test_crash.py $(ARGS)

bench: $(VENV)/.dev  ## benchmarks beside Dovecot and Postfix; writes docs/benchmarks.md
	@$(BIN)/python -m tests.benchmarks.run $(ARGS)

spec: $(VENV)/.dev  ## write docs/spec-coverage.md from the catalogue, the code and the tests
	@$(BIN)/python -m tests.spec.coverage

clean:  ## remove what the other targets made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build *.egg-info
