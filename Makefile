# make up: everything, from nothing.  make test: the tests.  make check: lint and types.
# make chaos: the long tests, then every fault several times, and one table (an hour).
# make bench: the product beside a floor and beside peers; ARGS='--quick drain' is less of it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: up test chaos check bench format lock clean

up: $(VENV)/runtime
	@exec $(BIN)/ringostat-sync up

test: $(VENV)/dev
	$(BIN)/python -m pytest

chaos: $(VENV)/dev
	$(BIN)/python -m pytest -m storm
	$(BIN)/python -m tests.chaos

check: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/bench
	$(BIN)/python -m benchmarks $(ARGS)

format: $(VENV)/dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Each install is remembered by a file that is younger than what it was made from.
$(VENV)/runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing (once, for a minute or two) …"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/dev: requirements-dev.lock $(VENV)/runtime
	@echo "Installing what the tests need (once) …"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/bench: benchmarks/requirements.txt $(VENV)/runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

# The locks hold names, versions and hashes, for every platform, and no address.
lock:
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --output-file requirements.lock pyproject.toml
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) .ringostat-sync
