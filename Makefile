# Everything that one does with a checkout. `make help` lists it.

SHELL := /bin/bash
BIN := .venv/bin
CONFIG ?= config/camera_config.json
PYTEST := $(BIN)/pytest

.PHONY: help setup setup-test run check format test test-quick docs footage clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##/  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

setup:  ## build .venv, all that the camera needs
	@ancillary/setup.sh run

setup-test:  ## the same, with all that the tests need
	@ancillary/setup.sh test

run: setup  ## start the camera on the best source that is found; CONFIG=FILE for another configuration
	@exec $(BIN)/pi-sec-cam run -c "$(CONFIG)" --demo-if-none

check: setup-test  ## format, lint, strict types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PYTEST) -q tests/unit/test_layers.py

format: setup-test  ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup-test  ## everything: check, then all tests
	@tests/stages.sh check unit contract system picamera2

test-quick: setup-test  ## unit and contract tests
	@tests/stages.sh unit contract

footage: setup-test  ## run the node over a FOLDER of videos and print what it finds beside what really moves
	$(BIN)/python -m tests.bench.footage "$(FOLDER)"

docs: setup-test  ## write anew the documents that are made from the code
	$(BIN)/python -m pi_sec_cam.config.reference >docs/configuration.md
	$(BIN)/pi-sec-cam schema >config/camera_config.schema.json

clean:  ## remove what make has built; footage and configuration stay
	rm -rf .venv .cache build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
