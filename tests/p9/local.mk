# Tests of src/fs and src/p9, with a 9P client of their own.
p9_client = tests/p9/client.c tests/p9/client.h
p9_test_libs = libp9.a libfs.a libbase.a $(unit_ldadd)
p9_test_cppflags = $(AM_CPPFLAGS) -I$(srcdir)
p9_tests = \
	tests/unit/test_fs \
	tests/unit/test_p9 \
	tests/unit/test_p9_hostile \
	tests/unit/test_p9_parallel
if HAVE_CMOCKA
unit_tests += $(p9_tests)
check_PROGRAMS += $(p9_tests)
endif
tests_unit_test_fs_SOURCES = tests/unit/test_fs.c
tests_unit_test_fs_LDADD = libfs.a libbase.a $(unit_ldadd)
tests_unit_test_p9_SOURCES = tests/unit/test_p9.c $(p9_client)
tests_unit_test_p9_CPPFLAGS = $(p9_test_cppflags)
tests_unit_test_p9_LDADD = $(p9_test_libs)
tests_unit_test_p9_hostile_SOURCES = tests/unit/test_p9_hostile.c $(p9_client)
tests_unit_test_p9_hostile_CPPFLAGS = $(p9_test_cppflags)
tests_unit_test_p9_hostile_LDADD = $(p9_test_libs)
tests_unit_test_p9_parallel_SOURCES = tests/unit/test_p9_parallel.c $(p9_client)
tests_unit_test_p9_parallel_CPPFLAGS = $(p9_test_cppflags)
tests_unit_test_p9_parallel_LDADD = $(p9_test_libs)

# What a request costs in the server alone; built on demand: make tests/p9/p9bench
EXTRA_PROGRAMS += tests/p9/p9bench
tests_p9_p9bench_SOURCES = tests/p9/bench.c
tests_p9_p9bench_LDADD = libp9.a libfs.a libbase.a

# The fuzz target: replayed by `make check`; `make fuzz-p9` runs it with clang's libFuzzer for FUZZ_SECONDS.
unit_tests += tests/fuzz/fuzz_p9
check_PROGRAMS += tests/fuzz/fuzz_p9
tests_fuzz_fuzz_p9_SOURCES = tests/fuzz/fuzz_p9.c
tests_fuzz_fuzz_p9_CPPFLAGS = $(AM_CPPFLAGS) -DCORPUS='"$(abs_srcdir)/tests/fuzz/corpus/p9"'
tests_fuzz_fuzz_p9_LDADD = libp9.a libfs.a libbase.a

# Paths are absolute: a serving thread has a working directory of its own.
fuzz-p9:
	cd $(srcdir) && clang -std=gnu11 -D_GNU_SOURCE -DFUZZING -g -O1 -pthread -Isrc \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		-o $(abs_builddir)/fuzz-p9.bin tests/fuzz/fuzz_p9.c \
		$(filter %.c,$(libfs_a_SOURCES) $(libp9_a_SOURCES)) src/base/buf.c src/base/err.c src/base/fd.c \
		src/base/wire.c
	mkdir -p fuzz-p9.corpus
	./fuzz-p9.bin -max_total_time=$${FUZZ_SECONDS:-60} -max_len=4096 -artifact_prefix=$(abs_builddir)/ $(abs_builddir)/fuzz-p9.corpus \
		$(abs_srcdir)/tests/fuzz/corpus/p9
.PHONY: fuzz-p9
CLEANFILES += fuzz-p9.bin
EXTRA_DIST += tests/fuzz/corpus/p9
EXTRA_DIST += docs/9p.md tests/bats/15-9p-listener.bats
