# src/net: the interfaces of a network namespace on the host, and the taps that stand beside them.
noinst_LIBRARIES += libnet.a
libnet_a_SOURCES = \
	src/net/attach.c src/net/attach.h \
	src/net/hostlink.c src/net/hostlink.h \
	src/net/link.c src/net/link.h \
	src/net/localports.c src/net/localports.h \
	src/net/redirect.c src/net/redirect.h \
	src/net/rtnl.c src/net/rtnl.h \
	src/net/settings.c src/net/settings.h \
	src/net/share.c src/net/share.h \
	src/net/syscalls.c src/net/syscalls.h \
	src/net/tap.c src/net/tap.h \
	src/net/usermode.c src/net/usermode.h \
	src/net/view.c src/net/view.h \
	src/net/view_message.c src/net/view_message.h
