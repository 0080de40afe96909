/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile guest and the host's files: it mounts the shares itself, as root with all capabilities of its own kernel, so
 * nothing of config.json holds but what the host makes hold.
 *
 * Each attempt is one line on the console: "hostile: EXPORT: WHAT: got" or "...: refused: WHY". "hostile: files: done"
 * is the last one. The test lays out what is in the exports: `victim` and `root-setuid` are files of root, `link` is a
 * symbolic link. In an export that is a procfs, the files of processes are tried; in one of sysfs or cgroups, what
 * would change the machine.
 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/tags.h"

/* One attempt: 0 or -errno. The working directory is the export. */
struct attempt {
	const char *what;
	int (*try)(void);
};

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

static int write_over(const char *path)
{
	autoclose int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	return fd < 0 ? -errno : result((int)write(fd, "hostile", 7));
}

static int read_victim(void)
{
	autoclose int fd = open("victim", O_RDONLY | O_CLOEXEC);
	char byte;

	return fd < 0 ? -errno : result((int)read(fd, &byte, 1));
}

/* To root, to a daemon's user and to nobody: the host's, whoever the container has. */
static int give_away(void)
{
	static const uid_t ids[] = { 0, 1, 65534 };

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		if (lchown("made", ids[i], ids[i]) == 0)
			return 0;
	}
	return -errno;
}

static int take_victim(void)
{
	return result(lchown("victim", 100000, 100000));
}

static int overwrite(void)
{
	return write_over("victim");
}

static int overwrite_setuid(void)
{
	return write_over("root-setuid");
}

static int create_plain(void)
{
	autoclose int fd = open("made", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	return result(fd);
}

/* A file of user and group 0 with the bits 06755: made so, and changed to that after. */
static int create_setid(void)
{
	autoclose int fd = open("made-setid", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 06755);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && (st.st_mode & 06000))
		return 0;
	return result(fchmod(fd, 06755));
}

