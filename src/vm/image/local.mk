# src/vm/image: what a virtual machine boots from: kernels, modules, the initramfs.
noinst_LIBRARIES += libimage.a
libimage_a_SOURCES = \
	src/vm/image/bzimage.c src/vm/image/bzimage.h \
	src/vm/image/cpio.c src/vm/image/cpio.h \
	src/vm/image/facts.c src/vm/image/facts.h \
	src/vm/image/image.c src/vm/image/image.h \
	src/vm/image/initramfs.c src/vm/image/initramfs.h \
	src/vm/image/kernel.c src/vm/image/kernel.h \
	src/vm/image/mapping.c src/vm/image/mapping.h \
	src/vm/image/modules.c src/vm/image/modules.h \
	src/vm/image/search.c src/vm/image/search.h \
	src/vm/image/unpack.c src/vm/image/unpack.h

# The small guest kernel, into the cache; from Debian's kernel source, 5 to 10 minutes.
.PHONY: guest-kernel
guest-kernel:
	$(srcdir)/contrib/guest-kernel/build
