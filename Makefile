# The commands of this repository. `make` lists them; `make check` is what a change must pass.

.DEFAULT_GOAL := help
.PHONY: help test race lint fmt fuzz bench mail quickstart check

CACHE    ?= $(or $(CHATELAINE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/chatelaine)
VERSION  := $(shell sed -n 's/^golangci_version=//p' .ci/run)
LINTER   := $(CACHE)/bin/golangci-lint@$(VERSION)-$(shell go env GOVERSION)/golangci-lint
FUZZTIME ?= 30s

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## run the suite, as the README does
	go test ./...

race: ## run the suite under the race detector, in random order
	go test -race -gcflags=modernc.org/...=-d=checkptr=0 -shuffle=on ./...

lint: $(LINTER) ## check style, architecture and house rules
	$(LINTER) run ./...
	.ci/house
	.ci/links

fmt: $(LINTER) ## format every file
	$(LINTER) fmt

fuzz: ## fuzz every target in turn, FUZZTIME each (30s)
	@go test -list '^Fuzz' ./... | awk '/^Fuzz/ { f[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, f[i]; n = 0 }' | \
	while read -r pkg name; do \
		echo "$$pkg $$name"; go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$pkg" || exit 1; \
	done

bench: ## measure: every benchmark, with allocations
	go test -run '^$$' -bench . -benchmem ./...

mail: ## send every mail through Postfix, and look at it in Chromium (installs them on Debian)
	.ci/mail

quickstart: ## tell the product's stories in this terminal
	go run ./examples/quickstart

check: ## everything, on a clean checkout or before a commit
	.ci/run

$(LINTER):
	GOFLAGS= GOBIN=$(dir $(LINTER)) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(VERSION)
