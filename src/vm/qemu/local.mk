# src/vm/qemu: the same machine by QEMU.
noinst_LIBRARIES += libqemu.a
libqemu_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAJL_CFLAGS)
libqemu_a_SOURCES = \
	src/vm/qemu/argv.c src/vm/qemu/argv.h \
	src/vm/qemu/process.c src/vm/qemu/process.h \
	src/vm/qemu/program.c src/vm/qemu/program.h \
	src/vm/qemu/qemu.c \
	src/vm/qemu/qmp.c src/vm/qemu/qmp.h \
	src/vm/qemu/stage.c src/vm/qemu/stage.h \
	src/vm/qemu/tsc.c src/vm/qemu/tsc.h

if HAVE_CMOCKA
unit_tests += tests/unit/test_choose tests/unit/test_qemu tests/unit/test_qemu_qmp
endif
tests_unit_test_qemu_SOURCES = tests/unit/test_qemu.c
tests_unit_test_qemu_LDADD = $(vm_libs) $(vm_extlibs) $(unit_ldadd)
tests_unit_test_qemu_qmp_SOURCES = tests/unit/test_qemu_qmp.c
tests_unit_test_qemu_qmp_LDADD = $(vm_libs) $(vm_extlibs) $(unit_ldadd)
tests_unit_test_choose_SOURCES = tests/unit/test_choose.c
tests_unit_test_choose_LDADD = $(vm_libs) $(vm_extlibs) $(unit_ldadd)

EXTRA_DIST += docs/qemu.md
