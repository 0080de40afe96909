/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs this program, and the way of an ordinary user into a user namespace: see privilege.h. */
#include "host/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/fd.h"
#include "host/userns.h"

#define SUBUID_FILE "/etc/subuid"
#define SUBGID_FILE "/etc/subgid"
#define SUBID_FILE_MAX (4 * MIB)
#define UID_MAP_MAX (64 * KIB)
/* The kernel takes 340 lines of a map, of which the user's own id is one. A user has one or two ranges. */
#define RANGES_MAX 64
#define ARGS_PER_RANGE 3
/* The program, the pid, the user's own id, the ranges, NULL. */
#define ARGS_MAX (2 + ARGS_PER_RANGE + ARGS_PER_RANGE * RANGES_MAX + 1)

/* Reads the first line of this process's uid_map: false where that cannot be read. */
static bool read_first_line(unsigned int *inside, unsigned int *outside, unsigned int *count)
{
	autofree char *text = NULL;

	return userns_read_map(NULL, "uid_map", UID_MAP_MAX, &text) == 0 &&
	       sscanf(text, "%u %u %u", inside, outside, count) == 3;
}

bool privilege_is_root(void)
{
	unsigned int inside, outside, count;

	if (geteuid() != 0)
		return false;
	/* without /proc nothing speaks for a user namespace */
	return !read_first_line(&inside, &outside, &count) || (inside == 0 && outside == 0 && count == UINT32_MAX);
}

uid_t privilege_uid(void)
{
	unsigned int inside, outside, count;
	uid_t uid = geteuid();

	if (uid == 0 && read_first_line(&inside, &outside, &count) && inside == 0)
		return outside;
	return uid;
}

/* --- what newuidmap(1) is told --- */

int privilege_ranges(const char *file, const char *name, uid_t id, char **args, size_t max)
{
	autofree char *text = NULL;
	char number[16], *save = NULL;
	size_t n = 0;
	int r = fd_read_file(AT_FDCWD, file, SUBID_FILE_MAX, &text, NULL);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	(void)snprintf(number, sizeof(number), "%u", (unsigned int)id);
	for (char *line = strtok_r(text, "\n", &save); line && n < max; line = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(line, ':');
		unsigned int first, count;

		if (!colon || sscanf(colon, ":%u:%u", &first, &count) != 2 || count == 0)
			continue;
		*colon = '\0';
		if (strcmp(line, number) != 0 && (!name || strcmp(line, name) != 0))
			continue;
		if (asprintf(&args[ARGS_PER_RANGE * n], "%u", first) < 0 ||
			asprintf(&args[ARGS_PER_RANGE * n + 1], "%u", first) < 0 ||
			asprintf(&args[ARGS_PER_RANGE * n + 2], "%u", count) < 0)
			return -ENOMEM;
		n++;
	}
	return (int)n;
}

/* Of a child outside the namespace: has @program (newuidmap, newgidmap) write the map of @pid. Does not return. */
static _Noreturn void run_mapper(const char *program, const char *file, pid_t pid, unsigned int own)
{
	struct passwd *user = getpwuid(getuid());
	char *args[ARGS_MAX] = { NULL }, pid_text[16], own_text[16];

	(void)snprintf(pid_text, sizeof(pid_text), "%ld", (long)pid);
	(void)snprintf(own_text, sizeof(own_text), "%u", own);
	args[0] = (char *)(uintptr_t)program;
	args[1] = pid_text;
	args[2] = args[3] = own_text;
	args[4] = (char *)(uintptr_t) "1";
	if (privilege_ranges(file, user ? user->pw_name : NULL, getuid(), args + 2 + ARGS_PER_RANGE, RANGES_MAX) <= 0)
		_exit(1); /* nothing that the user could not write himself */
	(void)execvp(program, args);
	_exit(1);
}

/* Runs run_mapper() in a child: whether the map is written. */
static bool map_by(const char *program, const char *file, pid_t pid, unsigned int own)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		run_mapper(program, file, pid, own);
	return child > 0 && exit_wait(child, &status) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/*
 * Of a child of @pid, which stays outside the namespace: writes both maps when @sock says that the namespace is there.
 * Exits with 0 if it has. newuidmap(1) may say on standard error why it has not; nobody asked for it.
 */
static _Noreturn void write_maps(int sock, pid_t pid)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char there;

	if (null >= 0)
		(void)dup2(null, STDERR_FILENO);
	if (read(sock, &there, 1) != 1)
		_exit(1);
	_exit(map_by("newuidmap", SUBUID_FILE, pid, geteuid()) && map_by("newgidmap", SUBGID_FILE, pid, getegid()) ? 0
														   : 1);
}

/* --- the way in --- */

