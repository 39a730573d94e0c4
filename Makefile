# Everything a person or CI runs. Each target installs what it needs into the checkout: .venv/ and node_modules/.
# On the machine only python3 (3.11 to 3.13), make and git are needed; node is used when it is there (20 or newer),
# otherwise it comes from the Python requirements. A second run installs nothing: the stamps in .make/ carry the
# checksum of what was installed.

PYTHON ?= python3
WORKERS ?= 2

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
checksum = $(shell cat $(1) | cksum | cut -d' ' -f1)
# A stamp is only worth something while what it speaks of is there: otherwise it is made again.
unless_there = $(if $(wildcard $(1)),,FORCE)

VENV_STAMP := .make/python-$(call checksum,requirements-dev.txt)
PACKAGE_STAMP := .make/package-$(call checksum,requirements-dev.txt pyproject.toml)
NODE_STAMP := .make/node-$(call checksum,package.json package-lock.json)
# The executable specification pins other versions of what we use, so it has an environment of its own.
EELS_VENV := .make/eels
EELS_STAMP := .make/eels-$(call checksum,requirements-eels.txt)
# What we are measured against: other people's engines, with the crypto they bring along.
BENCH_VENV := .make/bench
BENCH_STAMP := .make/bench-$(call checksum,requirements-bench.txt)
BENCH_NODE_STAMP := .make/bench-node-$(call checksum,scripts/bench/package-lock.json)
OFFICIAL := delegations/framework/_official/framework.json.gz

# node and npm of the machine when both are there and node is new enough; otherwise those of the requirements.
NODE_ON_PATH := $(shell command -v npm >/dev/null 2>&1 && node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' >/dev/null 2>&1 && echo yes)
ifeq ($(NODE_ON_PATH),yes)
export PATH := $(PATH):$(CURDIR)/$(BIN)
else
export PATH := $(CURDIR)/$(BIN):$(PATH)
endif

# Without a home that can be written to, the package managers keep their caches here.
ifneq ($(shell test -n "$$HOME" && test -d "$$HOME" && test -w "$$HOME" && echo yes),yes)
export XDG_CACHE_HOME := $(CURDIR)/.make/cache
export npm_config_cache := $(CURDIR)/.make/cache/npm
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export npm_config_update_notifier := false

SNAPSHOT := --snap contracts/.gas-snapshot
# Fuzzed runs cost a different amount of gas each time, so the snapshot holds the others.
SNAPSHOT_TESTS := --no-match-test '^(testFuzz|invariant)'

.PHONY: help demo test fuzz eels bench leak peers check build figures docs contracts requirements venv node_modules framework clean distclean FORCE

help: ## list the targets
	@sed -n 's/^\([a-z_]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

demo: $(PACKAGE_STAMP) $(OFFICIAL) ## a delegation's whole life on a local chain, in one minute
	@$(BIN)/delegations demo

test: $(PACKAGE_STAMP) $(NODE_STAMP) $(OFFICIAL) ## the contracts' tests, then the Python tests
	@scripts/forge test
	@$(BIN)/python -m pytest -n $(WORKERS)

fuzz: $(PACKAGE_STAMP) $(OFFICIAL) ## 100,000 random programs on the embedded engines and on py-evm's own machine
	@$(BIN)/python scripts/fuzz_evm.py --programs 100000 --workers $(WORKERS)

eels: $(PACKAGE_STAMP) $(OFFICIAL) $(EELS_STAMP) ## the scenarios, redemptions and programs on the executable specification, in three minutes or so
	@$(BIN)/python scripts/eels_oracle.py --python $(EELS_VENV)/bin/python

bench: $(PACKAGE_STAMP) $(NODE_STAMP) $(OFFICIAL) peers ## one redemption on every engine, and receipts decoded, beside other people's, in one run
	@$(BIN)/python scripts/bench_engines.py
	@$(BIN)/python scripts/bench_decode.py --check

leak: $(PACKAGE_STAMP) $(OFFICIAL) ## the memory of 100,000 simulations in one process, in six minutes or so
	@$(BIN)/python scripts/bench_leak.py

check: $(PACKAGE_STAMP) $(NODE_STAMP) $(OFFICIAL) ## format, lint, types, layers, gas, artifacts, tracked files
	@$(BIN)/ruff format --check --output-format concise .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@scripts/forge fmt --check && echo "forge fmt: formatted"
	@scripts/forge snapshot $(SNAPSHOT_TESTS) --check contracts/.gas-snapshot
	@$(BIN)/python scripts/export_artifacts.py --check
	@$(BIN)/python scripts/check_tracked.py
	@$(BIN)/python scripts/caveat_docs.py --check
	@$(BIN)/python scripts/receipt_schema.py --check

build: $(PACKAGE_STAMP) $(OFFICIAL) ## wheel and source distribution, into dist/
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation

figures: $(PACKAGE_STAMP) $(NODE_STAMP) $(OFFICIAL) peers ## measure again the figures the documents name
	@$(BIN)/python scripts/figures --cold

docs: $(PACKAGE_STAMP) ## write docs/caveats.md and the schema of receipts anew from the classes
	@$(BIN)/python scripts/caveat_docs.py
	@$(BIN)/python scripts/receipt_schema.py

contracts: $(VENV_STAMP) $(NODE_STAMP) ## compile our contracts; renew their artifacts and the gas snapshot
	@scripts/forge fmt
	@scripts/forge build
	@$(BIN)/python scripts/export_artifacts.py
	@scripts/forge snapshot $(SNAPSHOT_TESTS) $(SNAPSHOT)

requirements: $(VENV)/pyvenv.cfg ## resolve the requirements again, of all environments
	@echo "installing uv into $(VENV)"
	@$(BIN)/python -m pip install -qq uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	    --custom-compile-command 'make requirements' \
	    --output-file requirements-dev.txt pyproject.toml requirements-dev.in
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	    --custom-compile-command 'make requirements' --output-file requirements-eels.txt requirements-eels.in
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	    --custom-compile-command 'make requirements' --output-file requirements-bench.txt requirements-bench.in
	@echo "requirements-dev.txt: $$(grep -c '^[a-z]' requirements-dev.txt) packages"

clean: ## remove what was built
	@rm -rf dist build contracts/out contracts/cache delegations/framework/_official
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	@find caveats delegations tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove what was installed, too
	@rm -rf $(VENV) node_modules scripts/bench/node_modules .make

# --- what the targets stand on ---------------------------------------------------------------------------------------

venv: $(PACKAGE_STAMP)
node_modules: $(NODE_STAMP)
framework: $(OFFICIAL)

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
	    echo "make: expected Python 3.11, 3.12 or 3.13, got $$($(PYTHON) --version 2>&1); name one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "creating $(VENV) with $$($(PYTHON) --version 2>&1)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)

