# SPDX-License-Identifier: Apache-2.0
# A thin front: each target is what one would type oneself, in the right order. `make help` lists them.

PRESET ?= release
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
ATTACK_SECONDS ?= 3
SOAK_SANDBOXES ?= 10000
SOAK_KILLS ?= 200
BUILD := build$(if $(filter-out release,$(PRESET)),/$(PRESET))
SOURCES = git ls-files --cached --others --exclude-standard '*.h' '*.cc' '*.c'

.DEFAULT_GOAL := help
.PHONY: help build run test soak bench bench-docs fuzz escape-table format lint install clean

help:  ## this list
	@echo 'usage: make TARGET [PRESET=release|debug|asan|tsan|clang]'; echo
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 14

build: $(BUILD)/build.ninja  ## everything, into build/bin
	@tools/install-deps build
	cmake --build --preset $(PRESET)

$(BUILD)/build.ninja: CMakePresets.json
	@tools/install-deps build
	cmake --preset $(PRESET)

run: build  ## the quick start: a Python sandbox, from nothing
	@tools/install-deps images
	@images/build --import $(BUILD)/bin/msb python
	$(BUILD)/bin/quickstart

test: build  ## all tests; the last line counts them
	@tools/install-deps images test
	@tools/install-deps microvm && tools/fetch-guest-kernel $(BUILD)/bin/guest-kernel || \
	  echo 'no micro VMs here: their tests will be skipped'
	@images/build --import $(BUILD)/bin/msb python node
	tools/run-tests $(BUILD)

soak: build  ## faults while SOAK_SANDBOXES (10000) are made and used, with SOAK_KILLS (200); see docs/soak.md
	@tools/install-deps images test
	@images/build --import $(BUILD)/bin/msb python node
	MSB_LIBEXEC_DIR=$(abspath $(BUILD))/bin $(BUILD)/tests/msb-soak $(BUILD)/bin/msb-server $(SOAK_SANDBOXES) $(SOAK_KILLS) $(BUILD)/soak.json

bench: build  ## speed, beside others that do the same work; BENCH_FLAGS="--only first,growth"
	@tools/install-deps images bench
	@images/build --import $(BUILD)/bin/msb python
	cmake --build --preset $(PRESET) --target msb-bench
	$(BUILD)/bin/msb-bench --output $(BUILD)/bench $(BENCH_FLAGS)

bench-docs:  ## puts the results of the last `make bench` into docs/performance.md
	sed -i -e '/^<!-- results -->/,/^<!-- end of results -->/{//!d}' \
	  -e '/^<!-- results -->/r $(BUILD)/bench/results.md' docs/performance.md
	cp $(BUILD)/bench/results.svg docs/performance.svg

fuzz:  ## every fuzz target in turn, FUZZ_SECONDS (60) each
	@tools/install-deps build lint
	cmake --preset fuzz
	cmake --build --preset fuzz --target msb-fuzzers
	tools/run-fuzzers build/fuzz $(FUZZ_SECONDS)

escape-table: build  ## tries to break out in every way of tests/guest; ATTACK_SECONDS (3) for each resource attack
	@tools/install-deps images test
	@images/build --import $(BUILD)/bin/msb python
	tools/escape-table $(BUILD) $(ATTACK_SECONDS)

format:  ## rewrites the sources as .clang-format says
	@tools/install-deps lint
	$(SOURCES) | xargs clang-format-19 -i

lint:  ## formatting, clang's warnings and clang-tidy, on every file
	@tools/install-deps build lint
	cmake --preset clang
	cmake --build --preset clang --target generated_sources
	tools/lint build/clang

install: build  ## into PREFIX (/usr/local)
	cmake --install $(BUILD) --prefix $(PREFIX)

clean:  ## removes build/, the packed images in it included; the image store stays
	rm -rf build
