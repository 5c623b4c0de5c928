# Tradewind. `make run` and `make test` are all a newcomer needs; `make help` lists the rest.
# Builds go to ./target, or where CARGO_TARGET_DIR says; what tests fetch goes to TRADEWIND_CACHE.
# Everything builds the whole workspace at once: with a part of it, cargo would choose other features for the
# dependencies, and compile RocksDB again.

SHELL := /bin/bash
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
BINARY := $(TARGET)/debug/tradewind
ARGS ?=

.PHONY: help run build test race scale soak check format setup

help: ## Lists the targets.
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

run: build ## Builds and starts the platform with the demo shop (ARGS="--data-dir … --listen …").
	@$(BINARY) up $(ARGS)

build: setup ## Builds the binary; the last line is its path.
	@[ -e $(TARGET)/debug/deps ] || echo "The first build compiles RocksDB and librdkafka: 15 to 30 minutes on two cores, once."
	@$(CARGO) build --workspace --locked
	@echo $(BINARY)

test: setup ## Runs all tests, those on a real Kafka included.
	@deploy/setup.sh test
	@$(CARGO) build --workspace --locked
	@$(CARGO) test --workspace --locked --no-fail-fast

race: build ## Races Kafka Streams on one broker, and writes docs/benchmarks.md: an hour and a half (ARGS=--short: minutes, to see that it works).
	@deploy/setup.sh test
	@python3 tests/race/race.py --binaries $(TARGET)/debug $(ARGS)

scale: build ## What threads, keys and a backlog cost, on a real Kafka, into docs/benchmarks.md: nine minutes.
	@deploy/setup.sh test
	@python3 tests/race/scale.py --binaries $(TARGET)/debug $(ARGS)

soak: build ## Runs the ledger on a real Kafka under faults, and writes docs/soak.md (SOAK_MINUTES=30 SOAK_SEED=… SOAK_REPORT=file).
	@deploy/setup.sh test
	@SOAK_MINUTES=$${SOAK_MINUTES:-30} SOAK_REPORT=$(abspath $(or $(SOAK_REPORT),docs/soak.md)) \
		$(CARGO) test --workspace --locked --test soak -- --ignored --nocapture --exact soak

check: setup ## Formatting, lints, licences and advisories, the walls between the crates.
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@deploy/setup.sh deny
	@PATH="$$HOME/.cargo/bin:$$PATH" $(CARGO) deny --offline check bans licenses sources
	@$(CARGO) test --workspace --locked --test tidy

format: ## Formats the code.
	@$(CARGO) fmt --all

setup:
	@deploy/setup.sh build
