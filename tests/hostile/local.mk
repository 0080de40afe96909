# A guest that has turned on its host, for tests/bats/65-hostile-guest.bats: as static as the agent, whose place it takes.
noinst_DATA += tests/hostile/agent
EXTRA_DIST += tests/hostile/agent.c
CLEANFILES += tests/hostile/agent

tests/hostile/agent: tests/hostile/agent.c $(base_sources)
	@$(MKDIR_P) tests/hostile
	$(AM_V_GEN)srcs=; for f in tests/hostile/agent.c $(base_sources); do \
		case $$f in *.c) srcs="$$srcs $(srcdir)/$$f";; esac; done; \
	$(AGENT_CC) -std=gnu11 $(WARN_CFLAGS) -Os -static -s -D_GNU_SOURCE -I$(srcdir)/src $(AGENT_CPPFLAGS) $$srcs -o $@
