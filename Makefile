# From nothing to a running fleet: `make up`. What each target does: docs/local.md.
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help setup up down env cluster lint sbom test test-provider

help: ## list the targets
	@awk -F ': ## ' '/^[a-z-]+: ## / {gsub(/[$$][$$]/, "$$"); printf "%-16s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## system packages, .venv/, programs and the plugin
up: ## everything, up to a fleet that answers
down: ## remove the cluster and its state
env: ## print exports: eval "$$(make env)"
cluster: ## an empty cluster with the images in it
lint: ## style, types, direction of imports
sbom: ## what the images are made of, as CycloneDX JSON
test: ## lint, then all tests
test-provider: ## the Kubernetes provider's behaviour suite

setup up down env cluster lint sbom test test-provider:
	@$(PYTHON) -m local $@
