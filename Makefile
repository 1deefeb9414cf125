# OpenITB: three commands. `make run` shows a clinic at work, `make test` proves it, `make bench` measures it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where the clinic keeps its database, keys and virtual implants.
OPENITB_HOME ?= var
PORT ?= 8000
export OPENITB_HOME
# Small matrices: more threads only get in each other's way.
export OPENBLAS_NUM_THREADS ?= 1
FUZZ_S ?= 60

.PHONY: run test bench check unit browser requirements validation mutation fuzz lock clean help

help:
	@echo "make run    start the demo clinic with its virtual implants (port $(PORT), data in $(OPENITB_HOME)/)"
	@echo "make test   everything continuous integration runs"
	@echo "make bench  speed and memory, side by side with what you would pick instead"
	@echo "make check  format, lint, types and import doors only;  make unit  the fast tests only"
	@echo "make validation  compute docs/validation.md again, about two minutes"
	@echo "make requirements  write docs/requirements.md and docs/hazards.md again"
	@echo "make mutation  change the code that decides on a dose; do the tests notice? (hours; docs/mutation.md)"
	@echo "make fuzz   feed every reader for FUZZ_S=$(FUZZ_S) seconds each (docs/fuzzing.md)"

run: $(VENV)/.run
	@$(BIN)/openitb serve --demo --port $(PORT)

test: $(VENV)/.test
	@sh tools/need-chromium.sh
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest -n auto -m "not browser"
	sh tools/with-postgres.sh $(BIN)/pytest -n auto tests/clinic
	$(BIN)/pytest -m browser

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src tools
	$(BIN)/lint-imports

unit: $(VENV)/.test
	$(BIN)/pytest -n auto -m "not browser and not slow"

browser: $(VENV)/.test
	@sh tools/need-chromium.sh
	$(BIN)/pytest -m browser

# Pages that link requirements and hazards to code, tests and their last results.
requirements: $(VENV)/.test
	$(BIN)/python -m tools.trace

# Published figures beside the model's, with their drawings.
validation: $(VENV)/.test
	$(BIN)/python -m tools.validate

# Goes on where it was; after new tests `make mutation AGAIN=--again` tries the survivors again.
mutation: $(VENV)/.mutation
	$(BIN)/python -m tools.mutation $(AGAIN)

fuzz: $(VENV)/.fuzz
	$(BIN)/python -m tools.fuzz $(FUZZ_S)

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/run.py

$(VENV)/.run: requirements/run.txt pyproject.toml
	@sh tools/make-venv.sh $(PYTHON) $(VENV)
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.run requirements/bench.txt
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

$(VENV)/.mutation: $(VENV)/.test requirements/mutation.txt
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements/mutation.txt
	@touch $@

$(VENV)/.fuzz: $(VENV)/.run requirements/fuzz.txt
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $@

# Writes the lock files again from pyproject.toml: exact versions and hashes, no index address.
LOCK = $(BIN)/pip-compile --quiet --no-header --no-emit-index-url --no-emit-find-links \
       --no-emit-trusted-host --strip-extras --generate-hashes --allow-unsafe
lock: $(VENV)/.run
	$(BIN)/pip install --quiet pip-tools
	$(LOCK) --extra build -o requirements/run.txt pyproject.toml
	$(LOCK) --extra build --extra test -c requirements/run.txt -o requirements/test.txt pyproject.toml
	$(LOCK) --extra build --extra bench -c requirements/run.txt -o requirements/bench.txt pyproject.toml
	$(LOCK) --extra build --extra test --extra mutation -c requirements/test.txt -o requirements/mutation.txt pyproject.toml
	$(LOCK) --extra build --extra fuzz -c requirements/run.txt -o requirements/fuzz.txt pyproject.toml

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
