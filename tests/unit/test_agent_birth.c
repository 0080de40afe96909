/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent without a virtual machine (tests/unit/agent_rig.h): a process that is being made, as others see it.
 *
 * A tracer follows the agent's children, and stops the new process or its joiner at a system call.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include <cmocka.h>

#include "agent/launch/tell.h"
#include "agent_rig.h"
#include "base/fd.h"

/* --- what is there to be seen --- */

/*
 * Writes to @ret what is wrong with the descriptors of @pid: directories, and pidfds, which lead out of its container; ""
 * if there are none. @ret has @size bytes.
 */
static void look_at_fds(pid_t pid, char *ret, size_t size)
{
	char path[64];
	DIR *dir;
	struct dirent *e;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	*ret = '\0';
	if (!dir) {
		(void)snprintf(ret, size, "cannot open %s: %s", path, strerror(errno));
		return;
	}
	while ((e = readdir(dir))) {
		char target[256] = "";
		struct stat st;

		if (e->d_name[0] == '.' || readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1) < 0)
			continue;
		if (strstr(target, "pidfd") || (fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode)))
			(void)snprintf(ret, size, "descriptor %s is %s", e->d_name, target);
	}
	(void)closedir(dir);
}

/* Gives up all capabilities but those that a box has: container root, as its processes are. */
static int become_container_root(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective =
							    1u << CAP_CHOWN | 1u << CAP_KILL | 1u << CAP_SETUID } };

	data[0].permitted = data[0].effective;
	return (int)syscall(SYS_capset, &head, data);
}

/* Whether the caller can open something that @pid has in /proc. */
static bool opens_any(pid_t pid)
{
	static const char *const names[] = { "cwd", "root", "exe", "environ", "mem" };
	bool any = false;
	char path[64];

	for (int fd = 0; fd < 256; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		any |= open(path, O_PATH) >= 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, names[i]);
		any |= open(path, O_RDONLY) >= 0;
	}
	return any;
}

/* Whether root of the container, with what a box may do, can. */
static bool root_sees(pid_t pid)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(become_container_root() < 0 ? 2 : opens_any(pid));
	return waitpid(child, &status, 0) != child || status != 0;
}

/* The pid of the container's process, which is the only child that the agent has. */
static pid_t only_process(void)
{
	autofree char *children = NULL;
	char path[64];
	pid_t agent = rig_agent_pid();

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)agent, (int)agent);
	assert_int_equal(fd_read_file(AT_FDCWD, path, 256, &children, NULL), 0);
	return (pid_t)strtol(children, NULL, 10);
}

/* A duplicate of the socket on which @pid tells the agent how it gets on, or -1. */
static int steal_socket(pid_t pid)
{
	int pidfd = fd_open_pid(pid), found = -1;

	for (int fd = 3; fd < 256 && pidfd >= 0 && found < 0; fd++) {
		int type = 0, copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
		socklen_t len = sizeof(type);

		if (copy >= 0 && getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET)
			found = copy;
		else
			fd_close(copy);
	}
	fd_close(pidfd);
	return found;
}

/* --- the tracer --- */

typedef void tracer_fn(pid_t pid, char *ret, size_t size);

struct tracer {
	pid_t pid;
	int out; /* what it has to say, once it has ended */
};

/* Whether the tracee @pid is about to make the system call @nr; a libc may make the newer one for fstat(2). */
static bool at_call(pid_t pid, uint64_t nr)
{
	struct ptrace_syscall_info info;

	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY &&
	       (info.entry.nr == nr || (nr == SYS_fstat && info.entry.nr == SYS_newfstatat));
}

/*
 * In the tracer: follows @agent to the process that it makes next, and calls @fn when that one is about to make @nr; for
 * SYS_clone3 and SYS_exit_group, which a process that is being made does not, when its joiner has made it, or is about to.
 */
static void trace(pid_t agent, uint64_t nr, tracer_fn *fn, char *ret, size_t size)
{
	bool of_joiner = nr == SYS_clone3 || nr == SYS_exit_group;
	pid_t process = -1, joiner = -1, pid;
	int status;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		unsigned long message = 0;
		int event = status >> 16, signo = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;

		if (!WIFSTOPPED(status))
			continue;
		/* the joiner is forked; the process is cloned, by the joiner */
		if (event == PTRACE_EVENT_CLONE && pid != agent &&
			ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message) == 0) {
			process = (pid_t)message;
			joiner = pid;
		}
		if (nr == SYS_clone3 && joiner >= 0) {
			fn(joiner, ret, size);
			return;
		}
		if (pid == (of_joiner ? joiner : process) && event == 0 && signo == (SIGTRAP | 0x80) &&
			at_call(pid, nr)) {
			fn(pid, ret, size);
			return;
		}
		if (event != 0 || signo == (SIGTRAP | 0x80))
			signo = 0;
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, signo);
	}
	(void)snprintf(ret, size, "the tracer has lost its process");
}

