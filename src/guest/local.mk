# src/guest: the host's end of the channel to the agent, and config.json translated for it.
noinst_LIBRARIES += libguest.a
libguest_a_CFLAGS = $(AM_CFLAGS)
libguest_a_SOURCES = \
	src/guest/device_filter.c src/guest/device_filter.h \
	src/guest/guest.c src/guest/guest.h \
	src/guest/resources.c src/guest/resources.h \
	src/guest/stdio.c src/guest/stdio.h \
	src/guest/translate.c src/guest/translate.h

if HAVE_CMOCKA
unit_tests += tests/unit/test_guest tests/unit/test_mux tests/unit/test_proto tests/unit/test_translate
check_PROGRAMS += tests/unit/test_guest tests/unit/test_mux tests/unit/test_proto tests/unit/test_translate
endif
tests_unit_test_mux_SOURCES = tests/unit/test_mux.c
tests_unit_test_mux_LDADD = libguest.a libbase.a $(unit_ldadd)
tests_unit_test_proto_SOURCES = tests/unit/test_proto.c
tests_unit_test_proto_LDADD = libbase.a $(unit_ldadd)
tests_unit_test_translate_SOURCES = tests/unit/test_translate.c
tests_unit_test_translate_CPPFLAGS = $(AM_CPPFLAGS) -DSAMPLES='"$(abs_srcdir)/tests/samples"'
tests_unit_test_translate_LDADD = libguest.a libspec.a libbase.a $(unit_ldadd) $(YAJL_LIBS) $(SECCOMP_LIBS) $(LIBCAP_LIBS)
tests_unit_test_guest_SOURCES = tests/unit/test_guest.c
tests_unit_test_guest_LDADD = libguest.a libbase.a $(unit_ldadd)

# The fuzz target: replayed by `make check`; `make fuzz-proto` runs it with clang's libFuzzer for FUZZ_SECONDS.
unit_tests += tests/fuzz/fuzz_proto
check_PROGRAMS += tests/fuzz/fuzz_proto
tests_fuzz_fuzz_proto_SOURCES = tests/fuzz/fuzz_proto.c
tests_fuzz_fuzz_proto_CPPFLAGS = $(AM_CPPFLAGS) -DCORPUS='"$(abs_srcdir)/tests/fuzz/corpus/proto"'
tests_fuzz_fuzz_proto_LDADD = libguest.a libbase.a

fuzz-proto:
	cd $(srcdir) && clang -g -O1 -std=gnu11 -D_GNU_SOURCE -DFUZZING -DHAVE_CONFIG_H -Isrc -I$(abs_builddir) \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		-o $(abs_builddir)/fuzz-proto.bin tests/fuzz/fuzz_proto.c src/guest/guest.c src/guest/stdio.c \
		src/base/buf.c src/base/err.c src/base/fd.c src/base/loop.c src/base/mux.c src/base/proto.c \
		src/base/pump.c src/base/wire.c
	mkdir -p fuzz-proto.corpus
	./fuzz-proto.bin -max_total_time=$${FUZZ_SECONDS:-60} -max_len=65536 fuzz-proto.corpus \
		$(abs_srcdir)/tests/fuzz/corpus/proto
.PHONY: fuzz-proto
CLEANFILES += fuzz-proto.bin
EXTRA_DIST += tests/fuzz/corpus/proto
