# One command for each thing. `make demo` and `make test` are the two to start with.
SWIFT ?= swift

.PHONY: build unit test conformance format lint clean

build:
	$(SWIFT) build -c release

unit:
	$(SWIFT) test --skip IntegrationTests

test:
	$(SWIFT) build
	$(SWIFT) test

# The Compose loader beside docker compose (DOCKER_COMPOSE names its command) over the corpus in Tests/Conformance.
DOCKER_COMPOSE ?= docker-compose
conformance:
	python3 Tests/Conformance/run.py "$$($(SWIFT) build -c release --show-bin-path)/berth" "$(DOCKER_COMPOSE)"

format:
	$(SWIFT) format --in-place --recursive --parallel Sources Tests Package.swift

lint:
	$(SWIFT) format lint --strict --recursive --parallel Sources Tests Package.swift

clean:
	$(SWIFT) package clean