/* Starts the tracer, which is at work when this returns. */
static struct tracer tracer_start(uint64_t nr, tracer_fn *fn)
{
	const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORK | PTRACE_O_TRACESYSGOOD;
	pid_t agent = rig_agent_pid();
	struct tracer t;
	int out[2];
	char c;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	t.pid = fork();
	assert_true(t.pid >= 0);
	if (t.pid == 0) {
		char text[512] = "";

		(void)alarm(60);
		if (ptrace(PTRACE_SEIZE, agent, NULL, options) < 0)
			_exit(2);
		(void)!write(out[1], "r", 1);
		trace(agent, nr, fn, text, sizeof(text));
		(void)!write(out[1], text, strlen(text));
		_exit(0); /* whoever is traced goes on */
	}
	fd_close(out[1]);
	if (read(out[0], &c, 1) != 1) {
		print_message("no process may be traced here\n");
		skip();
	}
	t.out = out[0];
	return t;
}

/* Waits for the end of the tracer, which must have nothing to say. */
static void tracer_end(struct tracer *t)
{
	char text[512] = "";
	int status;

	assert_true(fd_read_full(t->out, text, sizeof(text) - 1) >= 0);
	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	fd_close(t->out);
	if (*text || status != 0)
		fail_msg("%s (status %d)", text, status);
}

/* At execve(2), the last call of the agent's: its capabilities are the container's by now. */
static void check_hidden(pid_t pid, char *ret, size_t size)
{
	look_at_fds(pid, ret, size);
	if (!*ret && root_sees(pid))
		(void)snprintf(ret, size, "the container's root can open what the process has in /proc");
}

/* --- hidden until execve(2) --- */

/* A shell's line that tells what of process 1 can be opened. */
#define PROBE                                                                                  \
	"for f in /proc/1/fd/[0-9]* /proc/1/cwd /proc/1/root /proc/1/exe /proc/1/environ; do " \
	"busybox readlink $f 2>/dev/null; busybox ls $f/ 2>/dev/null; done; "                  \
	"busybox head -c 1 /proc/1/environ >/dev/null 2>&1 && echo reads environ; "

static void an_exec_is_hidden(void **state)
{
	static struct box ex;
	struct tracer t;

	(void)state;
	rig_need_root();
	box_init(&box, "busybox sleep 1000");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	for (uint32_t uid = 0; uid <= 1000; uid += 1000) {
		t = tracer_start(SYS_execve, check_hidden);
		box_init(&ex, "echo $$ > /dev/null; busybox ls /proc/self/fd/ > /dev/null && echo open");
		ex.c.process.uid = uid;
		assert_int_equal(box_exec(&ex, "c"), 0);
		tracer_end(&t);
		box_wait_exit(&ex);
		box_read(&ex);
		box_expect_out(&ex, "open\n"); /* execve(2) has made it an ordinary process */
	}
	box_delete(&box);
	box_wait_exit(&box);
	box_read(&box);
}

/* An exec in a container whose own process has not begun its program, and is hidden itself. */
static void an_exec_in_a_created_container(void **state, bool user_ns)
{
	static struct guest_idmap map[] = { { 0, 100000, 65536 } };
	static struct box ex;
	char text[256];

	(void)state;
	rig_need_root();
	box_init(&box, "exit 3");
	if (user_ns) {
		box.c.ns[GUEST_NS_USER].mode = GUEST_NS_NEW;
		box.c.uids = box.c.gids = (struct guest_idmaps){ 1, map };
		rig_in_rootfs("chown -R 100000:100000 .");
	}
	if (box_create(&box, false) != 0)
		fail_msg("create: %s", rig.err.msg);
	look_at_fds(only_process(), text, sizeof(text));
	assert_string_equal(text, "");
	assert_false(root_sees(only_process()));
	box_init(&ex, PROBE "echo done");
	if (box_exec(&ex, "c") != 0)
		fail_msg("exec: %s", rig.err.msg);
	box_wait_exit(&ex);
	box_read(&ex);
	box_expect_out(&ex, "done\n");
	box_start(&box);
	box_wait_exit(&box);
	assert_int_equal(WEXITSTATUS(rig.status), 3);
	box_read(&box);
	box_delete(&box);
}

