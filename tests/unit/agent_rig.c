/* SPDX-License-Identifier: Apache-2.0 */
/* The agent without a virtual machine: see tests/unit/agent_rig.h. */
#include "agent_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/tags.h"

#define BUSYBOX "/bin/busybox"
#define TIMEOUT_MS 60000

struct rig rig;
struct box box;

static bool wants_cgroup; /* of the next agent */

/* --- events --- */

static void on_ready(void *arg, const struct proto_hello *hello)
{
	struct rig *r = arg;

	assert_int_equal(hello->version, PROTO_VERSION);
	r->ready = true;
	loop_stop(r->loop);
}

static void on_exited(void *arg, uint32_t process, int status, bool oom)
{
	struct rig *r = arg;

	(void)oom;
	assert_true(process < PROCESSES_MAX);
	r->exited[process] = true;
	r->statuses[process] = status;
	loop_stop(r->loop);
}

static void on_log(void *arg, enum proto_log level, const char *text)
{
	(void)arg;
	print_message("agent log %d: %s\n", level, text);
}

static void on_closed(void *arg, int error, const char *detail)
{
	struct rig *r = arg;

	print_message("closed: %d %s\n", error, detail);
	r->closed = true;
	loop_stop(r->loop);
}

void rig_on_done(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct rig *r = arg;

	(void)payload;
	(void)len;
	r->done = true;
	r->err = *err;
	loop_stop(r->loop);
}

static void on_timeout(void *arg)
{
	(void)arg;
	fail_msg("nothing happened for %d s", TIMEOUT_MS / 1000);
}

static void wait_for(const bool *flag)
{
	assert_int_equal(timer_set(rig.timeout, TIMEOUT_MS), 0);
	while (!*flag) {
		assert_int_equal(loop_run(rig.loop), 0);
		if (rig.closed && !*flag)
			fail_msg("the channel closed");
	}
}

int rig_answer(void)
{
	wait_for(&rig.done);
	rig.done = false;
	return rig.err.errnum;
}

/* --- the agent --- */

static void make_dirs(const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char path[256];

		(void)snprintf(path, sizeof(path), "%s/%s", rig.dir, names[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
}

static void copy_busybox(const char *to)
{
	autofree char *data = NULL;
	size_t len;

	assert_int_equal(fd_read_file(AT_FDCWD, BUSYBOX, 16 * MIB, &data, &len), 0);
	assert_int_equal(fd_write_file_atomic(AT_FDCWD, to, data, len, 0755), 0);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", rig.dir, name);
	assert_int_equal(fd_write_file_atomic(AT_FDCWD, path, text, strlen(text), mode), 0);
}

void rig_in_rootfs(const char *command)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "cd %s/private/c/rootfs && %s", rig.dir, command);
	assert_int_equal(system(line), 0);
}

static void make_tree(void)
{
	static const char *const dirs[] = { "private", "private/c", "private/c/rootfs", "private/c/rootfs/bin",
		"private/c/rootfs/etc", "private/c/rootfs/masked", "private/c/rootfs/w", "shared", "shared/c",
		"shared/c/0", "shared/c/0/data", "shared/c/1" };
	char path[256];

	strcpy(rig.dir, "/tmp/vmrunc-agent.XXXXXX");
	assert_non_null(mkdtemp(rig.dir));
	assert_int_equal(chmod(rig.dir, 0755), 0);
	make_dirs(dirs, ARRAY_LEN(dirs));
	(void)snprintf(path, sizeof(path), "%s/private/c/rootfs/bin/busybox", rig.dir);
	copy_busybox(path);
	(void)snprintf(path, sizeof(path), "%s/private/c/rootfs/bin/sh", rig.dir);
	assert_int_equal(symlink("busybox", path), 0);
	write_file("private/c/rootfs/etc/passwd", "root:x:0:0::/root:/bin/sh\nu:x:1000:1000::/home/u:/bin/sh\n", 0644);
	write_file("private/c/rootfs/etc/noexec", "#!/bin/sh\n", 0644);
	write_file("private/c/rootfs/masked/secret", "secret", 0644);
	write_file("shared/c/0/data/file", "from outside", 0644);
	write_file("shared/c/1/hosts", "127.0.0.1 me", 0644);
}

/* In the mount namespace of the agent: a cgroup of its own, into @ret. False if none can be had. */
static bool make_cgroup(char *ret, size_t size)
{
	char top[128];

	(void)snprintf(top, sizeof(top), "%s/cgroup", rig.dir);
	(void)snprintf(ret, size, "%s/vmrunc-test-%ld", top, (long)getpid());
	return mkdir(top, 0755) == 0 && mount("cgroup2", top, "cgroup2", 0, NULL) == 0 && mkdir(ret, 0755) == 0;
}

