# Each target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= $(or $(HOST_EXPORTER_PORT),5000)
DIST := dist
PIP_AUDIT ?= .cache/audit/bin/pip-audit
# Both need nothing but Python, and run before anything is installed.
DOCTOR = $(or $(wildcard $(BIN)/python),$(PYTHON)) -m tests.tools.doctor
PROGRESS = $(PYTHON) tests/tools/progress.py
INSTALL = $(BIN)/python -m pip install --progress-bar off --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help doctor run stack python free-port ready-for-stack load load-test test test-most test-load test-compose check format golden docs dashboards lock audit \
  dashboards-shots pictures bench bench-fleet deaths ways binary servers schema draw clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

doctor: python  ## Check .env, targets/, ports and Docker before anything starts
	@$(DOCTOR)

run: python free-port $(VENV)/run  ## Start the exporter on http://127.0.0.1:5000 (PORT=... for another port)
	$(BIN)/host-exporter serve --port $(PORT)

# Before anything is installed or fetched, which takes a minute.
free-port:
	@$(DOCTOR) run '$(or $(HOST_EXPORTER_HOST),127.0.0.1)' '$(PORT)'

ready-for-stack:
	@$(DOCTOR) stack

stack: python ready-for-stack $(VENV)/stack  ## Run the whole stack without Docker and print its emails in the terminal
	@sh tests/tools/servers.sh prometheus prometheus-alertmanager
	$(BIN)/python -m tests.tools.stack

load:  ## Keep all cores busy for three minutes to trigger an alert
	$(PYTHON) tests/tools/load.py

test: test-most test-load  ## Run all tests that do not need Docker

test-most: $(VENV)/dev servers schema draw
	$(BIN)/pytest --ignore=tests/compose -m "not load" -n 5 --dist loadfile --no-loadscope-reorder

# After all others, also where one of those fails and make keeps going.
test-load: $(VENV)/dev servers schema
	$(BIN)/pytest --ignore=tests/compose -m load

# A cache of its own, because it may run beside make test.
test-compose: $(VENV)/dev servers  ## Run the container tests (needs root; starts its own Docker engine)
	$(BIN)/pytest -o cache_dir=.pytest_cache/compose tests/compose

check: $(VENV)/dev  ## Check formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/dev  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

golden: $(VENV)/dev  ## Regenerate the golden exposition from the fixture machine
	$(BIN)/python -m tests.tools.golden

docs: $(VENV)/dev  ## Regenerate docs/metrics.md, docs/dependencies.md, the runbooks page and the list of time zones
	$(BIN)/python -m tests.tools.reference
	$(BIN)/python -m tests.tools.runbooks
	$(BIN)/python -m tests.tools.dependencies
	$(BIN)/python -m tests.tools.zones

pictures: $(VENV)/dev servers  ## Retake the screenshots in README and docs (needs chromium, xvfb and fonts-inter)
	$(BIN)/python -m tests.tools.pictures

dashboards: $(VENV)/dev  ## Regenerate grafana/dashboards from grafana/build.py
	$(BIN)/python -m grafana.build

dashboards-shots: $(VENV)/dev servers draw  ## Draw the dashboards with Grafana's components, for README and docs
	$(BIN)/python -m tests.draw

lock: $(VENV)/dev  ## Update the locked dependencies
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --upgrade \
	  --python-version 3.11 --extra build --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --upgrade \
	  --python-version 3.11 --extra build --extra dev --output-file tests/requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --upgrade \
	  --python-version 3.11 --no-annotate --constraint tests/requirements.lock \
	  --output-file examples/digits/requirements.lock examples/digits/requirements.in

audit: $(PIP_AUDIT)  ## Check all locked packages for known vulnerabilities
	@$(PYTHON) -m tests.tools.audit $(PIP_AUDIT)

load-test: $(VENV)/dev  ## Load-test the exporter and the example with locust; writes docs/load-test.md
	$(BIN)/python -m tests.load

