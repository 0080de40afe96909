# src/vm/qemu: the same machine by QEMU.
noinst_LIBRARIES += libqemu.a
libqemu_a_SOURCES = \
	src/vm/qemu/argv.c src/vm/qemu/argv.h \
	src/vm/qemu/filter.c src/vm/qemu/filter.h \
	src/vm/qemu/process.c src/vm/qemu/process.h \
	src/vm/qemu/program.c src/vm/qemu/program.h \
	src/vm/qemu/qemu.c \
	src/vm/qemu/qmp.c src/vm/qemu/qmp.h \
	src/vm/qemu/stage.c src/vm/qemu/stage.h \
	src/vm/qemu/tsc.c src/vm/qemu/tsc.h \
	src/vm/qemu/undump.c src/vm/qemu/undump.h
