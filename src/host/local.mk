# src/host: the ground of the host's program alone: the cache directory, iovec cursors, lists of strings, threads, sockets,
# user namespaces and the owners of files in them, who the caller is, what a small process gives up.
noinst_LIBRARIES += libhost.a
libhost_a_SOURCES = \
	src/host/cache.c src/host/cache.h \
	src/host/confine.c src/host/confine.h \
	src/host/file_policy.h \
	src/host/iov.c src/host/iov.h \
	src/host/kernel_fs.c src/host/kernel_fs.h \
	src/host/owners.c src/host/owners.h \
	src/host/privilege.c src/host/privilege.h \
	src/host/sock.c src/host/sock.h \
	src/host/strv.c src/host/strv.h \
	src/host/thread.c src/host/thread.h \
	src/host/userns.c src/host/userns.h
