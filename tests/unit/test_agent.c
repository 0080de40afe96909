/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent without a virtual machine: it runs as PID 1 of a pid namespace, its
 * channel is a socketpair, its shares are directories; the other end is the
 * monitor's own code (guest.h). The containers' root is a static busybox.
 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

#define BUSYBOX "/bin/busybox"
#define TIMEOUT_MS 60000
#define PROCESSES_MAX 32 /* of one test */

struct rig {
	char dir[64];
	pid_t agent;
	int fd;
	struct loop *loop;
	struct watch *timeout;
	struct guest *guest;
	bool ready, closed;
	/* the outcome of the last request */
	bool done;
	struct err err;
	/* the exits, by process number */
	bool exited[PROCESSES_MAX];
	int statuses[PROCESSES_MAX];
	int status; /* of the one that was waited for last */
};

static struct rig rig;

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

static void on_done(void *arg, const struct err *err, const void *payload, size_t len)
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

/* Waits for the answer to the request just made: its errno. */
static int answer(void)
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

/* Runs a shell command in the root file system, from outside. */
static void in_rootfs(const char *command)
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

/* The agent's world: a pid and a mount namespace with a proc of their own. Does not return. */
static void agent_child(int fd)
{
	char number[16];
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		_exit(99);
	pid = fork();
	if (pid > 0) {
		int status;

		close(fd);
		while (waitpid(pid, &status, 0) < 0)
			;
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
	}
	if (pid < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("proc", "/proc", "proc", 0, NULL) < 0)
		_exit(97);
	(void)snprintf(number, sizeof(number), "%d", fd);
	(void)fcntl(fd, F_SETFD, 0);
	execl(BUILDDIR "/agent/agent", "agent", "--channel-fd", number, "--shares", rig.dir, (char *)NULL);
	_exit(96);
}

static int setup(void **state)
{
	static const struct guest_events events = {
		.on_ready = on_ready, .on_exited = on_exited, .on_log = on_log, .on_closed = on_closed, .arg = &rig
	};
	struct guest_sandbox sandbox = { .hostname = "" };
	struct err err = ERR_INIT;
	int sv[2];

	(void)state;
	if (geteuid() != 0 || access(BUSYBOX, X_OK) < 0)
		return 0; /* each test says so */
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
	assert_int_equal(guest_sandbox(rig.guest, &sandbox, on_done, &rig, &err), 0);
	assert_int_equal(answer(), 0);
	return 0;
}

static int teardown(void **state)
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

static void need_root(void)
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

#define MAX_ARGS 8
#define MAX_MOUNTS 16

struct box {
	struct guest_container c;
	const char *args[MAX_ARGS];
	const char *env[4];
	struct guest_mount mounts[MAX_MOUNTS];
	struct guest_device devices[4];
	int out[2], in; /* our ends of its stdio; -1: not asked for */
	char text[2][65536];
};

static void box_mount(struct box *b, struct guest_mount m)
{
	assert_true(b->c.mounts.len < MAX_MOUNTS);
	b->mounts[b->c.mounts.len++] = m;
}

/* A container like a usual config's that runs `sh -c @script`. */
static void box_init(struct box *b, const char *script)
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

/* Creates; the answer's errno. Streams: stdout and stderr are pipes to us, stdin if @with_stdin. */
static int box_create(struct box *b, bool with_stdin)
{
	int out[2][2], in[2] = { -1, -1 };
	struct err err = ERR_INIT;
	int r;

	for (int i = 0; i < 2; i++)
		assert_int_equal(pipe2(out[i], O_CLOEXEC), 0);
	if (with_stdin)
		assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	b->c.process.id = guest_next_process(rig.guest);
	r = guest_create(rig.guest, &b->c, (int[3]){ in[0], out[0][1], out[1][1] }, on_done, &rig, &err);
	if (r < 0)
		fail_msg("guest_create: %s", err.msg);
	fd_close(in[0]);
	for (int i = 0; i < 2; i++) {
		fd_close(out[i][1]);
		b->out[i] = out[i][0];
	}
	b->in = in[1];
	return answer();
}

