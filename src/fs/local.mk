# src/fs: the file service; it knows no protocol.
noinst_LIBRARIES += libfs.a
libfs_a_SOURCES = \
	src/fs/attr.c \
	src/fs/cred.c src/fs/cred.h \
	src/fs/entry.c \
	src/fs/export.c src/fs/export.h \
	src/fs/fds.c src/fs/fds.h \
	src/fs/fs.c src/fs/fs.h \
	src/fs/id.c src/fs/id.h \
	src/fs/inside.h \
	src/fs/lock.c \
	src/fs/lock.h \
	src/fs/ranges.c \
	src/fs/ranges.h \
	src/fs/memory.c src/fs/memory.h \
	src/fs/names.c src/fs/names.h \
	src/fs/node.c src/fs/node.h \
	src/fs/open.c \
	src/fs/policy.c src/fs/policy.h \
	src/fs/rest.c src/fs/rest.h \
	src/fs/stale.c \
	src/fs/step.c src/fs/step.h \
	src/fs/synth.c src/fs/synth.h \
	src/fs/syscalls.c \
	src/fs/version.c src/fs/version.h \
	src/fs/walk.c src/fs/walk.h \
	src/fs/watch.c src/fs/watch.h \
	src/fs/xattr.c
