# The front door. `make help` says what there is; each target can be run alone.
#   PRESET=release|debug|asan|tsan|coverage|clang   which build (CMakePresets.json)
#   JOBS=n                                          how many things at once
#   YES=1                                           install packages without asking
#   KERNELS="6.1 6.12"                              those of make test-vm (tests/vm/README.md)
#   PREFIX=/usr/local                               where `make install` puts things
.DEFAULT_GOAL := help
MAKEFLAGS     += --no-print-directory
SHELL         := /bin/bash
PRESET        ?= release
PREFIX        ?= /usr/local
KERNELS       ?= default
JOBS          ?= $(shell nproc)
BUILD         := $(if $(filter release,$(PRESET)),build,build/$(PRESET))
SCRIPTS       := tests/support/scripts
NINJA         := ninja -j $(JOBS) -C $(BUILD)
RUN_TESTS     := $(SCRIPTS)/run-tests --jobs $(JOBS) $(BUILD)
export YES

.PHONY: help deps deps-test deps-docs deps-ci configure build run image prepare test test-unit \
        test-kernel test-system test-peers test-vm lint tidy quote bench docs coverage format \
        ci-full clean install

help: ## say what can be made
	@echo 'mini-docker: Docker, rebuilt in modern C++ as a textbook that runs.'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'variables: PRESET=release|debug|asan|tsan|coverage|clang  JOBS=n  YES=1  PREFIX=/usr/local'
	@echo 'MD_REQUIRE="root overlay ..." lists what this machine must have: a test that would be'
	@echo 'skipped for one of these fails instead.'

# --- packages -------------------------------------------------------------------------------
deps: ## install the libraries and compilers a build needs (asks once; YES=1 does not ask)
	@$(SCRIPTS)/install-deps build

deps-test: ## the same for the tests: also strace, QEMU, clang-format
	@$(SCRIPTS)/install-deps build test

deps-docs:
	@$(SCRIPTS)/install-deps build docs

deps-ci:
	@$(SCRIPTS)/install-deps build test docs clang

# --- build and run --------------------------------------------------------------------------
$(BUILD)/build.ninja: | deps
	cmake --preset $(PRESET)

# The lint tier compiles every header alone; the list of them changes only when they do.
configure: $(BUILD)/build.ninja
	@$(SCRIPTS)/list-sources hpp h >$(BUILD)/headers.new
	@cmp -s $(BUILD)/headers.new $(BUILD)/headers.txt || \
	  cp $(BUILD)/headers.new $(BUILD)/headers.txt

build: deps configure ## build the programs into build/bin
	@$(NINJA) programs

image: deps ## make a small real image from Debian's busybox-static (at once when it is there)
	@tests/support/images/make-busybox-image build/images/busybox

run: build image ## build everything needed and run a first container that prints who it is
	@$(SCRIPTS)/first-container $(BUILD)/bin build/images/busybox build/state

install: build ## install the programs below PREFIX
	cmake --install $(BUILD) --prefix $(PREFIX)

clean: ## remove the build tree and all state in it
	@$(SCRIPTS)/remove-state build/state
	rm -rf build

# --- tests ----------------------------------------------------------------------------------
# What tests need besides our programs is unpacked under the build tree, never installed.
prepare: image
	@for script in tests/peers/fetch tests/vm/fetch; do \
	  if [ -x $$script ]; then $$script || exit 1; fi; done

test: deps-test configure prepare ## build and run every tier and the lint; totals, skips by need
	@$(NINJA) all lint_headers
	@$(RUN_TESTS) unit kernel system peers vm lint

test-unit: deps-test configure ## parsers, plans, state machines: needs nothing
	@$(NINJA) tests_unit
	@$(RUN_TESTS) unit

test-kernel: deps-test configure ## one mechanism against the real kernel, seen from outside
	@$(NINJA) tests_kernel programs
	@$(RUN_TESTS) kernel

test-system: deps-test configure image ## our programs together, crash sweeps, leak checks
	@$(NINJA) tests_system programs
	@$(RUN_TESTS) system

test-peers: deps-test configure prepare ## beside crun and runc, unpacked under build/
	@$(NINJA) tests_peers programs
	@$(RUN_TESTS) peers

test-vm: deps-test configure prepare ## in QEMU microVMs: pure cgroup v2, systemd, a user's session
	@$(NINJA) tests_vm tests_kernel tests_system programs
	@for kernel in $(KERNELS); do \
	  echo "kernel: $$kernel"; MD_VM_KERNEL=$$kernel $(RUN_TESTS) vm || exit 1; done

lint: deps-test configure ## layers, cycles, sizes, format, links: what a machine can check
	@$(NINJA) tests_lint lint_headers
	@$(RUN_TESTS) lint

tidy: deps-ci ## clang-tidy 19 on what changed since BASE (all files without one)
	@cmake --preset clang >/dev/null
	@$(SCRIPTS)/tidy-changed build/clang $(JOBS) $(BASE)

bench: deps-test configure prepare ## measure, beside the peers where they are; print the table
	@$(NINJA) benchmarks programs
	@$(SCRIPTS)/run-bench $(BUILD)

coverage: deps-ci prepare ## lines that tests run, here and in the VMs; below 90 % in a chapter fails
	@cmake --preset coverage
	@ninja -j $(JOBS) -C build/coverage programs tests_unit tests_kernel tests_system tests_peers
	@$(SCRIPTS)/run-coverage build/coverage $(JOBS)

ci-full: deps-ci ## the whole matrix: every preset, every tier, every file
	@.ci/run full

# --- text -----------------------------------------------------------------------------------
docs: deps-docs ## build the site (build/docs/html/index.html); a warning is an error
	@$(SCRIPTS)/make-docs build/docs

format: deps-test ## lay out every source file with clang-format 19
	@$(SCRIPTS)/list-sources | xargs -r clang-format-19 -i

quote: deps configure ## refresh the code that README files quote from compiled sources
	@$(NINJA) quote
	@$(BUILD)/tests/quote --write .
