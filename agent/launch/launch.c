/* SPDX-License-Identifier: Apache-2.0 */
/* Making a process, the side that becomes it: see launch.h for the drawing. */
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/netif.h"
#include "base/sig.h"
#include "launch/hooks.h"
#include "launch/identity.h"
#include "launch/mounts.h"
#include "launch/program.h"
#include "launch/rootfs.h"
#include "launch/tell.h"
#include "launch/tty.h"
#include "sys/idmaps.h"
#include "sys/sandbox.h"
#include "sys/sys.h"

static const uint64_t ns_flag[GUEST_NS_COUNT] = {
	[GUEST_NS_PID] = CLONE_NEWPID,
	[GUEST_NS_MOUNT] = CLONE_NEWNS,
	[GUEST_NS_IPC] = CLONE_NEWIPC,
	[GUEST_NS_UTS] = CLONE_NEWUTS,
	[GUEST_NS_CGROUP] = CLONE_NEWCGROUP,
	[GUEST_NS_USER] = CLONE_NEWUSER,
	[GUEST_NS_TIME] = CLONE_NEWTIME,
	[GUEST_NS_NET] = CLONE_NEWNET,
};

/* Ends a process that cannot be: tells the agent the reason in @err, and exits with the status that @err hints at. */
static _Noreturn void launch_fail(const struct launch *l, const struct err *err)
{
	struct tell msg = { .kind = TELL_ERROR, .err = *err };

	(void)tell_send(l->sync, &msg, -1); /* if the agent does not hear it, nobody is left who would */
	_exit(err->exit_status ? err->exit_status : 1);
}

/* In the joiner: closes what is not this launch's: the channel, and the pipes of others. */
static int launch_close_others(const struct launch *l, struct err *err)
{
	int keep[5 + GUEST_NS_COUNT + PROTO_FDS_MAX];
	size_t n = 0;
	int r;

	keep[n++] = l->sync;
	keep[n++] = l->cgroup_fd;
	for (size_t i = 0; i < 3; i++)
		keep[n++] = l->stdio[i];
	for (uint32_t i = 0; i < l->fds_len; i++)
		keep[n++] = l->fds[i];
	for (size_t i = 0; i < GUEST_NS_COUNT; i++)
		keep[n++] = l->join_fd[i];
	r = fd_close_others(keep, n);
	return r < 0 ? err_sys(err, r, "cannot close the agent's descriptors") : 0;
}

/*
 * In the process: closes what only the joiner needed. These lead out of the container: from a directory of the VM's
 * cgroups ".." goes up to the VM's root, and a pidfd of another container's process is the way into that one.
 */
static void launch_close_ways_out(const struct launch *l)
{
	fd_close(l->cgroup_fd);
	for (size_t i = 0; i < GUEST_NS_COUNT; i++)
		fd_close(l->join_fd[i]); /* one number may stand for several namespaces: closed is closed */
}

/*
 * Makes the process's user the owner of its pipes, as runc does, since the user must be able to open /dev/stdout. The
 * joiner does it, because a process in a user namespace may not.
 */
static int launch_own_pipes(const struct launch *l, struct err *err)
{
	struct stat st;

	for (int i = 0; i < 3; i++) {
		/* a device is everybody's: /dev/null, where somebody hands that in */
		if (l->stdio[i] < 0 || fstat(l->stdio[i], &st) < 0 || S_ISCHR(st.st_mode))
			continue;
		if (fchown(l->stdio[i], idmaps_to_vm(l->uids, l->process->uid), (gid_t)-1) < 0)
			return err_sys(err, errno, "cannot give descriptor %d to the user", i);
	}
	return 0;
}

/* --- the process --- */

/* Becomes root of the new user namespace that the process is in; the agent has written the id maps by now. */
static int launch_become_root(struct err *err)
{
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(err, errno, "cannot become root of the user namespace (linux.uidMappings)");
	return identity_hide(err);
}

/*
 * Moves the process into a time namespace with the config's offsets. A process that is hidden (identity_hide()) has files
 * in /proc that are the VM's root's: so this comes before it becomes root of its user namespace, which is somebody else.
 */
static int launch_time_offsets(const struct guest_container *c, struct err *err)
{
	char text[128];
	int r = 0;
	autoclose int ns = -1;

	if (unshare(CLONE_NEWTIME) < 0)
		return err_sys(err, errno, "cannot make a time namespace");
	if (c->has_monotonic) {
		(void)snprintf(text, sizeof(text), "monotonic %lld %u", (long long)c->monotonic_s, c->monotonic_ns);
		r = fd_write_existing(AT_FDCWD, "/proc/self/timens_offsets", text);
	}
	if (r == 0 && c->has_boottime) {
		(void)snprintf(text, sizeof(text), "boottime %lld %u", (long long)c->boottime_s, c->boottime_ns);
		r = fd_write_existing(AT_FDCWD, "/proc/self/timens_offsets", text);
	}
	if (r < 0)
		return err_sys(err, r, "cannot set linux.timeOffsets");
	/* unshare(2) has moved only the children; setns(2) moves the caller itself */
	ns = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWTIME) < 0)
		return err_sys(err, errno, "cannot enter the time namespace");
	return 0;
}

