# Programs for guests, static, for a root without libraries: probe tries a kernel's client of 9P (tests/bats/68-guest-kernel.bats), party
# shares a directory (tests/bats/67-coherence.bats). tests/bats/40-mounts.bats builds small_numbers.c itself, for 32 bits.
noinst_DATA += tests/files/party tests/files/probe
EXTRA_DIST += tests/files/party.c tests/files/probe.c tests/files/small_numbers.c
CLEANFILES += tests/files/party tests/files/probe

tests/files/party tests/files/probe: tests/files/%: guest/tests/files/%.o
	@$(MKDIR_P) tests/files
	$(AM_V_CCLD)$(AGENT_CC) -static -s $^ -o $@