static void box_start(struct box *b)
{
	struct err err = ERR_INIT;

	assert_int_equal(guest_start(rig.guest, b->c.process.id, on_done, &rig, &err), 0);
	if (answer() != 0)
		fail_msg("start: %s", rig.err.msg);
}

static void wait_exit(const struct box *b)
{
	wait_for(&rig.exited[b->c.process.id]);
	rig.status = rig.statuses[b->c.process.id];
}

/* After on_exited everything is in the pipes, and their other ends are closed. */
static void box_read(struct box *b)
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

static void box_delete(struct box *b)
{
	struct err err = ERR_INIT;

	assert_int_equal(guest_delete(rig.guest, b->c.cid, on_done, &rig, &err), 0);
	if (answer() != 0)
		fail_msg("delete: %s", rig.err.msg);
}

/* From create to delete: the wait status. */
static int box_run(struct box *b)
{
	if (box_create(b, false) != 0)
		fail_msg("create: %s", rig.err.msg);
	box_start(b);
	wait_exit(b);
	box_read(b);
	box_delete(b);
	return rig.status;
}

static void expect_out(const struct box *b, const char *want)
{
	if (strcmp(b->text[0], want) != 0)
		fail_msg("wanted \"%s\", got \"%s\" (stderr \"%s\")", want, b->text[0], b->text[1]);
}

static void expect_in(const char *text, const char *want)
{
	if (!strstr(text, want))
		fail_msg("wanted \"%s\" in \"%s\"", want, text);
}

/* --- tests --- */

static struct box box;

static void exit_codes_and_signals(void **state)
{
	(void)state;
	need_root();
	box_init(&box, "exit 0");
	assert_int_equal(box_run(&box), 0);
	box_init(&box, "exit 7");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 7);
	box_init(&box, "sh -c 'kill -9 $$'; echo $?");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	expect_out(&box, "137\n");
}

static void output_and_input(void **state)
{
	(void)state;
	need_root();
	box_init(&box, "echo out; echo err >&2; cat; echo end");
	assert_int_equal(box_create(&box, true), 0);
	box_start(&box);
	assert_int_equal(write(box.in, "typed\n", 6), 6);
	fd_close(box.in);
	box.in = -1;
	wait_exit(&box);
	box_read(&box);
	expect_out(&box, "out\ntyped\nend\n");
	assert_string_equal(box.text[1], "err\n");
	box_delete(&box);
}

/* The pipe to us holds 64 KiB, and we read only after the exit: it must come when we have read, and whole. */
static void output_waits_for_a_slow_reader(void **state)
{
	static char chunk[65536];
	size_t total = 0;
	ssize_t n;
	pid_t reader;
	int status;

	(void)state;
	need_root();
	box_init(&box, "busybox dd if=/dev/zero bs=65536 count=320 2>/dev/null; exit 3");
	box.devices[1] = (struct guest_device){ "/dev/zero", S_IFCHR | 0666, 1, 5, 0, 0 };
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	/* Control goes on while nothing is read. */
	for (int i = 0; i < 20; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(guest_sync(rig.guest, on_done, &rig, &err), 0);
		assert_int_equal(answer(), 0);
	}
	assert_false(rig.exited[box.c.process.id]);
	reader = fork();
	assert_true(reader >= 0);
	if (reader == 0) {
		/* The write end too, which the monitor's side has open: else the end would not come. */
		assert_int_equal(dup2(box.out[0], 0), 0);
		(void)syscall(SYS_close_range, 3, ~0u, 0);
		while ((n = read(0, chunk, 1000)) > 0)
			total += (size_t)n;
		_exit(total == 320 * 65536 ? 0 : 1);
	}
	wait_exit(&box);
	assert_int_equal(WEXITSTATUS(rig.status), 3);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
	box_read(&box);
	box_delete(&box);
}

