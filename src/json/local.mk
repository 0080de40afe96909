# src/json: JSON in and out, the arena that holds it, and the warnings that reading it gathers.
noinst_LIBRARIES += libjson.a
libjson_a_SOURCES = \
	src/json/arena.c src/json/arena.h \
	src/json/gen.c src/json/gen.h \
	src/json/json.c src/json/json.h \
	src/json/warnings.c src/json/warnings.h
