# src/cli: the command line, a file a command.
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	src/cli/check.c src/cli/check.h \
	src/cli/cli.c src/cli/cli.h \
	src/cli/cmd_info.c \
	src/cli/cmd_kill.c \
	src/cli/cmd_run.c \
	src/cli/cmd_state.c \
	src/cli/relay.c src/cli/relay.h
