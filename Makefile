# What a reader types. Everything with more than one step lives in scripts/.

GENCONF := cargo run --quiet --bin genconf --

.PHONY: help up down test check bless docs bench bench-render soak lab lab-full lab-down

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## Build, render, boot the VM, deploy, and print the URLs
	@scripts/up

down: ## Remove the VM and what `make up` started
	@scripts/down

test: ## Everything that must hold: checks, unit, golden, real tools, lab, VM
	@scripts/test

check: ## The part of `make test` that boots nothing
	@scripts/test check

bless: ## Rewrite every golden file and the committed bundle after a change you meant
	@scripts/bless

bench: ## Measure the server and the rendered nginx.conf against their peers
	@scripts/tools bench
	@bench/run

docs: ## Build the manual as a book in target/book
	@scripts/tools docs
	@mdbook build docs

soak: ## Hold the server at half load for five minutes; memory and descriptors must not grow
	@bench/soak

bench-render: ## Measure the rendering of 10, 100 and 1,000 hosts
	@bench/render

lab: ## Boot the hosts of topology.yaml without a VM and say how to enter them
	@scripts/tools check lab
	@cargo build --release --workspace --bins
	@target/release/lab up topology.yaml

lab-down: ## Remove what `make lab` booted
	@target/release/lab down

lab-full: ## Every fault of the lab with at least 100,000 requests each, into lab/RESULTS.md
	@scripts/test lab-full
