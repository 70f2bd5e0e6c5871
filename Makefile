# make up: everything, from nothing.  make test: the tests.  make check: lint and types.
#   make test ONE=tests/unit/test_cut.py    only these
#   make test POSTGRES=/path/to/bin         on the PostgreSQL whose programs are there: 15, 16, 17 or 18
#   make up PYTHON=python3.13               with this Python, which is 3.11 or later
# make chaos: the long tests, then every fault several times, and one table (an hour).
# make bench: the product beside a floor and beside peers; ARGS='--quick drain' is less of it.
VENV := .venv
BIN := $(VENV)/bin
VENV_SH := PYTHON="$(PYTHON)" sh tools/venv.sh
# Most tests wait for a server or a process, so more of them than there are cores run at once. A file stays in one process, as its tests
# may share what takes long to start; files begin in their order, in which those that take long come first.
AT_ONCE := -n 4 --dist loadfile --no-loadscope-reorder
export POSTGRES
# Bytecode that is kept lets each of the tests' thousand processes start sooner.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up install test chaos check bench format lock clean

up: $(VENV)/up
	@exec $(BIN)/ringostat-sync up

install: $(VENV)/up

# What measures a rate has the machine to itself.
test: $(VENV)/dev
ifdef ONE
	$(BIN)/python -m pytest $(ONE)
else
	@failed=0; \
	$(BIN)/python -m pytest $(AT_ONCE) -m "not storm and not alone" || failed=1; \
	$(BIN)/python -m pytest -m "not storm and alone" $$(grep -rl --include='test_*.py' 'mark\.alone' tests) || failed=1; \
	exit $$failed
endif

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

ifneq ($(shell $(VENV_SH) check),good)
.PHONY: $(VENV)/made
endif

$(VENV)/made:
	@$(VENV_SH) make

# Each install is remembered by a file that is younger than what it was made from.
$(VENV)/%: requirements-%.lock pyproject.toml $(VENV)/made
	@echo "Installing (once, for a minute or two) …"
	@$(VENV_SH) install $<
	@touch $@

$(VENV)/bench: benchmarks/requirements.txt $(VENV)/up
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

# The locks hold names, versions and hashes, for every platform, and no address. The first is the image's.
LOCK := uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml
lock:
	$(LOCK) --extra flower --output-file requirements.lock
	$(LOCK) --extra up --constraint requirements.lock --output-file requirements-up.lock
	$(LOCK) --extra dev --constraint requirements-up.lock --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) .ringostat-sync
