# Blockout's own jobs. The first two are for everyone, the rest for those who change it.
.PHONY: demo test test-fixtures lint bench extension test-blender train-embedded train-pair clean

PIP = .venv/bin/pip install --quiet --disable-pip-version-check
TORCH = torch==2.13.0  # one version for all who test, and for those who keep a CPU build of it at hand

demo: .venv/installed  ## build a blockout of the example photo into out/
	@mkdir -p out
	@.venv/bin/blockout build examples/square.jpg -o out --texture photo --overwrite

test: .venv/installed-dev  ## set up what the tests need and run them
	@.ci/setup-blender
	@.ci/setup-node
	.venv/bin/python -m pytest $(ARGS)

test-fixtures: .venv/installed-dev  ## compare the published networks with their originals' outputs in ../shared/fixtures
	.venv/bin/python -m pytest -m fixtures $(ARGS)

# Tests hand in what was parametrised, and wrong values on purpose: their arguments are not checked. What they import only
# where it is installed has no names for mypy; ruff knows undefined ones.
lint: .venv/installed-dev .cache/package/blockout  ## ruff and mypy, as pyproject.toml says
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/mypy --allow-untyped-defs --disable-error-code=arg-type --disable-error-code=name-defined --no-warn-unused-ignores tests examples benchmarks

FREE = --licences CC0,MIT-0 --part training
NEEDS_MATERIAL = [ -d "$(MATERIAL)" ] || { echo "MATERIAL=DIR names photographs and models: see docs/embedded.md" >&2; exit 1; }
train-embedded: .venv/installed-dev  ## train the embedded network from nothing; MATERIAL=DIR names photographs for it
	@$(NEEDS_MATERIAL)
	.venv/bin/blockout dataset synthesize -o .cache/embedded/scenes --count $(or $(SCENES),6144) --seed 31 \
		--workers $(or $(WORKERS),2) --material $(MATERIAL)
	.venv/bin/blockout dataset compose --foregrounds $(MATERIAL)/foregrounds --backgrounds $(MATERIAL)/backgrounds \
		$(FREE) -o .cache/embedded/composites --size 192x256 --count 4000 --seed 31
	.venv/bin/blockout train inference/training/embedded.toml --export .cache/embedded/embedded.onnx
	.venv/bin/blockout train inference/training/open_country.toml --export .cache/embedded/open_country.onnx
	@echo "copy .cache/embedded/*.onnx over those in inference/weights when 'blockout evaluate' says so"

train-pair: .venv/installed-dev  ## train the network for clean plates from nothing; MATERIAL=DIR as for the other
	@$(NEEDS_MATERIAL)
	.venv/bin/blockout dataset synthesize -o .cache/embedded/scenes --count $(or $(SCENES),2600) --seed 31 \
		--workers $(or $(WORKERS),2) --material $(MATERIAL)
	.venv/bin/blockout dataset backgrounds .cache/embedded/scenes -o .cache/pair/places --count $(or $(SCENES),2600)
	.venv/bin/blockout dataset compose --foregrounds $(MATERIAL)/foregrounds --backgrounds .cache/pair/places/pictures \
		$(FREE) --background-depths .cache/pair/places/depths -o .cache/pair/scenes --count 24000 --seed 41
	.venv/bin/blockout dataset compose --foregrounds $(MATERIAL)/foregrounds --backgrounds $(MATERIAL)/backgrounds \
		$(FREE) -o .cache/pair/photographs --count 16000 --seed 42
	.venv/bin/blockout train inference/training/pair.toml --export .cache/pair/pair.onnx
	@echo "copy .cache/pair/pair.onnx over inference/weights/pair.onnx when 'blockout evaluate' says so"

bench: .venv/installed-dev  ## measure speed, memory and quality; never a gate
	@for job in $(filter-out benchmarks/scene%,$(wildcard benchmarks/*.py)); do echo "== $$job"; .venv/bin/python $$job; done

extension: .venv/installed-dev  ## zips of the Blender extension in dist/, one a platform
	@.ci/setup-blender
	.venv/bin/python .ci/make-extension $(addprefix --platform ,$(PLATFORMS))

# What cannot be set up here is named in a line of its own, and by pytest as skipped; it does not count as passed.
BLENDERS = 4.2.23 4.5.15 5.0.1 5.2.3
IN_BLENDER = $(foreach part,scene_in editing export operators,tests/blender/test_$(part).py)
test-blender: .venv/installed-dev  ## the extension as installed, in a real window and in several Blenders
	@.ci/setup-blender
	@.ci/setup-bpys $(BLENDERS)
	@.ci/setup-window
	@.venv/bin/python .ci/make-extension --optional --platform linux-x64
	.venv/bin/python -m pytest tests/blender/test_window.py $(ARGS)
	BLOCKOUT_TESTED=debian .venv/bin/python -m pytest tests/blender/test_command.py $(IN_BLENDER) $(ARGS)
	@for version in $(BLENDERS); do \
	    [ -e .cache/bpy/$$version/ready ] || continue; \
	    echo "== Blender $$version"; \
	    BLOCKOUT_TESTED=zip BLOCKOUT_BPY_PYTHON=$(CURDIR)/.cache/bpy/$$version/bin/python .venv/bin/python -m pytest \
	        tests/blender/test_extension.py $(IN_BLENDER) $(ARGS) || exit 1; \
	done

clean:  ## remove all that these jobs made
	rm -rf .venv .venv-bpy .cache build dist out *.egg-info tests/validators/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/pip:
	.ci/make-venv .venv

.venv/installed: pyproject.toml | .venv/bin/pip
	$(PIP) --editable .
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/pip
	$(PIP) $(TORCH) --editable '.[dev]'
	@touch $@ .venv/installed

# The checkout's folder may have any name, and mypy believes names: it reads the package through a link.
.cache/package/blockout:
	@mkdir -p $(@D)
	@ln -sfn ../.. $@
