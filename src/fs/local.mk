# src/fs: the file service; it knows no protocol.
noinst_LIBRARIES += libfs.a
libfs_a_SOURCES = \
	src/fs/attr.c \
	src/fs/cred.c src/fs/cred.h \
	src/fs/entry.c \
	src/fs/export.c \
	src/fs/fs.c src/fs/fs.h \
	src/fs/id.c src/fs/id.h \
	src/fs/lock.c \
	src/fs/names.c \
	src/fs/node.c src/fs/node.h \
	src/fs/open.c \
	src/fs/syscalls.c \
	src/fs/xattr.c
