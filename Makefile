# The commands of the project. Each installs what it needs first (Scripts/setup).
#   make run [ARGS="--port 4000"]   the gateway, release build
#   make test                       all tests, with every interop peer
#   make format | make lint         the style of .swift-format, the import directions, and the tests that the documentation names
#   make docs                       the documentation, into .build/documentation
#   make setup                      installs all that the others need

# What users switch on one by one is built and tested together.
TRAITS = Hummingbird,SQLite
WATCHING_CLOCKS = JunctionSocketIOTests|JunctionHummingbirdTests

.PHONY: run test format lint docs setup

run:
	@Scripts/setup build
	@swift build -c release --product junction --static-swift-stdlib
	@exec "$$(swift build -c release --show-bin-path)/junction" serve $(ARGS)

test: export JUNCTION_PEERS = $(CURDIR)/.cache/peers
test: export JUNCTION_REQUIRE_PEERS = 1
# Tests that run at once. Without a limit all begin together, and what measures a time out, or pings, waits for the rest.
test: export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH = 8
# Three runs: the interop tests start programs by the dozen, others compute for seconds, and those of Socket.IO watch clocks.
test:
	@Scripts/setup test
	swift build --build-tests --traits $(TRAITS)
	swift test --skip-build --traits $(TRAITS) --skip 'InteropTests|$(WATCHING_CLOCKS)'
	swift test --skip-build --traits $(TRAITS) --filter '$(WATCHING_CLOCKS)'
	swift test --skip-build --traits $(TRAITS) --filter InteropTests

format:
	@Scripts/setup build
	swift format --in-place --parallel --recursive $(wildcard Package.swift Sources Tests Examples Benchmarks)

lint:
	@Scripts/setup build
	swift format lint --strict --parallel --recursive $(wildcard Package.swift Sources Tests Examples Benchmarks)
	Scripts/check-imports
	Scripts/check-doc-tests

docs:
	@Scripts/setup build
	@Scripts/build-docs

setup:
	@Scripts/setup test
