# src/p9: 9P2000.L over src/fs; no virtio.
noinst_LIBRARIES += libp9.a
libp9_a_SOURCES = \
	src/p9/iov.c src/p9/iov.h \
	src/p9/lock.c \
	src/p9/msg.h \
	src/p9/op_attr.c \
	src/p9/op_entry.c \
	src/p9/op_fid.c \
	src/p9/op_file.c \
	src/p9/ops.c src/p9/ops.h \
	src/p9/p9.h src/p9/proto.h \
	src/p9/server.c src/p9/server.h \
	src/p9/session.c \
	src/p9/socket.c src/p9/socket.h \
	src/p9/xattr.c

# The debug listener; not installed.
noinst_PROGRAMS += vmrunc-9pd
vmrunc_9pd_SOURCES = src/p9/9pd.c
vmrunc_9pd_LDADD = libp9.a libfs.a libbase.a
