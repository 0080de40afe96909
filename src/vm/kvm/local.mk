# src/vm/kvm: our own VMM on /dev/kvm; what only x86 has is in x86/.
noinst_LIBRARIES += libkvm.a
libkvm_a_SOURCES = \
	src/vm/kvm/bus.c src/vm/kvm/bus.h \
	src/vm/kvm/devices.c src/vm/kvm/devices.h \
	src/vm/kvm/elf.c src/vm/kvm/elf.h \
	src/vm/kvm/end.c src/vm/kvm/end.h \
	src/vm/guestlog.c src/vm/guestlog.h \
	src/vm/kvm/irq.c src/vm/kvm/irq.h \
	src/vm/kvm/kvm.c \
	src/vm/kvm/machine.c src/vm/kvm/machine.h \
	src/vm/kvm/mem.c src/vm/kvm/mem.h \
	src/vm/kvm/probe.c src/vm/kvm/probe.h \
	src/vm/kvm/x86/probe_guest.S src/vm/kvm/x86/probe_guest.h \
	src/vm/kvm/serial.c src/vm/kvm/serial.h \
	src/vm/kvm/vcpu.c src/vm/kvm/vcpu.h \
	src/vm/kvm/x86/acpi.c src/vm/kvm/x86/acpi.h \
	src/vm/kvm/x86/boot.c src/vm/kvm/x86/boot.h \
	src/vm/kvm/x86/cpu.c src/vm/kvm/x86/cpu.h \
	src/vm/kvm/x86/cpuid.c src/vm/kvm/x86/cpuid.h \
	src/vm/kvm/x86/layout.h \
	src/vm/kvm/x86/platform.c src/vm/kvm/x86/platform.h \
	src/vm/kvm/x86/pvh.c src/vm/kvm/x86/pvh.h

# Boots a kernel with the engine alone: see the file.
noinst_PROGRAMS += src/vm/kvm/vmrunc-boot
src_vm_kvm_vmrunc_boot_SOURCES = src/vm/kvm/vmrunc-boot.c
src_vm_kvm_vmrunc_boot_LDADD = libkvm.a libvirtio.a libp9.a libfs.a libvm.a libbase.a $(SECCOMP_LIBS)
src_vm_kvm_vmrunc_boot_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)

kvm_tests = \
	tests/unit/test_kvm_acpi \
	tests/unit/test_kvm_bus \
	tests/unit/test_kvm_elf \
	tests/unit/test_kvm_mem \
	tests/unit/test_kvm_serial
if HAVE_CMOCKA
unit_tests += $(kvm_tests)
check_PROGRAMS += $(kvm_tests)
endif
kvm_test_ldadd = libkvm.a libbase.a $(unit_ldadd)
tests_unit_test_kvm_acpi_SOURCES = tests/unit/test_kvm_acpi.c
tests_unit_test_kvm_acpi_LDADD = $(kvm_test_ldadd)
tests_unit_test_kvm_bus_SOURCES = tests/unit/test_kvm_bus.c
tests_unit_test_kvm_bus_LDADD = $(kvm_test_ldadd)
tests_unit_test_kvm_elf_SOURCES = tests/unit/test_kvm_elf.c
tests_unit_test_kvm_elf_LDADD = $(kvm_test_ldadd)
tests_unit_test_kvm_mem_SOURCES = tests/unit/test_kvm_mem.c
tests_unit_test_kvm_mem_LDADD = $(kvm_test_ldadd)
tests_unit_test_kvm_serial_SOURCES = tests/unit/test_kvm_serial.c
tests_unit_test_kvm_serial_LDADD = $(kvm_test_ldadd)

EXTRA_DIST += docs/vmm.md
