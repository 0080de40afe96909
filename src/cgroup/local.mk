# src/cgroup: the container's cgroups on the host, by files or by systemd.
noinst_LIBRARIES += libcgroup.a
libcgroup_a_SOURCES = \
	src/cgroup/cgroup.c src/cgroup/cgroup.h \
	src/cgroup/devices.c src/cgroup/devices.h \
	src/cgroup/dirs.c src/cgroup/dirs.h \
	src/cgroup/file.c src/cgroup/file.h \
	src/cgroup/freezer.c src/cgroup/freezer.h \
	src/cgroup/gvariant.c src/cgroup/gvariant.h \
	src/cgroup/hierarchy.c src/cgroup/hierarchy.h \
	src/cgroup/io.c src/cgroup/io.h \
	src/cgroup/limit.c src/cgroup/limit.h \
	src/cgroup/oom.c src/cgroup/oom.h \
	src/cgroup/rights.c src/cgroup/rights.h \
	src/cgroup/set.c src/cgroup/set.h \
	src/cgroup/systemd.c src/cgroup/systemd.h \
	src/cgroup/systemd_props.c src/cgroup/systemd_props.h \
	src/cgroup/unit.c src/cgroup/unit.h \
	src/cgroup/unitname.c src/cgroup/unitname.h \
	src/cgroup/values.c src/cgroup/values.h
