# Two commands: make run, make test. The rest is in `make help`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= $(firstword $(shell command -v python3.11) python3)
BIN := .venv/bin
STAMP := .venv/installed
# wildcard leaves out what is deleted and not yet committed
FILES := $(wildcard $(shell git ls-files -co --exclude-standard))
SOURCES := $(filter __%.py model/% rtl/% sim/% analysis/%,$(FILES))

export PATH := $(CURDIR)/$(BIN):$(PATH)
# small models: spinning threads cost more than they bring
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run test lint bench notebooks quality quality-study peer dram-check registers test-browser verify-full clean system waves chromium

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1: /p' Makefile

run: build/run.txt ## the main job on the embedded model: one table, kept with its plots in build/run.*
	@cat $<

test: build/test.txt ## every test but the longest; the report is kept in build/test.txt
	@tail -n 1 $<

lint: $(STAMP) .typing/normq ## ruff and pyright
	ruff check .
	ruff format --check .
	pyright

bench: $(STAMP) ## golden kernels against torch, and the simulator's speed, measured now
	normq bench

notebooks: $(STAMP) ## the notebooks at full size with their outputs, into build/notebooks; some minutes
	normq notebooks

quality: $(STAMP) ## tables and figures of the quality study from its shipped results, into build/quality
	normq quality

quality-study: $(STAMP) ## the whole study, about an hour and a quarter of two idle cores; goes on where it was interrupted
	normq quality --compute

registers: $(STAMP) ## write docs/REGISTERS.md anew, after a change of registers, counters, descriptors or codes
	normq rtl -o build/rtl
	cp build/rtl/REGISTERS.md docs/

peer: $(STAMP) ## the timing model beside SCALE-Sim, which is installed once into an environment of its own
	normq peer

dram-check: $(STAMP) ## the DDR4 preset beside LiteDRAM, which is installed once into an environment of its own
	@mkdir -p build/dram-check
	normq export-default build/dram-check/default
	normq quantize build/dram-check/default --bits 4 -o build/dram-check/model
	normq cosim build/dram-check/model --entries-per-cycle 1 --lanes 1 --elements-per-cycle 1 --port-bits 64 --batch 16 \
		--dram ddr4-3200 --trace-memory build/dram-check/trace.parquet
	normq dram-check --trace build/dram-check/trace.parquet

test-browser: $(STAMP) chromium ## the report in headless Chromium, every filter clicked
	pytest -m browser

verify-full: $(STAMP) chromium ## the longest tests: every width, layout and shape; and those in a browser
	pytest -n auto -m "full or browser"

clean: ## remove what was built; the environment stays
	rm -rf build .typing .pytest_cache .ruff_cache

build/run.txt: $(STAMP) $(SOURCES)
	@normq run --output build

build/test.txt: $(STAMP) $(FILES) | waves
	@mkdir -p build
	@pytest -n auto | tee $@

# The name under which type checkers find the package, whose folder is the repository itself.
.typing/normq:
	@mkdir -p .typing && ln -sn .. $@

$(STAMP): pyproject.toml constraints.txt | system
	@test -x $(BIN)/pip || { echo "normq: making the environment .venv (once, some minutes)"; $(PYTHON) -m venv --clear .venv; }
	@$(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev,quality,notebooks]'
	@touch $@

# What only the system's package manager can bring, asked before anything else happens.
is_3_11 := import sys; sys.exit(sys.version_info[:2] != (3, 11))
has_libpython := import ctypes, sysconfig; ctypes.CDLL(sysconfig.get_config_var("INSTSONAME"))
need = $(1) >/dev/null 2>&1 || missing="$$missing $(2)";
system:
	@missing=; \
	$(call need,$(PYTHON) -c '$(is_3_11)',python3.11) \
	$(call need,$(PYTHON) -c 'import ensurepip',python3-venv) \
	$(call need,$(PYTHON) -c '$(has_libpython)',libpython3.11) \
	$(call need,command -v g++,g++) \
	$(call need,command -v git,git) \
	test -z "$$missing" || { echo "normq needs Debian packages first: apt-get install$$missing" >&2; exit 1; }

# Asked before tests, which write waves as FST, too.
has_header = echo '\#include <$(1)>' | g++ -fsyntax-only -x c++ -
waves:
	@missing=; \
	$(call need,$(call has_header,zlib.h),zlib1g-dev) \
	$(call need,$(call has_header,lz4.h),liblz4-dev) \
	test -z "$$missing" || { echo "normq needs Debian packages for its tests: apt-get install$$missing" >&2; exit 1; }

# Asked only by the targets that open a browser: no Python package brings one.
chromium:
	@command -v chromium >/dev/null || { echo "normq needs a Debian package for this target: apt-get install chromium" >&2; exit 1; }
