# agent: the guest's PID 1, one static program of its own rooms, src/channel and src/base, embedded in vmrunc.
agent_sources = \
	agent/main.c \
	agent/init/answer.c agent/init/answer.h \
	agent/init/birth.c agent/init/birth.h \
	agent/init/boot.c agent/init/boot.h \
	agent/init/cgroup.c agent/init/cgroup.h \
	agent/init/channel.c agent/init/channel.h \
	agent/init/container.c agent/init/container.h \
	agent/init/fds.c agent/init/fds.h \
	agent/init/localhost.c agent/init/localhost.h \
	agent/init/files.c agent/init/files.h \
	agent/init/pace.c agent/init/pace.h \
	agent/init/place.c agent/init/place.h \
	agent/init/network.c agent/init/network.h \
	agent/init/ports.c agent/init/ports.h \
	agent/init/process.c agent/init/process.h \
	agent/init/proclist.c agent/init/proclist.h \
	agent/init/procs.c agent/init/procs.h \
	agent/init/reaper.c agent/init/reaper.h \
	agent/init/refusal.c agent/init/refusal.h \
	agent/init/relay.c agent/init/relay.h \
	agent/init/resolver.c agent/init/resolver.h \
	agent/init/rtnl.c agent/init/rtnl.h \
	agent/init/service.c agent/init/service.h \
	agent/init/signals.c agent/init/signals.h \
	agent/init/forget.c agent/init/forget.h \
	agent/init/sync.c agent/init/sync.h \
	agent/init/timekeeper.c agent/init/timekeeper.h \
	agent/launch/copyup.c agent/launch/copyup.h \
	agent/launch/devices.c agent/launch/devices.h \
	agent/launch/hooks.c agent/launch/hooks.h \
	agent/launch/identity.c agent/launch/identity.h \
	agent/launch/launch.c agent/launch/launch.h \
	agent/launch/mounts.c agent/launch/mounts.h \
	agent/launch/program.c agent/launch/program.h \
	agent/launch/rootfs.c agent/launch/rootfs.h \
	agent/launch/tell.c agent/launch/tell.h \
	agent/launch/tty.c agent/launch/tty.h \
	agent/launch/unable.c agent/launch/unable.h \
	agent/sys/agent.h \
	agent/sys/idmaps.c agent/sys/idmaps.h \
	agent/sys/log.c agent/sys/log.h \
	agent/sys/power.c agent/sys/power.h \
	agent/sys/sandbox.c agent/sys/sandbox.h \
	agent/sys/sys.h

agent_common_sources = $(channel_sources) $(base_sources)

EXTRA_DIST += $(agent_sources)
CLEANFILES += agent/agent

# What runs in the guest is compiled by AGENT_CC, below guest/, and without sanitizers: they cannot be linked statically,
# and PID 1 has nobody to report to.
agent_cc = $(AGENT_CC) -std=gnu11 $(WARN_CFLAGS) -Os -ffunction-sections -D_GNU_SOURCE \
	-DAGENT_BUILD='"$(PACKAGE_VERSION)"' -iquote $(srcdir)/src -iquote $(srcdir)/agent $(AGENT_CPPFLAGS)
agent_objects = $(patsubst %.c,guest/%.o,$(filter %.c,$(agent_sources) $(agent_common_sources)))
guest/%.o: %.c
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(agent_cc) -MMD -MP -c $< -o $@
-include $(agent_objects:.o=.d)

# A library a room, each once on the link line, as for the host's program.
agent_libs = guest/libinit.a guest/liblaunch.a guest/libsys.a guest/libchannel.a guest/libbase.a
agent_room = $(patsubst %.c,guest/%.o,$(filter $(1)/%.c,$(agent_sources) $(agent_common_sources)))
guest/libinit.a: $(call agent_room,agent/init)
guest/liblaunch.a: $(call agent_room,agent/launch)
guest/libsys.a: $(call agent_room,agent/sys)
guest/libchannel.a: $(call agent_room,src/channel)
guest/libbase.a: $(call agent_room,src/base)
$(agent_libs):
	$(AM_V_AR)rm -f $@ && $(AR) cr $@ $^

agent/agent: guest/agent/main.o $(agent_libs)
	@$(MKDIR_P) agent
	$(AM_V_CCLD)$(AGENT_CC) -static -s -Wl,--gc-sections $^ -o $@

clean-local: clean-guest
.PHONY: clean-guest
clean-guest:
	rm -rf guest
