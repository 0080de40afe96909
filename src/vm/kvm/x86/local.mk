# src/vm/kvm/x86: what only x86 has: CPUID, ACPI, boot.
noinst_LIBRARIES += libx86.a
libx86_a_SOURCES = \
	src/vm/kvm/x86/acpi.c src/vm/kvm/x86/acpi.h \
	src/vm/kvm/x86/boot.c src/vm/kvm/x86/boot.h \
	src/vm/kvm/x86/cpu.c src/vm/kvm/x86/cpu.h \
	src/vm/kvm/x86/cpuid.c src/vm/kvm/x86/cpuid.h \
	src/vm/kvm/x86/platform.c src/vm/kvm/x86/platform.h \
	src/vm/kvm/x86/probe_cpu.c src/vm/kvm/x86/probe_cpu.h \
	src/vm/kvm/x86/probe_guest.S src/vm/kvm/x86/probe_guest.h \
	src/vm/kvm/x86/pvh.c src/vm/kvm/x86/pvh.h
