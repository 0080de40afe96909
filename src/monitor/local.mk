# src/monitor: the process that is the container on the host.
noinst_LIBRARIES += libmonitor.a
libmonitor_a_SOURCES = \
	src/monitor/beside.c src/monitor/beside.h \
	src/monitor/birth.c src/monitor/birth.h \
	src/monitor/commands.c src/monitor/commands.h \
	src/monitor/control.c src/monitor/control.h \
	src/monitor/enclose.c src/monitor/enclose.h \
	src/monitor/exec.c src/monitor/exec.h \
	src/monitor/forgetting.c src/monitor/forgetting.h \
	src/monitor/job.h \
	src/monitor/lender.c src/monitor/lender.h \
	src/monitor/member.c src/monitor/member.h \
	src/monitor/monitor.c src/monitor/monitor.h \
	src/monitor/network.c src/monitor/network.h \
	src/monitor/newcomers.c src/monitor/newcomers.h \
	src/monitor/oomsign.c src/monitor/oomsign.h \
	src/monitor/opener.c src/monitor/opener.h \
	src/monitor/ports.c src/monitor/ports.h \
	src/monitor/proctext.c src/monitor/proctext.h \
	src/monitor/procview.c src/monitor/procview.h \
	src/monitor/query.c src/monitor/query.h \
	src/monitor/report.c src/monitor/report.h \
	src/monitor/reporter.c src/monitor/reporter.h \
	src/monitor/syscalls.c src/monitor/syscalls.h \
	src/monitor/resolvers.c src/monitor/resolvers.h \
	src/monitor/telling.c src/monitor/telling.h \
	src/monitor/terminal.c src/monitor/terminal.h \
	src/monitor/tmpfuse.c src/monitor/tmpfuse.h \
	src/monitor/tmpview.c src/monitor/tmpview.h
