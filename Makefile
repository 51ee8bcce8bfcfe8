# make run    build and start the demo association on http://localhost:8080
# make test   everything that CI tests
# Both install what is missing (PostgreSQL 15 or newer …) with the system's package manager.

.PHONY: run test lint build install-run install-test stop-test-db

run: install-run build
	exec ./sunfund demo

build:
	go build -trimpath -o sunfund ./cmd/sunfund

# The tests' PostgreSQL outlives a plain `go test`; here it is stopped at the end, unless others use it.
test: install-test
	go build ./...
	go vet ./...
	@echo "go test ./..."; go test -timeout 10m ./...; status=$$?; \
	go run ./internal/pgtest/stop >/dev/null || status=1; exit $$status

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
