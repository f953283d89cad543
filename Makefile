# One command for each thing. `make demo` and `make test` are the two to start with.
SWIFT ?= swift

.PHONY: build unit test format lint clean

build:
	$(SWIFT) build -c release

unit:
	$(SWIFT) test --skip IntegrationTests

test:
	$(SWIFT) build
	$(SWIFT) test

format:
	$(SWIFT) format --in-place --recursive --parallel Sources Tests Package.swift

lint:
	$(SWIFT) format lint --strict --recursive --parallel Sources Tests Package.swift

clean:
	$(SWIFT) package clean
