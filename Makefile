# Two commands on a fresh Debian 12 do everything, as root or with sudo:
#   make demo    install, build, train the quickstart, print its table
#   make test    install, build, run all tests
# make parity compares every part with PyTorch, torchvision and SMP (5 GB, docs/parity.md).
# Nothing is done twice.

BUILD  ?= build
PRESET ?= release
JOBS   ?= $(shell nproc)

.PHONY: all demo test parity parity-pages install build format format-check clean
all: build

install:
	@scripts/install_packages.sh

$(BUILD)/build.ninja: CMakePresets.json CMakeLists.txt dependencies.txt | install
	cmake --preset $(PRESET) -B $(BUILD)

build: install $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS)

demo: install $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target demo
	$(BUILD)/bin/hilum run experiments/quickstart.toml

test: build
	ctest --test-dir $(BUILD) --output-on-failure --no-tests=error

# parity-pages also writes the results into docs/.
PEERS = "$$(scripts/peer_env.sh)" -B tests/parity/peers
parity: install $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target demo
	$(PEERS)/run.py --hilum $(BUILD)/bin/hilum
	$(PEERS)/counts.py --hilum $(BUILD)/bin/hilum
parity-pages: install $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target demo
	$(PEERS)/run.py --hilum $(BUILD)/bin/hilum --page docs/parity.md
	$(PEERS)/counts.py --hilum $(BUILD)/bin/hilum --page docs/backbones.md

format:
	scripts/format.sh
format-check:
	scripts/format.sh --check
clean:
	rm -rf $(BUILD)