/* As a user who may, and then given to root. */
static int chown_setid(void)
{
	autoclose int fd = open("made-chown", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;

	if (fd < 0 || fchown(fd, 1000, 1000) < 0 || fchmod(fd, 04755) < 0 || fchown(fd, 0, 0) < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && (st.st_mode & 04000))
		return 0;
	return result(fchmod(fd, 04755));
}

static int chmod_setid(void)
{
	return result(chmod("victim", 04755));
}

static int mknod_setid(void)
{
	struct stat st;

	if (mknod("made-node-setid", S_IFREG | 04755, 0) < 0 || stat("made-node-setid", &st) < 0)
		return -errno;
	return st.st_mode & 04000 ? 0 : result(chmod("made-node-setid", 04755));
}

static int make_block(void)
{
	return result(mknod("made-block", S_IFBLK | 0666, makedev(8, 0)));
}

static int make_char(void)
{
	return result(mknod("made-char", S_IFCHR | 0666, makedev(1, 1)));
}

static int make_whiteout(void)
{
	return result(mknod("made-whiteout", S_IFCHR | 0666, makedev(0, 0)));
}

static int make_fifo(void)
{
	return result(mkfifo("made-fifo", 0666));
}

static int make_directory(void)
{
	return result(mkdir("made-dir", 0755));
}

static int set_xattr(const char *name, const void *value, size_t size)
{
	return result(setxattr("victim", name, value, size, 0));
}

/* Everybody may do everything: a POSIX ACL of version 2 with rwx for user, group, others. */
static int set_acl(void)
{
	static const unsigned char acl[] = { 2, 0, 0, 0, 1, 0, 7, 0, 0xff, 0xff, 0xff, 0xff, 4, 0, 7, 0, 0xff, 0xff,
		0xff, 0xff, 0x20, 0, 7, 0, 0xff, 0xff, 0xff, 0xff };

	return set_xattr("system.posix_acl_access", acl, sizeof(acl));
}

static int set_user_xattr(void)
{
	return set_xattr("user.hostile", "y", 1);
}

static int open_up(void)
{
	return result(chmod("victim", 0666));
}

static int cut(void)
{
	return result(truncate("victim", 0));
}

static int link_victim(void)
{
	return result(link("victim", "made-link"));
}

static int replace_victim(void)
{
	autoclose int fd = open("made-other", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : result(rename("made-other", "victim"));
}

static int unlink_victim(void)
{
	return result(unlink("victim"));
}

static int set_capability(void)
{
	/* struct vfs_cap_data of revision 2: effective and permitted CAP_SYS_ADMIN */
	static const unsigned char caps[20] = { 0x01, 0, 0, 0x02, 0, 0, 0x20, 0 };

	return set_xattr("security.capability", caps, sizeof(caps));
}

static int set_selinux(void)
{
	return set_xattr("security.selinux", "system_u:object_r:bin_t:s0", 27);
}

static int set_smack(void)
{
	return set_xattr("security.SMACK64EXEC", "floor", 5);
}

static int set_trusted(void)
{
	return set_xattr("trusted.overlay.opaque", "y", 1);
}

static const struct attempt attempts[] = {
	{ "create", create_plain },
	{ "give away", give_away },
	{ "read", read_victim },
	{ "chown to ours", take_victim },
	{ "create set-id", create_setid },
	{ "chown set-id", chown_setid },
	{ "chmod set-id", chmod_setid },
	{ "mknod set-id", mknod_setid },
	{ "mknod b 8,0", make_block },
	{ "mknod c 1,1", make_char },
	{ "whiteout", make_whiteout },
	{ "mkfifo", make_fifo },
	{ "mkdir", make_directory },
	{ "security.capability", set_capability },
	{ "security.selinux", set_selinux },
	{ "security.SMACK64EXEC", set_smack },
	{ "trusted.overlay.opaque", set_trusted },
	{ "acl", set_acl },
	{ "user xattr", set_user_xattr },
	{ "open up", open_up },
	{ "hard link", link_victim },
	{ "cut", cut },
	{ "overwrite", overwrite },
	{ "overwrite set-id", overwrite_setuid },
	{ "replace", replace_victim },
	{ "unlink", unlink_victim },
};

static void tell(const char *name, const char *what, int r)
{
	if (r < 0)
		(void)printf("hostile: %s: %s: refused: %s\n", name, what, strerror(-r));
	else
		(void)printf("hostile: %s: %s: got\n", name, what);
}

/* ---- procfs ---- */

static int try_open(const char *path, int flags)
{
	autoclose int fd = open(path, flags | O_CLOEXEC);
	char byte;

	if (fd < 0)
		return -errno;
	return (flags & O_ACCMODE) == O_RDONLY ? result((int)read(fd, &byte, 1)) : 0;
}

static void attack_proc(const char *name)
{
	static const char *const secret[] = { "1/mem", "1/environ", "1/auxv", "1/maps", "1/smaps", "1/stack",
		"1/syscall", "1/io", "1/task/1/mem", "self/mem", "kcore", "1/map_files", "1/fd", "1/fdinfo",
		"1/pagemap" };
	static const char *const plain[] = { "1/stat", "1/status", "1/cgroup", "meminfo", "stat", "mounts" };
	static const char *const writable[] = { "sys/kernel/hostname", "sys/kernel/core_pattern", "sysrq-trigger",
		"1/oom_score_adj", "1/mem", "self/mem" };
	char what[64];

	for (size_t i = 0; i < sizeof(secret) / sizeof(*secret); i++) {
		(void)snprintf(what, sizeof(what), "read %s", secret[i]);
		tell(name, what, try_open(secret[i], O_RDONLY));
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		(void)snprintf(what, sizeof(what), "plain %s", plain[i]);
		tell(name, what, try_open(plain[i], O_RDONLY));
	}
	for (size_t i = 0; i < sizeof(writable) / sizeof(*writable); i++) {
		(void)snprintf(what, sizeof(what), "write %s", writable[i]);
		tell(name, what, try_open(writable[i], O_WRONLY));
	}
}

/* ---- sysfs and cgroups: nothing is written, since what a write would change is the machine ---- */

static void attack_kernel(const char *name, const char *const writable[])
{
	char what[64];

	for (size_t i = 0; writable[i]; i++) {
		(void)snprintf(what, sizeof(what), "write %s", writable[i]);
		tell(name, what, try_open(writable[i], O_WRONLY));
	}
	tell(name, "mkdir", make_directory());
	tell(name, "chmod", result(chmod(writable[0], 0666)));
	tell(name, "give away", result(chown(writable[0], 1000, 1000)));
	tell(name, "plain", try_open(writable[0], O_RDONLY));
}

static void attack_sys(const char *name)
{
	static const char *const writable[] = { "kernel/mm/ksm/run", "kernel/mm/transparent_hugepage/enabled",
		"kernel/profiling", "power/state", NULL };

	attack_kernel(name, writable);
}

static void attack_cgroup(const char *name)
{
	static const char *const writable[] = { "cgroup.procs", "pids.max", "tasks", "cgroup.freeze", NULL };

	attack_kernel(name, writable);
}

/* ---- all exports ---- */

static void attack(const char *path, const char *name)
{
	if (chdir(path) < 0) {
		tell(name, "chdir", -errno);
	} else if (access("self/status", F_OK) == 0 || access("1/status", F_OK) == 0) {
		attack_proc(name);
	} else if (access("kernel/mm", F_OK) == 0) {
		attack_sys(name);
	} else if (access("cgroup.procs", F_OK) == 0) {
		attack_cgroup(name);
	} else {
		for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
			tell(name, attempts[i].what, attempts[i].try());
	}
	(void)chdir("/");
}

/*
 * The exports below the synthetic directory @path: those @depth levels further down. Directories alone are of interest.
 */
static void attack_below(const char *path, int depth)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char below[1024];
		struct stat st;

		(void)snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] == '.' || stat(below, &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		if (depth > 0)
			attack_below(below, depth - 1);
		else
			attack(below, entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
}

/* Exports of the private share are at CID/rootfs, those of the shared one at CID/NUMBER/NAME: jail/binds.h. */
void files_attack(void)
{
	static const struct {
		const char *tag, *at;
		int depth;
	} shares[] = { { TAG_PRIVATE, "/private", 1 }, { TAG_SHARED, "/shared", 2 } };

	(void)umask(0);
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		(void)mkdir(shares[i].at, 0700);
		if (mount(shares[i].tag, shares[i].at, "9p", 0, "trans=virtio,version=9p2000.L,access=client") < 0)
			tell(shares[i].tag, "mount", -errno);
		attack_below(shares[i].at, shares[i].depth);
	}
	(void)printf("hostile: files: done\n");
	(void)fflush(stdout);
}