static void a_created_container_is_hidden(void **state)
{
	an_exec_in_a_created_container(state, false);
}

static void a_created_container_with_users_is_hidden(void **state)
{
	an_exec_in_a_created_container(state, true);
}

/* A startContainer hook is the container's program, and its parent is the process that is being made. */
static void is_hidden_from_its_hooks(void **state, bool user_ns)
{
	static struct guest_idmap map[] = { { 0, 100000, 65536 } };
	const char *args[3];
	struct guest_hook list[1];

	(void)state;
	rig_need_root();
	box_init(&box, "busybox cat /w/out");
	if (user_ns) {
		box.c.ns[GUEST_NS_USER].mode = GUEST_NS_NEW;
		box.c.ns[GUEST_NS_TIME].mode = GUEST_NS_NEW;
		box.c.has_boottime = true;
		box.c.boottime_s = 100000000;
		box.c.uids = box.c.gids = (struct guest_idmaps){ 1, map };
	}
	rig_in_rootfs("chown -R 100000:100000 . && chmod 777 w");
	box_hook(&box, list, args,
		"exec > /w/out 2>&1; " PROBE
		"for f in /proc/self/fd/[0-9]*; do busybox test -d $f && echo $f is a directory; done; echo done",
		60);
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "done\n");
}

static void hooks_see_nothing(void **state)
{
	is_hidden_from_its_hooks(state, false);
}

static void hooks_see_nothing_with_users_and_time(void **state)
{
	is_hidden_from_its_hooks(state, true);
}

/* --- what it reads --- */

/* In the tracer: the process has opened /etc/passwd, whose name is given to a FIFO. */
static void swap_passwd(pid_t pid, char *ret, size_t size)
{
	char command[256];

	(void)pid;
	(void)snprintf(
		command, sizeof(command), "cd %s/private/c/rootfs/etc && mkfifo fifo && mv fifo passwd", rig.dir);
	if (system(command) != 0)
		(void)snprintf(ret, size, "cannot replace /etc/passwd");
}

/* What the process looks at is what it reads, and it waits for nobody who may write to a FIFO. */
static void passwd_becomes_a_fifo(void **state)
{
	static struct box ex;
	struct tracer t;

	(void)state;
	rig_need_root();
	box_init(&box, "busybox sleep 1000");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	t = tracer_start(SYS_fstat, swap_passwd);
	box_init(&ex, "echo $HOME");
	ex.c.process.uid = 1000;
	assert_int_equal(box_exec(&ex, "c"), 0);
	tracer_end(&t);
	box_wait_exit(&ex);
	box_read(&ex);
	box_expect_out(&ex, "/home/u\n");
	box_delete(&box);
	box_wait_exit(&box);
	box_read(&box);
}

/* In the tracer: the process is about to mount a proc, whose place is given to a link. */
static void swap_proc(pid_t pid, char *ret, size_t size)
{
	char command[256];

	(void)pid;
	(void)snprintf(command, sizeof(command), "cd %s/private/c/rootfs && rmdir proc && ln -s w proc", rig.dir);
	if (system(command) != 0)
		(void)snprintf(ret, size, "cannot replace /proc");
}

/* /proc is mounted on the directory that was looked at, or not at all: at another place nothing of it would be masked. */
static void proc_becomes_a_link(void **state)
{
	struct tracer t;

	(void)state;
	rig_need_root();
	rig_in_rootfs("mkdir proc");
	t = tracer_start(SYS_fsopen, swap_proc);
	box_init(&box, "echo never");
	assert_int_equal(box_create(&box, false), ENOTDIR);
	rig_expect_in(rig.err.msg,
		"mount \"/proc\": filesystem \"proc\" must be mounted on ordinary directory: not a directory");
	tracer_end(&t);
	box_read(&box);
}

/* --- what it tells --- */

