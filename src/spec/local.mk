# src/spec: config.json -> struct spec, the support table, what is derived from them.
spec_sources = \
	src/spec/arena.c src/spec/arena.h \
	src/spec/cpulist.c src/spec/cpulist.h \
	src/spec/decode.c src/spec/decode.h \
	src/spec/default.c src/spec/default.h \
	src/spec/features.c src/spec/features.h \
	src/spec/gen.c src/spec/gen.h \
	src/spec/json.c src/spec/json.h \
	src/spec/mountopt.c src/spec/mountopt.h \
	src/spec/names.c src/spec/names.h \
	src/spec/schema.c src/spec/schema.h \
	src/spec/schema_linux.c \
	src/spec/seccomp.c src/spec/seccomp.h \
	src/spec/signal.c src/spec/signal.h \
	src/spec/spec.c src/spec/spec.h \
	src/spec/support.c src/spec/support.h \
	src/spec/support_table.c src/spec/support_table.h \
	src/spec/validate.c src/spec/validate.h \
	src/spec/validate_linux.c \
	src/spec/warnings.c src/spec/warnings.h

noinst_LIBRARIES += libspec.a
libspec_a_SOURCES = $(spec_sources)
libspec_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAJL_CFLAGS) $(SECCOMP_CFLAGS) $(LIBCAP_CFLAGS)
# What a program that links libspec.a adds, after it and before libbase.a.
spec_libs = $(YAJL_LIBS) $(SECCOMP_LIBS) $(LIBCAP_LIBS)

# docs/spec-support.md from the support table.
EXTRA_PROGRAMS += src/spec/print-support
src_spec_print_support_SOURCES = src/spec/print_support.c
src_spec_print_support_LDADD = libspec.a $(spec_libs) libbase.a
spec-support: src/spec/print-support
	src/spec/print-support > $(srcdir)/docs/spec-support.md
.PHONY: spec-support
EXTRA_DIST += docs/spec-support.md

spec_tests = \
	tests/unit/test_spec \
	tests/unit/test_spec_docs \
	tests/unit/test_spec_rules \
	tests/unit/test_spec_seccomp \
	tests/unit/test_spec_words
if HAVE_CMOCKA
unit_tests += $(spec_tests)
endif
spec_test_cppflags = $(AM_CPPFLAGS) $(YAJL_CFLAGS) $(SECCOMP_CFLAGS) $(LIBCAP_CFLAGS) -DSRCDIR='"$(srcdir)"'
spec_test_ldadd = libspec.a $(spec_libs) libbase.a $(unit_ldadd)
tests_unit_test_spec_SOURCES = tests/unit/test_spec.c
tests_unit_test_spec_CPPFLAGS = $(spec_test_cppflags)
tests_unit_test_spec_LDADD = $(spec_test_ldadd)
tests_unit_test_spec_docs_SOURCES = tests/unit/test_spec_docs.c
tests_unit_test_spec_docs_CPPFLAGS = $(spec_test_cppflags)
tests_unit_test_spec_docs_LDADD = $(spec_test_ldadd)
tests_unit_test_spec_rules_SOURCES = tests/unit/test_spec_rules.c
tests_unit_test_spec_rules_CPPFLAGS = $(spec_test_cppflags)
tests_unit_test_spec_rules_LDADD = $(spec_test_ldadd)
tests_unit_test_spec_seccomp_SOURCES = tests/unit/test_spec_seccomp.c
tests_unit_test_spec_seccomp_CPPFLAGS = $(spec_test_cppflags)
tests_unit_test_spec_seccomp_LDADD = $(spec_test_ldadd)
tests_unit_test_spec_words_SOURCES = tests/unit/test_spec_words.c
tests_unit_test_spec_words_CPPFLAGS = $(spec_test_cppflags)
tests_unit_test_spec_words_LDADD = $(spec_test_ldadd)

EXTRA_DIST += tests/samples

# The fuzz target: replayed by `make check`; `make fuzz-spec` runs it with clang's libFuzzer for FUZZ_SECONDS.
unit_tests += tests/fuzz/fuzz_spec
check_PROGRAMS += tests/fuzz/fuzz_spec
tests_fuzz_fuzz_spec_SOURCES = tests/fuzz/fuzz_spec.c
tests_fuzz_fuzz_spec_CPPFLAGS = $(spec_test_cppflags)
tests_fuzz_fuzz_spec_LDADD = libspec.a $(spec_libs) libbase.a

fuzz-spec:
	cd $(srcdir) && clang -g -O1 -std=gnu11 -D_GNU_SOURCE -DFUZZING -DSRCDIR='"."' -Isrc -I$(abs_builddir) \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		-o $(abs_builddir)/fuzz-spec.bin tests/fuzz/fuzz_spec.c src/base/buf.c src/base/err.c src/base/fd.c \
		$$(ls src/spec/*.c | grep -v print_support) $(spec_libs)
	mkdir -p fuzz-spec.corpus
	./fuzz-spec.bin -max_total_time=$${FUZZ_SECONDS:-60} -max_len=8192 fuzz-spec.corpus \
		$(abs_srcdir)/tests/fuzz/corpus/spec $(abs_srcdir)/tests/samples
.PHONY: fuzz-spec
CLEANFILES += fuzz-spec.bin src/spec/print-support
EXTRA_DIST += tests/fuzz/corpus/spec