static bool may_mount(void)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t has = CAP_CLEAR;
	bool may = caps && cap_get_flag(caps, CAP_SYS_ADMIN, CAP_EFFECTIVE, &has) == 0 && has == CAP_SET;

	if (caps)
		(void)cap_free(caps);
	return may;
}

/* Maps the user's own ids alone, which he may do himself: 0 or -errno. */
static int map_own(uid_t uid, gid_t gid)
{
	char text[64];
	int r;

	(void)snprintf(text, sizeof(text), "%u %u 1\n", (unsigned int)uid, (unsigned int)uid);
	r = fd_write_existing(AT_FDCWD, "/proc/self/uid_map", text);
	if (r == 0)
		r = fd_write_existing(AT_FDCWD, "/proc/self/setgroups", "deny");
	(void)snprintf(text, sizeof(text), "%u %u 1\n", (unsigned int)gid, (unsigned int)gid);
	return r == 0 ? fd_write_existing(AT_FDCWD, "/proc/self/gid_map", text) : r;
}

/* Whether a map of this process has been written, of which newuidmap(1) may have managed one and not the other. */
static bool is_mapped(const char *file)
{
	autofree char *text = NULL;

	return userns_read_map(NULL, file, UID_MAP_MAX, &text) == 0 && *text;
}

/* Makes the namespaces, and has the child @pid at the other end of @sock write the maps. 0, or -errno with an error. */
static int enter_mapped(int sock, pid_t pid, struct err *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int status = 0, r = unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ? -errno : 0;

	if (r == 0)
		(void)!write(sock, "", 1); /* a child that has died shows below */
	(void)shutdown(sock, SHUT_RDWR);
	(void)exit_wait(pid, &status);
	if (r < 0)
		return err_set(err, -r,
			"an ordinary user's container needs a user namespace, which this host does not let you make: %s: see /proc/sys/user/max_user_namespaces, kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns; or run vmrunc as root",
			strerror(-r));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (is_mapped("uid_map"))
		return err_set(err, EPERM,
			"newgidmap(1) refuses what /etc/subgid gives to you, while newuidmap(1) takes what /etc/subuid does");
	r = map_own(uid, gid);
	return r < 0 ? err_sys(err, r, "cannot map your own ids in a user namespace") : 0;
}

/* Makes execve(2) keep all capabilities of a process that is not root: 0 or -errno. */
static int keep_capabilities(void)
{
	cap_t caps = cap_get_proc();
	int r = caps ? 0 : -errno;

	for (cap_value_t cap = 0; r == 0 && cap < cap_max_bits(); cap++) {
		if (cap_set_flag(caps, CAP_INHERITABLE, 1, &cap, CAP_SET) < 0)
			r = -errno;
	}
	if (r == 0 && cap_set_proc(caps) < 0)
		r = -errno;
	for (cap_value_t cap = 0; r == 0 && cap < cap_max_bits(); cap++) {
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)cap, 0, 0) < 0)
			r = -errno;
	}
	if (caps)
		(void)cap_free(caps);
	return r;
}

int privilege_enter(struct err *err)
{
	pid_t self = getpid(), pid;
	int socks[2], r;

	if (may_mount())
		return 0;
	if (geteuid() == 0)
		return err_set(err, EPERM,
			"operation not permitted: root lacks CAP_SYS_ADMIN here, which mounts and namespaces need");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) < 0)
		return err_sys(err, errno, "cannot make a socket pair");
	(void)fflush(NULL); /* nothing may be written twice */
	pid = fork();
	if (pid == 0) {
		fd_close(socks[0]);
		write_maps(socks[1], self);
	}
	fd_close(socks[1]);
	r = pid < 0 ? err_sys(err, errno, "cannot fork") : enter_mapped(socks[0], pid, err);
	fd_close(socks[0]);
	if (r < 0)
		return r;
	/* what is mounted here is not mounted for anybody else; what the host mounts is seen here */
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_sys(err, errno, "cannot make the mounts private");
	r = keep_capabilities();
	return r < 0 ? err_sys(err, r, "cannot keep the capabilities of the user namespace") : 0;
}

int privilege_try(struct err *err)
{
	struct err got = ERR_INIT;
	int ends[2], r;
	pid_t pid;

	if (may_mount())
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	(void)fflush(NULL); /* nothing may be written twice */
	pid = fork();
	if (pid == 0) {
		r = privilege_enter(&got);
		_exit(write(ends[1], &got, sizeof(got)) == (ssize_t)sizeof(got) && r == 0 ? 0 : 1);
	}
	fd_close(ends[1]);
	r = pid > 0 && fd_read_full(ends[0], &got, sizeof(got)) == (ssize_t)sizeof(got) ? 0 : -EIO;
	fd_close(ends[0]);
	if (pid > 0)
		(void)exit_wait(pid, NULL);
	if (r < 0)
		return err_sys(err, EIO, "cannot try to make a user namespace");
	*err = got;
	return -got.errnum;
}
