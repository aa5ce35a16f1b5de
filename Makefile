# Needs make and Python 3.11 or newer; everything else is installed into this folder.

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11, \
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))) python3)
PORT ?= 4566
CONTEXT ?=
APPROVE ?=
QUIET ?=
EMPTY ?=
LIBRARIES ?=
FIGURES ?=
STACK ?= CodeInterpreter
ONLY ?=
LIST ?=
YES ?=
CLEAN ?=
SEED ?=

export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(CURDIR)/.cache/jsii
export CDK_DISABLE_CLI_TELEMETRY := true
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME VIRTUAL_ENV

# Empty, unless the variable is on.
on = $(if $(filter-out 1 yes true 0 no false,$($(1))),$(error $(1) is $($(1)), but it must be yes or no))$(filter 1 yes true,$($(1)))

# The CDK CLI takes other words for names of stacks.
OPTIONS = $(if $(filter-out -%,$(firstword $(CONTEXT))),$(error CONTEXT is $(CONTEXT), but it must be options of \
	the CDK CLI, as in CONTEXT="-c code-interpreter:network=public"))$(CONTEXT)
CDK := .venv/bin/python local/run_cdk.py

.PHONY: help install demo check coverage test test-all pictures golden format lint bench prove local shell env synth bootstrap deploy destroy \
	destroy-network verify lock clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

install: ## install everything into this folder (the other targets do it themselves)
	@command -v $(PYTHON) >/dev/null || { echo "error: no Python found: install Python 3.11 or newer," \
		"or name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) local/install.py

demo: install ## deploy into a local AWS, use it, destroy it
	@.venv/bin/python -m local_aws.demo

check: lint ## make lint, then the unit tests: after each change
	@.venv/bin/python -m pytest tests/unit --numprocesses=2

test: install ## run the tests
	@.venv/bin/python -m pytest

test-all: install ## run the tests, and the long ones that make test leaves out
	@.venv/bin/python -m pytest -m "slow or not slow"

coverage: install ## run the unit tests and those of the sandbox's program, and report missed branches
	@.venv/bin/python -m pytest tests/unit tests/integration/invoke/test_program.py --cov --cov-report=term

pictures: install ## draw the pictures of the documents anew
	@.venv/bin/python -m tests.e2e.client.pictures

golden: install ## write the golden files anew
	@UPDATE_GOLDEN_FILES=1 .venv/bin/python -m pytest -k golden -m "slow or not slow"

format: install ## format the code
	@.venv/bin/ruff check --quiet --fix . ; .venv/bin/ruff format .

bench: install ## measure the costs beside those of the code that a user would write; FIGURES="cold warm" measures some
	@.venv/bin/python -m benchmarks $(FIGURES)

prove: install ## prove least privilege, reachability, tenants and histories, and write the figures to docs/proof.md (SEED=1 varies the mutants)
	@PYTHONPATH=$(CURDIR)/lambda/invoke .venv/bin/python -m tests.proof $(if $(SEED),--seed $(SEED))

lint: install ## check style, types and the direction of imports
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .
	@.venv/bin/mypy
	@PYTHONPATH=lambda/control:lambda/invoke .venv/bin/lint-imports --cache-dir .cache/import_linter

local: install ## keep a local AWS with the stack running on PORT (4566), and show its requests; QUIET=1, EMPTY=1, LIBRARIES=full
	@exec .venv/bin/python -m local_aws$(if $(call on,EMPTY),,.project) --port "$(PORT)" \
		$(if $(call on,QUIET),--quiet) $(if $(LIBRARIES),--libraries "$(LIBRARIES)")

shell: install ## run Python in a sandbox of the local AWS on PORT, line by line
	@variables="$$(.venv/bin/python -m local_aws --port "$(PORT)" --env)" && eval "$$variables" && \
		.venv/bin/python local/foreground.py code-interpreter shell

env: ## print the variables for the local AWS on PORT: eval "$(make -s env)"
	@$(MAKE) --silent --no-print-directory install >&2
	@.venv/bin/python -m local_aws --port "$(PORT)" --env
	@echo 'export PATH="$(CURDIR)/node_modules/.bin:$$PATH:$(CURDIR)/.venv/bin"'

synth: install ## write the CloudFormation template to cdk.out
	@$(CDK) synth --quiet $(OPTIONS)
	@.venv/bin/python local/deployed_stacks.py $(OPTIONS)

bootstrap: install ## prepare that account for the CDK, once; with the account and region of CONTEXT
	@$(CDK) bootstrap $(OPTIONS)

deploy: install ## deploy into the account that the environment names (APPROVE=yes asks for no approval)
	@$(CDK) deploy --all $(if $(call on,APPROVE),--require-approval never) $(OPTIONS)
	@.venv/bin/python local/unused_network.py $(OPTIONS)

destroy: install ## remove what make deploy made, with any CONTEXT; give stack-name, account and region again
	@$(CDK) destroy --all --app ".venv/bin/python -m stacks.destroy" --output .cache/destroy $(OPTIONS) \
		$(if $(call on,APPROVE),--force)
	@.venv/bin/python local/kept_bucket.py $(OPTIONS)

destroy-network: install ## remove the VPC that the code interpreter is no longer in
	@$(CDK) destroy --all --app ".venv/bin/python -m stacks.destroy network" --output .cache/destroy $(OPTIONS) \
		$(if $(call on,APPROVE),--force)

verify: install ## try in the account what AWS does not document; STACK=CodeInterpreter, ONLY=name,name, LIST=1, YES=1, CLEAN=1
	@.venv/bin/python -m verify --stack "$(STACK)" $(if $(ONLY),--only "$(ONLY)") $(if $(call on,LIST),--list) \
		$(if $(call on,YES),--yes) $(if $(call on,CLEAN),--clean)

lock: install ## resolve requirements/*.in anew
	@for name in tools lambda sandbox libraries uv adapters-deepagents adapters-pydantic-ai adapters-strands gateway jupyterlab; do \
		uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-header --override requirements/overrides.txt requirements/$$name.in -o requirements/$$name.txt; \
	done

clean: ## remove everything that make installed or wrote
	@rm -rf .venv .venv-lambda .venv-sandbox .venv-libraries .cache node_modules cdk.out demo-output
