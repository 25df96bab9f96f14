# Commands for users and contributors. Anything with more than one step is in scripts/.

GENCONF := cargo run --quiet --bin genconf --

.PHONY: help up down test check bless docs bench bench-render soak lab lab-full lab-down

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## Build, render, boot the VM, deploy, and print the URLs
	@scripts/up

down: ## Remove the VM and everything else that `make up` started
	@scripts/down

test: ## Run all checks, tests, and validators, the lab, and the VM
	@scripts/test

check: ## Run the part of `make test` that boots no machine
	@scripts/test check

bless: ## Update the snapshots and the committed rendered files after an intended change
	@scripts/bless

bench: ## Benchmark the server and the rendered nginx.conf against alternatives
	@scripts/tools bench
	@bench/run

docs: ## Build the manual as a book in target/book
	@scripts/tools docs
	@mdbook build docs

soak: ## Run the server at half load for 5 minutes and fail if memory or descriptors grow
	@bench/soak

bench-render: ## Benchmark the rendering of 10, 100, and 1,000 hosts
	@bench/render

lab: ## Boot the hosts of topology.yaml without a VM and print how to log in
	@scripts/tools check lab
	@cargo build --release --workspace --bins
	@target/release/lab up topology.yaml

lab-down: ## Remove the hosts that `make lab` booted
	@target/release/lab down

lab-full: ## Run every lab fault with at least 100,000 requests each, and write lab/RESULTS.md
	@scripts/test lab-full
