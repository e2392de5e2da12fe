# `make` prints what there is. Everything runs from the virtual environments that local/install.py makes.

PORT ?= 4566
PYTHON ?= python3
NAME ?= cost

# The package that is tested is the clone's, and nothing that the caller's shell adds.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

bin := .venv/bin
local := $(bin)/python -m local
sources := layers/core cli functions local benchmarks

.DEFAULT_GOAL := help
.PHONY: help run up down restart status test check bench fmt fmt-check lint types template lock clean install-run install-dev

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install-run  ## Start, deploy, seed and keep a live flow going until Ctrl-C (PORT=4566)
	@exec $(local) run --port $(PORT)

up: install-run  ## Start, deploy and seed, then return (PORT=4566)
	@$(local) up --port $(PORT)

down:  ## Stop what `up` or `run` started; its data stays for the next time
	@[ ! -x $(bin)/python ] || $(local) down

restart: install-run  ## Stop the local AWS and start it again with its data
	@$(local) restart

status: install-run  ## Tell whether the local AWS runs, and where
	@$(local) status

test: install-dev  ## Run every test
	$(bin)/python -m pytest

check: fmt-check lint types template test  ## What CI runs: format, lint, types, template, tests

bench: install-dev  ## Run one benchmark (NAME=cost|fold|latency|imports|bootstrap)
	@$(bin)/python -m benchmarks.$(NAME)

fmt: install-dev  ## Format the code
	$(bin)/ruff format .
	$(bin)/ruff check --fix-only --quiet .

fmt-check: install-dev
	$(bin)/ruff format --check .

lint: install-dev  ## Lint the code
	$(bin)/ruff check .

types: install-dev  ## Check the types, strictly
	$(bin)/mypy

template: install-dev  ## Lint template.yaml
	$(bin)/cfn-lint
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 $(bin)/sam validate --lint

lock: install-run  ## Resolve the dependencies again and write the lock files
	$(bin)/python -m local.lock

clean:  ## Stop everything and remove what was made, data included
	@[ ! -x $(bin)/python ] || $(local) down
	rm -rf .local .venv .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis

install-run:
	@$(PYTHON) local/install.py run

install-dev:
	@$(PYTHON) local/install.py dev
