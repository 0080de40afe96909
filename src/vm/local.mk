# src/vm: the VM interface. The engines are libraries of their own (kvm/local.mk, qemu/local.mk).
noinst_LIBRARIES += libvm.a
libvm_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAJL_CFLAGS)
libvm_a_SOURCES = \
	src/vm/choose.c src/vm/choose.h \
	src/vm/engine.c src/vm/engine.h \
	src/vm/vm.c src/vm/vm.h

# What a program that calls vm.h links, in order; $(vm_extlibs) behind all.
vm_libs = libvm.a libqemu.a libvm.a libkvm.a libvirtio.a libp9.a libfs.a libvm.a libbase.a
vm_extlibs = $(YAJL_LIBS)
