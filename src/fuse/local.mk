# src/fuse: a read-only tree served to the kernel over /dev/fuse; it knows no container.
noinst_LIBRARIES += libfuse.a
libfuse_a_SOURCES = \
	src/fuse/fuse.c src/fuse/fuse.h \
	src/fuse/handle.c src/fuse/handle.h \
	src/fuse/kernel.h
