# Whole-program tests, scripts and texts: what a tarball needs beside the sources, and the targets that call scripts.
EXTRA_DIST += \
	.ci/run \
	HACKING.md README.md SECURITY.md \
	autogen.sh \
	contrib/dots contrib/form contrib/install-packages contrib/layers contrib/lint contrib/matrix contrib/packages contrib/quickstart contrib/test \
	contrib/get-kernel contrib/guest-kernel \
	docs/9p.md docs/cgroups.md docs/channel.md docs/conformance.md docs/design.md docs/limits.md docs/qemu.md \
	docs/spec-support.md docs/virtio.md docs/vmm.md \
	tests/bats tests/conformance tests/kvmhost tests/real tests/samples tests/systemd

.PHONY: lint asan tsan
lint: all
	cd $(srcdir) && BUILD=$(abs_builddir) contrib/lint

# The unit tests with AddressSanitizer and UndefinedBehaviorSanitizer, in a build of their own.
asan:
	$(MKDIR_P) asan
	cd asan && { test -f Makefile || $(abs_srcdir)/configure --enable-sanitizers; } && $(MAKE) check

# The same with ThreadSanitizer.
tsan:
	$(MKDIR_P) tsan
	cd tsan && { test -f Makefile || $(abs_srcdir)/configure --enable-tsan; } && $(MAKE) check
