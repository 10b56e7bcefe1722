# `make` alone says what you can do. Needs Python 3.11 or later and nothing else; makes its own environment.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The distribution's Python comes first: it is built with profile-guided optimisation, which one that a version manager
# compiled is usually not. It takes a tenth less time for the same journeys.
PYTHON ?= $(shell for p in {/usr/bin/,}python{3.13,3.12,3.11,3}; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
# An environment belongs to the machine's Python: elsewhere, name another folder, for example VENV=.venv-3.13.
VENV ?= .venv
BIN := $(VENV)/bin
export PORT ?= 8000
WORKERS ?= auto
TESTS ?= tests
COMPOSE := docker compose -f docker-compose.yml
COMPOSE_TEST := docker compose -p aftersale-test -f docker-compose.yml -f deploy/compose.test.yml

.PHONY: help run story test test-real test-compose chaos histories bench lint lock up down clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## The whole suite in one process, with demo data; PORT=8000 moves it, Ctrl-C stops it
	@exec $(BIN)/aftersale demo

story: $(VENV)/.installed ## Walk one sale through a running suite, from the order to the refund and its mails
	@exec $(BIN)/aftersale story

test: $(VENV)/.installed-test ## All tests; gets RabbitMQ and PostgreSQL by itself (TEST_SERVERS=env|containers|local)
	@exec $(BIN)/python -m pytest $(TESTS) -m 'not compose' -n $(WORKERS) --dist loadfile $(ARGS)

test-real: $(VENV)/.installed-test ## The tests that claim a row of the specification, on real processes, broker and databases
	@exec $(BIN)/python -m pytest $(TESTS) -m 'capability and not compose' --on real -n $(WORKERS) --dist loadfile $(ARGS)

# Ports of its own, so that a stack somebody works with stays as it is.
test-compose: export PORT = 28000
test-compose: export MAIL_PORT = 28025
test-compose: export PROVIDER_PORT = 28010
test-compose: export COMPOSE_PROJECT = aftersale-test
test-compose: export SUITE_URL = http://127.0.0.1:28000
test-compose: export SUITE_MAIL_URL = http://127.0.0.1:28025
test-compose: export SUITE_PROVIDER_URL = http://127.0.0.1:28010
test-compose: export SUITE_AMQP_URI = amqp://admin:development-only-admin@127.0.0.1:25672/%2F
test-compose: $(VENV)/.installed-test ## Build and start the Docker stack, run the integration tests against it, take it down
	@trap '$(COMPOSE_TEST) down --volumes --remove-orphans --timeout 5' EXIT; \
	$(COMPOSE_TEST) up --build --detach --wait --wait-timeout 300 \
		|| { $(COMPOSE_TEST) ps --all; $(COMPOSE_TEST) logs --tail 30; exit 1; }; \
	$(BIN)/python -m pytest tests/integration -n $(WORKERS) $(ARGS)

chaos: $(VENV)/.installed-test ## Kill processes and the broker under load, then count what was lost, doubled or reordered
	@exec $(BIN)/python -m bench.chaos $(ARGS)

histories: $(VENV)/.installed-test ## Play 10,000 random orders with failures in any order, then count what money, stock and numbers say
	@exec $(BIN)/python -m bench.histories $(ARGS)

bench: $(VENV)/.installed-test ## Measure rates and latencies beside the limits of this machine's database and broker
	@exec $(BIN)/python -m bench.run $(ARGS)

lint: $(VENV)/.installed-test ## Style, types and who may import whom
	@$(BIN)/ruff check --no-cache . && $(BIN)/mypy shared services

lock: ## Choose the versions of all dependencies anew (needs uv)
	@command -v uv >/dev/null || { echo 'make lock needs uv: pip install uv'; exit 1; }
	@# setuptools builds the distribution inside the image: it is locked like the rest.
	@echo 'setuptools>=80' | uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra s3 pyproject.toml - \
		--output-file requirements.lock
	@uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra test --constraints requirements.lock \
		pyproject.toml --output-file requirements-test.lock

up: ## Start the Docker stack (gateway on PORT) and wait until it is healthy
	@$(COMPOSE) up --build --detach --wait --wait-timeout 300
	@echo "gateway http://localhost:$(PORT)  mails http://localhost:$${MAIL_PORT:-8025}"

down: ## Stop the Docker stack and delete its data
	@$(COMPOSE) down --volumes --remove-orphans

clean: ## Delete environments, caches and the demo's data
	rm -rf .venv .venv-* data .run .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@[ -n '$(PYTHON)' ] || { echo 'No Python 3.11 or later with its venv module was found: install python3 and python3-venv (Debian: apt-get install python3-venv), or name one: make PYTHON=/path/to/python'; exit 1; }
	@echo 'Making $(VENV) with $(PYTHON)'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo 'Installing what the suite needs into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-test: requirements-test.lock $(VENV)/.installed
	@echo 'Installing what the tests need into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-test.lock
	@touch $@
