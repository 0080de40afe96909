/* SPDX-License-Identifier: Apache-2.0 */
/* A container's cgroup: see cgroup.h. */
#include "init/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rootpath.h"
#include "base/wire.h"
#include "sys/log.h"

#define CGROUP_FILE_MAX (4 * 1024 * 1024) /* cgroup.procs of a full pid space */
#define CGROUP_DEPTH_MAX 64               /* the container makes the tree below, so the recursion needs an end */

#define VERIFIER_LOG_LEN 4096 /* bytes of what the kernel says about a program that it does not take */

void cgroup_enable_all(const struct agent *agent, const char *path)
{
	autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autofree char *list = NULL;
	char *save = NULL;

	if (fd < 0 || fd_read_file(fd, "cgroup.controllers", KIB, &list, NULL) < 0)
		return;
	for (char *c = strtok_r(list, " \n", &save); c; c = strtok_r(NULL, " \n", &save)) {
		char enable[64];

		(void)snprintf(enable, sizeof(enable), "+%s", c); /* controller names are short words */
		if (fd_write_existing(fd, "cgroup.subtree_control", enable) < 0)
			log_write(agent, PROTO_LOG_WARN, "cgroup controller \"%s\" cannot be enabled: %s", c,
				strerror(errno));
	}
}

int cgroup_create(const struct agent *agent, const char *cid, int *ret_fd, struct err *err)
{
	char path[512];
	int fd;

	*ret_fd = -1;
	if (!agent->cgroup)
		return 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", agent->cgroup, cid) >= sizeof(path))
		return err_set(err, ENAMETOOLONG, "container id \"%s\" is too long", cid);
	if (mkdir(path, 0755) < 0)
		return err_sys(err, errno, "cannot make cgroup \"%s\"", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		int e = errno;

		(void)rmdir(path); /* the first error is the one to report */
		return err_sys(err, e, "cannot open cgroup \"%s\"", path);
	}
	*ret_fd = fd;
	return 0;
}

int cgroup_write_all(const struct agent *agent, int fd, const struct guest_values *values, struct err *err)
{
	for (uint32_t i = 0; i < values->len; i++) {
		const struct guest_value *v = &values->at[i];
		int r;

		if (fd < 0)
			return err_set(err, EOPNOTSUPP, "cgroup \"%s\": the guest has no cgroups", v->key);
		if (strchr(v->key, '/'))
			return err_set(err, EINVAL, "cgroup \"%s\": not a file name", v->key);
		r = fd_write_existing(fd, v->key, v->value);
		if (r == -ENOENT) { /* the cgroup on the host has the limit as well */
			log_write(agent, PROTO_LOG_WARN, "linux.resources: the guest's kernel has no \"%s\"", v->key);
			continue;
		}
		if (r < 0)
			return err_sys(err, r, "cannot write \"%s\" to cgroup file \"%s\"", v->value, v->key);
	}
	return 0;
}

/* Where process @pid is below the cgroup of @cid, into @ret: "" or "a/b". False if that cannot be told. */
static bool cgroup_below(const char *cid, pid_t pid, char *ret, size_t size)
{
	char path[32], own[300];
	autofree char *text = NULL;
	const char *at;

	(void)snprintf(path, sizeof(path), "/proc/%ld/cgroup", (long)pid);
	(void)snprintf(own, sizeof(own), "/%s/", cid);
	if (fd_read_file(AT_FDCWD, path, CGROUP_FILE_MAX, &text, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	at = strstr(text, own);
	return at && (size_t)snprintf(ret, size, "%s", at + strlen(own)) < size;
}

int cgroup_for_exec(int fd, const char *cid, const char *below, pid_t init, int *ret_fd, struct err *err)
{
	char place[PATH_MAX] = "";
	int own;

	*ret_fd = -1;
	if (fd < 0 && *below)
		return err_set(err, EOPNOTSUPP, "cgroup \"%s\": the guest has no cgroups", below);
	if (fd < 0)
		return 0;
	if (*below) {
		own = rootpath_open(fd, below, O_RDONLY | O_DIRECTORY);
		if (own < 0)
			return err_sys(err, own, "cgroup \"%s\"", below);
		*ret_fd = own;
		return 0;
	}
	if (!cgroup_below(cid, init, place, sizeof(place)) || !*place)
		own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	else
		own = rootpath_open(fd, place, O_RDONLY | O_DIRECTORY);
	if (own < 0)
		return err_sys(err, own < -1 ? own : errno, "cannot open the container's cgroup");
	*ret_fd = own;
	return 0;
}

int cgroup_set_device_filter(int fd, const struct guest_blob *prog, struct err *err)
{
	char log[VERIFIER_LOG_LEN] = "";
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uint64_t)(uintptr_t)prog->at,
		.insn_cnt = (uint32_t)(prog->len / sizeof(struct bpf_insn)),
		.license = (uint64_t)(uintptr_t) "Apache-2.0" };
	union bpf_attr attach = { .target_fd = (uint32_t)fd, .attach_type = BPF_CGROUP_DEVICE };
	autoclose int prog_fd = -1;

	if (prog->len == 0)
		return 0;
	if (fd < 0)
		return err_set(err, EOPNOTSUPP, "device filter: the guest has no cgroups");
	prog_fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
	if (prog_fd < 0) { /* once more, to get the verifier's words */
		int e = errno;

		load.log_buf = (uint64_t)(uintptr_t)log;
		load.log_size = sizeof(log);
		load.log_level = 1;
		prog_fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load));
		if (prog_fd < 0)
			return err_sys(err, e, "cannot load the device filter: %.200s", log);
	}
	attach.attach_bpf_fd = (uint32_t)prog_fd;
	if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)) < 0)
		return err_sys(err, errno, "cannot attach the device filter");
	return 0;
}

