# Two commands on a fresh Debian 12 do everything, as root or with sudo:
#   make demo    install, build, train the quickstart, print its table
#   make test    install, build, run all tests
# make install PREFIX=DIR puts the program, the SDK and the plugins there; the prefix may be moved later.
# make parity compares every part with PyTorch, torchvision and SMP (5 GB, docs/parity.md).
# make bench runs our own Google Benchmarks; make bench-peers measures beside PyTorch, torchvision, SMP, MONAI and
# MedPy (6 GB, docs/performance.md).
# make bench-logging measures the run store beside MLflow's (1 GB, benchmarks/README.md).
# Nothing is done twice.

BUILD  ?= build
PRESET ?= release
JOBS   ?= $(shell nproc)
PREFIX ?= /usr/local

.PHONY: all demo test parity parity-pages bench bench-peers bench-logging packages install build format format-check clean
all: build

packages:
	@scripts/install_packages.sh

$(BUILD)/build.ninja: CMakePresets.json CMakeLists.txt dependencies.txt | packages
	cmake --preset $(PRESET) -B $(BUILD)

build: packages $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS)

demo: packages $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target demo
	$(BUILD)/bin/hilum run experiments/quickstart.toml

install: packages $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target demo
	cmake --install $(BUILD) --prefix "$(PREFIX)"

test: build
	ctest --test-dir $(BUILD) --output-on-failure --no-tests=error

# parity-pages also writes the results into docs/.
PEERS = "$$(scripts/peer_env.sh)" -B tests/parity/peers
parity: packages $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target demo
	$(PEERS)/run.py --hilum $(BUILD)/bin/hilum
	$(PEERS)/counts.py --hilum $(BUILD)/bin/hilum
parity-pages: packages $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target demo
	$(PEERS)/run.py --hilum $(BUILD)/bin/hilum --page docs/parity.md
	$(PEERS)/counts.py --hilum $(BUILD)/bin/hilum --page docs/backbones.md

# The small ones: ours alone, a short time each, on a quiet machine. One: build/benchmarks/NAME_bench --help
BENCHMARKS = $(filter-out %/overhead_bench %/logging_bench %/step_bench,$(wildcard $(BUILD)/benchmarks/*_bench))
bench: build
	@for program in $(BENCHMARKS); do echo "== $$program"; "$$program" --benchmark_min_time=0.05 || exit 1; done

bench-peers: packages $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target step_bench demo
	"$$(scripts/peer_env.sh bench_peer)" -B benchmarks/bench_peers.py --build $(BUILD) --page docs/performance.md

bench-logging: packages $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target logging_bench
	"$$(scripts/peer_env.sh logging_peer)" -B benchmarks/logging_compare.py $(BUILD)/benchmarks/logging_bench

format:
	scripts/format.sh
format-check:
	scripts/format.sh --check
clean:
	rm -rf $(BUILD)
