# src/vm/choose: which engine runs a machine; the only room that names both.
noinst_LIBRARIES += libchoose.a
libchoose_a_SOURCES = \
	src/vm/choose/choose.c src/vm/choose/choose.h
