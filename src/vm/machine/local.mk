# src/vm/machine: a machine without vCPUs: memory, buses, interrupts, its address map.
noinst_LIBRARIES += libmachine.a
libmachine_a_SOURCES = \
	src/vm/machine/bus.c src/vm/machine/bus.h \
	src/vm/machine/elf.c src/vm/machine/elf.h \
	src/vm/machine/end.c src/vm/machine/end.h \
	src/vm/machine/irq.c src/vm/machine/irq.h \
	src/vm/machine/layout.h \
	src/vm/machine/machine.c src/vm/machine/machine.h \
	src/vm/machine/mem.c src/vm/machine/mem.h
