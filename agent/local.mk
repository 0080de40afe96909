# agent: the guest's PID 1, one static program of these files and src/base, embedded in vmrunc.
agent_sources = \
	agent/agent.h \
	agent/boot.c agent/boot.h \
	agent/cgroup.c agent/cgroup.h \
	agent/channel.c agent/channel.h \
	agent/container.c agent/container.h \
	agent/copyup.c agent/copyup.h \
	agent/devices.c agent/devices.h \
	agent/hooks.c agent/hooks.h \
	agent/identity.c agent/identity.h \
	agent/launch.c agent/launch.h \
	agent/log.c agent/log.h \
	agent/main.c \
	agent/mounts.c agent/mounts.h \
	agent/process.c agent/process.h \
	agent/program.c agent/program.h \
	agent/reaper.c agent/reaper.h \
	agent/rootfs.c agent/rootfs.h \
	agent/rootpath.c agent/rootpath.h \
	agent/sandbox.c agent/sandbox.h \
	agent/signals.c agent/signals.h \
	agent/sync.c agent/sync.h \
	agent/sys.h \
	agent/tty.c agent/tty.h

EXTRA_DIST += $(agent_sources) docs/channel.md
CLEANFILES += agent/agent

# Without sanitizers: they cannot be linked statically, and PID 1 has nobody to report to.
agent/agent: $(agent_sources) $(base_sources)
	@$(MKDIR_P) agent
	$(AM_V_GEN)srcs=; for f in $(agent_sources) $(base_sources); do \
		case $$f in *.c) srcs="$$srcs $(srcdir)/$$f";; esac; done; \
	$(AGENT_CC) -std=gnu11 $(WARN_CFLAGS) -Os -static -s -ffunction-sections -Wl,--gc-sections \
		-D_GNU_SOURCE -DAGENT_BUILD='"$(PACKAGE_VERSION)"' \
		-I$(srcdir)/src -I$(srcdir)/agent $(AGENT_CPPFLAGS) $$srcs -o $@

noinst_LIBRARIES += libagentblob.a
libagentblob_a_SOURCES = agent/agent_blob.S agent/agent_blob.h
agent/agent_blob.$(OBJEXT): agent/agent

if HAVE_CMOCKA
unit_tests += tests/unit/test_agent
check_PROGRAMS += tests/unit/test_agent
endif
tests_unit_test_agent_SOURCES = tests/unit/test_agent.c
tests_unit_test_agent_CPPFLAGS = $(AM_CPPFLAGS) -DAGENT_PATH='"$(abs_builddir)/agent/agent"'
tests_unit_test_agent_LDADD = libguest.a libbase.a $(unit_ldadd)
tests_unit_test_agent_DEPENDENCIES = agent/agent libguest.a libbase.a