/* A process that says what it may not is ended, and no other process is: its messages have their turn. */
static void a_created_process_tells_nothing(void **state)
{
	static const uint32_t kinds[] = { TELL_PID, TELL_TTY, TELL_PLACE, TELL_READY, TELL_EXEC, TELL_ERROR, 0, 99 };
	static struct box other;

	(void)state;
	rig_need_root();
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct tell msg = { .kind = kinds[i], .err = { .errnum = EIO, .msg = "a lie" } };
		int sock;

		box_init(&box, "echo never");
		assert_int_equal(box_create(&box, false), 0);
		sock = steal_socket(only_process());
		assert_true(sock >= 0);
		box_init(&other, "exit 5");
		other.c.cid = "other";
		assert_int_equal(box_create(&other, false), 0);
		msg.pid = 3; /* processes of the agent's namespace: the first joiner was 2 */
		assert_int_equal(fd_send(sock, &msg, sizeof(msg), NULL, 0), 0);
		box_wait_exit(&box);
		assert_true(WIFSIGNALED(rig.status) && WTERMSIG(rig.status) == SIGKILL);
		fd_close(sock);
		box_read(&box);
		box_delete(&box);
		box_start(&other);
		box_wait_exit(&other);
		assert_int_equal(WEXITSTATUS(rig.status), 5);
		box_read(&other);
		box_delete(&other);
	}
}

/* In the tracer: @pid, about to execute its program, says once more that it exists, as process 1: the agent. */
static void tell_pid_again(pid_t pid, char *ret, size_t size)
{
	struct tell msg = { .kind = TELL_PID, .pid = 1 };
	int sock = steal_socket(pid);

	if (sock < 0 || fd_send(sock, &msg, sizeof(msg), NULL, 0) < 0)
		(void)snprintf(ret, size, "the process has no socket to the agent");
	(void)kill(pid, SIGSTOP); /* the agent ends it before it gets any further */
}

static void an_exec_tells_no_pid_twice(void **state)
{
	static struct box ex;
	struct tracer t;

	(void)state;
	rig_need_root();
	box_init(&box, "busybox sleep 1000");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	t = tracer_start(SYS_execve, tell_pid_again);
	box_init(&ex, "echo never");
	assert_int_equal(box_exec(&ex, "c"), EPROTO);
	tracer_end(&t);
	box_read(&ex);
	box_expect_out(&ex, "");
	box_init(&ex, "echo once more");
	assert_int_equal(box_exec(&ex, "c"), 0);
	box_wait_exit(&ex);
	box_read(&ex);
	box_delete(&box);
	box_wait_exit(&box);
	box_read(&box);
}

/* --- a joiner that is killed --- */

static void kill_it(pid_t pid, char *ret, size_t size)
{
	if (kill(pid, SIGKILL) < 0)
		(void)snprintf(ret, size, "cannot kill the joiner: %s", strerror(errno));
}

/* The joiner of a container and of an exec is killed at @call: the request is refused, and nothing stays behind. */
static void killed_joiner(uint64_t call)
{
	static struct box ex;
	struct tracer t;

	rig_need_root();
	for (int i = 0; i < 2; i++) {
		t = tracer_start(call, kill_it);
		box_init(&box, "busybox sleep 1000");
		assert_int_equal(box_create(&box, false), ECHILD);
		assert_string_equal(rig.err.msg, "the process died while it was made");
		tracer_end(&t);
		box_read(&box);
	}
	box_init(&box, "busybox sleep 1000");
	if (box_create(&box, false) != 0)
		fail_msg("create: %s", rig.err.msg);
	box_start(&box);
	t = tracer_start(call, kill_it);
	box_init(&ex, "echo never");
	assert_int_equal(box_exec(&ex, "c"), ECHILD);
	assert_string_equal(rig.err.msg, "the process died while it was made");
	tracer_end(&t);
	box_read(&ex);
	box_expect_out(&ex, "");
	box_delete(&box);
	box_wait_exit(&box);
	box_read(&box);
}

static void killed_before_it_tells_the_pid(void **state)
{
	(void)state;
	killed_joiner(SYS_clone3);
}

static void killed_before_its_work_is_done(void **state)
{
	(void)state;
	killed_joiner(SYS_exit_group);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_rig_with_cgroup(an_exec_is_hidden),
		in_a_rig_with_cgroup(a_created_container_is_hidden),
		in_a_rig_with_cgroup(a_created_container_with_users_is_hidden),
		in_a_rig_with_cgroup(hooks_see_nothing),
		in_a_rig_with_cgroup(hooks_see_nothing_with_users_and_time),
		in_a_rig(passwd_becomes_a_fifo),
		in_a_rig(proc_becomes_a_link),
		in_a_rig(a_created_process_tells_nothing),
		in_a_rig(an_exec_tells_no_pid_twice),
		in_a_rig_with_cgroup(killed_before_it_tells_the_pid),
		in_a_rig_with_cgroup(killed_before_its_work_is_done),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
