# Borderlane: what anyone can run. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
TOOLS := $(CURDIR)/target/tools
export PATH := $(TOOLS)/node_modules/.bin:$(PATH)
STEP := scripts/step.sh

.PHONY: help setup ui build demo test bench train deny clean

help:          ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup:         ## install what is missing on Debian 12
	@scripts/setup.sh

ui: setup      ## build the screens into ui/dist
	@scripts/ui.sh

build: setup ui ## build everything (release)
	cargo build --workspace --release --locked

demo: setup ui ## broker, centre, simulated lane, daemon: trucks pass, addresses are printed
	@scripts/demo.sh

test: setup ui ## everything CI runs
	@scripts/test.sh

bench: setup   ## benchmarks against a peer or a limit; writes target/bench.json
	@scripts/bench.sh

train:         ## train the models anew (hours on a CPU; goes on where it stopped), or FINETUNE=folder of a site's photos
	@models/training/train.sh $(if $(SEED),--seed $(SEED)) $(if $(FINETUNE),--finetune "$(FINETUNE)")

deny: setup    ## licences, sources and banned crates
	@scripts/deny.sh