static void names_a_missing_program(void **state)
{
	static const struct {
		const char *program, *msg;
		int exit_status;
	} cases[] = {
		{ "nosuch", "exec: \"nosuch\": executable file not found in $PATH", 127 },
		{ "/bin/nosuch", "exec: \"/bin/nosuch\": stat /bin/nosuch: No such file or directory", 127 },
		{ "/etc/noexec", "exec: \"/etc/noexec\": permission denied", 126 },
		{ "/etc", "exec: \"/etc\": is a directory", 126 },
	};

	(void)state;
	need_root();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		box_init(&box, "");
		box.args[0] = cases[i].program;
		assert_int_not_equal(box_create(&box, true), 0);
		if (strcasecmp(rig.err.msg, cases[i].msg) != 0)
			fail_msg("wanted \"%s\", got \"%s\"", cases[i].msg, rig.err.msg);
		assert_int_equal(rig.err.exit_status, cases[i].exit_status);
		box_read(&box);
	}
	box_init(&box, "echo the id is free again");
	assert_int_equal(box_run(&box), 0);
}

static void has_namespaces_of_its_own(void **state)
{
	(void)state;
	need_root();
	box_init(&box, "echo $$ $(busybox hostname) $HOME; busybox readlink /proc/1/exe");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	expect_out(&box, "1 boxed /root\n/bin/busybox\n");
}

static void mounts_as_told(void **state)
{
	static uint32_t shared = MS_SHARED;

	(void)state;
	need_root();
	box_init(&box, "cd /bound && cat file && (echo x > new) 2>/dev/null || echo read-only; cat /etc/hosts; echo;"
		       "echo no > /etc/hosts; busybox grep -E ' /(bound|etc/hosts|up) ' /proc/self/mountinfo;"
		       "cat /up/inner; busybox stat -c %a /up; busybox ls /real/in; busybox ls -d /escape 2>&1");
	box_mount(&box, (struct guest_mount){ .kind = GUEST_MOUNT_BIND_SHARED,
				.source = "c/0/data",
				.destination = "/bound",
				.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID });
	box_mount(&box, (struct guest_mount){
				.kind = GUEST_MOUNT_BIND_SHARED, .source = "c/1/hosts", .destination = "/etc/hosts" });
	box_mount(&box, (struct guest_mount){ .kind = GUEST_MOUNT_FS,
				.source = "tmpfs",
				.destination = "/up",
				.fstype = "tmpfs",
				.tmpcopyup = true,
				.propagation = { 1, &shared } });
	box_mount(&box,
		(struct guest_mount){
			.kind = GUEST_MOUNT_FS, .source = "t", .destination = "/out/in/deep", .fstype = "tmpfs" });
	in_rootfs("mkdir -m 0711 up && echo copied >up/inner && ln -s ../../../../real out");
	(void)box_run(&box);
	expect_in(box.text[0], "from outsideread-only\n127.0.0.1 me\n");
	expect_in(box.text[0], "/c/0/data /bound ro,nosuid");
	expect_in(box.text[0], "/c/1/hosts /etc/hosts rw");
	expect_in(box.text[0], " / /up rw,relatime shared:");
	expect_in(box.text[0], "copied\n711\ndeep\n");
}

static void restricts_paths(void **state)
{
	static const char *masked[] = { "/masked", "/etc/noexec", "/not/there" };
	static const char *readonly[] = { "/w", "/proc/sys" };

	(void)state;
	need_root();
	box_init(&box, "busybox ls -A /masked; cat /etc/noexec; for f in /w/f /proc/sys/kernel/hostname /f /masked/f;"
		       " do (echo x > $f) 2>/dev/null && echo wrote $f; done; echo done");
	box.c.masked = (struct guest_strings){ 3, masked };
	box.c.readonly_paths = (struct guest_strings){ 2, readonly };
	box.c.readonly = true;
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	expect_out(&box, "done\n");
}

static void makes_devices(void **state)
{
	(void)state;
	need_root();
	box_init(&box, "cd /dev && busybox stat -c '%n %F %a %u:%g' null sub/fifo; for l in fd stdin ptmx; do busybox "
		       "readlink $l; done; echo x > null");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	expect_out(&box, "null character special file 666 0:0\nsub/fifo fifo 640 1000:5\n"
			 "/proc/self/fd\n/proc/self/fd/0\npts/ptmx\n");
}

