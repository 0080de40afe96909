# src/life: what the commands do with a container, a verb a file.
noinst_LIBRARIES += liblife.a
liblife_a_SOURCES = \
	src/life/annotation.c src/life/annotation.h \
	src/life/create.c \
	src/life/delete.c \
	src/life/exec.c src/life/exec.h \
	src/life/hierarchies.c src/life/hierarchies.h \
	src/life/holder.c src/life/holder.h \
	src/life/devices.c src/life/devices.h \
	src/life/inside.h \
	src/life/interrupt.c src/life/interrupt.h \
	src/life/kill.c \
	src/life/life.c src/life/life.h \
	src/life/logs.c \
	src/life/pause.c \
	src/life/netplan.c src/life/netplan.h \
	src/life/notify.c src/life/notify.h \
	src/life/plan.c src/life/plan.h \
	src/life/ps.c src/life/ps.h \
	src/life/size.c src/life/size.h \
	src/life/standin.c src/life/standin.h \
	src/life/start.c \
	src/life/stats.c src/life/stats.h \
	src/life/turn.c src/life/turn.h \
	src/life/update.c src/life/update.h
