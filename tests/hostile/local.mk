# A guest that has turned on its host, for tests/bats/65-hostile-guest.bats and 66-hostile-files.bats: as static as the agent, whose place it takes.
noinst_DATA += tests/hostile/agent
EXTRA_DIST += tests/hostile/agent.c tests/hostile/dry.c tests/hostile/dry.h tests/hostile/files.c \
	tests/hostile/files.h tests/hostile/lies.c tests/hostile/lies.h
CLEANFILES += tests/hostile/agent

# the headers that they were compiled with: an agent of another protocol than the host's would be refused before it can do harm
-include guest/tests/hostile/agent.d guest/tests/hostile/dry.d guest/tests/hostile/files.d guest/tests/hostile/lies.d

tests/hostile/agent: guest/tests/hostile/agent.o guest/tests/hostile/dry.o guest/tests/hostile/files.o guest/tests/hostile/lies.o guest/libchannel.a guest/libbase.a
	@$(MKDIR_P) tests/hostile
	$(AM_V_CCLD)$(AGENT_CC) -static -s -Wl,--gc-sections $^ -o $@