static int launch_set_names(const struct guest_container *c, struct err *err)
{
	if (*c->hostname && sethostname(c->hostname, strlen(c->hostname)) < 0)
		return err_sys(err, errno, "cannot set hostname \"%s\"", c->hostname);
	if (*c->domainname && setdomainname(c->domainname, strlen(c->domainname)) < 0)
		return err_sys(err, errno, "cannot set domainname \"%s\"", c->domainname);
	return 0;
}

/*
 * What only a container's first process does: makes the namespaces that the joiner has left to it, builds the file
 * system, and enters it.
 */
static int launch_container(const struct launch *l, int *ret_slave, struct err *err)
{
	const struct guest_container *c = l->container;
	int r = 0;

	if (l->new_ns[GUEST_NS_TIME])
		r = launch_time_offsets(c, err);
	if (r == 0 && l->new_ns[GUEST_NS_USER])
		r = launch_become_root(err);
	if (r == 0 && l->new_ns[GUEST_NS_NET])
		r = netif_loopback_up(err);
	if (r == 0 && l->new_ns[GUEST_NS_USER] && l->new_ns[GUEST_NS_IPC] && unshare(CLONE_NEWIPC) < 0)
		r = err_sys(err, errno, "cannot make an ipc namespace");
	if (r == 0 && l->new_ns[GUEST_NS_CGROUP] && unshare(CLONE_NEWCGROUP) < 0)
		r = err_sys(err, errno, "cannot make a cgroup namespace");
	if (r == 0)
		r = launch_set_names(c, err);
	return r == 0 ? rootfs_enter(l, ret_slave, err) : r;
}

/* Sets the descriptors 0, 1 and 2: each is the terminal, or what the agent gave, or /dev/null. */
static int launch_set_stdio(const struct launch *l, int slave, struct err *err)
{
	for (int i = 0; i < 3; i++) {
		int fd = l->process->terminal ? slave : l->stdio[i];
		autoclose int null = -1;

		if (fd < 0) {
			fd = null = open("/dev/null", O_RDWR | O_CLOEXEC);
			if (fd < 0) /* the container has no /dev/null; then it has to have streams */
				return err_sys(err, errno, "cannot open /dev/null for the process's stdio");
		}
		if (dup2(fd, i) < 0)
			return err_sys(err, errno, "cannot set descriptor %d", i);
		if (l->process->terminal && i == 0 && fchown(fd, l->process->uid, (gid_t)-1) < 0)
			return err_sys(err, errno, "cannot give the terminal to the user");
	}
	return 0;
}

/* Gives the process's other descriptors their numbers. What is open below them by now is of no use any more. */
static int launch_set_fds(const struct launch *l, struct err *err)
{
	for (uint32_t i = 0; i < l->fds_len; i++) {
		if (dup2(l->fds[i], (int)i + 3) < 0)
			return err_sys(err, errno, "cannot set descriptor %u", i + 3);
	}
	return 0;
}

/* Opens the terminal of an exec, whose root is that of its container already. */
static int launch_open_tty(const struct launch *l, int *ret_slave, struct err *err)
{
	autoclose int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root < 0 ? err_sys(err, errno, "cannot open the container's root") : tty_open(l, root, ret_slave, err);
}

/* Does everything from the agent's go to execve(2). Returns only on failure: -errno with @err, or -EPIPE without. */
static int launch_process(const struct launch *l, struct err *err)
{
	const struct guest_process *p = l->process;
	autofree char *path = NULL;
	autoclose int slave = -1, null = -1;
	char **env = NULL;
	int r = 0;

	if (setsid() < 0 && errno != EPERM)
		return err_sys(err, errno, "cannot make a session");
	/* the agent's keyring must not be inherited; a kernel without keys refuses, and has none */
	(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0);
	if (l->container && l->container->start_hooks.len) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC); /* the VM's: the container need not have one */
		if (null < 0)
			return err_sys(err, errno, "hooks.startContainer: cannot open /dev/null");
	}
	if (l->container)
		r = launch_container(l, &slave, err);
	else if (p->terminal)
		r = launch_open_tty(l, &slave, err);
	if (r == 0)
		r = launch_set_stdio(l, slave, err);
	if (r == 0 && p->terminal)
		r = tty_make_controlling(err);
	if (r == 0)
		r = identity_set(p, err);
	if (r == 0)
		r = program_environment(p, &env, err);
	if (r == 0 && (p->args.len > 0 || !l->container))
		r = program_find(p, env, &path, err);
	if (r == 0 && tell_say(l->sync, TELL_READY, -1) < 0)
		r = -EPIPE;
	if (r == 0)
		r = tell_wait(l->sync, TELL_START);
	if (r == 0 && l->container)
		r = hooks_run_start(l, env, null, err);
	if (r == 0)
		r = launch_set_fds(l, err);
	if (r == 0 && tell_say(l->sync, TELL_EXEC, -1) < 0)
		r = -EPIPE;
	if (r == 0)
		r = identity_set_last(p, err);
	if (r < 0)
		return r;
	if (!path)
		return err_set(err, EINVAL, "process is not set in the config");
	return program_execute(p, path, env, err);
}

