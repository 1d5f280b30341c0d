# Everything runs in the project's own .venv, made on first use: only python3, make and a package index are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A process for each CPU, most of a test being Python's own work, and a file's tests in one of them, in their order; no
# more processes than memory is sure to be there for.
PYTEST := $(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder
# byol_keras/ as it is installed, with export/ inside, for the tools that follow imports.
HOUSE := $(VENV)/house

.PHONY: demo test test-all test-versions check format benchmark clean

# Learn an encoder from drawn images, evaluate it, export it, and write a report.
demo: $(VENV)/installed
	$(BIN)/byol-keras demo --out byol_keras_demo

test: $(VENV)/installed
	$(PYTEST) -m "not slow"

test-all: $(VENV)/installed
	$(PYTEST)

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf $(HOUSE)
	mkdir $(HOUSE)
	cp -r byol_keras $(HOUSE)/byol_keras
	cp -r export $(HOUSE)/byol_keras/export
	cd $(HOUSE) && PYTHONPATH=. ../bin/lint-imports --no-cache ../../pyproject.toml
	cd $(HOUSE) && ../bin/mypy --config-file ../../pyproject.toml --cache-dir ../mypy_cache ../../examples

# The core with the oldest and newest TensorFlow and Keras of setup.cfg, on each Python that is found. An hour.
test-versions:
	$(PYTHON) tests/versions.py

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Beside other libraries, which get an environment of their own. CIFAR10 and IMAGENETTE are the data sets as folders:
# train/ (and test/) with a subfolder a class. Two and a half hours on two cores; each script can be run by itself.
benchmark: $(VENV)/installed
	@test -d "$(CIFAR10)/train" -a -d "$(IMAGENETTE)/train" || \
		{ echo "usage: make benchmark CIFAR10=FOLDER IMAGENETTE=FOLDER, each with train/ inside"; exit 2; }
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.kernels
	$(BIN)/python -m benchmarks.step
	$(BIN)/python -m benchmarks.views --data $(IMAGENETTE)/train
	$(BIN)/python -m benchmarks.fit --memory $(CIFAR10)/train --files $(IMAGENETTE)/train
	$(BIN)/python -m benchmarks.embedding --data $(IMAGENETTE)/train
	$(BIN)/python -m benchmarks.accuracy --data $(CIFAR10)

# The stamp comes last, so that an installation cut short is done again.
$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) .venv-versions build dist *.egg-info .pytest_cache .ruff_cache
