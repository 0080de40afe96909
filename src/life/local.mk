# src/life: what the commands do with a container: create, start, kill, delete.
noinst_LIBRARIES += liblife.a
liblife_a_SOURCES = \
	src/life/create.c \
	src/life/life.c src/life/life.h \
	src/life/plan.c src/life/plan.h
