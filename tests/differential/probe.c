/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of a container under the differential test: tells what it sees.
 *
 *   probe [WHAT:ARGUMENT...]     prints lines "KEY VALUE", one a fact
 *
 * What every process has (ids, limits, mounts, /dev, ...) is told always; the arguments name what depends on the
 * config:
 *   sysctl:NAME  path:PATH  open:PATH  make:DIRECTORY  cgroup:FILE  exit:STATUS
 *
 * Static and without state. Everything is asked of the kernel, no library's cache or default comes between. A system
 * call that is refused is a fact like any other: it is told by the errno's number, and nothing ends early.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

extern char **environ;

/* --- telling --- */

/* "KEY VALUE": what is not printable in the value is written as \xNN, so that a line is a fact. */
static void tell(const char *key, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(const char *key, const char *fmt, ...)
{
	static char value[65536];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(value, sizeof(value), fmt, ap); /* longer ones are cut, for every runtime alike */
	va_end(ap);
	printf("%s ", key);
	for (const unsigned char *c = (const unsigned char *)value; *c; c++)
		printf(*c >= ' ' && *c < 127 && *c != '\\' ? "%c" : "\\x%02x", *c);
	putchar('\n');
}

static const char *keyf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *keyf(const char *fmt, ...)
{
	static char key[PATH_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(key, sizeof(key), fmt, ap);
	va_end(ap);
	return key;
}

/* Reads @path into @buf as a string: its length or -errno. */
static ssize_t read_file(const char *path, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		n = -errno;
	close(fd);
	buf[len] = '\0';
	return n < 0 ? n : (ssize_t)len;
}

static void tell_file(const char *key, const char *path)
{
	static char text[65536];
	ssize_t n = read_file(path, text, sizeof(text));

	if (n < 0)
		tell(key, "errno %d", (int)-n);
	else
		tell(key, "%.*s", (int)(n > 0 && text[n - 1] == '\n' ? n - 1 : n), text);
}

/* --- who it is --- */

static int compare_gids(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return (x > y) - (x < y);
}

static void tell_ids(void)
{
	uid_t r, e, s;
	gid_t groups[256];
	char text[4096] = "";
	mode_t mask = umask(0);
	int n;

	umask(mask);
	if (getresuid(&r, &e, &s) == 0)
		tell("uid", "%u %u %u", r, e, s);
	if (getresgid(&r, &e, &s) == 0)
		tell("gid", "%u %u %u", r, e, s);
	n = getgroups((int)ARRAY_LEN(groups), groups);
	if (n > 0)
		qsort(groups, (size_t)n, sizeof(groups[0]), compare_gids);
	for (int i = 0; i < n; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u ", groups[i]);
	tell("groups", "%s", text);
	tell("umask", "%04o", mask);
	tell("pid", "%s", getpid() == 1 ? "1" : "other");
	tell("session", "%s", getsid(0) == getpid() ? "own" : "another's");
	tell("process-group", "%s", getpgrp() == getpid() ? "own" : "another's");
	tell("auxv.secure", "%lu", getauxval(AT_SECURE));
}

static void tell_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };
	uint64_t bounding = 0, ambient = 0;

	for (unsigned long c = 0; c < 64 && prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++) {
		bounding |= (uint64_t)(prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1) << c;
		ambient |= (uint64_t)(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1) << c;
	}
	if (syscall(SYS_capget, &head, d) < 0)
		tell("caps", "errno %d", errno);
#define SET(field) (unsigned long long)((uint64_t)d[1].field << 32 | d[0].field)
	tell("caps.effective", "%016llx", SET(effective));
	tell("caps.permitted", "%016llx", SET(permitted));
	tell("caps.inheritable", "%016llx", SET(inheritable));
#undef SET
	tell("caps.bounding", "%016llx", (unsigned long long)bounding);
	tell("caps.ambient", "%016llx", (unsigned long long)ambient);
	tell("prctl.no-new-privs", "%d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	tell("prctl.securebits", "%d", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	tell("prctl.dumpable", "%d", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	tell("prctl.keepcaps", "%d", prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
}

static void tell_limits(void)
{
	static const char *const names[] = { "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE",
		"MEMLOCK", "AS", "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME" };

	for (unsigned int i = 0; i < ARRAY_LEN(names); i++) {
		struct rlimit l;

		if (getrlimit((int)i, &l) < 0)
			tell(keyf("rlimit.%s", names[i]), "errno %d", errno);
		else
			tell(keyf("rlimit.%s", names[i]), "%llu %llu", (unsigned long long)l.rlim_cur,
				(unsigned long long)l.rlim_max);
	}
}

static void tell_scheduling(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} a = { .size = 48 };
	int prio;

	if (syscall(SYS_sched_getattr, 0, &a, 48, 0) < 0)
		tell("scheduler", "errno %d", errno);
	else
		tell("scheduler", "policy %u flags %llu nice %d priority %u deadline %llu/%llu/%llu", a.policy,
			(unsigned long long)a.flags, a.nice, a.priority, (unsigned long long)a.runtime,
			(unsigned long long)a.deadline, (unsigned long long)a.period);
	prio = (int)syscall(SYS_ioprio_get, 1, 0);
	if (prio < 0)
		tell("ioprio", "errno %d", errno);
	else
		tell("ioprio", "class %d priority %d", prio >> 13, prio & 8191);
	tell_file("oom_score_adj", "/proc/self/oom_score_adj");
	tell("personality", "%x", (unsigned int)personality(0xffffffff));
	tell_file("timens_offsets", "/proc/self/timens_offsets");
}

static void tell_status(void)
{
	static const char *const wanted[] = { "NoNewPrivs:", "Seccomp:", "Seccomp_filters:", "SigBlk:", "SigIgn:",
		"SigPnd:", "ShdPnd:", "Threads:", "CoreDumping:", "THP_enabled:", "TracerPid:", "Cpus_allowed_list:",
		"Mems_allowed_list:" };
	static char text[16384];
	char *save = NULL;
	ssize_t n = read_file("/proc/self/status", text, sizeof(text));

	if (n < 0) {
		tell("status", "errno %d", (int)-n);
		return;
	}
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				tell(keyf("status.%.*s", (int)strlen(wanted[i]) - 1, wanted[i]), "%s",
					line + strlen(wanted[i]) + 1);
		}
	}
}

