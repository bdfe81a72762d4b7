# 渝档 Yudang: everything from a bare Python 3.11 with venv and pip. `make` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help setup run test slow torture bench bench-lake check style fix lock clean

PYTHON  ?= $(shell command -v python3.11 || command -v python3)
VENV    := .venv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed
WORKERS ?= 2
SAMPLE  := var/sample
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DAGSTER_DISABLE_TELEMETRY := yes
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false

help: ## 列出全部目标 / list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "需要 Python 3.11:请用 make PYTHON=/path/to/python3.11 指定 / Python 3.11 is needed"; exit 2; }
	@echo "正在建立运行环境,首次约需两分钟 / setting up the environment, about two minutes the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(STAMP) ## 建立运行环境 / set up the environment

run: $(STAMP) ## 样例城市全流程:上报→数据集市→报告 / a sample city, from deliveries to marts and reports
	@test -f $(SAMPLE)/truth/city.json || $(BIN)/yudang synth --residents 20000 --units 5 --from 2025-01-01 --to 2026-06-30 --seed 55 --defects 0.01 --out $(SAMPLE)
	@$(BIN)/yudang run --inbox $(SAMPLE)/inbox

test: $(STAMP) ## 测试,不足十分钟 / tests, under ten minutes
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not whole_run"

slow: $(STAMP) ## 另起整轮运行的测试 / tests that take a city of their own through everything
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m whole_run

torture: $(STAMP) ## 更久的随机与断电试验(约半小时) / longer trials by chance and by kill
	YUDANG_TORTURE=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests/ingest

bench: $(STAMP) ## 入湖、自查与合成城市的速度(约十五分钟) / speed of ingest, check and synthetic cities
	$(BIN)/python -m tests.benchmark.ratios
	$(BIN)/python -m tests.benchmark.city

bench-lake: $(STAMP) ## 三年四万五千个报送(约一小时) / three years of daily deliveries from 41 units
	$(BIN)/python -m tests.benchmark.three_years

check: $(STAMP) ## 格式、规范、类型、契约一致性 / format, lint, types, drift of rendered files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pipelines.contract.render --check
	$(BIN)/python -m pipelines.quality.render --check

style: $(STAMP) ## SQL 书写规范(约一分半钟) / SQL style, about a minute and a half
	$(BIN)/sqlfluff lint --disable-progress-bar --processes $(WORKERS) dbt_project/models

fix: $(STAMP) ## 自动整理格式 / format in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP) ## 重新锁定依赖 / lock the dependencies again
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-header --output-file requirements.lock

clean: ## 删除环境与产物 / remove the environment and everything made
	rm -rf $(VENV) var build .pytest_cache .mypy_cache .ruff_cache dbt_project/target dbt_project/logs
