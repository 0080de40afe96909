/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The freezer: see freezer.h. v1 has a hierarchy of its own, whose file freezer.state says FREEZING until all processes
 * stand (kernel, admin-guide/cgroup-v1/freezer-subsystem.rst); in v2 every cgroup has cgroup.freeze, and cgroup.events
 * says when it is done (admin-guide/cgroup-v2.rst).
 */
#include "cgroup/freezer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cgroup/file.h"

#define TIMEOUT_MS 10000
#define PAUSE_NS 1000000 /* between two looks at whether it is done */

#define PF_KTHREAD 0x00200000u /* of the kernel's include/linux/sched.h: field 9 of /proc/PID/stat shows it */

#define V1_FILE "freezer.state"
#define V2_FILE "cgroup.freeze"

/*
 * Whether there are kernel threads in the cgroup: KVM's of Linux before 6.13 are in that of their VM, are never frozen
 * (admin-guide/cgroup-v2.rst), and so keep the cgroup from ever counting as frozen.
 */
static bool has_kernel_threads(const struct cgroups *c)
{
	autofree char *text = NULL;
	char *save = NULL;

	if (cgroup_file_read(c, "cgroup.procs", &text) < 0)
		return false;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		autofree char *stat = NULL;
		unsigned int flags = 0;
		const char *behind_name;
		char path[64];

		(void)snprintf(path, sizeof(path), "/proc/%.20s/stat", line);
		if (fd_read_file(AT_FDCWD, path, 4 * KIB, &stat, NULL) < 0) {
			if (strcmp(line, "0") == 0) /* one that our pid namespace does not have */
				return true;
			continue;
		}
		behind_name = strrchr(stat, ')'); /* the process's name may have brackets and blanks in it */
		if (behind_name && sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
			(flags & PF_KTHREAD))
			return true;
	}
	return false;
}

/* Whether the processes are @on (frozen) or thawed by now, in the version of cgroups that @v1 says. */
static bool is_done(const struct cgroups *c, bool v1, bool on)
{
	autofree char *text = NULL;

	if (cgroup_file_read(c, v1 ? V1_FILE : "cgroup.events", &text) < 0)
		return !on;
	if (v1)
		return strncmp(text, on ? "FROZEN" : "THAWED", 6) == 0;
	return (strstr(text, "frozen 1") != NULL) == on || (on && has_kernel_threads(c));
}

/* Writes the wish @on and waits until it is true: 0, or -errno with an error. */
static int set_and_wait(const struct cgroups *c, bool v1, bool on, struct err *err)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int64_t deadline = clock_now_ms() + TIMEOUT_MS;
	int r;

	do {
		/* v1: a process that was forked meanwhile is caught by writing again */
		r = cgroup_file_write(
			c, v1 ? V1_FILE : V2_FILE, v1 ? (on ? "FROZEN" : "THAWED") : (on ? "1" : "0"), err);
		if (r < 0)
			return r;
		if (is_done(c, v1, on))
			return 0;
		(void)nanosleep(&pause, NULL);
	} while (clock_now_ms() < deadline);
	return err_set(err, ETIMEDOUT, "cgroup: the processes were not %s within %d s", on ? "frozen" : "thawed",
		TIMEOUT_MS / 1000);
}

int freezer_set(const struct cgroups *c, bool on, struct err *err)
{
	bool v1 = cgroup_file_exists(c, V1_FILE);
	struct err ignored;
	int r;

	if (!v1 && !cgroup_file_exists(c, V2_FILE))
		return 0;
	r = set_and_wait(c, v1, on, err);
	if (r < 0 && on)
		(void)!set_and_wait(c, v1, false, &ignored); /* the first error is the one to report */
	return r;
}

bool freezer_is_on(const struct cgroups *c)
{
	autofree char *text = NULL;

	if (cgroup_file_read(c, V1_FILE, &text) == 0)
		return strncmp(text, "FROZEN", 6) == 0;
	/* cgroup.events speaks of parents, too, and cgroup.freeze also where kernel threads are in there */
	if (cgroup_file_read(c, V2_FILE, &text) == 0 && *text == '1')
		return true;
	free(steal_ptr(text));
	return cgroup_file_read(c, "cgroup.events", &text) == 0 && strstr(text, "frozen 1");
}
