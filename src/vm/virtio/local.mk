# src/vm/virtio: the device half of virtio 1.2, over MMIO.
noinst_LIBRARIES += libvirtio.a
libvirtio_a_SOURCES = \
	src/vm/virtio/balloon.c src/vm/virtio/balloon.h \
	src/vm/virtio/console.c src/vm/virtio/console.h \
	src/vm/virtio/device.c src/vm/virtio/device.h \
	src/vm/virtio/mmio.c src/vm/virtio/mmio.h \
	src/vm/virtio/net.c src/vm/virtio/net.h \
	src/vm/virtio/p9dev.c src/vm/virtio/p9dev.h \
	src/vm/virtio/rng.c src/vm/virtio/rng.h \
	src/vm/virtio/virtq.c src/vm/virtio/virtq.h

virtio_tests = \
	tests/unit/test_virtio_console \
	tests/unit/test_virtio_devices \
	tests/unit/test_virtio_mmio \
	tests/unit/test_virtio_net \
	tests/unit/test_virtio_p9 \
	tests/unit/test_virtq
if HAVE_CMOCKA
unit_tests += $(virtio_tests)
endif
virtio_guest = tests/unit/test_virtio_guest.c tests/unit/test_virtio_guest.h
virtio_ldadd = libvirtio.a libkvm.a libbase.a $(unit_ldadd)
tests_unit_test_virtio_console_SOURCES = tests/unit/test_virtio_console.c $(virtio_guest)
tests_unit_test_virtio_console_LDADD = $(virtio_ldadd)
tests_unit_test_virtio_mmio_SOURCES = tests/unit/test_virtio_mmio.c $(virtio_guest)
tests_unit_test_virtio_mmio_LDADD = $(virtio_ldadd)
tests_unit_test_virtq_SOURCES = tests/unit/test_virtq.c $(virtio_guest)
tests_unit_test_virtq_LDADD = $(virtio_ldadd)
tests_unit_test_virtio_devices_SOURCES = tests/unit/test_virtio_devices.c $(virtio_guest)
tests_unit_test_virtio_devices_LDADD = $(virtio_ldadd)
tests_unit_test_virtio_net_SOURCES = tests/unit/test_virtio_net.c $(virtio_guest)
tests_unit_test_virtio_net_LDADD = $(virtio_ldadd)
tests_unit_test_virtio_p9_SOURCES = tests/unit/test_virtio_p9.c $(virtio_guest) $(p9_client)
tests_unit_test_virtio_p9_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)
tests_unit_test_virtio_p9_LDADD = libvirtio.a libkvm.a $(p9_test_libs)

# The fuzz target: replayed by `make check`; `make fuzz-virtio` runs it with clang's libFuzzer for FUZZ_SECONDS.
unit_tests += tests/fuzz/fuzz_virtio
check_PROGRAMS += tests/fuzz/fuzz_virtio
tests_fuzz_fuzz_virtio_SOURCES = tests/fuzz/fuzz_virtio.c
tests_fuzz_fuzz_virtio_LDADD = libvirtio.a libkvm.a libbase.a
FUZZ_SECONDS = 60
fuzz_virtio_sources = \
	tests/fuzz/fuzz_virtio.c \
	src/base/err.c src/base/fd.c src/base/loop.c \
	src/vm/kvm/bus.c src/vm/kvm/irq.c src/vm/kvm/machine.c src/vm/kvm/mem.c \
	src/vm/virtio/balloon.c src/vm/virtio/console.c src/vm/virtio/device.c src/vm/virtio/mmio.c \
	src/vm/virtio/net.c src/vm/virtio/rng.c src/vm/virtio/virtq.c
fuzz-virtio:
	cd $(srcdir) && clang -std=gnu11 -D_GNU_SOURCE -DFUZZING -g -O1 -pthread -Isrc \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		-o $(abs_builddir)/fuzz-virtio.bin $(fuzz_virtio_sources)
	mkdir -p fuzz-virtio.corpus
	./fuzz-virtio.bin -max_total_time=$(FUZZ_SECONDS) -max_len=2048 fuzz-virtio.corpus \
		$(abs_srcdir)/tests/fuzz/corpus/virtio
.PHONY: fuzz-virtio
CLEANFILES += fuzz-virtio.bin
EXTRA_DIST += tests/fuzz/corpus/virtio docs/virtio.md

# Every device in a real guest: tests/virtio/run, where KVM works.
noinst_PROGRAMS += tests/virtio/boot
tests_virtio_boot_SOURCES = tests/virtio/boot.c
tests_virtio_boot_LDADD = libkvm.a libvirtio.a libp9.a libfs.a libvm.a libkvm.a libbase.a
EXTRA_DIST += tests/virtio/init tests/virtio/run
