# Everything runs in the project's own .venv, made on first use: only python3, make and a package index are needed.
PYTHON ?= python3
VENV := .venv
CLIENTS := .venv-clients
BIN := $(VENV)/bin
# A process for each CPU, most of a test being Python's own work, and a file's tests in one of them, in their order; no
# more processes than memory is sure to be there for.
PYTEST := $(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder
# byol_keras/ as it is installed, with export/ inside, for the tools that follow imports.
HOUSE := $(VENV)/house

.PHONY: demo test test-all test-clients test-versions check format notebooks benchmark clean

# Learn an encoder from drawn images, evaluate it, export it, and write a report.
demo: $(VENV)/installed
	$(BIN)/byol-keras demo --out byol_keras_demo

test: $(VENV)/installed
	$(PYTEST) -m "not slow"

test-all: $(VENV)/installed
	$(PYTEST)

# What runs the exported files elsewhere and is too heavy for `make test`: mediapipe, KServe's server, tflite-micro,
# coremltools, and of npm LiteRT.js and MediaPipe for the web, which want a Chromium. What was skipped is listed.
test-clients: $(CLIENTS)/installed
	$(CLIENTS)/bin/python -m pytest -rs tests/docs/test_device.py tests/docs/test_web.py tests/export/formats/test_coreml.py \
		tests/export/formats/test_mediapipe.py tests/export/formats/test_mediapipe_web.py \
		tests/export/parity/test_accelerator.py tests/export/parity/test_microcontroller.py \
		tests/export/serving/test_kserve.py tests/export/web

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

# examples/notebooks/*.ipynb anew from the scripts beside them, with what their cells give. Some minutes.
notebooks: $(VENV)/installed
	$(BIN)/python tests/notebooks.py

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Beside other libraries, which get an environment of their own. CIFAR10 and IMAGENETTE are the data sets as folders:
# train/, and CIFAR10's test/, with a subfolder a class. Three and a half hours on two cores; each script can be run by
# itself.
benchmark: $(VENV)/installed
	@test -d "$(CIFAR10)/train" -a -d "$(CIFAR10)/test" -a -d "$(IMAGENETTE)/train" || \
		{ echo "usage: make benchmark CIFAR10=FOLDER IMAGENETTE=FOLDER, with train/ and CIFAR10's test/"; exit 2; }
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.kernels
	$(BIN)/python -m benchmarks.step
	$(BIN)/python -m benchmarks.views --data $(IMAGENETTE)/train
	$(BIN)/python -m benchmarks.fit --memory $(CIFAR10)/train --files $(IMAGENETTE)/train
	$(BIN)/python -m benchmarks.embedding --data $(IMAGENETTE)/train
	$(BIN)/python -m benchmarks.accuracy --data $(CIFAR10) --minutes 3 8

# The stamp comes last, so that an installation cut short is done again.
$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

$(CLIENTS)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --quiet --upgrade pip
	$(CLIENTS)/bin/python -m pip install --quiet --editable ".[test,clients]"
	npm install --silent --prefix $(CLIENTS) @litertjs/core@2.5.3 @mediapipe/tasks-vision@1.1.0
	touch $@

clean:
	rm -rf $(VENV) $(CLIENTS) .venv-versions build dist *.egg-info .pytest_cache .ruff_cache
