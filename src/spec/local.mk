# src/spec: config.json to struct spec, the support table, and what is derived from them.
noinst_LIBRARIES += libspec.a
libspec_a_SOURCES = \
	src/spec/decode.c src/spec/decode.h \
	src/spec/default.c src/spec/default.h \
	src/spec/exec.c src/spec/exec.h \
	src/spec/features.c src/spec/features.h \
	src/spec/find.c \
	src/spec/merge.c src/spec/merge.h \
	src/spec/mountopt.c src/spec/mountopt.h \
	src/spec/names.c src/spec/names.h \
	src/spec/resources.c src/spec/resources.h \
	src/spec/rules.c src/spec/rules.h \
	src/spec/schema.c src/spec/schema.h \
	src/spec/schema_linux.c \
	src/spec/seccomp.c src/spec/seccomp.h \
	src/spec/signal.c src/spec/signal.h \
	src/spec/spec.c src/spec/spec.h \
	src/spec/spelling.c src/spec/spelling.h \
	src/spec/support.c src/spec/support.h \
	src/spec/support_table.c src/spec/support_table.h \
	src/spec/validate.c src/spec/validate.h \
	src/spec/validate_linux.c