/* The process's life from clone3(2) on. */
static _Noreturn void launch_run(const struct launch *l)
{
	struct err err = ERR_INIT;

	launch_close_ways_out(l);
	if (tell_wait(l->sync, TELL_GO) < 0)
		_exit(1);
	if (launch_process(l, &err) == -EPIPE && err.errnum == 0)
		_exit(1); /* the agent has given the process up, and waits for no reason */
	launch_fail(l, &err);
}

/* --- the joiner --- */

/* The flags of all namespaces that come from the process @pidfd. */
static int launch_flags_of(const struct launch *l, int pidfd)
{
	uint64_t flags = 0;

	for (size_t i = 0; i < GUEST_NS_COUNT; i++)
		flags |= l->join_fd[i] == pidfd ? ns_flag[i] : 0;
	return (int)flags;
}

/*
 * Enters the namespaces that are to be shared: those of one container in one call. The kernel asks in each whether the
 * caller may look into the container's process, and while that one is hidden (identity_hide()) only the VM's root may,
 * which the joiner is not any more once it has entered a user namespace.
 */
static int launch_join(const struct launch *l, struct err *err)
{
	/* the user namespace comes first: it may be what gives the right to enter the others */
	static const enum guest_ns order[] = { GUEST_NS_USER, GUEST_NS_PID, GUEST_NS_IPC, GUEST_NS_UTS, GUEST_NS_NET,
		GUEST_NS_CGROUP, GUEST_NS_TIME, GUEST_NS_MOUNT };

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		int fd = l->join_fd[order[i]];
		bool entered = fd < 0;

		for (size_t k = 0; k < i && !entered; k++)
			entered = l->join_fd[order[k]] == fd;
		if (!entered && setns(fd, launch_flags_of(l, fd)) < 0)
			return err_sys(err, errno, "cannot join a namespace of the container");
	}
	return 0;
}

/*
 * Makes what the process inherits, which has neither the VM's /proc nor the right to do it; it ends with the process. 0,
 * or -errno with @err.
 */
static int launch_prepare(struct launch *l, struct err *err)
{
	int r = launch_close_others(l, err);

	if (r == 0)
		r = identity_prepare(l->process, err);
	if (r == 0)
		r = launch_own_pipes(l, err);
	if (r == 0 && l->container)
		r = sysctl_write_all(
			&l->container->sysctl, SYSCTL_VM | (launch_owns_network(l) ? 0u : SYSCTL_NET), err);
	if (r == 0 && l->container && (l->new_ns[GUEST_NS_USER] || l->join_fd[GUEST_NS_USER] >= 0))
		r = mounts_open(l, &l->opened, err);
	return r;
}

/* The joiner's life: prepares what the process inherits, enters namespaces, clones the process, tells its pid. */
static _Noreturn void launch_joiner(struct launch *l)
{
	struct clone_args args = { .flags = CLONE_PARENT };
	struct tell msg = { .kind = TELL_PID };
	struct err err = ERR_INIT;
	pid_t pid;

	sig_reset();
	/* hidden before it is in a namespace with anybody, and so is what it clones */
	if (launch_prepare(l, &err) < 0 || identity_hide(&err) < 0 || launch_join(l, &err) < 0)
		launch_fail(l, &err);
	for (size_t i = 0; i < GUEST_NS_COUNT; i++) {
		/*
		 * The process makes these itself: the cgroup namespace once it is in its cgroup;
		 * the time namespace with its offsets; and the ipc namespace as root of the new
		 * user namespace, since the files of its mqueue belong to whoever makes it.
		 */
		if (i == GUEST_NS_CGROUP || i == GUEST_NS_TIME || (i == GUEST_NS_IPC && l->new_ns[GUEST_NS_USER]))
			continue;
		if (l->new_ns[i])
			args.flags |= ns_flag[i];
	}
	if (l->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)l->cgroup_fd;
	}
	pid = sys_clone3(&args);
	if (pid == 0)
		launch_run(l);
	if (pid < 0) {
		(void)err_sys(&err, errno, "cannot make the process");
		launch_fail(l, &err);
	}
	msg.pid = (uint32_t)pid;
	if (tell_send(l->sync, &msg, -1) < 0)
		_exit(1); /* the agent has given the process up */
	if (identity_schedule(l->process, pid, &err) < 0)
		launch_fail(l, &err); /* the agent ends the process, which waits for a go */
	_exit(0);
}

pid_t launch_fork(const struct launch *l)
{
	struct launch own = *l;
	pid_t pid = fork();

	if (pid == 0)
		launch_joiner(&own);
	return pid < 0 ? -errno : pid;
}
