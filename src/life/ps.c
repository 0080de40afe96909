/* SPDX-License-Identifier: Apache-2.0 */
/* container_pids() and container_ps(): see ps.h. */
#include "life/ps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "life/inside.h"
#include "life/standin.h"
#include "monitor/query.h"

/* How long the guest may take to answer. */
#define PS_TIMEOUT_MS 10000
/* How many parents of a process are looked at: QEMU is the monitor's child. */
#define PARENTS_MAX 16
#define KTHREADD 2 /* the pid of the parent of all kernel threads */

/* The parent of @pid; 0 if there is none, or no such process. */
static pid_t parent_of(pid_t pid)
{
	autofree char *text = NULL;
	char path[64];
	const char *behind_name;
	int parent;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (fd_read_file(AT_FDCWD, path, 4 * KIB, &text, NULL) < 0)
		return 0;
	behind_name = strrchr(text, ')'); /* the process's name may have brackets and blanks in it */
	return behind_name && sscanf(behind_name, ") %*c %d", &parent) == 1 ? (pid_t)parent : 0;
}

static bool is_below(pid_t pid, pid_t ancestor)
{
	for (int i = 0; i < PARENTS_MAX && pid > 1; i++) {
		pid = parent_of(pid);
		if (pid == ancestor)
			return true;
	}
	return false;
}

/* Asks the guest of the container that @dir and @status are of. 0 or -errno with an error, as container_ps(). */
static int ask(const struct statedir *dir, enum status status, struct guest_ps *ret, struct err *err)
{
	const struct control_request request = { .op = CONTROL_PS };
	autofree char *answer = NULL;
	size_t len;
	int r;

	if (status == STATUS_PAUSED)
		return err_set(err, EAGAIN,
			"the container is paused: its processes can be listed when it is resumed; --format json prints those on the host");
	r = query_ask(dir, &request, NULL, 0, PS_TIMEOUT_MS, &answer, &len, err);
	if (r < 0)
		return r;
	r = guest_ps_decode(answer, len, ret);
	if (r < 0)
		return err_sys(err, r, "the guest's list of processes");
	(void)steal_ptr(answer); /* it is @ret's now */
	return 0;
}

/*
 * Has somebody stand for each process of the guest, and appends their pids to @pids. Whatever goes wrong is a warning: the
 * others' pids are right without them.
 */
static void add_standins(const struct statedir *dir, const struct state *s, enum status status, pid_t *pids, size_t *n,
	struct warnings *warnings)
{
	struct guest_ps ps = GUEST_PS_NONE;
	struct err err = ERR_INIT;
	size_t left_out = 0;
	int r = ask(dir, status, &ps, &err);

	if (r == 0)
		r = standin_make(dir, s, &ps.list, pids, n, &left_out, &err);
	if (r < 0)
		warnings_add(warnings, "ps: only processes of the host are listed: %s", err.msg);
	else if (ps.list.cut || left_out)
		warnings_add(warnings, "ps: the container has %s%zu processes that are not listed",
			ps.list.cut ? "more than " : "", left_out);
	guest_ps_done(&ps);
}

int container_pids(const struct settings *settings, const char *id, pid_t **ret, size_t *ret_n,
	struct warnings *warnings, struct err *err)
{
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	autofree pid_t *found = NULL;
	autofree pid_t *pids = NULL;
	enum status status = STATUS_STOPPED;
	size_t n_found = 0, n = 0;
	int r = life_open(settings, id, false, &dir, &s, &status, err);

	if (r == 0 && status != STATUS_STOPPED)
		r = cgroup_pids(&s.cgroups, &found, &n_found, err);
	if (r < 0)
		return r;
	pids = calloc(n_found + 1 + STANDINS_MAX, sizeof(*pids));
	if (!pids)
		return err_sys(err, ENOMEM, "ps");
	if (status != STATUS_STOPPED && s.pid > 0)
		pids[n++] = s.pid;
	for (size_t i = 0; i < n_found; i++) {
		/* before Linux 6.13 a kernel thread of KVM's is in there, too */
		if (found[i] != s.pid && !is_below(found[i], s.pid) && parent_of(found[i]) != KTHREADD)
			pids[n++] = found[i];
	}
	if (status == STATUS_CREATED || status == STATUS_RUNNING)
		add_standins(&dir, &s, status, pids, &n, warnings);
	*ret = steal_ptr(pids);
	*ret_n = n;
	return 0;
}

int container_ps(const struct settings *settings, const char *id, struct guest_ps *ret, struct err *err)
{
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	enum status status = STATUS_STOPPED;
	int r = life_open(settings, id, false, &dir, &s, &status, err);

	return r < 0 || status == STATUS_STOPPED ? r : ask(&dir, status, ret, err);
}
