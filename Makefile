# Labrador's commands. `make` alone lists them.
PYTHON ?= python3
EXTRA  ?= cpu          # faiss build: cpu or gpu
BIN    := .venv/bin
READY  := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo tables test test-ray lint docs bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## create .venv and install Labrador with everything that the demo, tests, lint and docs need

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(strip $(EXTRA)),demo,dev]'
	@touch $(READY)

DEMO := $(BIN)/python run.py -m data=pydocs 'data.packages=[numpy,pandas]' encoder.max_passage_length=128 train.max_steps=40

demo: $(READY)  ## compare bm25, pretrained and dpr under six compressions on real text, in minutes
	$(DEMO) hydra.sweep.dir=multirun/demo/bm25 retriever=bm25
	$(DEMO) hydra.sweep.dir=multirun/demo/pretrained retriever=pretrained
	$(DEMO) hydra.sweep.dir=multirun/demo/dpr retriever=dpr quantizer=flat,sq8,lsh,pq,opq,rabitq
	$(BIN)/python -m labrador.report multirun/demo

tables: $(READY)  ## list the published tables: make table-NAME runs one, SCALE=small on a laptop, ARGS='seed=0,1 ...'
	@$(BIN)/python -m labrador.tables

SCALE ?= $(or $(scale),common)
table-%: $(READY)
	$(BIN)/python -m labrador.tables $* scale=$(SCALE) $(ARGS)

test: $(READY)  ## run the tests
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

# The Ray launcher needs cloudpickle < 3, joblib a newer one. So Ray gets a separate environment, which falls back on the
# packages of .venv.
.venv-ray/.ready: $(READY)
	$(BIN)/python -m venv .venv-ray
	$(BIN)/python -c "import site; print(f'import site; site.addsitedir({site.getsitepackages()[0]!r})')" \
	  > $$(.venv-ray/bin/python -c 'import site; print(site.getsitepackages()[0])')/labrador.pth
	.venv-ray/bin/pip install --quiet --disable-pip-version-check 'hydra-ray-launcher>=1.2.2'
	@touch $@

test-ray: .venv-ray/.ready  ## run the test of a sweep on Ray, in a separate environment (.venv-ray)
	OMP_NUM_THREADS=1 .venv-ray/bin/python -m pytest tests/launcher/test_sweeps.py -k ray

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)  ## build the documentation as a site in site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(READY)  ## print speeds, sizes and quality compared with their peers: make bench CORPUS=DIR (BEIR layout; hours)
	@test -d "$(CORPUS)/qrels" || { echo "error: name a corpus in BEIR layout: make bench CORPUS=DIR" >&2; exit 2; }
	for name in convert memory overhead quantizers training binary codes product graph rerank significance page; do $(BIN)/python benchmarks/$$name.py || exit 1; done
	for name in encoding quality learned_codes teacher; do $(BIN)/python benchmarks/$$name.py "$(CORPUS)" || exit 1; done

clean:  ## remove the environment and caches; artifacts/, outputs/ and multirun/ stay
	rm -rf .venv .venv-ray .pytest_cache .mypy_cache .ruff_cache *.egg-info src/*.egg-info
