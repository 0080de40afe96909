# Whole-program tests, scripts and texts: what a tarball needs beside the sources, and the targets that call scripts.
EXTRA_DIST += \
	.ci/run \
	HACKING.md README.md SECURITY.md \
	autogen.sh \
	contrib docs packaging \
	tests/bats tests/conformance tests/engines tests/foreign tests/kvmhost tests/packages tests/real tests/runc tests/samples tests/systemd

.PHONY: lint asan tsan
lint: all
	cd $(srcdir) && BUILD=$(abs_builddir) contrib/lint

# The unit tests with AddressSanitizer and UndefinedBehaviorSanitizer, in a build of their own.
asan:
	$(MKDIR_P) asan
	cd asan && { test -f Makefile || $(abs_srcdir)/configure --enable-sanitizers; } && $(MAKE) check

# The tests that have threads, with ThreadSanitizer. (test_qemu is not among them: the children that it makes enter mount
# namespaces, which the kernel refuses to a process with a second thread, and ThreadSanitizer has one of its own. Neither is
# test_virtio_net_stress: its driver changes what it has given to the device, and that is a race that a guest may have.)
tsan_tests = \
	tests/fuzz/fuzz_bus \
	tests/fuzz/fuzz_p9dev \
	tests/unit/test_base \
	tests/unit/test_fs \
	tests/unit/test_fs_watch \
	tests/unit/test_guestlog \
	tests/unit/test_member \
	tests/unit/test_mux \
	tests/unit/test_p9 \
	tests/unit/test_p9_fid \
	tests/unit/test_p9_hostile \
	tests/unit/test_p9_parallel \
	tests/unit/test_p9_stress \
	tests/unit/test_pump \
	tests/unit/test_virtio_console \
	tests/unit/test_virtio_net \
	tests/unit/test_virtio_net_pairs \
	tests/unit/test_virtio_p9
tsan:
	$(MKDIR_P) tsan
	cd tsan && { test -f Makefile || $(abs_srcdir)/configure --enable-tsan; } && $(MAKE) check TESTS="$(tsan_tests)"
