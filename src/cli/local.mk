# src/cli: the command line, a file a command.
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	src/cli/attend.c src/cli/attend.h \
	src/cli/check.c \
	src/cli/cli.c src/cli/cli.h \
	src/cli/command.h \
	src/cli/commands.c src/cli/commands.h \
	src/cli/create.c \
	src/cli/create_call.c src/cli/create_call.h \
	src/cli/delete.c \
	src/cli/events.c \
	src/cli/exec.c \
	src/cli/features.c \
	src/cli/foreground.c src/cli/foreground.h \
	src/cli/given.c src/cli/given.h \
	src/cli/global.c src/cli/global.h \
	src/cli/help.c \
	src/cli/kill.c \
	src/cli/list.c \
	src/cli/logs.c \
	src/cli/notes.c src/cli/notes.h \
	src/cli/option.h \
	src/cli/pause.c \
	src/cli/ps.c \
	src/cli/pstable.c src/cli/pstable.h \
	src/cli/relay.c src/cli/relay.h \
	src/cli/resume.c \
	src/cli/run.c \
	src/cli/spec.c \
	src/cli/start.c \
	src/cli/state.c \
	src/cli/update.c
