# src/jail: what encloses the monitor: namespaces, id maps, mounts, capabilities, the system call filter.
noinst_LIBRARIES += libjail.a
libjail_a_SOURCES = \
	src/jail/binds.c src/jail/binds.h \
	src/jail/clone.c src/jail/clone.h \
	src/jail/idmap.c src/jail/idmap.h \
	src/jail/jail.c src/jail/jail.h \
	src/jail/landlock.c src/jail/landlock.h \
	src/jail/ns.c src/jail/ns.h \
	src/jail/points.c src/jail/points.h \
	src/jail/policy.c src/jail/policy.h \
	src/jail/seccomp.c \
	src/jail/sockets.c src/jail/sockets.h
