# src/channel: the wire between host and guest: framing, messages, streams; the agent is built from it as well.
channel_sources = \
	src/channel/codec.c src/channel/codec.h \
	src/channel/files.c \
	src/channel/mux.c src/channel/mux.h \
	src/channel/packets.c src/channel/packets.h \
	src/channel/proto.c src/channel/proto.h \
	src/channel/proto_arena.c src/channel/proto_arena.h \
	src/channel/ports.c \
	src/channel/procs.c \
	src/channel/ps.c \
	src/channel/pump.c src/channel/pump.h \
	src/channel/question.c src/channel/question.h \
	src/channel/records.c src/channel/records.h \
	src/channel/syscalls.c src/channel/syscalls.h

noinst_LIBRARIES += libchannel.a
libchannel_a_SOURCES = $(channel_sources)