static void tell_environment(char **argv)
{
	char cwd[PATH_MAX];
	struct utsname u;
	int i;

	for (i = 0; argv[i]; i++)
		tell(keyf("argv.%d", i), "%s", argv[i]);
	for (i = 0; environ[i]; i++)
		tell(keyf("env.%d", i), "%s", environ[i]);
	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		tell("cwd", "errno %d", errno);
	else
		tell("cwd", "%s", cwd);
	if (uname(&u) == 0) {
		tell("uname.nodename", "%s", u.nodename);
		tell("uname.domainname", "%s", u.domainname);
		tell("uname.machine", "%s", u.machine);
	}
}

/* --- namespaces --- */

static void tell_namespaces(void)
{
	/* The first namespace of these kinds has a number that the kernel fixes (include/linux/proc_ns.h). */
	static const struct {
		const char *name;
		unsigned long initial;
	} kinds[] = {
		{ "ipc", 0xefffffff },
		{ "uts", 0xeffffffe },
		{ "user", 0xeffffffd },
		{ "pid", 0xeffffffc },
		{ "pid_for_children", 0xeffffffc },
		{ "cgroup", 0xeffffffb },
		{ "time", 0xeffffffa },
		{ "time_for_children", 0xeffffffa },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		char path[64];
		struct stat st;

		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i].name);
		if (stat(path, &st) < 0)
			tell(keyf("ns.%s", kinds[i].name), "errno %d", errno);
		else
			tell(keyf("ns.%s", kinds[i].name), "%s",
				st.st_ino == kinds[i].initial ? "the system's" : "own");
	}
	tell_file("uid_map", "/proc/self/uid_map");
	tell_file("gid_map", "/proc/self/gid_map");
	tell_file("setgroups", "/proc/self/setgroups");
	tell_file("proc.cgroup", "/proc/self/cgroup");
	tell_file("mountinfo", "/proc/self/mountinfo");
}

static void tell_network(void)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *all = s >= 0 ? if_nameindex() : NULL;
	struct ifreq ifr = { .ifr_name = "lo" };

	if (s < 0) {
		tell("net", "errno %d", errno);
		return;
	}
	for (struct if_nameindex *i = all; i && i->if_name; i++)
		tell(keyf("net.%s", i->if_name), "there");
	if (ioctl(s, SIOCGIFFLAGS, &ifr) == 0)
		tell("net.lo.flags", "%x", (unsigned int)ifr.ifr_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING));
	close(s);
}

/* --- files --- */

static char type_letter(mode_t mode)
{
	return S_ISREG(mode)    ? '-'
	       : S_ISDIR(mode)  ? 'd'
	       : S_ISLNK(mode)  ? 'l'
	       : S_ISCHR(mode)  ? 'c'
	       : S_ISBLK(mode)  ? 'b'
	       : S_ISFIFO(mode) ? 'p'
	       : S_ISSOCK(mode) ? 's'
				: '?';
}

