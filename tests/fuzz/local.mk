# Fuzz targets, one a trust boundary. `make check` replays their corpora; `make fuzz` fuzzes each for FUZZ_SECONDS
# (60), with clang's libFuzzer, in a build of its own.
fuzz_programs = tests/fuzz/fuzz_proto tests/fuzz/fuzz_spec tests/fuzz/fuzz_virtio tests/fuzz/fuzz_p9
tests_fuzz_fuzz_proto_SOURCES = tests/fuzz/fuzz_proto.c
tests_fuzz_fuzz_spec_SOURCES = tests/fuzz/fuzz_spec.c
tests_fuzz_fuzz_virtio_SOURCES = tests/fuzz/fuzz_virtio.c
tests_fuzz_fuzz_p9_SOURCES = tests/fuzz/fuzz_p9.c
EXTRA_DIST += tests/fuzz/corpus

if FUZZING
EXTRA_PROGRAMS += $(fuzz_programs)
# libFuzzer has a main() of its own.
AM_CPPFLAGS += -DFUZZING
fuzz_main = -fsanitize=fuzzer
else
unit_tests += $(fuzz_programs)
check_PROGRAMS += $(fuzz_programs)
fuzz_main =
endif
tests_fuzz_fuzz_proto_LDFLAGS = $(AM_LDFLAGS) $(fuzz_main)
tests_fuzz_fuzz_spec_LDFLAGS = $(AM_LDFLAGS) $(fuzz_main)
tests_fuzz_fuzz_virtio_LDFLAGS = $(AM_LDFLAGS) $(fuzz_main)
tests_fuzz_fuzz_p9_LDFLAGS = $(AM_LDFLAGS) $(fuzz_main)

.PHONY: fuzz fuzz-programs fuzz-proto fuzz-spec fuzz-virtio fuzz-p9
fuzz-programs: $(fuzz_programs)

fuzz: fuzz-proto fuzz-spec fuzz-virtio fuzz-p9

# Paths are absolute: a thread that serves files has a working directory of its own.
fuzz-proto fuzz-spec fuzz-virtio fuzz-p9:
	$(MKDIR_P) fuzz
	cd fuzz && { test -f Makefile || $(abs_srcdir)/configure CC=clang --enable-fuzzing; } && $(MAKE) fuzz-programs
	target=$@; name=$${target#fuzz-}; mkdir -p fuzz/$$name.corpus && cd fuzz && \
		tests/fuzz/fuzz_$$name -max_total_time=$${FUZZ_SECONDS:-60} -max_len=65536 \
		-artifact_prefix=$(abs_builddir)/fuzz/ $(abs_builddir)/fuzz/$$name.corpus $(abs_srcdir)/tests/fuzz/corpus/$$name