$(VENV_STAMP): $(call unless_there,$(BIN)/ruff) | $(VENV)/pyvenv.cfg
	@echo "installing the Python requirements into $(VENV)"
	@$(BIN)/python -m pip install -qq --require-hashes -r requirements-dev.txt
	@mkdir -p .make && rm -f .make/python-* && touch $@

$(PACKAGE_STAMP): $(VENV_STAMP)
	@echo "installing this package into $(VENV)"
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@mkdir -p .make && rm -f .make/package-* && touch $@

$(EELS_STAMP): $(call unless_there,$(EELS_VENV)/bin/python)
	@echo "installing the executable specification into $(EELS_VENV)"
	@rm -rf $(EELS_VENV) && mkdir -p .make && $(PYTHON) -m venv $(EELS_VENV)
	@$(EELS_VENV)/bin/python -m pip install -qq --require-hashes -r requirements-eels.txt
	@rm -f .make/eels-* && touch $@

# A peer that cannot be installed is left out of the table, which says so.
peers:
	-@$(MAKE) --no-print-directory $(BENCH_STAMP)
	-@$(MAKE) --no-print-directory $(BENCH_NODE_STAMP)
	-@$(MAKE) --no-print-directory $(EELS_STAMP)

$(BENCH_STAMP): $(call unless_there,$(BENCH_VENV)/bin/python)
	@echo "installing what we are measured against into $(BENCH_VENV)"
	@rm -rf $(BENCH_VENV) && mkdir -p .make && $(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install -qq --require-hashes -r requirements-bench.txt || { rm -rf $(BENCH_VENV); exit 1; }
	@rm -f .make/bench-[0-9]* && touch $@

$(BENCH_NODE_STAMP): $(call unless_there,scripts/bench/node_modules/.package-lock.json) | $(VENV_STAMP)
	@echo "installing what we are measured against into scripts/bench/node_modules"
	@cd scripts/bench && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@mkdir -p .make && rm -f .make/bench-node-* && touch $@

# node_modules waits for the Python requirements, because node itself may come from them.
$(NODE_STAMP): $(call unless_there,node_modules/.package-lock.json) | $(VENV_STAMP)
	@echo "installing the npm packages into node_modules with node $$(node --version)"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@mkdir -p .make && rm -f .make/node-* && touch $@

$(OFFICIAL): $(NODE_STAMP) scripts/build_framework.py delegations/framework/data/codehashes.json | $(VENV_STAMP)
	@echo "building the official framework artifact"
	@$(BIN)/python scripts/build_framework.py
	@touch $@
