# Two commands from a bare clone: `make demo` and `make test`. Everything lives in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo reports test cluster lint types docs bench install clean

demo: $(VENV)/installed
	rm -rf reports/digits-quick
	$(BIN)/autocls search digits --space quick --time 160s
	@echo
	@echo "report: $(CURDIR)/reports/digits-quick/report.html"
	@echo "recipe: $(CURDIR)/reports/digits-quick/best_recipe.yaml"

# Fifteen minutes on 5,000 MNIST images; what of it is kept lies in reports/examples. Wants Debian's chromium.
MNIST := $(shell mktemp -u -d)/mnist
reports: $(VENV)/installed-dev
	$(BIN)/python tests/mnist.py $(MNIST)
	cd $(dir $(MNIST)) && $(CURDIR)/$(BIN)/autocls search mnist --space improved_lenet --time 15m
	cp $(dir $(MNIST))reports/mnist-improved_lenet/report.html reports/examples/mnist.html
	cp $(dir $(MNIST))reports/mnist-improved_lenet/best_recipe.yaml reports/examples/mnist.yaml
	$(BIN)/python reports/pictures.py reports/examples/mnist.html reports/examples

# On two cores, but for what looks at the clock.
test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m "not cluster and not alone" -n 2 --dist worksteal
	$(BIN)/python -m pytest -m alone

# Real Ray nodes, databases and disks that are started, killed and brought back; root can mount, and tests more. Most of
# the time they wait for one another, so two files at once take little more than one.
cluster: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m cluster -n 2 --dist loadfile --durations=10

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/installed-dev
	$(BIN)/mypy

docs: $(VENV)/installed-dev
	$(BIN)/python -m autocls.probe.matrix > docs/applicability.md
	$(BIN)/python -m tests.verdict.schema

# Each takes minutes, and wants the machine for itself; benchmarks/README.md says what it measures.
BENCHMARKS := search trial overhead report samplers pruners strategy_speed profile truth agreement cluster thresholds recognition export

bench: $(VENV)/installed-dev
	set -e; for each in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$each; done

install: $(VENV)/installed

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
