# src: the program.
vmrunc_sources = \
	src/binds.c src/binds.h \
	src/birth.c \
	src/bundle.c src/bundle.h \
	src/cgroup.c src/cgroup.h \
	src/cgroup_devices.c src/cgroup_devices.h \
	src/cgroup_file.c src/cgroup_file.h \
	src/cgroup_io.c src/cgroup_io.h \
	src/cgroup_limit.c \
	src/cgroup_unit.c src/cgroup_unit.h \
	src/cgroup_values.c src/cgroup_values.h \
	src/check.c src/check.h \
	src/cli.c src/cli.h \
	src/cmd_info.c \
	src/cmd_kill.c \
	src/cmd_run.c \
	src/cmd_state.c \
	src/container.c src/container.h \
	src/control.c src/control.h \
	src/create.c \
	src/filter_store.c src/filter_store.h \
	src/guestlog.c src/guestlog.h \
	src/gvariant.c src/gvariant.h \
	src/hooks.c src/hooks.h \
	src/idmap.c src/idmap.h \
	src/jail.c src/jail.h \
	src/jail_seccomp.c \
	src/log.c src/log.h \
	src/monitor.c src/monitor.h \
	src/ns.c src/ns.h \
	src/plan.c src/plan.h \
	src/proctitle.c src/proctitle.h \
	src/settings.c src/settings.h \
	src/state.c src/state.h \
	src/statedir.c \
	src/systemd.c src/systemd.h \
	src/systemd_props.c src/systemd_props.h \
	src/timeline.c src/timeline.h \
	src/tty.c src/tty.h \
	src/unitname.c src/unitname.h

noinst_LIBRARIES += liblife.a
liblife_a_SOURCES = $(vmrunc_sources)
liblife_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAJL_CFLAGS) $(SECCOMP_CFLAGS) $(LIBCAP_CFLAGS) $(SYSTEMD_CFLAGS)

bin_PROGRAMS += vmrunc
vmrunc_SOURCES = src/main.c
vmrunc_LDADD = liblife.a libimage.a libguest.a libspec.a libagentblob.a $(vm_libs) \
	$(image_libs) $(spec_libs) $(vm_extlibs) $(SYSTEMD_LIBS)

life_tests = tests/unit/test_cgroup tests/unit/test_cli tests/unit/test_filter_store tests/unit/test_host \
	tests/unit/test_state
if HAVE_CMOCKA
unit_tests += $(life_tests)
check_PROGRAMS += $(life_tests)
endif
life_test_ldadd = liblife.a libguest.a libspec.a $(spec_libs) libbase.a $(SYSTEMD_LIBS) $(unit_ldadd)
tests_unit_test_cgroup_SOURCES = tests/unit/test_cgroup.c
tests_unit_test_cgroup_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
tests_unit_test_cgroup_LDADD = $(life_test_ldadd)
tests_unit_test_filter_store_SOURCES = tests/unit/test_filter_store.c
tests_unit_test_filter_store_LDADD = liblife.a libimage.a libspec.a $(image_libs) $(spec_libs) libbase.a $(unit_ldadd)
tests_unit_test_state_SOURCES = tests/unit/test_state.c
tests_unit_test_state_LDADD = $(life_test_ldadd)
tests_unit_test_cli_SOURCES = tests/unit/test_cli.c
tests_unit_test_cli_LDADD = $(life_test_ldadd)
tests_unit_test_host_SOURCES = tests/unit/test_host.c
tests_unit_test_host_LDADD = $(life_test_ldadd)
