# `make` prints what there is. Everything runs from what local/install.py makes: two virtual environments, node_modules.

PORT ?= 4566
PARAMETERS ?=
PYTHON ?= python3
NAME ?= cost

# The package that is tested is the clone's, and nothing that the caller's shell adds.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

bin := .venv/bin
local := $(bin)/python -m local
npm := npm --prefix dashboard --silent
page := layers/core/tidemark/http/page

.DEFAULT_GOAL := help
.PHONY: help run up down restart status dashboard test test-dashboard check bench fmt fmt-check lint types template size \
	lock clean install-run install-dev

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install-run dashboard  ## Start, deploy, seed and keep a live flow going until Ctrl-C (PORT=4566 PARAMETERS="A=1")
	@exec $(local) run --port $(PORT) --parameters "$(PARAMETERS)"

up: install-run dashboard  ## Start, deploy and seed, then return (PORT=4566 PARAMETERS="A=1")
	@$(local) up --port $(PORT) --parameters "$(PARAMETERS)"

down:  ## Stop what `up` or `run` started; its data stays for the next time
	@[ ! -x $(bin)/python ] || $(local) down

restart: install-run  ## Stop the local AWS and start it again with its data
	@$(local) restart

status: install-run  ## Tell whether the local AWS runs, and where
	@$(local) status

dashboard:  ## Build the live page and the browser SDK into the core layer; sam build ships them
	@$(PYTHON) -m local.dashboard

# A worker a core for what needs no stack; what shares a deployed one goes one after the other.
test: install-dev test-dashboard  ## Run every test
	$(bin)/python -m pytest -n auto --dist worksteal tests/unit tests/integration
	$(bin)/python -m pytest tests/e2e tests/browser

test-dashboard: dashboard
	$(npm) test

check: fmt-check lint types template size test  ## What CI runs: format, lint, types, template, sizes, tests

bench: install-dev  ## Run one benchmark (NAME=cost|query|rollup|fold|anomalies|latency|imports|bootstrap|storm|soak)
	@$(bin)/python -m benchmarks.$(NAME)

fmt: install-dev  ## Format the code
	$(bin)/ruff format .
	$(bin)/ruff check --fix-only --quiet .
	$(npm) run format

fmt-check: install-dev
	$(bin)/ruff format --check .

lint: install-dev  ## Lint the code
	$(bin)/ruff check .
	$(npm) run lint

types: install-dev  ## Check the types, strictly
	$(bin)/mypy
	$(npm) run types

template: install-dev  ## Lint template.yaml
	$(bin)/cfn-lint
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 $(bin)/sam validate --lint

size: dashboard  ## Weigh the SDK and the page as they travel
	$(npm) run size

lock: install-run  ## Resolve the dependencies again and write the lock files
	$(bin)/python -m local.lock

clean:  ## Stop everything and remove what was made, data included
	@[ ! -x $(bin)/python ] || $(local) down
	rm -rf .local .venv .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf dashboard/node_modules dashboard/dist $(page)

install-run:
	@$(PYTHON) -m local.install run

install-dev:
	@$(PYTHON) -m local.install dev