bench: $(VENV)/dev  ## Benchmark against node_exporter and process-exporter, if installed
	$(BIN)/python -m tests.tools.bench --long --picture docs/performance.png

bench-fleet: $(VENV)/dev servers  ## Benchmark Prometheus with 50, 200 and 1,000 machines (15 minutes)
	$(BIN)/python -m tests.fleet.bench --picture docs/fleet.png

deaths: $(VENV)/dev servers  ## Kill each part of the stack, and measure who tells its owner, and when (20 minutes, as root)
	$(BIN)/python -m tests.tools.deaths

ways: $(VENV)/dev servers  ## Break machines in each way that an alert is for, beside node_exporter (70 minutes, as root, with Go)
	$(BIN)/python -m tests.tools.ways --write

binary: $(VENV)/dev  ## Build dist/host-exporter, a single file for machines without Python
	$(BIN)/pyinstaller --noconfirm --log-level WARN --distpath $(DIST) --workpath $(DIST)/work packaging/binary/host-exporter.spec
	@rm -rf $(DIST)/work
	@ls -lh $(DIST)

servers:  ## Fetch Prometheus, Alertmanager, VictoriaMetrics and Compose into .cache/servers (Debian, without root)
	@sh tests/tools/servers.sh

schema:  ## Build the schema of Grafana's dashboards for the tests (needs npm)
	@sh tests/tools/schema.sh

draw:  ## Install Grafana's components for drawing the dashboards, in .cache/draw (needs npm)
	@sh tests/tools/draw.sh

clean:  ## Remove the virtual environment, build output and all caches
	rm -rf $(VENV) $(DIST) .cache .pytest_cache .mypy_cache .ruff_cache

# An existing virtual environment keeps its Python. If PYTHON names another version, stop and say how to switch.
ifeq ($(origin PYTHON), command line)
VERSION := import sys; print(sys.version_info[:2])
ASKED := $(shell $(PYTHON) -c '$(VERSION)' 2>/dev/null)
ifeq ($(ASKED),)
$(error $(PYTHON) does not run: give the path to Python 3.11 or later)
endif
ifneq ($(wildcard $(BIN)/python),)
ifneq ($(ASKED), $(shell $(BIN)/python -c '$(VERSION)'))
$(error $(VENV) was made with another Python than $(PYTHON): make clean, then try again)
endif
endif
endif

python:
	@$(or $(wildcard $(BIN)/python),$(PYTHON)) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }

# pip comes last: an environment that was interrupted, or could not get it, is completed by the next attempt.
$(VENV)/bin/pip: | python
	@$(PROGRESS) "making a virtual environment in $(VENV)" $(PYTHON) -m venv $(VENV)

.cache/audit/bin/pip-audit: | python
	@$(PROGRESS) "making a virtual environment in .cache/audit" $(PYTHON) -m venv .cache/audit
	@$(PROGRESS) "installing pip-audit" .cache/audit/bin/pip install --disable-pip-version-check pip-audit

$(VENV)/run: $(VENV)/bin/pip requirements.lock pyproject.toml
	@$(PROGRESS) "installing what the exporter needs into $(VENV) (4 MB)" $(INSTALL) --require-hashes -r requirements.lock
	@$(PROGRESS) "installing the exporter" $(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# Of the tests' packages, those that receive email: 100 kB instead of 180 MB.
MAILBOX := aiosmtpd|atpublic|attrs
$(VENV)/stack: $(VENV)/run tests/requirements.lock
	@awk '/^[^ #]/ {keep = $$0 ~ /^($(MAILBOX))==/} keep' tests/requirements.lock >$(VENV)/mailbox.lock
	@$(PROGRESS) "installing what make stack needs" $(INSTALL) --require-hashes -r $(VENV)/mailbox.lock
	@touch $@

$(VENV)/dev: $(VENV)/run tests/requirements.lock
	@$(PROGRESS) "installing what the tests need into $(VENV) (180 MB)" \
	  $(INSTALL) --require-hashes -r tests/requirements.lock
	@touch $@
