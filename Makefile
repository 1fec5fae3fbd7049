# SPDX-License-Identifier: Apache-2.0
# `make` lists the targets. SWIFT=… chooses the toolchain, SWIFT_FLAGS=… is added to every build.
SWIFT ?= swift
SWIFT_FLAGS ?=
ROUNDS ?= 60000
SEED ?= 1
KILLS ?= 60
MINUTES ?= 10
PREFIX ?= /usr/local
SECONDS ?= 30
export SWIFT SWIFT_FLAGS

BUILD_FLAGS = -c release --explicit-target-dependency-import-check error $(SWIFT_FLAGS)
PROGRAM = .build/release/shuffle-r1
SOURCES = $(wildcard Sources Plugins Tests Examples Package.swift)

.DEFAULT_GOAL := help
.PHONY: help setup build tools quickstart quickstart-llm quickstart-vlm test test-examples test-kernels test-debug test-parity test-server test-trackers test-kill test-parquet test-threads soak test-report bench-report campaign test-large fuzz fuzz-coverage lint format bench bench-replay-index bench-policy bench-smollm2 bench-training bench-process test-plugin worker test-worker bench-worker bench-packing test-cluster bench-math bench-check bench-record install docs graph clean

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F '|' '{ printf "  make %-20s %s\n", $$1, $$2 }'

setup: ## install the system packages that the build needs, where they are missing
	@.ci/setup

build: setup ## build the program: .build/release/shuffle-r1
	"$(SWIFT)" build $(BUILD_FLAGS)

tools: setup ## build the program, and the fuzzers, probes and trainers that other targets run
	SHUFFLE_R1_TOOLS=1 "$(SWIFT)" build $(BUILD_FLAGS)

install: build ## install program, library, schemas, man page and completions into PREFIX=… (/usr/local)
	@.ci/install "$(PREFIX)"

# The first thing that a newcomer runs: keep it to one command, with something to see at its end.
quickstart: build ## build, then train the bundled model on easy-VQA with Shuffle-R1: before and after on held-out images
	@python3 -m pip --version >/dev/null 2>&1 || .ci/setup python3-pip
	@echo; Examples/easy-vqa/prepare
	@Examples/easy-vqa/quickstart

quickstart-llm: build ## build, then train a published language model, SmolLM2-135M, on short sums: before and after on held-out sums (makes .venv-smollm2)
	@python3 -c 'import ensurepip, venv' 2>/dev/null || .ci/setup python3-venv
	@echo; Examples/smollm2/prepare
	@Examples/smollm2/quickstart

quickstart-vlm: build ## build, then give that language model a vision tower and train it on easy-VQA: before and after on held-out pictures (makes .venv-smollm2)
	@python3 -c 'import ensurepip, venv' 2>/dev/null || .ci/setup python3-venv
	@echo; Examples/smol-vlm/prepare
	@Examples/smol-vlm/quickstart

test: setup ## run every test and every example, in release, with the import checks of the build
	"$(SWIFT)" build $(BUILD_FLAGS) --build-tests
	"$(SWIFT)" test $(BUILD_FLAGS) --skip-build
	python3 Tests/Trackers/test_track.py
	Tests/install.sh
	Tests/Report/smoke $(PROGRAM)
	Examples/test.sh

test-examples: build ## run every example and compare with what it should give
	Examples/test.sh

test-kernels: tools ## run the numeric tests with every set of kernels that this machine has
	@.ci/setup gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user || echo 'kernels: those for aarch64 will not be compared'
	"$(SWIFT)" build $(BUILD_FLAGS) --build-tests
	TEST_FLAGS='$(BUILD_FLAGS)' Tests/kernels.sh

test-debug: build ## check that a debug build gives the same bytes, on 1, 2 and 7 threads
	"$(SWIFT)" build --scratch-path .build-debug --product shuffle-r1 $(SWIFT_FLAGS)
	Tests/same-bytes.sh $(PROGRAM) .build-debug/debug/shuffle-r1

test-parity: tools ## compare with transformers and tokenizers, and what TensorBoard reads (needs python3; makes .venv-parity)
	BUILD_FLAGS='$(BUILD_FLAGS)' Tests/Parity/run all

test-server: build ## collect rollouts from `transformers serve`, a server that is not ours (makes .venv-servers)
	Tests/Servers/run $(PROGRAM)

test-cluster: build ## run a pipeline on Spark and Ray, and compare with one machine (needs python3 and Java 17; makes .venv-cluster)
	Examples/cluster/test

test-trackers: build ## follow a run with the clients of Weights & Biases, SwanLab and MLflow, offline (makes .venv-trackers)
	Tests/Trackers/run

worker: ## install the PyTorch worker ("use": "worker") into .venv-worker; PIP_EXTRA_INDEX_URL=… chooses PyTorch's build
	Plugins/Policies/Worker/install

test-worker: build ## test the PyTorch worker beside the bundled policy, on the processor (makes .venv-worker-tests, pinned)
	Tests/Worker/run

bench-worker: tools ## measure what the policy wire protocol takes beside the computation (makes .venv-worker)
	Tests/Benchmarks/worker/run

bench-packing: ## measure the worker's log-probabilities and gradients, padded and packed, against TRL (makes .venv-packing)
	Tests/Benchmarks/packing/run

test-kill: build ## kill a short training run at 60 random moments and compare what comes out; KILLS=… SEED=… (needs python3)
	python3 Tests/kill_test.py --kills $(KILLS) --seed $(SEED) $(PROGRAM)