static void becomes_its_user(void **state)
{
	static uint32_t groups[] = { 5, 70000 };

	(void)state;
	need_root();
	box_init(&box, "busybox id -u; busybox id -g; busybox id -G; umask; pwd; echo $HOME;"
		       "busybox grep -E '^(Cap|NoNew)' /proc/self/status; ulimit -n; echo ok > /dev/stdout");
	box.c.process.uid = 1000;
	box.c.process.gid = 1001;
	box.c.process.groups = (struct guest_ids){ 2, groups };
	box.c.process.umask = 027;
	box.c.process.cwd = "/made/here";
	box.c.process.no_new_privs = true;
	box.c.process.caps[GUEST_CAP_BOUNDING] = 0x21;
	box.c.process.caps[GUEST_CAP_PERMITTED] = 0x21;
	box.c.process.caps[GUEST_CAP_EFFECTIVE] = 0x01;
	box.c.process.caps[GUEST_CAP_INHERITABLE] = 0x20;
	box.c.process.caps[GUEST_CAP_AMBIENT] = 0x20;
	box.c.process.rlimits = (struct guest_rlimits){ 1, &(struct guest_rlimit){ RLIMIT_NOFILE, 123, 456 } };
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	expect_out(&box, "1000\n1001\n1001 5 70000\n0027\n/made/here\n/home/u\n"
			 "CapInh:\t0000000000000020\nCapPrm:\t0000000000000020\nCapEff:\t0000000000000020\n"
			 "CapBnd:\t0000000000000021\nCapAmb:\t0000000000000020\nNoNewPrivs:\t1\n123\nok\n");
}

static void seccomp_filter(void **state, bool no_new_privs)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), /* the number of the call */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 95),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	(void)state;
	box_init(&box, "busybox mkdir /w/x 2>/dev/null || echo refused");
	box.c.process.no_new_privs = no_new_privs;
	box.c.process.seccomp = (struct guest_blob){ sizeof(filter), filter };
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	expect_out(&box, "refused\n");
}

/* One hook more for the box: a shell's script, with the state's text that the tests know. */
static void box_hook(struct box *b, struct guest_hook *list, const char **args, const char *script, uint32_t timeout_s)
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

static void runs_start_hooks(void **state)
{
	const char *args[2][3];
	struct guest_hook list[2];

	(void)state;
	need_root();
	box_init(&box, "busybox cat /w/state; busybox cat /w/second");
	box_hook(&box, list, args[0], "busybox cat > /w/state; echo $A >> /w/state", 0);
	list[0].env = (struct guest_strings){ 1, (const char *[]){ "A=b" } };
	box_hook(&box, list, args[1], "test -s /w/state && busybox id -u > /w/second", 60);
	assert_int_equal(box_run(&box), 0);
	expect_out(&box, "{\"pid\":1,\"id\":\"x\"}b\n0\n");
}

static void ends_with_a_failed_start_hook(void **state)
{
	static const struct {
		const char *script, *msg;
		uint32_t timeout_s;
	} cases[] = {
		{ "echo why >&2; exit 3", "hooks.startContainer[0]: \"/bin/sh\" failed with exit status 3: why", 0 },
		{ "exec busybox sleep 1000", "hooks.startContainer[0]: \"/bin/sh\" did not end within 1 s", 1 },
		/* its process with it: killed before it could execute its program */
		{ "kill -9 $PPID", "the process died before it executed its program", 0 },
	};
	const char *args[3];
	struct guest_hook list[1];
	struct err err = ERR_INIT;

	(void)state;
	need_root();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		box_init(&box, "echo must not run");
		/* else it is process 1 of its namespace, which nothing inside can kill */
		box.c.ns[GUEST_NS_PID].mode = GUEST_NS_VM;
		box_hook(&box, list, args, cases[i].script, cases[i].timeout_s);
		if (box_create(&box, false) != 0)
			fail_msg("create: %s", rig.err.msg);
		assert_int_equal(guest_start(rig.guest, box.c.process.id, on_done, &rig, &err), 0);
		assert_int_not_equal(answer(), 0);
		if (strcmp(rig.err.msg, cases[i].msg) != 0)
			fail_msg("wanted \"%s\", got \"%s\"", cases[i].msg, rig.err.msg);
		wait_exit(&box);
		box_read(&box);
		expect_out(&box, "");
		box_delete(&box);
	}
}

