# src/p9: 9P2000.L over src/fs; it knows no virtio.
noinst_LIBRARIES += libp9.a
libp9_a_SOURCES = \
	src/p9/fid.c \
	src/p9/lock.c \
	src/p9/msg.h \
	src/p9/op_attr.c \
	src/p9/op_entry.c \
	src/p9/op_fid.c \
	src/p9/op_file.c \
	src/p9/op_lock.c \
	src/p9/op_xattr.c \
	src/p9/ops.c src/p9/ops.h \
	src/p9/p9.h \
	src/p9/proto.h \
	src/p9/reply.c \
	src/p9/request.c \
	src/p9/server.c src/p9/server.h \
	src/p9/session.c \
	src/p9/sessions.c \
	src/p9/socket.c src/p9/socket.h \
	src/p9/syscalls.c \
	src/p9/xattr.c
