# tests/bench: measured, never pass or fail on time. `make bench` prints it all; see tests/bench/all.
noinst_PROGRAMS += tests/bench/vmboot
tests_bench_vmboot_SOURCES = tests/bench/vmboot.c

# What runs as a guest's init: static, without the host's sanitizers.
bench_guest_programs = tests/bench/poweroff tests/bench/workload
tests/bench/poweroff: tests/bench/poweroff.c
	$(AM_V_CC)$(MKDIR_P) tests/bench && $(AGENT_CC) -static -O2 -o $@ $(srcdir)/tests/bench/poweroff.c
tests/bench/workload: tests/bench/workload.c
	$(AM_V_CC)$(MKDIR_P) tests/bench && $(AGENT_CC) -static -O2 -Wall -Wextra -iquote $(srcdir)/src -o $@ $(srcdir)/tests/bench/workload.c
CLEANFILES += $(bench_guest_programs)

bench: all $(bench_guest_programs)
	VMRUNC_BUILD=$(abs_builddir) $(srcdir)/tests/bench/all
.PHONY: bench

EXTRA_DIST += \
	tests/bench/all tests/bench/benchlib.py tests/bench/exec tests/bench/memory tests/bench/network tests/bench/ninep tests/bench/podman-config tests/bench/start \
	tests/bench/poweroff.c tests/bench/workload.c
