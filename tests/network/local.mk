# Both ends of what tests/bats/77-network-path.bats and tests/bench/network send, as static as the agent: it runs in containers and beside them.
noinst_DATA += tests/network/netend
EXTRA_DIST += tests/network/check.c tests/network/netend.c tests/network/netend.h tests/network/serve.c
CLEANFILES += tests/network/netend

tests/network/netend: guest/tests/network/check.o guest/tests/network/netend.o guest/tests/network/serve.o
	@$(MKDIR_P) tests/network
	$(AM_V_CCLD)$(AGENT_CC) -static -s -Wl,--gc-sections $^ -o $@

# Both ends of a loopback interface, for tests/bats/76-user-network.bats, likewise.
noinst_DATA += tests/network/localend
EXTRA_DIST += tests/network/localend.c
CLEANFILES += tests/network/localend

tests/network/localend: guest/tests/network/localend.o
	@$(MKDIR_P) tests/network
	$(AM_V_CCLD)$(AGENT_CC) -static -s -Wl,--gc-sections $^ -o $@
