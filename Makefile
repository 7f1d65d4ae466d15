# Everything that is done to this project. Needs Python 3.11 or newer and make; brings all else along, into .venv.
#
#   make          all checks (the same as `make test`)
#   make demo     the main job, on a scripted model
#   make bench    the figures that the project promises, as a table and a JSON file
#   make lint     ruff and mypy;  make format  lets ruff rewrite
#   make clean    what tests and builds left;  make distclean  .venv as well

.DEFAULT_GOAL := test
.NOTPARALLEL:
.PHONY: test lint format test-python test-worker worker-project demo bench clean distclean

# Every tool comes from .venv first: also node and npm, where the machine's own are missing or too old.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export WRANGLER_SEND_METRICS := false
export npm_config_update_notifier := false
# npm trusts whom the machine trusts, as pip and git do.
export NODE_USE_SYSTEM_CA := 1

PYTHON_DIRS := cct_cloudflare tests bench components
WORKER := .work/worker/.claude/sandbox/cloudflare

# Each recipe line starts with a command that needs a shell, or make 3.81 would not use the PATH above.
IN_WORKER := cd $(WORKER) &&

test: lint test-python test-worker

lint: .venv/.dev
	.venv/bin/ruff check $(PYTHON_DIRS)
	.venv/bin/ruff format --check $(PYTHON_DIRS)
	.venv/bin/mypy

format: .venv/.dev
	.venv/bin/ruff check --fix $(PYTHON_DIRS)
	.venv/bin/ruff format $(PYTHON_DIRS)

test-python: .venv/.dev worker-project
	.venv/bin/pytest -n auto --maxprocesses 4 $(PYTEST_ARGS)

# A rendered project with all that it needs installed, wrangler among it.
worker-project: .venv/.run
	mkdir -p .work/worker
	.venv/bin/cct init --directory .work/worker --force --yes
	$(IN_WORKER) { cmp -s package-lock.json node_modules/.installed || npm ci --ignore-scripts --no-audit --no-fund; }
	$(IN_WORKER) cp package-lock.json node_modules/.installed

# The Worker project's own checks, run where a user would run them: in a project that cct rendered.
test-worker: worker-project
	$(IN_WORKER) npm run type-check
	$(IN_WORKER) npm run format:check
	$(IN_WORKER) npm test -- $(VITEST_ARGS)
	$(IN_WORKER) npx --no-install wrangler deploy --dry-run

demo: .venv/.run
	mkdir -p .work/demo
	cd .work/demo && cct --sandbox cloudflare --demo --agent python-developer --yes --prompt "What is the 10th Fibonacci number?"

bench: .venv/.dev
	.venv/bin/python -m bench $(BENCH_ARGS)

clean:
	rm -rf .work build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis templates/cloudflare/build
	find $(PYTHON_DIRS) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv

.venv/.run: constraints.txt pyproject.toml .ci/setup
	sh .ci/setup

.venv/.dev: .venv/.run
	sh .ci/setup dev