static void filters_system_calls(void **state)
{
	need_root();
	seccomp_filter(state, true);
	seccomp_filter(state, false);
}

static void signals_reach_the_init(void **state)
{
	struct err err = ERR_INIT;
	char ready[6];

	(void)state;
	need_root();
	box_init(&box, "trap 'echo term; exit 9' TERM; echo ready; while :; do busybox sleep 1; done");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	/* The loop has to run for the pipe to fill: any request does. */
	do {
		assert_int_equal(guest_sync(rig.guest, on_done, &rig, &err), 0);
		assert_int_equal(answer(), 0);
		assert_int_equal(fd_set_nonblock(box.out[0], 1), 0);
	} while (read(box.out[0], ready, 6) < 0 && errno == EAGAIN);
	assert_int_equal(fd_set_nonblock(box.out[0], 0), 0);
	assert_int_equal(guest_signal(rig.guest, box.c.process.id, SIGTERM, false, on_done, &rig, &err), 0);
	assert_int_equal(answer(), 0);
	wait_exit(&box);
	assert_int_equal(WEXITSTATUS(rig.status), 9);
	box_read(&box);
	expect_out(&box, "term\n");
	assert_int_equal(guest_signal(rig.guest, box.c.process.id, SIGTERM, false, on_done, &rig, &err), 0);
	assert_int_equal(answer(), ESRCH);
	assert_string_equal(rig.err.msg, "container not running");
	box_delete(&box);
}

/* A TERM right behind the start: @script's exit status must be @wanted. */
static void early_term(const char *script, int wanted)
{
	struct err err = ERR_INIT;

	need_root();
	box_init(&box, script);
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	assert_int_equal(guest_signal(rig.guest, box.c.process.id, SIGTERM, false, on_done, &rig, &err), 0);
	assert_int_equal(answer(), 0);
	wait_exit(&box);
	assert_true(WIFEXITED(rig.status));
	assert_int_equal(WEXITSTATUS(rig.status), wanted);
	box_read(&box);
	box_delete(&box);
}

static void early_signals_wait_for_a_handler(void **state)
{
	(void)state;
	early_term("busybox sleep 0.3; trap 'exit 9' TERM; while :; do busybox sleep 0.05; done", 9);
	/* the kernel's word on a signal that pid 1 does not take, once the time to get ready is over */
	early_term("busybox sleep 2.5; trap 'exit 9' TERM; busybox sleep 0.1; exit 4", 4);
}

/* The answer to START comes before the exit, however soon that is. */
static void ends_at_once(void **state)
{
	(void)state;
	need_root();
	for (int i = 0; i < PROCESSES_MAX - 2; i++) {
		box_init(&box, "exit 3");
		box.args[0] = "busybox"; /* no shell: nothing is sooner */
		box.args[1] = "false";
		box.c.process.args.len = 2;
		assert_int_equal(box_create(&box, false), 0);
		box_start(&box);
		wait_exit(&box);
		assert_int_equal(WEXITSTATUS(rig.status), 1);
		box_read(&box);
		box_delete(&box);
	}
}

static void killed_before_its_start(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	need_root();
	box_init(&box, "echo never");
	assert_int_equal(box_create(&box, false), 0);
	assert_int_equal(guest_signal(rig.guest, box.c.process.id, SIGKILL, false, on_done, &rig, &err), 0);
	assert_int_equal(answer(), 0);
	wait_exit(&box);
	assert_true(WIFSIGNALED(rig.status) && WTERMSIG(rig.status) == SIGKILL);
	box_read(&box);
	expect_out(&box, "");
	assert_int_equal(guest_start(rig.guest, box.c.process.id, on_done, &rig, &err), 0);
	assert_int_equal(answer(), ESRCH);
	box_delete(&box);
}

