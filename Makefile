# Thin: every target is one call of CMake, ctest or a script. `make help` lists them.
#
#   make test PRESET=release     another preset of CMakePresets.json (default dev)
#   make build JOBS=8            default: one per core, no more than memory allows
#   make setup CUDA=1            the CUDA libraries too, to build the GPU plug-in
#   FUSOR_TORCH=DIR              a LibTorch that is already there;  FUSOR_CACHE=DIR: another cache
SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: help setup configure build test demo bench peers fmt lint sanitize install

PRESET ?= dev
BUILD := build/$(PRESET)
PREFIX ?= $(HOME)/.local
# A file that includes LibTorch takes 1.3 GiB to compile.
JOBS ?= $(shell awk -v cores=$$(nproc) '/MemTotal/ { n = int($$2 / 1600000); \
          print n < 1 ? 1 : n < cores ? n : cores }' /proc/meminfo)
export FUSOR_TORCH FUSOR_CACHE FUSOR_WHEELS

help:
	@sed -n '2,6p' Makefile; echo; echo "targets: setup build test demo bench peers fmt lint sanitize install"

setup:
	@deploy/setup.sh $(if $(CUDA),--cuda) --stamp build/.setup

# What `setup` does, in milliseconds when it has been done.
.PHONY: ready
ready:
	@deploy/setup.sh --stamp build/.ready

# Both are told to CMake each time: it would otherwise keep an earlier answer.
CONFIGURE = cmake -DFUSOR_TORCH=$(abspath $(FUSOR_TORCH)) -DFUSOR_CACHE=$(abspath $(FUSOR_CACHE)) \
            $(CMAKE_ARGS) --preset

configure: ready
	@$(CONFIGURE) $(PRESET) >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }

build: configure
	@cmake --build $(BUILD) -j $(JOBS)

test: build
	@tests/run.sh $(BUILD)

# A newcomer waits for no tests.
demo: configure
	@cmake --build $(BUILD) -j $(JOBS) --target fusor fusord fusor-worker fusor-train
	@$(BUILD)/bin/fusor local deploy/examples/demo.yaml

# Benchmarks measure the release build; BENCH=name runs one of them.
bench:
	@$(MAKE) --no-print-directory build PRESET=release
	@mkdir -p build/bench && build/release/bin/fusor-bench $(BENCH) --out build/bench

peers: build
	@deploy/setup.sh --group peers --stamp build/.ready-peers
	@tests/peers/run.sh $(BUILD)

fmt:
	@deploy/setup.sh --group lint --stamp build/.ready-lint
	@tests/lint.sh --fix

lint: build
	@deploy/setup.sh --group lint --stamp build/.ready-lint
	@tests/lint.sh $(BUILD)

sanitize: ready
	@set -e; for preset in asan tsan; do \
	  $(CONFIGURE) $$preset >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }; \
	  cmake --build --preset $$preset -j $(JOBS); \
	  ctest --preset $$preset -j 2; \
	done

install:
	@$(MAKE) --no-print-directory build PRESET=release
	@cmake --install build/release --prefix $(PREFIX)