/* What @path is: type, mode, owner, the device that it stands for, where it points. */
static void tell_node(const char *key, const char *path)
{
	char target[PATH_MAX] = "";
	struct stat st;

	if (lstat(path, &st) < 0) {
		tell(key, "errno %d", errno);
		return;
	}
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlink(path, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
	}
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		(void)snprintf(target, sizeof(target), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	tell(key, "%c%04o %u:%u %s", type_letter(st.st_mode), st.st_mode & 07777, st.st_uid, st.st_gid, target);
}

static int not_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static void tell_tree(const char *prefix, const char *dir, int depth)
{
	struct dirent **list;
	int n = scandir(dir, &list, not_dots, alphasort);

	if (n < 0) {
		tell(keyf("%s.%s", prefix, dir), "errno %d", errno);
		return;
	}
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];
		struct stat st;

		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name) < sizeof(path)) {
			tell_node(keyf("%s.%s", prefix, path), path);
			/* numbers of terminals, and of descriptors, are nobody's promise */
			if (depth > 0 && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
				tell_tree(prefix, path, depth - 1);
		}
		free(list[i]);
	}
	free(list);
}

static void tell_descriptors(void)
{
	char list[1024] = "";
	struct stat st;

	for (int fd = 0; fd < 256; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			(void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%d ", fd);
	}
	tell("descriptors", "%s", list);
	for (int fd = 0; fd < 3; fd++) {
		int again;
		char path[32];

		if (fstat(fd, &st) == 0)
			tell(keyf("stdio.%d.type", fd), "%c", type_letter(st.st_mode));
		(void)snprintf(path, sizeof(path), "/dev/std%s", fd == 0 ? "in" : fd == 1 ? "out" : "err");
		again = open(path, (fd == 0 ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_CLOEXEC);
		tell(keyf("stdio.%d.reopen", fd), "errno %d", again < 0 ? errno : 0);
		if (again >= 0)
			close(again);
	}
}

/* --- what the arguments ask for --- */

static void try_open(const char *key, const char *path, int flags)
{
	int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	char buf[4096];

	if (fd < 0) {
		tell(key, "errno %d", errno);
		return;
	}
	if ((flags & O_ACCMODE) == O_RDONLY) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0)
			tell(key, "opened, read errno %d", errno);
		else
			tell(key, "opened, read %zd", n);
	} else {
		tell(key, "opened");
	}
	close(fd);
}

static void probe_open(const char *path)
{
	tell_node(keyf("open.%s", path), path);
	try_open(keyf("open.%s.read", path), path, O_RDONLY);
	try_open(keyf("open.%s.write", path), path, O_WRONLY);
}

/* How a path behaves that may be masked, read-only, or neither. */
static void probe_path(const char *path)
{
	struct statfs fs;
	struct stat st;
	char inside[PATH_MAX];

	tell_node(keyf("path.%s", path), path);
	if (stat(path, &st) < 0) {
		tell(keyf("path.%s.followed", path), "errno %d", errno);
		return;
	}
	tell(keyf("path.%s.followed", path), "%c%04o %u:%u", type_letter(st.st_mode), st.st_mode & 07777, st.st_uid,
		st.st_gid);
	if (statfs(path, &fs) == 0)
		tell(keyf("path.%s.readonly", path), "%d", !!(fs.f_flags & 1));
	tell(keyf("path.%s.access", path), "r%d w%d x%d", access(path, R_OK) < 0 ? errno : 0,
		access(path, W_OK) < 0 ? errno : 0, access(path, X_OK) < 0 ? errno : 0);
	if (!S_ISDIR(st.st_mode)) {
		try_open(keyf("path.%s.read", path), path, O_RDONLY);
		try_open(keyf("path.%s.write", path), path, O_WRONLY);
		return;
	}
	tell_tree("path.list", path, 0);
	if ((size_t)snprintf(inside, sizeof(inside), "%s/.probe", path) < sizeof(inside)) {
		try_open(keyf("path.%s.create", path), inside, O_WRONLY | O_CREAT | O_EXCL);
		(void)unlink(inside); /* it may not have been made */
	}
}

static void probe_sysctl(const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", name);
	for (char *c = path + strlen("/proc/sys/"); *c; c++)
		*c = *c == '.' ? '/' : *c;
	tell_file(keyf("sysctl.%s", name), path);
}

