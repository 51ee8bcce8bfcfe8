# make run    build and start the demo association on http://localhost:8080
# make test   everything that CI tests
# make faults the long set of fault tests, about ten minutes: kills, power cuts, cut wires; SEED=n repeats a run
# All install what is missing (PostgreSQL 15 or newer …) with the system's package manager.

.PHONY: run test faults lint build install-run install-test stop-test-db

run: install-run build
	exec ./sunfund demo

build:
	go build -trimpath -o sunfund ./cmd/sunfund

# The tests' PostgreSQL outlives a plain `go test`; here it is stopped at the end, unless others use it.
test: install-test
	go build ./...
	go vet ./...
	@list=$$(mktemp -d)/skipped; touch $$list; \
	echo "go test ./..."; SUNFUND_SKIPPED=$$list go test -timeout 20m ./...; status=$$?; \
	echo "skipped: $$(wc -l <$$list)"; cat $$list; rm -r "$${list%/*}"; \
	go run ./internal/pgtest/stop >/dev/null || status=1; exit $$status

SEED ?= 0
faults: install-test
	go test -count=1 -timeout 30m -v ./cmd/sunfund/faults -long -seed $(SEED)

lint:
	@echo "gofmt"; unformatted=$$(gofmt -l $$(go list -f '{{.Dir}}' ./...)); \
	if [ -n "$$unformatted" ]; then echo "not formatted:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool -modfile=tools.mod staticcheck ./...

install-run:
	@.ci/install.sh run

install-test:
	@.ci/install.sh test

stop-test-db:
	go run ./internal/pgtest/stop
