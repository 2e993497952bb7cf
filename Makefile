# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

# `make` puts what a user needs into build/; `make help` lists the other targets.

BUILD := $(abspath $(or $(BUILD),build))
RKT_CACHE := $(abspath $(or $(RKT_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rkt-build))
SWIFT_BIN := $(abspath .build/release)
PREFIX ?= /usr
export BUILD RKT_CACHE SWIFT_BIN

version = $(shell sed -n 's/^ *package static let current = "\(.*\)"$$/\1/p' Sources/Diagnostics/Version.swift)
sources := Sources Tests Package.swift

# LIBVIRT=no builds without the backend of libvirt and without its library.
LIBVIRT ?= yes
ifeq ($(LIBVIRT),no)
traits := --disable-default-traits
endif
# What `rkt` starts and users do not.
installed := download api-service machine-registration metadata-service $(if $(traits),,libvirt-domain)
export SWIFT_TRAITS := $(traits)

## all          build/rkt, the programs that go with it, and the stage1 images
all: $(BUILD)/rkt $(addprefix $(BUILD)/libexec/rkt/,$(installed)) stage1

## release      the same; there is one configuration
release: all

# Programs and tests are built together, so that one scratch directory serves both.
programs:
	swift build -c release --build-tests $(traits)

$(BUILD)/rkt $(addprefix $(BUILD)/libexec/rkt/,$(installed)): programs
	@mkdir -p $(@D)
	@strip -o $@.new $(SWIFT_BIN)/$(@F)
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

## kernel       build/kernel/vmlinux; the result is kept in the cache
kernel:
	$(MAKE) -C kernel

## stage1       build/stage1-kvm.aci, build/stage1-nspawn.aci and build/stage1-fly.aci
stage1: programs kernel
	$(MAKE) -C stage1

## hypervisors  check QEMU and virtiofsd of this host
hypervisors:
	$(MAKE) -C hypervisors

## images       images and kernels for tests and the demonstration, in build/images and build/kernels
images:
	$(MAKE) -C Tests/images

## setup        install missing Debian packages (as root), check the Swift version
setup:
	dist/setup.sh

## check        setup, all, lint, and all tests (as root)
check:
	$(MAKE) setup
	$(MAKE) all images
	$(MAKE) lint
	dist/docs.sh --check
	dist/man.sh --check $(BUILD)/man
	dist/proto/generate.sh --check
	$(MAKE) -C stage1 test
	$(MAKE) -C fuzz build
	$(MAKE) test-package
	RKT_REQUIRE_ALL=1 Tests/run.sh unit integration nspawn fly libvirt
	dist/backends.sh --check

## test         unit tests: neither root nor network nor a virtual machine
test: programs
	Tests/run.sh unit

## integration  tests that run pods with build/rkt (as root)
integration: all images
	Tests/run.sh integration

## conformance  tests of what is documented, with the backends nspawn, fly and libvirt (as root)
conformance: all images
	Tests/run.sh nspawn fly libvirt

## test-package the package, from installing to purging it, in a Debian root of its own (as root)
test-package: all images man completion
	Tests/package.sh $(version)

## soak         the integration tests with their long sweeps
soak: all images
	RKT_SOAK=1 RKT_TEST_TIMEOUT=$(or $(RKT_TEST_TIMEOUT),36000) Tests/run.sh integration

## demo         setup, all, then run redis in a pod, talk to it, stop it, look for leftovers (as root)
demo:
	$(MAKE) setup
	$(MAKE) all images
	dist/demo.sh

## bench        times of pods, of the image store and of many pods, against the machine and tools (as root)
bench: all images
	dist/bench.sh
	dist/bench-images.sh
	dist/bench-pods.sh
	dist/bench-networks.sh
	dist/bench-backends.sh
	dist/bench-api.sh
	dist/bench-live.sh

## fuzz         look for inputs that break the readers, FUZZ_SECONDS (60) for each of them
fuzz:
	$(MAKE) -C fuzz

## lint         formatting of Swift, syntax of scripts and units
lint:
	swift format lint --strict --recursive $(sources)
	@find dist hypervisors kernel stage1 Tests -name '*.sh' | while read -r script; do bash -n $$script || exit 1; done
	@for script in postinst prerm postrm; do sh -n dist/debian/$$script || exit 1; done
	dist/check-units.sh

## lint-deb     what lintian has to say of the package
lint-deb: deb
	lintian --allow-root --fail-on=error,warning $(BUILD)/rkt_$(version)_amd64.deb

## fmt          format all Swift files
fmt:
	swift format --in-place --recursive $(sources)

## protobuf     write Sources/RktAPI/Generated from dist/proto, with Debian's protobuf-compiler
protobuf:
	dist/proto/generate.sh

## docs         write Documentation/commands.md from the help texts, check links between documents
docs: $(BUILD)/rkt
	dist/docs.sh

## backends     write Documentation/backends.md from the results of the last make check
backends:
	dist/backends.sh

## dist         a release archive, the package, SHA256SUMS and signatures; the same inputs give the same bytes
dist: all man completion
	dist/release.sh $(version) $(BUILD)

## deb          build/rkt_VERSION_amd64.deb, a package of Debian 12
deb: all man completion
	dist/deb.sh $(version) $(BUILD) $(BUILD)/rkt_$(version)_amd64.deb

## man          manual pages in build/man, made from the help texts
man: $(BUILD)/rkt
	dist/man.sh $(BUILD)/man

## completion   what bash, zsh and fish need to complete commands, in build/completion
completion: $(BUILD)/rkt
	@mkdir -p $(BUILD)/completion
	@for shell in bash zsh fish; do $(BUILD)/rkt completion $$shell >$(BUILD)/completion/rkt.$$shell || exit 1; done

## install      what `make all man completion` has built, below DESTDIR; rkt looks for its stage1 in /usr/lib/rkt/stage1-images
# This is the only list of what a host gets: dist/release.sh and dist/deb.sh call it.
lib = $(DESTDIR)$(PREFIX)/lib
share = $(DESTDIR)$(PREFIX)/share
UNITS ?= $(PREFIX)/lib/systemd/system
# Where rkt will be, for units that start it.
UNIT_PREFIX ?= $(PREFIX)
install:
	@ls $(BUILD)/rkt $(BUILD)/man $(BUILD)/completion >/dev/null || { echo "install: run 'make all man completion' first" >&2; exit 1; }
	install -D -m 0755 $(BUILD)/rkt $(DESTDIR)$(PREFIX)/bin/rkt
	install -d $(DESTDIR)$(PREFIX)/libexec/rkt $(lib)/rkt/stage1-images
	install -m 0755 $(addprefix $(BUILD)/libexec/rkt/,$(installed)) $(DESTDIR)$(PREFIX)/libexec/rkt
	install -m 0644 $(foreach flavor,kvm nspawn fly,$(BUILD)/stage1-$(flavor).aci) $(lib)/rkt/stage1-images
	install -m 0755 stage1/kernel-image.sh dist/setup-data-dir.sh $(lib)/rkt
	install -D -m 0644 dist/sysusers.d/rkt.conf $(lib)/sysusers.d/rkt.conf
	install -D -m 0644 dist/tmpfiles.d/rkt.conf $(lib)/tmpfiles.d/rkt.conf
	dist/install-units.sh $(UNIT_PREFIX) $(DESTDIR)$(UNITS) $(share)/doc/rkt/examples
	install -D -m 0644 dist/proto/v1alpha/api.proto $(share)/rkt/proto/v1alpha/api.proto
	install -d $(share)/man/man1
	install -m 0644 $(BUILD)/man/*.1 $(share)/man/man1
	install -D -m 0644 $(BUILD)/completion/rkt.bash $(share)/bash-completion/completions/rkt
	install -D -m 0644 $(BUILD)/completion/rkt.zsh $(share)/zsh/vendor-completions/_rkt
	install -D -m 0644 $(BUILD)/completion/rkt.fish $(share)/fish/vendor_completions.d/rkt.fish
	install -d $(share)/doc/rkt/Documentation/design
	install -m 0644 LICENSE README.md dist/debian/copyright $(share)/doc/rkt
	install -m 0644 Documentation/*.md $(share)/doc/rkt/Documentation
	install -m 0644 Documentation/design/*.md $(share)/doc/rkt/Documentation/design

## clean        remove build/; the cache stays, and so does what Swift has compiled
clean:
	rm -rf $(BUILD)

## help         this list
help:
	@sed -n 's/^## //p' Makefile

.PHONY: all release programs kernel stage1 hypervisors images setup check test integration conformance test-package soak demo bench \
	fuzz lint lint-deb fmt protobuf docs backends dist deb man completion install clean help
