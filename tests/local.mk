# Whole-program tests, scripts and texts: what a tarball needs beside the sources, and the targets that call scripts.
EXTRA_DIST += \
	.ci/run \
	HACKING.md README.md SECURITY.md \
	autogen.sh \
	contrib/dots contrib/install-packages contrib/layers contrib/lint contrib/packages contrib/quickstart contrib/test \
	docs/cgroups.md docs/conformance.md docs/design.md docs/limits.md \
	tests/bats tests/conformance tests/real tests/systemd

.PHONY: lint asan fuzz
lint:
	cd $(srcdir) && BUILD=$(abs_builddir) contrib/lint

# The unit tests with AddressSanitizer and UndefinedBehaviorSanitizer, in a build of their own.
asan:
	$(MKDIR_P) asan
	cd asan && { test -f Makefile || $(abs_srcdir)/configure --enable-sanitizers; } && $(MAKE) check

# Each fuzz target for FUZZ_SECONDS (60), with clang's libFuzzer; `make check` replays their corpora.
fuzz: fuzz-proto fuzz-spec fuzz-virtio fuzz-p9
