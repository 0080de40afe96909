# A program that tries a guest kernel's client of 9P, for tests/bats/68-guest-kernel.bats: static, for a root without libraries.
noinst_DATA += tests/files/probe
EXTRA_DIST += tests/files/probe.c tests/files/small_numbers.c
CLEANFILES += tests/files/probe

tests/files/probe: guest/tests/files/probe.o
	@$(MKDIR_P) tests/files
	$(AM_V_CCLD)$(AGENT_CC) -static -s $^ -o $@