/* A file of the process's own cgroup, wherever that is in what is mounted on /sys/fs/cgroup. */
static void probe_cgroup(const char *file)
{
	char text[4096], path[PATH_MAX + 8192];
	char *own;

	if (read_file("/proc/self/cgroup", text, sizeof(text)) < 0)
		return;
	own = strstr(text, "0::/");
	if (!own) {
		tell(keyf("cgroup.%s", file), "no cgroup v2");
		return;
	}
	own += strlen("0::");
	own[strcspn(own, "\n")] = '\0';
	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.procs", own);
	/* Without a cgroup namespace either the whole tree is mounted there or its own cgroup alone. */
	if (access(path, F_OK) < 0)
		*own = '\0';
	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s/%s", own, file);
	tell_file(keyf("cgroup.%s", file), path);
}

static void told(const char *dir, const char *name, int result)
{
	tell(keyf("make.%s/%s.result", dir, name), "errno %d", result < 0 ? errno : 0);
}

/* Makes files of all kinds in @dir; the host looks at them afterwards. */
static void probe_make(const char *dir)
{
	char target[4096] = "";
	int fd, at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	tell_node(keyf("make.%s", dir), dir);
	if (at < 0) {
		tell(keyf("make.%s.open", dir), "errno %d", errno);
		return;
	}
	fd = openat(at, "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	told(dir, "file", fd);
	if (fd >= 0) {
		tell(keyf("make.%s/file.write", dir), "%zd", write(fd, "probe\n", 6));
		told(dir, "file.chown-own", fchown(fd, getuid(), getgid()));
		close(fd);
	}
	fd = openat(at, "setid", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	if (fd >= 0) {
		told(dir, "setid", fchmod(fd, 06755));
		close(fd);
	}
	fd = openat(at, "foreign", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd >= 0) {
		told(dir, "foreign", fchown(fd, 7, 8));
		close(fd);
	}
	told(dir, "directory", mkdirat(at, "directory", 0777));
	told(dir, "sticky", mkdirat(at, "sticky", 0755) < 0 ? -1 : fchmodat(at, "sticky", 03777, 0));
	told(dir, "symlink", symlinkat("file", at, "symlink"));
	told(dir, "fifo", mkfifoat(at, "fifo", 0622));
	told(dir, "socket", mknodat(at, "socket", S_IFSOCK | 0700, 0));
	told(dir, "chardev", mknodat(at, "chardev", S_IFCHR | 0660, makedev(1, 3)));
	told(dir, "blockdev", mknodat(at, "blockdev", S_IFBLK | 0600, makedev(7, 77)));
	told(dir, "whiteout", mknodat(at, "whiteout", S_IFCHR, makedev(0, 0)));
	told(dir, "link", linkat(at, "file", at, "link", 0));
	told(dir, "rename", renameat(at, "directory", at, "renamed"));
	if (readlinkat(at, "symlink", target, sizeof(target) - 1) > 0)
		tell(keyf("make.%s/symlink.target", dir), "%s", target);
	tell_tree("made", dir, 0);
	close(at);
}

/* --- system calls --- */

/* Each is made in a process of its own: a filter may end it. */
static void tell_calls(void)
{
	for (const struct probe_call *c = probe_calls; c->name; c++) {
		const char *key = keyf("call.%s", c->name);
		int status;
		pid_t pid;

		(void)fflush(stdout);
		pid = fork();
		if (pid == 0) {
			struct rlimit none = { 0, 0 };

			(void)setrlimit(RLIMIT_CORE, &none); /* a filter may end it with a dump */
			_exit(c->call() < 0 ? errno : 0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0)
			tell(key, "cannot be tried: errno %d", errno);
		else if (WIFSIGNALED(status))
			tell(key, "signal %d", WTERMSIG(status));
		else
			tell(key, "errno %d", WEXITSTATUS(status));
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *what;
		void (*probe)(const char *argument);
	} probes[] = {
		{ "sysctl:", probe_sysctl },
		{ "path:", probe_path },
		{ "open:", probe_open },
		{ "make:", probe_make },
		{ "cgroup:", probe_cgroup },
	};
	int status = 0;

	tell_descriptors(); /* before anything opens one */
	tell_ids();
	tell_caps();
	tell_limits();
	tell_scheduling();
	tell_status();
	tell_environment(argv);
	tell_namespaces();
	tell_network();
	tell_tree("dev", "/dev", 0);
	tell_node("node./", "/");
	tell_node("node./proc", "/proc");
	tell_node("node./sys", "/sys");
	for (int i = 1; i < argc; i++) {
		for (size_t k = 0; k < ARRAY_LEN(probes); k++) {
			if (strncmp(argv[i], probes[k].what, strlen(probes[k].what)) == 0)
				probes[k].probe(argv[i] + strlen(probes[k].what));
		}
		if (strncmp(argv[i], "exit:", 5) == 0)
			status = atoi(argv[i] + 5);
	}
	tell_calls();
	tell("end", "reached");
	(void)fflush(stdout);
	return status;
}
