# src/vm/image: what a VM boots from: kernels, modules, the initramfs, their cache.
noinst_LIBRARIES += libimage.a
libimage_a_SOURCES = \
	src/vm/image/bzimage.c src/vm/image/bzimage.h \
	src/vm/image/cache.c src/vm/image/cache.h \
	src/vm/image/cpio.c src/vm/image/cpio.h \
	src/vm/image/facts.c src/vm/image/facts.h \
	src/vm/image/image.c src/vm/image/image.h \
	src/vm/image/initramfs.c src/vm/image/initramfs.h \
	src/vm/image/kernel.c src/vm/image/kernel.h \
	src/vm/image/modules.c src/vm/image/modules.h \
	src/vm/image/unpack.c src/vm/image/unpack.h
libimage_a_CPPFLAGS = $(AM_CPPFLAGS) $(KMOD_CFLAGS) $(ZLIB_CFLAGS) $(LZMA_CFLAGS) $(ZSTD_CFLAGS) $(LZ4_CFLAGS) \
	-DVMRUNC_LIBDIR='"$(pkglibdir)"'
# What a program that links libimage.a adds, after it.
image_libs = $(KMOD_LIBS) $(ZLIB_LIBS) $(LZMA_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS)

# The small guest kernel, into the cache; from Debian's kernel source, 5 to 10 minutes.
.PHONY: guest-kernel
guest-kernel:
	$(srcdir)/contrib/guest-kernel/build

EXTRA_DIST += \
	contrib/get-kernel \
	contrib/guest-kernel/acpi.config \
	contrib/guest-kernel/build \
	contrib/guest-kernel/guest-kernel.config \
	contrib/guest-kernel/netfilter.config \
	tests/kvmhost/README.md \
	tests/kvmhost/guest \
	tests/kvmhost/kvmhost.bats \
	tests/kvmhost/init \
	tests/kvmhost/make-image \
	tests/kvmhost/make-root \
	tests/kvmhost/run

if HAVE_CMOCKA
unit_tests += \
	tests/unit/test_image_bzimage \
	tests/unit/test_image_cache \
	tests/unit/test_image_cpio \
	tests/unit/test_image_kernel \
	tests/unit/test_image_modules
check_PROGRAMS += \
	tests/unit/test_image_bzimage \
	tests/unit/test_image_cache \
	tests/unit/test_image_cpio \
	tests/unit/test_image_kernel \
	tests/unit/test_image_modules
endif
image_test_ldadd = libimage.a libbase.a $(image_libs) $(unit_ldadd)
tests_unit_test_image_bzimage_SOURCES = tests/unit/test_image_bzimage.c tests/unit/image_fixture.c tests/unit/image_fixture.h
tests_unit_test_image_bzimage_LDADD = $(image_test_ldadd)
tests_unit_test_image_cache_SOURCES = tests/unit/test_image_cache.c tests/unit/image_fixture.c tests/unit/image_fixture.h
tests_unit_test_image_cache_LDADD = $(image_test_ldadd)
tests_unit_test_image_cpio_SOURCES = tests/unit/test_image_cpio.c tests/unit/image_fixture.c tests/unit/image_fixture.h
tests_unit_test_image_cpio_LDADD = $(image_test_ldadd)
tests_unit_test_image_kernel_SOURCES = tests/unit/test_image_kernel.c tests/unit/image_fixture.c tests/unit/image_fixture.h
tests_unit_test_image_kernel_LDADD = $(image_test_ldadd)
tests_unit_test_image_modules_SOURCES = tests/unit/test_image_modules.c tests/unit/image_fixture.c tests/unit/image_fixture.h
tests_unit_test_image_modules_LDADD = $(image_test_ldadd)
