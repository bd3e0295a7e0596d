# Everything that a developer or CI does with the checkout. Needs Python 3.11 or newer and a package
# registry; `uv` makes the set-up faster where it is installed. To use another interpreter:
# `make test PYTHON=python3.12 VENV=.venv-3.12`.

VENV ?= .venv
PY := $(VENV)/bin/python

# Each candidate is run, because a version manager's shim may be there and still fail.
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	  $$name -c '$(IS_NEW_ENOUGH)' >/dev/null 2>&1 && { echo $$name; break; }; done)
UV := $(shell command -v uv 2>/dev/null)

ifneq ($(UV),)
INSTALL = "$(UV)" pip install --quiet --python $(PY) --require-hashes -r
else
INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r
endif

.PHONY: help run test diagnosis diagnosis-fit faults chaos lint format bench bench-screen bench-memory nab lock clean

help:
	@echo "make run     show the demo (set up first where needed); ARGS='--headless' adds arguments"
	@echo "make test    run the tests; ARGS='tests/house -k wheel' picks some"
	@echo "make chaos   kill, starve and corrupt runs by the thousand, and print what held; ARGS='cuts --share 0.1'"
	@echo "make faults  put every fault in at every strength, and hold each to its symptom"
	@echo "make diagnosis  diagnose injected and hand-written bugs, and print the figures; QUICK=1 takes a sample"
	@echo "make diagnosis-fit  fit the numbers of the diagnosis to the results; RESULTS=FILE names others"
	@echo "make lint    check style, formatting, types and the direction of imports"
	@echo "make format  put the code into the standard format"
	@echo "make bench   measure throughput against a hand-written loop (ARGS='--records 100000'), and"
	@echo "             what measuring costs (OVERHEAD='--runs 3'), and the screen (SCREEN='--turns 3')"
	@echo "make bench-screen  measure what the screen costs"
	@echo "make bench-memory  how often the verdict on memory is right, in some five minutes; MEMORY='--rounds 1'"
	@echo "make nab     score the detectors of anomalies on a copy of a public benchmark: NAB=DIR"
	@echo "make lock    choose the newest versions that pyproject.toml allows, and pin them (needs uv)"
	@echo "make clean   remove everything that was built"

run: $(VENV)/.set-up-run
	@$(PY) monitor.py $(ARGS)

test: $(VENV)/.set-up-dev
	@$(PY) -m pytest $(ARGS)

faults: $(VENV)/.set-up-dev
	@FAULTS=all $(PY) -m pytest tests/pipeline/faults $(ARGS)

chaos: $(VENV)/.set-up-dev
	@$(PY) -m tests.chaos $(ARGS)

diagnosis: $(VENV)/.set-up-dev
	@GALLERY=all $(PY) -m pytest tests/diagnosis/test_gallery.py
	@$(PY) -m benchmarks.diagnosis.run $(if $(QUICK),--quick) $(ARGS)

diagnosis-fit: $(VENV)/.set-up-dev
	@$(PY) -m benchmarks.diagnosis.fit $(or $(RESULTS),benchmarks/diagnosis/work/results.jsonl) $(ARGS)

lint: $(VENV)/.set-up-dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-cache --no-logo

format: $(VENV)/.set-up-dev
	@$(PY) -m ruff check --fix-only .
	@$(PY) -m ruff format .

bench: $(VENV)/.set-up-bench
	@$(PY) -m benchmarks.orders.run $(ARGS)
	@$(PY) -m benchmarks.overhead.run $(OVERHEAD)
	@$(PY) -m benchmarks.screen.run $(SCREEN)

bench-screen: $(VENV)/.set-up-run
	@$(PY) -m benchmarks.screen.run $(SCREEN)

bench-memory: $(VENV)/.set-up-run
	@$(PY) -m benchmarks.memory.run $(MEMORY)

# Nothing of the benchmark is in this repository: NAB is the folder of a copy of github.com/numenta/NAB.
nab: $(VENV)/.set-up-run
	@test -n "$(NAB)" || { echo "say where a copy of github.com/numenta/NAB is: make nab NAB=DIR" >&2; exit 2; }
	@$(PY) -m benchmarks.nab.run "$(NAB)"

lock:
	@test -n "$(UV)" || { echo "make lock needs uv: https://docs.astral.sh/uv" >&2; exit 2; }
	@$(LOCK) -o requirements.lock
	@$(LOCK) -c requirements.lock --all-extras --group dev -o requirements-dev.lock
	@$(LOCK) -c requirements.lock --group bench -o requirements-bench.lock

LOCK = "$(UV)" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" pyproject.toml

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
	  benchmarks/orders/work
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are files, so that nothing is installed again until a lock changes.
$(VENV)/.set-up-run: $(PY) requirements.lock
	@echo "Installing the packages that the monitor needs into $(VENV)" >&2
	@$(INSTALL) requirements.lock
	@touch $@

$(VENV)/.set-up-dev: $(PY) requirements-dev.lock
	@echo "Installing the packages that the tests need into $(VENV)" >&2
	@$(INSTALL) requirements-dev.lock
	@touch $@ $(VENV)/.set-up-run

# Bytewax has no wheel for some platforms; the benchmark then goes on without it.
$(VENV)/.set-up-bench: $(VENV)/.set-up-run requirements-bench.lock
	@$(INSTALL) requirements-bench.lock --only-binary :all: || \
	  echo "bytewax cannot be installed here; the benchmark leaves it out" >&2
	@touch $@

$(PY):
	@rm -rf $(VENV)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found: install it, or name one with make PYTHON=/path/to/python" >&2; exit 2; }
ifneq ($(UV),)
	@"$(UV)" venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
else
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian: apt install python3-venv)" >&2; exit 2; }
endif