/* In the child: executes the agent as PID 1 of a pid namespace, with a /proc of its own. Does not return. */
static void agent_child(int fd)
{
	char number[16], cgroup[256] = "";
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(99);
	if (wants_cgroup && !make_cgroup(cgroup, sizeof(cgroup)))
		*cgroup = '\0';
	pid = fork();
	if (pid > 0) {
		int status;

		close(fd);
		while (waitpid(pid, &status, 0) < 0)
			;
		(void)rmdir(cgroup);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
	}
	if (pid < 0 || mount("proc", "/proc", "proc", 0, NULL) < 0)
		_exit(97);
	(void)snprintf(number, sizeof(number), "%d", fd);
	(void)fcntl(fd, F_SETFD, 0);
	execl(BUILDDIR "/agent/agent", "agent", "--channel-fd", number, "--shares", rig.dir,
		*cgroup ? "--cgroup" : (char *)NULL, cgroup, (char *)NULL);
	_exit(96);
}

int rig_setup(void **state)
{
	static const struct guest_events events = {
		.on_ready = on_ready, .on_exited = on_exited, .on_log = on_log, .on_closed = on_closed, .arg = &rig
	};
	struct guest_sandbox sandbox = { .hostname = "" };
	struct err err = ERR_INIT;
	int sv[2];

	(void)state;
	if (geteuid() != 0 || access(BUSYBOX, X_OK) < 0)
		return 0; /* each test skips itself: rig_need_root() */
	memset(&rig, 0, sizeof(rig));
	make_tree();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	rig.agent = fork();
	assert_true(rig.agent >= 0);
	if (rig.agent == 0) {
		close(sv[0]);
		if (fd_set_nonblock(sv[1], 1) < 0)
			_exit(95);
		agent_child(sv[1]);
	}
	close(sv[1]);
	rig.fd = sv[0];
	assert_int_equal(fd_set_nonblock(rig.fd, 1), 0);
	assert_int_equal(loop_new(&rig.loop), 0);
	assert_int_equal(timer_new(rig.loop, TIMEOUT_MS, on_timeout, NULL, &rig.timeout), 0);
	assert_int_equal(guest_new(rig.loop, rig.fd, &events, &rig.guest, &err), 0);
	wait_for(&rig.ready);
	assert_int_equal(guest_sandbox(rig.guest, &sandbox, rig_on_done, &rig, &err), 0);
	assert_int_equal(rig_answer(), 0);
	return 0;
}

int rig_setup_with_cgroup(void **state)
{
	int r;

	wants_cgroup = true;
	r = rig_setup(state);
	wants_cgroup = false;
	return r;
}

pid_t rig_agent_pid(void)
{
	autofree char *children = NULL;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)rig.agent, (int)rig.agent);
	assert_int_equal(fd_read_file(AT_FDCWD, path, 64, &children, NULL), 0);
	return (pid_t)strtol(children, NULL, 10);
}

int rig_teardown(void **state)
{
	char cmd[128];
	int status;

	(void)state;
	if (!rig.guest)
		return 0;
	guest_free(rig.guest);
	loop_free(rig.loop);
	fd_close(rig.fd); /* the agent ends with its channel */
	assert_int_equal(waitpid(rig.agent, &status, 0), rig.agent);
	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", rig.dir);
	assert_int_equal(system(cmd), 0);
	rig.guest = NULL;
	assert_int_equal(status, 0);
	return 0;
}

void rig_need_root(void)
{
	if (geteuid() != 0) {
		print_message("needs root: namespaces and mounts\n");
		skip();
	}
	if (access(BUSYBOX, X_OK) < 0) {
		print_message("needs a static busybox at " BUSYBOX "\n");
		skip();
	}
}

/* --- containers --- */

void box_mount(struct box *b, struct guest_mount m)
{
	assert_true(b->c.mounts.len < MAX_MOUNTS);
	b->mounts[b->c.mounts.len++] = m;
}

void box_init(struct box *b, const char *script)
{
	static const enum guest_ns new_ns[] = { GUEST_NS_PID, GUEST_NS_MOUNT, GUEST_NS_IPC, GUEST_NS_UTS };

	memset(b, 0, sizeof(*b));
	b->out[0] = b->out[1] = b->in = -1;
	b->c.cid = "c";
	b->c.rootfs = "c/rootfs";
	for (size_t i = 0; i < ARRAY_LEN(new_ns); i++)
		b->c.ns[new_ns[i]].mode = GUEST_NS_NEW;
	b->c.hostname = "boxed";
	b->c.mounts.at = b->mounts;
	box_mount(b, (struct guest_mount){
			     .kind = GUEST_MOUNT_FS, .source = "proc", .destination = "/proc", .fstype = "proc" });
	box_mount(b, (struct guest_mount){ .kind = GUEST_MOUNT_FS,
			     .source = "tmpfs",
			     .destination = "/dev",
			     .fstype = "tmpfs",
			     .data = "mode=755,size=65536k",
			     .attr_set = MOUNT_ATTR_NOSUID });
	box_mount(b, (struct guest_mount){ .kind = GUEST_MOUNT_FS,
			     .source = "devpts",
			     .destination = "/dev/pts",
			     .fstype = "devpts",
			     .data = "newinstance,ptmxmode=0666,mode=0620,gid=5",
			     .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC });
	b->devices[0] = (struct guest_device){ "/dev/null", S_IFCHR | 0666, 1, 3, 0, 0 };
	b->devices[1] = (struct guest_device){ "/dev/sub/fifo", S_IFIFO | 0640, 0, 0, 1000, 5 };
	b->c.devices = (struct guest_devices){ 2, b->devices };
	b->args[0] = "sh";
	b->args[1] = "-c";
	b->args[2] = script;
	b->env[0] = "PATH=/usr/bin:/bin";
	b->c.process.args = (struct guest_strings){ 3, b->args };
	b->c.process.env = (struct guest_strings){ 1, b->env };
	b->c.process.cwd = "/";
	b->c.process.umask = 022;
	for (size_t i = 0; i < GUEST_CAP_SETS - 1; i++)
		b->c.process.caps[i] = 1ull << CAP_CHOWN | 1ull << CAP_KILL | 1ull << CAP_SETUID;
	b->c.process.caps[GUEST_CAP_INHERITABLE] = 0;
}

