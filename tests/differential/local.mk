# tests/differential: generated configs under crun and vmrunc; see docs/differential.md.
# The probe is a container's process: static, without the host's sanitizers.
differential_probe = tests/differential/probe
differential_probe_sources = tests/differential/probe.c tests/differential/probe_calls.c tests/differential/probe.h
tests/differential/probe: $(differential_probe_sources)
	$(AM_V_CC)$(MKDIR_P) tests/differential && $(AGENT_CC) -std=gnu11 $(WARN_CFLAGS) -O2 -static -D_GNU_SOURCE \
		$(AGENT_CPPFLAGS) -o $@ $(filter %.c,$^)
CLEANFILES += $(differential_probe)

# DIFFERENTIAL_COUNT configs from DIFFERENTIAL_SEED on.
DIFFERENTIAL_SEED = 1
DIFFERENTIAL_COUNT = 300
differential: all $(differential_probe)
	VMRUNC=$(abs_builddir)/vmrunc $(srcdir)/tests/differential/run --seed $(DIFFERENTIAL_SEED) --count $(DIFFERENTIAL_COUNT)
.PHONY: differential

EXTRA_DIST += \
	tests/differential/accepted.py tests/differential/compare.py tests/differential/execute.py \
	tests/differential/generate.py $(differential_probe_sources) tests/differential/run \
	docs/differential.md