typedef void cgroup_visit_fn(int fd, void *arg);

/* Calls @fn for the cgroup @fd and each below it, the lowest first; @depth are above it. */
static void cgroup_walk(int fd, int depth, cgroup_visit_fn *fn, void *arg)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;

	if (!dir) {
		fd_close(copy);
		fn(fd, arg);
		return;
	}
	while ((e = readdir(dir))) {
		autoclose int child = -1;

		if (e->d_type != DT_DIR || e->d_name[0] == '.' || depth >= CGROUP_DEPTH_MAX)
			continue;
		child = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (child >= 0)
			cgroup_walk(child, depth + 1, fn, arg);
	}
	(void)closedir(dir);
	fn(fd, arg);
}

struct pid_list {
	struct buf *out;
	uint32_t n;
};

/* Appends the pids of one cgroup to the struct pid_list @arg. */
static void cgroup_visit_pids(int fd, void *arg)
{
	autofree char *text = NULL;
	struct pid_list *list = arg;
	char *at;

	if (fd_read_file(fd, "cgroup.procs", CGROUP_FILE_MAX, &text, NULL) < 0)
		return; /* a threaded cgroup has no list: its processes are in that of the cgroup above */
	at = text;
	for (;;) {
		char *end;
		unsigned long pid = strtoul(at, &end, 10);

		if (end == at)
			break;
		at = end;
		if (pid > 0) {
			wire_put_u32(list->out, (uint32_t)pid);
			list->n++;
		}
	}
}

uint32_t cgroup_pids(int fd, struct buf *out)
{
	struct pid_list list = { .out = out };

	if (fd >= 0)
		cgroup_walk(fd, 0, cgroup_visit_pids, &list);
	return list.n;
}

void cgroup_signal(int fd, int signo)
{
	autobuf pids = BUF_INIT;
	struct wire w;
	uint32_t n;

	if (fd < 0 || (signo == SIGKILL && fd_write_existing(fd, "cgroup.kill", "1") == 0))
		return;
	n = cgroup_pids(fd, &pids);
	wire_init(&w, pids.data, pids.len);
	while (n-- > 0)
		(void)kill((pid_t)wire_get_u32(&w), signo); /* it may have ended by now */
}

/* The number behind @key in a file of lines "KEY NUMBER", such as memory.events; 0 if it is not there. */
static unsigned long cgroup_read_key(int fd, const char *file, const char *key)
{
	autofree char *text = NULL;
	size_t len = strlen(key);

	if (fd < 0 || fd_read_file(fd, file, 64 * KIB, &text, NULL) < 0)
		return 0;
	for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return strtoul(line + len + 1, NULL, 10);
	}
	return 0;
}

bool cgroup_saw_oom(int fd)
{
	return cgroup_read_key(fd, "memory.events", "oom_kill") > 0;
}

/* Removes the cgroups right below @fd. */
static void cgroup_visit_remove(int fd, void *arg unused)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;

	if (!dir) {
		fd_close(copy);
		return;
	}
	while ((e = readdir(dir))) {
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			(void)unlinkat(fd, e->d_name, AT_REMOVEDIR); /* what stays makes the parent's rmdir fail */
	}
	(void)closedir(dir);
}

int cgroup_remove(const struct agent *agent, const char *cid)
{
	char path[512];
	autoclose int fd = -1;

	if (!agent->cgroup)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s", agent->cgroup, cid); /* as in cgroup_create() */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	cgroup_walk(fd, 0, cgroup_visit_remove, NULL);
	return rmdir(path) < 0 ? -errno : 0;
}
