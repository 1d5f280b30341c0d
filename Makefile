# Everything runs in the project's own .venv, made on first use: only python3, make and a package index are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-all check format clean

# Learn an encoder from drawn pictures, judge it, export it, and write a report.
demo: $(VENV)/installed
	$(BIN)/byol-keras demo --out byol_keras_demo

test: $(VENV)/installed
	$(BIN)/python -m pytest -m "not slow"

test-all: $(VENV)/installed
	$(BIN)/python -m pytest

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The stamp comes last, so that an installation cut short is done again.
$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
