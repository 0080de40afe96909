# What the containers of tests/bats/48-sockets.bats do with sockets, as static as the agent.
noinst_DATA += tests/sockets/peer
EXTRA_DIST += tests/sockets/peer.c tests/sockets/host.py
CLEANFILES += tests/sockets/peer

tests/sockets/peer: guest/tests/sockets/peer.o
	@$(MKDIR_P) tests/sockets
	$(AM_V_CCLD)$(AGENT_CC) -static -s -Wl,--gc-sections $^ -o $@