test-parquet: build ## read what `datasets` writes as parquet and Arrow, and let it read what we write (makes .venv-parquet)
	@[ -x .venv-parquet/bin/python ] || python3 -m venv .venv-parquet
	@.venv-parquet/bin/python -m pip install --quiet --disable-pip-version-check datasets pillow pyarrow
	.venv-parquet/bin/python Tests/parquet_test.py $(PROGRAM)

test-threads: ## run the program under ThreadSanitizer, with a mutex that it sees (builds .build-threads)
	Tests/Threads/run

soak: build ## train for 2,000 steps, and see that memory, descriptors, threads and checkpoints do not grow (Linux; needs python3)
	python3 Tests/soak_test.py $(PROGRAM)

test-report: build ## open reports in Chromium, compare the pages with the files, and try to break out of them (makes .venv-report)
	@.ci/setup chromium
	@[ -x .venv-report/bin/python ] || python3 -m venv .venv-report
	@.venv-report/bin/python -m pip install --quiet --disable-pip-version-check playwright
	.venv-report/bin/python Tests/Report/test_report.py $(PROGRAM)

bench-report: build ## measure a report of 100,000 rollouts and its page in Chromium, beside the viewers of Inspect AI and verl (makes .venv-report)
	@.ci/setup chromium
	@[ -x .venv-report/bin/python ] || python3 -m venv .venv-report
	@.venv-report/bin/python -m pip install --quiet --disable-pip-version-check playwright inspect-ai
	.venv-report/bin/python Tests/Benchmarks/report/measure.py $(PROGRAM)

campaign: build ## let short runs die, fail at every call that writes, and meet partners that misbehave; MINUTES=… SEED=… (needs python3 and a C compiler)
	python3 Tests/Campaign/campaign.py --minutes $(MINUTES) --seed $(SEED) $(PROGRAM)
	python3 Tests/Campaign/partners.py --seed $(SEED) $(PROGRAM)

test-plugin: build ## depend on this working tree by a git URL and a version, and go through both doors for Swift
	Tests/plugin-by-version.sh

test-large: tools ## make random models of the shapes of Qwen2.5-VL-3B and Qwen3-VL-4B, 16 GB in .large, and measure the bundled policy on them
	Tests/Parity/run large

fuzz: tools ## feed mutated records and specs to the readers, and random answers to math-answer; ROUNDS=… SEED=…
	.build/release/fuzz-reader $(ROUNDS) $(SEED)
	.build/release/math-answer-probe fuzz 100000 $(SEED)

fuzz-coverage: ## fuzz every reader of foreign input, guided by coverage, for SECONDS=… each (builds .build-fuzz; keeps .fuzz)
	Tests/CoverageFuzzer/run $(SECONDS)

lint: ## check formatting, imports, links between documents, the import graph and versions
	"$(SWIFT)" format lint --strict --recursive --parallel $(SOURCES)
	.ci/check-imports
	.ci/check-suites
	.ci/check-links
	.ci/draw-graph --check
	.ci/check-version
	Tests/Benchmarks/figures --check

docs: build ## build guides, reference and API as a site, .build-docs/site, and check its links; DOCS_BASE_PATH=… for a host's subfolder
	@.ci/build-docs

graph: ## draw the imports between rooms into ARCHITECTURE.md
	.ci/draw-graph

format: ## format the sources in place
	"$(SWIFT)" format --in-place --recursive --parallel $(SOURCES)

bench: build ## measure replay against the same work in Python (needs python3; makes .venv-bench)
	Tests/Benchmarks/replay/run

bench-replay-index: build ## measure the memory that the index of a million stored trajectories takes (needs python3, 2 GB of disk)
	Tests/Benchmarks/replay-index/run $(PROGRAM)

bench-policy: tools ## measure the bundled policy against transformers on PyTorch (makes .venv-policy)
	Tests/Benchmarks/policy/run

bench-smollm2: tools ## measure SmolLM2-135M in the bundled policy against transformers on PyTorch (makes .venv-policy and .venv-smollm2)
	@Examples/smollm2/prepare
	Tests/Benchmarks/policy/run --size smollm2

bench-training: build ## measure a step of training against TRL's GRPO trainer (makes .venv-training)
	Tests/Benchmarks/training/run

bench-process: build ## measure a reward in Python, as a program, against the same function in a plain loop (needs python3)
	python3 Tests/Benchmarks/process/compare.py $(PROGRAM) 200000

bench-math: tools ## measure math-answer against Math-Verify and mathruler (makes .venv-math)
	Tests/Benchmarks/math-answer/run

bench-record: tools ## run the benchmarks of README's table, on a quiet machine, and write it anew (makes .venv-bench, .venv-policy, .venv-training, .venv-smollm2)
	@Examples/smollm2/prepare
	Tests/Benchmarks/replay/run --json Tests/Benchmarks/results/1-replay.json
	Tests/Benchmarks/policy/run --size small --json Tests/Benchmarks/results/2-policy.json
	Tests/Benchmarks/policy/run --size smollm2 --repetitions 1 --json Tests/Benchmarks/results/3-smollm2.json
	Tests/Benchmarks/training/run --json Tests/Benchmarks/results/4-training.json
	Tests/Benchmarks/figures

bench-check: tools ## compare the instructions of fixed work with those recorded, also on a busy machine (needs python3, valgrind)
	Tests/Benchmarks/instructions/run

clean: ## remove what was built and the benchmark's data; keeps runs/
	rm -rf .build .build-docs .venv-bench .venv-cluster .venv-math .venv-parquet .venv-policy .venv-report .venv-smollm2 .venv-training .venv-worker .venv-worker-tests Tests/Benchmarks/data
	rm -rf Examples/custom-reward/.build Examples/custom-reward/schemas
