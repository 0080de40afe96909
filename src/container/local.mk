# src/container: a container as a thing on the host: its bundle, its state, its hooks.
noinst_LIBRARIES += libcontainer.a
libcontainer_a_SOURCES = \
	src/container/bundle.c src/container/bundle.h \
	src/container/hooks.c src/container/hooks.h \
	src/container/state.c src/container/state.h \
	src/container/statedir.c src/container/statedir.h
