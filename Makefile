.DEFAULT_GOAL := help
.PHONY: help setup boosting run serve monitor load demo render mlflow lucky-split bench images sbom stages test lint format lock clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
DATASET ?= heart
EFFORT  ?= standard
PORT    ?= 8080
BUNDLE  ?= runs/latest/bundle
BENCH   := .venv-bench
SECONDS ?= 4
ROUNDS  ?= 3
HOST     ?= http://127.0.0.1:$(PORT)
RATE     ?= 50
DURATION ?= 60
TABLE    ?= training
SHARES   ?= --valid 60 --invalid 20 --odd 20

# Programs of the system, which only root can install: wrk makes the load of the benchmark, the others watch.
SERVERS = prometheus prometheus-alertmanager prometheus-node-exporter
install = command -v $(1) >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null; }
INSTALL_WRK = $(call install,wrk,wrk)
INSTALL_SERVERS = $(call install,prometheus-alertmanager,$(SERVERS))
BUILDERS = buildah podman runc netavark aardvark-dns uidmap fuse-overlayfs debootstrap
INSTALL_BUILDERS = docker info >/dev/null 2>&1 || { $(call install,buildah,$(BUILDERS)); }
INSTALL_REGISTRY = $(call install,docker-registry,docker-registry skopeo)

help: ## Show what there is to do
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/installed ## Create .venv from the lock (run, serve and test do it by themselves)

boosting: $(VENV)/installed-boosting ## Let LightGBM and CatBoost compete too: installs both into .venv

run: $(VENV)/installed ## Train, evaluate and publish: make run DATASET=heart EFFORT=quick|standard|thorough
	@$(BIN)/python pipeline.py run $(DATASET) --effort $(EFFORT)

serve: $(VENV)/installed ## Serve the newest bundle: make serve PORT=8080 BUNDLE=runs/latest/bundle
	@test -d $(BUNDLE) || { echo "There is no bundle at $(BUNDLE) yet: make run makes one."; exit 1; }
	@$(BIN)/python -m predictor --bundle $(BUNDLE) --http_port $(PORT) --drain_delay_seconds 0

monitor: $(VENV)/installed ## Serve and watch: predictor, Prometheus, Alertmanager on this machine: make monitor PORT=8080
	@$(INSTALL_SERVERS) || true
	@$(BIN)/python -m monitoring up --bundle $(BUNDLE) --predictor-port $(PORT)

load: $(VENV)/installed-dev ## Send requests, good and bad: make load RATE=50 DURATION=60 TABLE=training ARGS=--truth
	@$(BIN)/python -m monitoring.load --host $(HOST) --dataset datasets/$(DATASET) --table $(TABLE) --rate $(RATE) --duration $(DURATION) $(SHARES) $(ARGS)

demo: $(VENV)/installed-dev ## Show drift on real patients: silent at home, an alert that names what moved abroad
	@$(INSTALL_SERVERS) || true
	@$(BIN)/python -m monitoring demo --bundle $(BUNDLE)

render: $(VENV)/installed-dev ## Write dashboards, rules and their tables from monitoring/
	@$(BIN)/python -m monitoring render

mlflow: $(VENV)/installed ## Look at the runs and the registry in a browser: http://127.0.0.1:5000
	@$(BIN)/mlflow server --backend-store-uri sqlite:///runs/mlflow.db --default-artifact-root runs/mlflow-artifacts --host 127.0.0.1 --port 5000

lucky-split: $(VENV)/installed ## Show why one split proves nothing: the predecessor's 96 % among 300 splits
	@$(BIN)/python -m benchmarks.lucky_split

bench: $(VENV)/installed-dev $(if $(QUICK),,$(BENCH)/installed) ## Measure the predictor beside its peers: make bench SECONDS=4 ROUNDS=3, or QUICK=1
	@$(INSTALL_WRK) || { echo "wrk makes the load and isn't installed: sudo apt-get install wrk"; exit 1; }
	@$(BIN)/python -m benchmarks.serving $(if $(QUICK),--quick,--seconds $(SECONDS) --rounds $(ROUNDS))

images: $(VENV)/installed ## Build the images of pipeline and predictor: make images BASE=NAME@sha256:…
	@$(INSTALL_BUILDERS) || true
	@$(BIN)/python -m images build $(if $(BASE),--base $(BASE))

stages: EFFORT = quick
stages: $(VENV)/installed ## Run every stage inside the pipeline image too, and compare: make stages DATASET=heart EFFORT=quick
	@$(BIN)/python -m images.stages --dataset $(DATASET) --effort $(EFFORT) $(if $(OUTPUT),--output $(OUTPUT))

sbom: $(VENV)/installed-dev ## List what is in the images, as CycloneDX, in build/sbom
	@$(BIN)/python -m images sbom

