# src/fuse: /dev/fuse, for a read-only tree, and for requests that somebody else answers; it knows no container.
noinst_LIBRARIES += libfuse.a
libfuse_a_SOURCES = \
	src/fuse/fuse.c src/fuse/fuse.h \
	src/fuse/handle.c src/fuse/handle.h \
	src/fuse/init.c src/fuse/init.h \
	src/fuse/kernel.h \
	src/fuse/port.c src/fuse/port.h
