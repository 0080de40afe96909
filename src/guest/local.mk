# src/guest: the host's end of the channel, config.json translated for the agent, and the agent itself as bytes.
noinst_LIBRARIES += libguest.a
libguest_a_SOURCES = \
	src/guest/agent_blob.S src/guest/agent_blob.h \
	src/guest/ask.c \
	src/guest/device_filter.c src/guest/device_filter.h \
	src/guest/fds.c src/guest/fds.h \
	src/guest/guest.c src/guest/guest.h \
	src/guest/inside.h \
	src/guest/procs.c src/guest/procs.h \
	src/guest/ps.c src/guest/ps.h \
	src/guest/relay.c src/guest/relay.h \
	src/guest/stdio.c src/guest/stdio.h \
	src/guest/syscalls.c src/guest/syscalls.h \
	src/guest/translate.c src/guest/translate.h \
	src/guest/translate_mounts.c \
	src/guest/translate_process.c \
	src/guest/translation.c src/guest/translation.h

# The agent's program is assembled into libguest.a.
src/guest/agent_blob.$(OBJEXT): agent/agent