static void deleted_while_it_runs(void **state)
{
	(void)state;
	need_root();
	/* Its output is more than all pipes and windows hold, and nobody reads: the delete does not wait for it. */
	box_init(&box, "busybox yes");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	box_delete(&box);
	fd_close(box.out[0]);
	box.out[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	wait_exit(&box);
	assert_int_equal(WTERMSIG(rig.status), SIGKILL);
	box_read(&box);
}

/* What init leaves behind is killed with it, and does not hold the output open. */
static void background_children_end_with_init(void **state)
{
	(void)state;
	need_root();
	box_init(&box, "busybox sleep 1000 & echo started; exit 4");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 4);
	expect_out(&box, "started\n");
}

static int box_exec(struct box *b, const char *cid, struct box *in)
{
	int out[2][2];
	struct err err = ERR_INIT;

	(void)in;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe2(out[i], O_CLOEXEC), 0);
		b->out[i] = out[i][0];
	}
	b->c.process.id = guest_next_process(rig.guest);
	assert_int_equal(
		guest_exec(rig.guest, cid, &b->c.process, (int[3]){ -1, out[0][1], out[1][1] }, on_done, &rig, &err),
		0);
	fd_close(out[0][1]);
	fd_close(out[1][1]);
	return answer();
}

static void executes_in_a_container(void **state)
{
	static struct box ex;

	(void)state;
	need_root();
	box_init(&box, "busybox sleep 1000");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	box_init(&ex, "busybox hostname; test $$ != 1 && echo not one; busybox ls /; exit 5");
	ex.c.process.cwd = "/etc";
	if (box_exec(&ex, "c", &box) != 0)
		fail_msg("exec: %s", rig.err.msg);
	wait_exit(&ex);
	assert_int_equal(WEXITSTATUS(rig.status), 5);
	box_read(&ex);
	expect_in(ex.text[0], "boxed\nnot one\nbin\ndev\netc\n");
	/* One that leaves a child with its output open: its exit does not wait for that. */
	box_init(&ex, "busybox sleep 1000 & echo left");
	assert_int_equal(box_exec(&ex, "c", &box), 0);
	wait_exit(&ex);
	box_read(&ex);
	expect_out(&ex, "left\n");
	/* One that is not there. */
	box_init(&ex, "");
	ex.args[0] = "nosuch";
	assert_int_equal(box_exec(&ex, "c", &box), ENOENT);
	assert_int_equal(rig.err.exit_status, 127);
	box_read(&ex);
	assert_int_equal(box_exec(&ex, "other", &box), ESRCH);
	box_read(&ex);
	box_delete(&box);
	wait_exit(&box);
	box_read(&box);
}

static void has_a_terminal(void **state)
{
	(void)state;
	need_root();
	box_init(&box, "busybox tty; busybox stty size; busybox tty < /dev/console; echo hi > /dev/tty; test -t 0 -a "
		       "-t 2; echo $?");
	box.devices[1] = (struct guest_device){ "/dev/tty", S_IFCHR | 0666, 5, 0, 0, 0 };
	box.c.process.terminal = true;
	box.c.process.rows = 33;
	box.c.process.cols = 111;
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	expect_in(box.text[0], "/dev/pts/0\r\n33 111\r\n");
	expect_in(box.text[0], "hi\r\n0\r\n");
}

static void maps_users(void **state)
{
	static struct guest_idmap map[] = { { 0, 100000, 65536 } };

	(void)state;
	need_root();
	box_init(&box, "busybox id -u; cat /proc/self/uid_map; busybox stat -c '%F %u' /dev/null /dev/pts;"
		       "echo again > /dev/stdout");
	box.c.ns[GUEST_NS_USER].mode = GUEST_NS_NEW;
	box.c.uids = box.c.gids = (struct guest_idmaps){ 1, map };
	box.c.devices.len = 1;
	in_rootfs("chown -R 100000:100000 .");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	expect_out(&box, "0\n         0     100000      65536\ncharacter special file 0\ndirectory 0\nagain\n");
}