test: $(VENV)/installed-dev ## Run every test, with branch coverage
	@$(INSTALL_WRK) || echo "wrk isn't installed (sudo apt-get install wrk): one test, of the benchmark, is left out"
	@$(INSTALL_SERVERS) || echo "Prometheus isn't installed (sudo apt-get install $(SERVERS)): the tests that need it are left out"
	@$(INSTALL_REGISTRY) || echo "docker-registry and skopeo aren't installed (sudo apt-get install docker-registry skopeo): the tests that push images are left out"
	@command -v kubectl >/dev/null || echo "kubectl isn't installed: the tests that need it are left out"
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine -q && $(BIN)/coverage report

lint: $(VENV)/installed-dev ## Check style, types, import boundaries and contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m contract check datasets/*/contract.yaml
	@$(BIN)/python -m monitoring render --check
	@$(BIN)/python pipeline.py lint --allow-tag tests/golden/*.yaml

format: $(VENV)/installed-dev ## Format the code
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

lock: $(VENV)/installed-dev ## Compile the lock anew from requirements/*.in (UPGRADE=--upgrade for newer versions)
	@for name in dev pipeline pipeline-image predictor boosting bench; do \
	  case $$name in dev | bench) agree= ;; *) agree="-c requirements/dev.txt" ;; esac; \
	  without=requirements/$$name-excludes.txt; [ ! -f $$without ] || agree="$$agree --excludes $$without"; \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --no-annotate --no-header $$agree $(UPGRADE) requirements/$$name.in -o requirements/$$name.txt \
	    || exit 1; \
	done

# The verbs of the jobs in .github/workflows.
.PHONY: check-workflows servers readme job-summary export-images push-images sign-images verify-image release-images e2e-install e2e e2e-logs deploy outcome

ACTIONLINT := v1.7.12
RUN ?= runs/latest

check-workflows: $(VENV)/installed-dev $(VENV)/installed-actionlint-$(ACTIONLINT) ## Check .github: actionlint, zizmor and shellcheck
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/actionlint
	@$(BIN)/zizmor --quiet --persona pedantic .github
	@$(BIN)/shellcheck .github/*/*.sh
	@echo "actionlint, zizmor and shellcheck found nothing in .github"

servers: ## Install what the tests run beside Concord, as root: sudo make servers
	@$(INSTALL_WRK) && $(INSTALL_SERVERS) && $(INSTALL_REGISTRY) || { echo "Only root can install wrk, docker-registry and $(SERVERS): sudo make servers"; exit 1; }
	@if [ -d /run/systemd/system ]; then systemctl disable --quiet --now $(SERVERS); fi # their ports are for our own

readme: ## Run every command of the README in a clean clone
	@.ci/run

job-summary: $(VENV)/installed ## Say what a run came to, as Markdown: make job-summary RUN=runs/latest
	@$(BIN)/python -m local.job_summary $(RUN)

export-images: ## Write the images that make images built to build/images, as archives
	@.github/images/export.sh

push-images: ## Push build/images: make push-images REGISTRY=ghcr.io/ORGANISATION/concord
	@.github/images/push.sh

sign-images: ## Sign what was pushed, and its SBOM, as the workflow that runs
	@.github/images/sign.sh

verify-image: ## Verify who signed an image: make verify-image IMAGE=NAME@sha256:… GITHUB_REPOSITORY=ORGANISATION/concord
	@.github/images/verify.sh

release-images: ## Give the images of this commit its version as a tag: make release-images REGISTRY=…
	@.github/images/release.sh

e2e-install: ## Install KServe, Kubeflow Pipelines and a gateway into the kind cluster that kubectl points at
	@.github/e2e/install.sh

e2e: $(VENV)/installed-dev ## Run the tests that need a cluster, on the one that kubectl points at
	@test -n "$(wildcard tests/cluster/test_*.py)" || { echo "There is no test in tests/cluster: nothing was tried in the cluster."; exit 1; }
	@$(BIN)/python -m pytest tests/cluster

e2e-logs: ## Collect what is known about the kind cluster in build/cluster-logs
	@.github/e2e/logs.sh

deploy: ## Apply the overlay of production: make deploy IMAGE=NAME@sha256:… (RENDER=1 only prints it)
	@.github/deploy/deploy.sh

outcome: ## Say what a run of the workflow came to; JOBS holds its jobs
	@python3 .github/outcome.py

clean: ## Remove the environment and caches; runs stay
	@rm -rf $(VENV) $(BENCH) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*

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

$(VENV)/installed-actionlint-$(ACTIONLINT): | $(VENV)/bin/python
	@command -v go >/dev/null || { echo "actionlint is built with Go (https://go.dev/dl), which isn't installed: the workflows can't be checked."; exit 1; }
	@GOBIN="$(CURDIR)/$(BIN)" go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT)
	@touch $@

$(VENV)/installed-boosting: requirements/boosting.txt $(VENV)/installed
	@echo "Installing LightGBM and CatBoost into $(VENV)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(BENCH)/installed: requirements/bench.txt
	@echo "Installing MLServer, the peer that can't share $(VENV), into $(BENCH)"
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
