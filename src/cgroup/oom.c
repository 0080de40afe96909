/* SPDX-License-Identifier: Apache-2.0 */
/* An out-of-memory kill: see oom.h. */
#include "cgroup/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup/file.h"

/*
 * What is taken before the limit is set: more than a monitor without its VM has, since the kernel kills the largest
 * process, whatever it was told, where the limit is small.
 */
#define FIRST (32 * MIB)
/* What is taken at a time after that, and at most: the kernel gives up what it has cached of files first. */
#define STEP (16 * MIB)
#define STEPS 1024
/* How often the limit is tried: the usage changes meanwhile. */
#define TRIES 20

void cgroup_oom_close(struct cgroup_oom *o)
{
	fd_close(o->limit);
	fd_close(o->usage);
	fd_close(o->swap);
	*o = (struct cgroup_oom)CGROUP_OOM_NONE;
}

int cgroup_oom_open(const struct cgroups *c, struct cgroup_oom *ret)
{
	struct cgroup_oom o = {
		.limit = cgroup_file_open(c, "memory.limit_in_bytes", O_WRONLY),
		.usage = cgroup_file_open(c, "memory.usage_in_bytes", O_RDONLY),
		.swap = cgroup_file_open(c, "memory.swappiness", O_WRONLY),
	};

	if (o.limit < 0)
		o = (struct cgroup_oom){
			.limit = cgroup_file_open(c, "memory.max", O_WRONLY),
			.usage = cgroup_file_open(c, "memory.current", O_RDONLY),
			.swap = cgroup_file_open(c, "memory.swap.max", O_WRONLY),
		};
	if (o.limit < 0 || o.usage < 0) {
		cgroup_oom_close(&o);
		return -ENOENT;
	}
	*ret = o;
	return 0;
}

/* Touches @len bytes of fresh memory. */
static void take(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; p != MAP_FAILED && i < len; i += 4096)
		((volatile char *)p)[i] = 1;
}

/* Sets the limit to what is in use: 0 or -errno. */
static int set_limit(const struct cgroup_oom *o)
{
	for (int i = 0; i < TRIES; i++) {
		char text[32];
		ssize_t n = pread(o->usage, text, sizeof(text) - 1, 0);

		if (n <= 0)
			return -EIO;
		text[n] = '\0';
		if (pwrite(o->limit, text, (size_t)n, 0) > 0)
			return 0;
	}
	return -EBUSY;
}

void cgroup_oom_strike(const struct cgroup_oom *o)
{
	/* memory that can be swapped out never runs out; where there is no such file, there is no such swap */
	if (o->swap >= 0)
		(void)!pwrite(o->swap, "0", 1, 0);
	take(FIRST);
	if (set_limit(o) < 0)
		return;
	for (int i = 0; i < STEPS; i++)
		take(STEP);
}