/* One of the ipc namespace, which is the container's, in both ways to write its name. */
static void sets_sysctls(void **state)
{
	static struct guest_value values[] = { { "kernel.msgmax", "4321" }, { "kernel/shmmni", "1234" } };
	static struct guest_value wrong[] = { { "../../etc/passwd", "x" } };

	(void)state;
	need_root();
	box_init(&box, "cat /proc/sys/kernel/msgmax /proc/sys/kernel/shmmni");
	box.c.sysctl = (struct guest_values){ 2, values };
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	expect_out(&box, "4321\n1234\n");
	box_init(&box, "");
	box.c.sysctl = (struct guest_values){ 1, wrong };
	assert_int_equal(box_create(&box, false), EINVAL);
	box_read(&box);
}

static void shifts_time(void **state)
{
	(void)state;
	need_root();
	box_init(&box, "read up rest < /proc/uptime; test ${up%.*} -gt 100000000 && echo shifted");
	box.c.ns[GUEST_NS_TIME].mode = GUEST_NS_NEW;
	box.c.has_boottime = true;
	box.c.boottime_s = 100000000;
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	expect_out(&box, "shifted\n");
}

/* A second container that joins what the first has, as the members of a pod do. */
static void joins_another_container(void **state)
{
	static struct box member;

	(void)state;
	need_root();
	box_init(&box, "busybox sleep 1000");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	box_init(&member, "busybox hostname; test $$ != 1; echo $?; busybox ps | busybox grep -c 'slee[p] 1000'");
	member.c.cid = "member";
	member.c.hostname = "";
	member.c.ns[GUEST_NS_UTS] = (struct guest_namespace){ GUEST_NS_JOIN, "c" };
	member.c.ns[GUEST_NS_PID] = (struct guest_namespace){ GUEST_NS_JOIN, "c" };
	assert_int_equal(WEXITSTATUS(box_run(&member)), 0);
	expect_out(&member, "boxed\n0\n1\n");
	box_delete(&box);
	wait_exit(&box);
	box_read(&box);
}

static void refuses_what_cannot_be(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	need_root();
	box_init(&box, "");
	box_mount(&box, (struct guest_mount){ .kind = GUEST_MOUNT_FS,
				.source = "x",
				.destination = "/x",
				.fstype = "tmpfs",
				.data = "size=banana" });
	assert_int_not_equal(box_create(&box, false), 0);
	expect_in(rig.err.msg, "mount \"/x\": tmpfs");
	box_read(&box);
	box_init(&box, "");
	box_mount(&box,
		(struct guest_mount){ .kind = GUEST_MOUNT_BIND_SHARED, .source = "c/9/gone", .destination = "/x" });
	assert_int_equal(box_create(&box, false), ENOENT);
	expect_in(rig.err.msg, "mount \"/x\": source \"c/9/gone\"");
	box_read(&box);
	box_init(&box, "");
	box.c.cid = "../x";
	assert_int_equal(box_create(&box, false), EINVAL);
	box_read(&box);
	assert_int_equal(guest_delete(rig.guest, "nobody", on_done, &rig, &err), 0);
	assert_int_equal(answer(), ENOENT);
}

#define in_a_rig(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_rig(exit_codes_and_signals),
		in_a_rig(output_and_input),
		in_a_rig(output_waits_for_a_slow_reader),
		in_a_rig(names_a_missing_program),
		in_a_rig(has_namespaces_of_its_own),
		in_a_rig(mounts_as_told),
		in_a_rig(restricts_paths),
		in_a_rig(makes_devices),
		in_a_rig(becomes_its_user),
		in_a_rig(runs_start_hooks),
		in_a_rig(ends_with_a_failed_start_hook),
		in_a_rig(filters_system_calls),
		in_a_rig(signals_reach_the_init),
		in_a_rig(early_signals_wait_for_a_handler),
		in_a_rig(ends_at_once),
		in_a_rig(killed_before_its_start),
		in_a_rig(deleted_while_it_runs),
		in_a_rig(background_children_end_with_init),
		in_a_rig(executes_in_a_container),
		in_a_rig(has_a_terminal),
		in_a_rig(maps_users),
		in_a_rig(sets_sysctls),
		in_a_rig(shifts_time),
		in_a_rig(joins_another_container),
		in_a_rig(refuses_what_cannot_be),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(5 * TIMEOUT_MS / 1000); /* whatever hangs, a run ends; the agents end with their channels */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
