.DEFAULT_GOAL := help
.PHONY: help setup run serve mlflow lucky-split test lint format lock clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
DATASET ?= heart
EFFORT  ?= standard
PORT    ?= 8080
BUNDLE  ?= runs/latest/bundle

help: ## Show what there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/installed ## Create .venv from the lock (run, serve and test do it by themselves)

run: $(VENV)/installed ## Train, evaluate and publish: make run DATASET=heart EFFORT=quick|standard|thorough
	@$(BIN)/python pipeline.py run $(DATASET) --effort $(EFFORT)

serve: $(VENV)/installed ## Serve the newest bundle: make serve PORT=8080 BUNDLE=runs/latest/bundle
	@test -d $(BUNDLE) || { echo "There is no bundle at $(BUNDLE) yet: make run makes one."; exit 1; }
	@$(BIN)/python -m predictor --bundle $(BUNDLE) --http_port $(PORT)

mlflow: $(VENV)/installed ## Look at the runs and the registry in a browser: http://127.0.0.1:5000
	@$(BIN)/mlflow server --backend-store-uri sqlite:///runs/mlflow.db --default-artifact-root runs/mlflow-artifacts --host 127.0.0.1 --port 5000

lucky-split: $(VENV)/installed ## Show why one split proves nothing: the predecessor's 96 % among 300 splits
	@$(BIN)/python -m benchmarks.lucky_split

test: $(VENV)/installed-dev ## Run every test, with branch coverage
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine -q && $(BIN)/coverage report

lint: $(VENV)/installed-dev ## Check style, types, import boundaries and contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m contract check datasets/*/contract.yaml

format: $(VENV)/installed-dev ## Format the code
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

lock: $(VENV)/installed-dev ## Compile the lock anew from requirements/*.in (UPGRADE=--upgrade for newer versions)
	@for name in dev pipeline predictor; do \
	  [ $$name = dev ] && agree= || agree="-c requirements/dev.txt"; \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --no-annotate --no-header $$agree $(UPGRADE) requirements/$$name.in -o requirements/$$name.txt \
	    || exit 1; \
	done

clean: ## Remove the environment and caches; runs stay
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Concord needs Python 3.11 or newer; name one: make PYTHON=python3.11 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements/pipeline.txt | $(VENV)/bin/python
	@echo "Installing the locked requirements into $(VENV) (a minute or two, once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/installed-dev: requirements/dev.txt $(VENV)/installed
	@echo "Installing what the checks need into $(VENV)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
