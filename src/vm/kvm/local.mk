# src/vm/kvm: our own VMM on /dev/kvm.
noinst_LIBRARIES += libkvm.a
libkvm_a_SOURCES = \
	src/vm/kvm/devices.c src/vm/kvm/devices.h \
	src/vm/kvm/kvm.c \
	src/vm/kvm/probe.c src/vm/kvm/probe.h \
	src/vm/kvm/serial.c src/vm/kvm/serial.h \
	src/vm/kvm/stale.c src/vm/kvm/stale.h \
	src/vm/kvm/syscalls.c src/vm/kvm/syscalls.h \
	src/vm/kvm/vcpu.c src/vm/kvm/vcpu.h
