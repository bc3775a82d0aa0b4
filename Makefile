# pyuk: `make run` and `make test` need Python >= 3.11 with its venv module, gcc and make, and nothing done before.
# Set PYTHON=/path/to/python to choose an interpreter, CC for a compiler that makes x86-64 programs.

PYTHON ?= python3
ifeq ($(origin CC),default)
CC := gcc
endif

VENV := .venv
BIN := $(VENV)/bin
PIP := python -m pip --disable-pip-version-check -qq

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

# One line that names the Debian package, before the recipe's first command runs.
need = $(if $(shell command -v $(1) 2>/dev/null),,$(error $(1) is missing: apt-get install $(2)))
need_cc = $(call need,$(CC),gcc)$(if $(filter x86_64% amd64%,$(shell $(CC) -dumpmachine)),,$(error \
    $(CC) does not make x86-64 programs: apt-get install gcc-x86-64-linux-gnu, then make CC=x86_64-linux-gnu-gcc))
need_python = $(call need,$(PYTHON),python3 python3-venv)$(if $(shell $(PYTHON) -c \
    'import sys; sys.exit(sys.version_info >= (3, 11))' 2>/dev/null || echo new),,$(error \
    $(PYTHON) is older than 3.11: apt-get install python3 python3-venv on Debian 12, or make PYTHON=/path/to/a/newer/one))$(if \
    $(shell $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null && echo whole),,$(error \
    $(PYTHON) cannot make a virtual environment: apt-get install python3-venv))

.PHONY: need-cc need-strace
need-cc:
	@$(need_cc):
need-strace:
	@$(call need,strace,strace):

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build/hello_world $(VENV)/.installed ## run guest/hello/hello_world.S and log its system calls
	$(BIN)/pyuk run --strace build/hello_world

.PHONY: test
test: need-cc $(VENV)/.dev ## run the tests (T="tests/mm -k brk" for some of them)
	@$(BIN)/pytest -n auto $(T)

.PHONY: check
check: check-format check-lint check-types check-layers check-docs ## check format, lint, types, layers, generated docs (-k: all)

.PHONY: check-format
check-format: $(VENV)/.dev
	@$(BIN)/ruff format --check --quiet . || { echo "ruff format: run make format" >&2; $(BIN)/ruff format --check .; }

.PHONY: check-lint
check-lint: $(VENV)/.dev
	@$(BIN)/ruff check --quiet .

.PHONY: check-types
check-types: $(VENV)/.dev
	@$(BIN)/mypy --no-error-summary

.PHONY: check-layers
check-layers: $(VENV)/.dev
	@mkdir -p build; $(BIN)/lint-imports --no-logo --config pyproject.toml > build/layers.txt 2>&1 || { cat build/layers.txt; exit 1; }

.PHONY: check-docs
check-docs: $(VENV)/.dev
	@$(BIN)/python -m tools.syscall_table --check

.PHONY: format
format: $(VENV)/.dev ## format the code and apply ruff's safe fixes
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format --quiet .

.PHONY: docs
docs: build/hello_world $(VENV)/.dev ## write what is generated: docs/syscalls.md and the logs in README.md
	@$(BIN)/python -m tools.syscall_table
	@$(BIN)/python -m tools.examples README.md

# Links the vDSO that is kept in pyuk/loader/; only for who changes guest/vdso.
.PHONY: vdso
vdso:
	@$(need_cc)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -fpic -fno-stack-protector -fcf-protection=none \
	    -fno-builtin -fno-ident -mno-sse -nostdlib -shared -Wl,-T,guest/vdso/vdso.ld -Wl,--hash-style=both \
	    -Wl,-soname=linux-vdso.so.1 -Wl,--build-id=none -Wl,-Bsymbolic -Wl,-s -o pyuk/loader/vdso.elf guest/vdso/vdso.c
	@chmod 644 pyuk/loader/vdso.elf

.PHONY: bench
bench: need-cc $(VENV)/.dev ## measure (B=--write puts the tables into docs/performance.md)
	@$(BIN)/python -m bench $(B)

.PHONY: bench-qiling
bench-qiling: need-cc $(VENV)/.dev .venv-qiling/.installed ## the same beside Qiling, in a virtual environment of its own
	@$(BIN)/python -m bench $(B)

.PHONY: golden
golden: need-cc need-strace $(VENV)/.dev ## record the golden traces again, from the host's strace
	@$(BIN)/python -m tests.golden $(T)

.PHONY: clean
clean: ## remove what make made, .venv too
	@rm -rf build .venv .venv-qiling .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: a stamp newer than pyproject.toml means that nothing is to be done. setuptools goes because its .pth file
# is 1.3 ms of every start of that Python, and nothing here needs it.
$(VENV)/.created:
	@$(need_python)echo "Creating $(VENV) with $$($(PYTHON) --version)" >&2
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/$(PIP) uninstall -y setuptools
	@touch $@

$(VENV)/.installed: pyproject.toml | $(VENV)/.created
	@$(BIN)/$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.created
	@echo "Installing pyuk and its development tools into $(VENV)" >&2
	@$(BIN)/$(PIP) install --editable '.[dev]'
	@touch $(VENV)/.installed $@

.venv-qiling/.installed: | $(VENV)/.created
	@echo "Installing Qiling into .venv-qiling" >&2
	@rm -rf .venv-qiling
	@$(PYTHON) -m venv .venv-qiling
	@.venv-qiling/bin/$(PIP) install 'qiling==1.4.*' setuptools
	@touch $@

build/hello_world: guest/hello/hello_world.S
	@$(need_cc)mkdir -p build
	@$(CC) -nostdlib -static -Wl,-z,noexecstack -o $@ $<