/* stdout and stderr are pipes to the test, with @with_stdin stdin as well. */
int box_create(struct box *b, bool with_stdin)
{
	int out[2][2], in[2] = { -1, -1 };
	struct err err = ERR_INIT;
	int r;

	for (int i = 0; i < 2; i++)
		assert_int_equal(pipe2(out[i], O_CLOEXEC), 0);
	if (with_stdin)
		assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	b->c.process.id = guest_next_process(rig.guest);
	r = guest_create(rig.guest, &b->c, (int[3]){ in[0], out[0][1], out[1][1] }, rig_on_done, &rig, &err);
	if (r < 0)
		fail_msg("guest_create: %s", err.msg);
	fd_close(in[0]);
	for (int i = 0; i < 2; i++) {
		fd_close(out[i][1]);
		b->out[i] = out[i][0];
	}
	b->in = in[1];
	return rig_answer();
}

int box_exec(struct box *b, const char *cid)
{
	int out[2][2];
	struct err err = ERR_INIT;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe2(out[i], O_CLOEXEC), 0);
		b->out[i] = out[i][0];
	}
	b->c.process.id = guest_next_process(rig.guest);
	assert_int_equal(guest_exec(rig.guest, cid, &b->c.process, (int[3]){ -1, out[0][1], out[1][1] }, rig_on_done,
				 &rig, &err),
		0);
	fd_close(out[0][1]);
	fd_close(out[1][1]);
	return rig_answer();
}

void box_hook(struct box *b, struct guest_hook *list, const char **args, const char *script, uint32_t timeout_s)
{
	args[0] = "sh";
	args[1] = "-c";
	args[2] = script;
	list[b->c.start_hooks.len] =
		(struct guest_hook){ .path = "/bin/sh", .args = { 3, args }, .timeout_s = timeout_s };
	b->c.start_hooks.at = list;
	b->c.start_hooks.len++;
	b->c.hook_state_head = "{\"pid\":";
	b->c.hook_state_tail = ",\"id\":\"x\"}";
}

void box_start(struct box *b)
{
	struct err err = ERR_INIT;

	assert_int_equal(guest_start(rig.guest, b->c.process.id, rig_on_done, &rig, &err), 0);
	if (rig_answer() != 0)
		fail_msg("start: %s", rig.err.msg);
}

void box_wait_exit(const struct box *b)
{
	wait_for(&rig.exited[b->c.process.id]);
	rig.status = rig.statuses[b->c.process.id];
}

/* After on_exited all output is in the pipes, and their other ends are closed. */
void box_read(struct box *b)
{
	for (int i = 0; i < 2; i++) {
		ssize_t n = fd_read_full(b->out[i], b->text[i], sizeof(b->text[i]) - 1);

		assert_true(n >= 0);
		b->text[i][n] = '\0';
		fd_close(b->out[i]);
	}
	fd_close(b->in);
	b->in = b->out[0] = b->out[1] = -1;
}

void box_delete(struct box *b)
{
	struct err err = ERR_INIT;

	assert_int_equal(guest_delete(rig.guest, b->c.cid, rig_on_done, &rig, &err), 0);
	if (rig_answer() != 0)
		fail_msg("delete: %s", rig.err.msg);
}

int box_run(struct box *b)
{
	if (box_create(b, false) != 0)
		fail_msg("create: %s", rig.err.msg);
	box_start(b);
	box_wait_exit(b);
	box_read(b);
	box_delete(b);
	return rig.status;
}

void box_expect_out(const struct box *b, const char *want)
{
	if (strcmp(b->text[0], want) != 0)
		fail_msg("wanted \"%s\", got \"%s\" (stderr \"%s\")", want, b->text[0], b->text[1]);
}

void rig_expect_in(const char *text, const char *want)
{
	if (!strstr(text, want))
		fail_msg("wanted \"%s\" in \"%s\"", want, text);
}

/* --- the program --- */

void rig_begin(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(5 * TIMEOUT_MS / 1000); /* whatever hangs, the program ends, and the agents with their channels */
}
