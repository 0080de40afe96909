# src/base: libc only: errors, descriptors, buffers, the event loop; the agent is built from it as well.
base_sources = \
	src/base/base.h \
	src/base/bpf.c src/base/bpf.h \
	src/base/buf.c src/base/buf.h \
	src/base/clock.h \
	src/base/cpulist.c src/base/cpulist.h \
	src/base/err.c src/base/err.h \
	src/base/exit.h \
	src/base/fd.c src/base/fd.h \
	src/base/hook.c src/base/hook.h \
	src/base/le.h \
	src/base/loop.c src/base/loop.h \
	src/base/netif.c src/base/netif.h \
	src/base/rootpath.c src/base/rootpath.h \
	src/base/sig.c src/base/sig.h \
	src/base/syscalls.c src/base/syscalls.h \
	src/base/tags.h \
	src/base/text.c src/base/text.h \
	src/base/wire.c src/base/wire.h

noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = $(base_sources)
