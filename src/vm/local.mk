# src/vm: the face of a virtual machine, and what both engines share.
noinst_LIBRARIES += libvm.a
libvm_a_SOURCES = \
	src/vm/engine.h \
	src/vm/guestlog.c src/vm/guestlog.h \
	src/vm/vm.c src/vm/vm.h
