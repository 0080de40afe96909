/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's mounts, root and capabilities: see jail.h. The system call filter is in src/jail/seccomp.c. */
#include "jail/jail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/major.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rootpath.h"
#include "channel/proto.h"
#include "jail/points.h"

#define TERMINALS 16 /* that have a name: /dev/pts/0 and so on; a container has one, and one for each exec -t */

int jail_enter_mounts(bool own_pids, struct err *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(err, errno, "cannot make a new mount namespace");
	if (mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		return err_sys(err, errno, "cannot make the mounts private");
	if (own_pids && mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return err_sys(err, errno, "cannot mount /proc");
	return 0;
}

int jail_open_fds(struct err *err)
{
	struct mount_attr attr = { .propagation = MS_PRIVATE,
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };
	autoclose int fd = open_tree(AT_FDCWD, "/proc/self/fd", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_sys(err, errno, "cannot clone \"/proc/self/fd\"");
	return steal_fd(&fd);
}

/* --- destinations: they are resolved inside the root, and made where they are missing --- */

static bool is_type(const struct spec_mount *m, const char *type)
{
	return m->type && strcmp(m->type, type) == 0;
}

/* Says that mount number @index cannot be made, and why, in words where the errno's own say little. */
static int fail_mount(const struct spec_mount *m, size_t index, int error, struct err *err)
{
	if (error == -ENOTDIR && (is_type(m, "proc") || is_type(m, "sysfs")))
		return err_set(err, ENOTDIR,
			"mounts[%zu]: filesystem \"%s\" must be mounted on ordinary directory: \"%s\" is something else in the container's root: not a directory",
			index, m->type, m->destination);
	if (error == -ENOTDIR)
		return err_set(err, ENOTDIR,
			"mounts[%zu]: cannot mount \"%s\" at \"%s\": not a directory: a directory goes on a directory, and a file on a file",
			index, m->source ? m->source : "", m->destination);
	if (error == -EBUSY)
		return err_set(err, EBUSY, "mounts[%zu]: \"%s\" is the root itself, which nothing can cover", index,
			m->destination);
	return err_sys(err, error, "mounts[%zu]: cannot mount \"%s\" at \"%s\"", index,
		m->source ? m->source
		: m->type ? m->type
			  : "",
		m->destination);
}

/* Attaches the mount @fd at @destination: 0 or -errno. */
static int attach(int fd, int destination)
{
	int r = rootpath_check_kinds(fd, destination);

	if (r < 0)
		return r;
	return move_mount(fd, "", destination, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0 ? -errno : 0;
}

/* Makes the clone of a bind whose source is what the tree has by now at a path in it. 0 or -errno. */
static int clone_inside(struct bind *bind, int root, const struct spec_mount *m)
{
	bool recursive = !spec_mount_has(m, "bind") || spec_mount_has(m, "rbind");
	autoclose int source = rootpath_open(root, bind->inside, O_PATH);
	struct stat st;

	if (source < 0)
		return source;
	bind->jail_fd = open_tree(source, "",
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? (unsigned int)AT_RECURSIVE : 0));
	if (bind->jail_fd < 0 || fstat(bind->jail_fd, &st) < 0)
		return -errno;
	bind->dir = S_ISDIR(st.st_mode);
	return 0;
}

/* Mounts a clone at its destination in the tree. */
static int attach_bind(struct bind *bind, int root, const struct spec_mount *m, struct err *err)
{
	int r = bind->inside ? clone_inside(bind, root, m) : 0;
	enum rootpath_kind kind = bind->dir ? ROOTPATH_DIR : ROOTPATH_FILE;
	autoclose int destination = r < 0 ? r : rootpath_make_owned(root, m->destination, kind);
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };

	if (destination < 0)
		return fail_mount(m, bind->mount, destination, err);
	if (bind->readonly &&
		mount_setattr(bind->jail_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly, sizeof(readonly)) < 0)
		return fail_mount(m, bind->mount, errno, err);
	r = attach(bind->jail_fd, destination);
	if (r < 0)
		return fail_mount(m, bind->mount, r, err);
	fd_close(steal_fd(&bind->jail_fd));
	return 0;
}

/*
 * A new, unattached file system of @type with @options, names and values (NULL: it has none), and the mount attributes
 * @attrs: an fd or -errno.
 */
static int make_fs(const char *type, const char *const *options, unsigned int attrs)
{
	autoclose int context = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (context < 0)
		return -errno;
	for (; options && options[0]; options += 2) {
		if (fsconfig(context, options[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options[0], options[1], 0) <
			0)
			return -errno;
	}
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | attrs);
	return fd < 0 ? -errno : fd;
}

/*
 * Mounts a new file system of @type at @path, a directory of @kind: 0 or -errno. @ret_fd gets a descriptor of the mount;
 * NULL: nothing more is to be done with it, and it is read-only, as a /proc must be, since the settings in /proc/sys are
 * the host's.
 */
static int attach_fs(
	const char *type, const char *const *options, int root, const char *path, enum rootpath_kind kind, int *ret_fd)
{
	autoclose int destination = rootpath_make_owned(root, path, kind);
	autoclose int fd = destination < 0 ? -1 : make_fs(type, options, ret_fd ? 0 : MOUNT_ATTR_RDONLY);
	int r;

	if (destination < 0 || fd < 0)
		return destination < 0 ? destination : fd;
	r = attach(fd, destination);
	if (r == 0 && ret_fd)
		*ret_fd = steal_fd(&fd);
	return r;
}

/* The tree. seal() makes its tmpfs mounts read-only when no mount points have to be made in them any more. */
struct jail_root {
	const struct spec *spec;
	const struct guest_container *container;
	struct binds *binds;
	int root;
	bool own_pids, has_proc;
	int *tmpfs;
	size_t tmpfs_len;
	int *tmpfs_of; /* of each mount of the config: which of them, borrowed; -1: none */
	bool *made;    /* of each mount of the config: it is a tmpfs whose mount point was missing */
};

void jail_root_free(struct jail_root *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->tmpfs_len; i++)
		fd_close(b->tmpfs[i]);
	free(b->tmpfs);
	free(b->tmpfs_of);
	free(b->made);
	fd_close(b->root);
	free(b);
}

static bool is_missing(int root, const char *path)
{
	int fd = rootpath_open(root, path, O_PATH);

	fd_close(fd);
	return fd == -ENOENT;
}

/*
 * Makes the names of terminals in what stands for a devpts, @dir, by which readers of /proc (podman top) name those of the
 * guest. Nothing opens them: the mount is without devices. A user namespace may make none, and they stay without a name.
 */
static void name_terminals(int dir)
{
	char name[16];

	for (unsigned int i = 0; i < TERMINALS; i++) {
		(void)snprintf(name, sizeof(name), "%u", i); /* fits */
		(void)mknodat(dir, name, S_IFCHR | 0620, makedev(UNIX98_PTY_SLAVE_MAJOR, i));
	}
}

/*
 * Builds a mount that is no bind mount. In the place of a file system that exists in the guest alone, the tree has an
 * empty tmpfs, so that mount points below it are made there and not in the rootfs.
 */
static int build_fs(struct jail_root *b, size_t mount)
{
	static const char *const tmpfs[] = { "mode", "755", "size", "1m", "nr_inodes", "1k", NULL };
	const struct spec_mount *m = &b->spec->mounts.v[mount];
	enum rootpath_kind kind = is_type(m, "proc") || is_type(m, "sysfs") ? ROOTPATH_PLAIN_DIR : ROOTPATH_DIR;
	int r;

	if (is_type(m, "proc") && b->own_pids) {
		b->has_proc = true;
		return attach_fs("proc", NULL, b->root, m->destination, kind, NULL);
	}
	if (spec_mount_has(m, "remount"))
		return 0; /* A remount changes a mount that is there already: nothing to make. */
	b->made[mount] = is_type(m, "tmpfs") && is_missing(b->root, m->destination);
	r = attach_fs("tmpfs", tmpfs, b->root, m->destination, kind, &b->tmpfs[b->tmpfs_len]);
	if (r == 0 && is_type(m, "devpts"))
		name_terminals(b->tmpfs[b->tmpfs_len]);
	if (r == 0)
		b->tmpfs_of[mount] = b->tmpfs[b->tmpfs_len++];
	return r;
}

/* Builds all mounts of the config in their order, and a /proc even if the config has none. */
static int build(struct jail_root *b, struct err *err)
{
	size_t next_bind = 0;

	for (size_t i = 0; i < b->spec->mounts.n; i++) {
		const struct spec_mount *m = &b->spec->mounts.v[i];
		int r;

		if (next_bind < b->binds->n && b->binds->v[next_bind].mount == i) {
			r = attach_bind(&b->binds->v[next_bind++], b->root, m, err);
			if (r < 0)
				return r;
			continue;
		}
		r = build_fs(b, i);
		if (r < 0)
			return fail_mount(m, i, r, err);
	}
	if (!b->has_proc && b->own_pids) {
		int r = attach_fs("proc", NULL, b->root, "/proc", ROOTPATH_PLAIN_DIR, NULL);

		/* An image may have no place for /proc, or be on a read-only file system: nothing of ours depends on it. */
		if (r < 0 && r != -EROFS && r != -ENOENT && r != -ENOTDIR && r != -EACCES)
			return err_sys(err, r, "cannot mount /proc in the container's root");
	}
	return b->spec->root->readonly ? points_make_rest(b->root, b->spec, b->container, err) : 0;
}

/* Makes read-only what the guest's processes could not write either, and the empty tmpfs mounts. */
static int seal(const struct jail_root *b, struct err *err)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };

	for (size_t i = 0; i < b->tmpfs_len; i++) {
		if (mount_setattr(b->tmpfs[i], "", AT_EMPTY_PATH, &readonly, sizeof(readonly)) < 0)
			return err_sys(err, errno, "cannot seal a tmpfs of the monitor's root");
	}
	if (b->spec->root->readonly && mount_setattr(b->root, "", AT_EMPTY_PATH, &readonly, sizeof(readonly)) < 0)
		return err_sys(err, errno, "root.readonly: cannot make the monitor's root read-only");
	return 0;
}

int jail_build(const struct spec *spec, const struct guest_container *container, const char *rootfs,
	struct binds *binds, bool own_pids, struct jail_root **ret, struct err *err)
{
	struct jail_root *b = calloc(1, sizeof(*b));
	int r = 0;

	if (!b)
		return err_sys(err, ENOMEM, "mounts");
	*b = (struct jail_root){ .spec = spec,
		.container = container,
		.binds = binds,
		.root = steal_fd(&binds->root_jail_fd),
		.own_pids = own_pids,
		.tmpfs = calloc(spec->mounts.n + 1, sizeof(*b->tmpfs)),
		.tmpfs_of = calloc(spec->mounts.n + 1, sizeof(*b->tmpfs_of)),
		.made = calloc(spec->mounts.n + 1, sizeof(*b->made)) };
	for (size_t i = 0; b->tmpfs_of && i < spec->mounts.n; i++)
		b->tmpfs_of[i] = -1;
	if (!b->tmpfs || !b->tmpfs_of || !b->made)
		r = err_sys(err, ENOMEM, "mounts");
	else if (move_mount(b->root, "", AT_FDCWD, rootfs, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) < 0)
		r = err_sys(err, errno, "cannot mount the container's root at \"%s\"", rootfs);
	else
		r = build(b, err);
	if (r < 0) {
		jail_root_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

int jail_make_devices(const struct jail_root *root, struct err *err)
{
	return points_make_devices(root->root, root->spec, root->container, err);
}

bool jail_made_tmpfs_point(const struct jail_root *root, size_t mount)
{
	return root->made[mount];
}

int jail_open_view(void)
{
	int fd = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A FUSE file system served on @fd with its root of @mode, unattached: a descriptor or -errno. @more: options of its own. */
static int make_fuse(int fd, const char *mode, const char *const more[4], unsigned int attrs)
{
	char number[16], uid[16], gid[16];
	const char *const options[] = { "source", "vmrunc", "fd", number, "rootmode", mode, "user_id", uid, "group_id",
		gid, "allow_other", NULL, more[0], more[1], more[2], more[3], NULL };

	(void)snprintf(number, sizeof(number), "%d", fd); /* these fit */
	(void)snprintf(uid, sizeof(uid), "%u", geteuid());
	(void)snprintf(gid, sizeof(gid), "%u", getegid());
	return make_fs("fuse", options, attrs);
}

int jail_mount_view(const struct jail_root *b, int fd, struct err *err)
{
	static const char *const more[4] = { NULL };
	autoclose int view = -1, proc = -1;

	if (fd < 0)
		return err_sys(err, fd, "cannot open /dev/fuse");
	view = make_fuse(fd, "40555", more, MOUNT_ATTR_RDONLY);
	if (view < 0)
		return err_sys(err, view, "cannot make a FUSE file system");
	proc = rootpath_open(b->root, "/proc", O_PATH | O_DIRECTORY);
	if (proc < 0)
		return err_sys(err, proc, "/proc of the container's root");
	if (move_mount(view, "", proc, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(err, errno, "cannot mount a FUSE file system at /proc of the container's root");
	return 0;
}

static bool may_be_shown(const struct spec_mount *m)
{
	return is_type(m, "tmpfs") && !spec_mount_has(m, "remount") && strcmp(m->destination, "/dev") != 0;
}

size_t jail_count_shown(const struct spec *spec)
{
	size_t n = 0;

	for (size_t i = 0; i < spec->mounts.n; i++)
		n += may_be_shown(&spec->mounts.v[i]);
	return n;
}

/* Whether the directory @fd, an O_PATH descriptor, has no entries. */
static bool is_empty(int fd)
{
	int entries = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = entries < 0 ? NULL : fdopendir(entries);
	const struct dirent *e = NULL;
	bool empty = dir;

	while (dir && (e = readdir(dir)) != NULL)
		empty = empty && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
	if (dir)
		(void)closedir(dir);
	else
		fd_close(entries);
	return empty;
}

int jail_mount_tmpfs(const struct jail_root *b, size_t mount, int fd)
{
	char read_max[16];
	const char *const more[4] = { "default_permissions", NULL, "max_read", read_max };
	const struct spec_mount *m = &b->spec->mounts.v[mount];
	autoclose int view = -1, at = -1;
	struct stat own, seen;

	if (!may_be_shown(m) || b->tmpfs_of[mount] < 0)
		return -ENOENT;
	/* what is mounted in it has a mount point, and it had no other files */
	at = rootpath_open(b->root, m->destination, O_PATH | O_DIRECTORY);
	if (at < 0 || fstat(at, &seen) < 0 || fstat(b->tmpfs_of[mount], &own) < 0 || own.st_dev != seen.st_dev ||
		own.st_ino != seen.st_ino || !is_empty(at))
		return -ENOENT;
	(void)snprintf(read_max, sizeof(read_max), "%u", (unsigned int)PROTO_FILE_DATA_MAX);
	view = make_fuse(fd, "40755", more, spec_mount_has(m, "ro") ? MOUNT_ATTR_RDONLY : 0);
	if (view < 0)
		return view;
	if (move_mount(view, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

int jail_pivot(struct jail_root *b, struct err *err)
{
	int r = seal(b, err);

	if (r < 0)
		return r;
	if (fchdir(b->root) < 0)
		return err_sys(err, errno, "cannot enter the container's root");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(err, errno, "cannot pivot into the container's root");
	/* Now the old root lies over the new one, at ".". */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(err, errno, "cannot unmount the host's root");
	return 0;
}

/*
 * The empty root is a mount that is attached nowhere. So a process that gets out of the chroot nevertheless (which
 * takes CAP_SYS_CHROOT, or a descriptor of a directory outside) is still in that mount.
 */
int jail_chroot(int mount_ns, struct err *err)
{
	static const char *const options[] = { "mode", "555", "size", "4k", NULL };
	autoclose int root = make_fs("tmpfs", options, MOUNT_ATTR_RDONLY);

	if (root < 0)
		return err_sys(err, root, "cannot make an empty root for the monitor");
	if (mount_ns >= 0 && setns(mount_ns, CLONE_NEWNS) < 0)
		return err_sys(err, errno, "cannot join the mount namespace");
	if (fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return err_sys(err, errno, "cannot enter the monitor's empty root");
	return 0;
}

int jail_enter_user(int user_ns, const struct owner_maps *owners, struct err *err)
{
	int r = owners_enter(owners, false, user_ns);

	return r < 0 ? err_sys(err, r, "cannot enter the monitor's user namespace") : 0;
}

/* --- capabilities --- */

/*
 * What file service needs to change files, since it acts in the guest's name on files of any owner and mode, and where the
 * config gives that to its process makes device nodes and sets file capabilities. Its threads change their fsuid and fsgid.
 */
static const cap_value_t kept[] = {
	CAP_CHOWN,
	CAP_FOWNER,
	CAP_FSETID,
	CAP_SETUID,
	CAP_SETGID,
	CAP_SETFCAP,
	CAP_MKNOD,
};

static bool is_kept(cap_value_t cap, enum jail_service service, const struct file_policy *files)
{
	if (cap == CAP_DAC_OVERRIDE)
		return service != JAIL_NO_FILES;
	if (service != JAIL_WRITES || (cap == CAP_MKNOD && !files->devices) ||
		(cap == CAP_SETFCAP && !files->file_caps))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		if (kept[i] == cap)
			return true;
	}
	return false;
}

/* Lets threads keep their capabilities when they change their fsuid. Who may not say so has none that would be lost. */
static int keep_over_setuid(struct err *err)
{
	int bits = prctl(PR_GET_SECUREBITS);

	if (bits < 0 || (prctl(PR_SET_SECUREBITS, (unsigned long)bits | SECBIT_NO_SETUID_FIXUP) < 0 && errno != EPERM))
		return err_sys(err, errno, "cannot set securebits");
	return 0;
}

int jail_drop(enum jail_service service, const struct file_policy *files, struct err *err)
{
	cap_t current = cap_get_proc(), wanted = cap_init();
	int r = keep_over_setuid(err); /* takes CAP_SETPCAP, which is not kept */

	if (r == 0 && (!current || !wanted))
		r = err_sys(err, ENOMEM, "cannot read or set capabilities");
	for (cap_value_t cap = 0; r == 0 && cap < cap_max_bits(); cap++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (!is_kept(cap, service, files)) {
			if (cap_drop_bound(cap) < 0 && errno != EINVAL && errno != EPERM)
				r = err_sys(err, errno, "cannot drop capability %d", (int)cap);
			continue;
		}
		if (cap_get_flag(current, cap, CAP_PERMITTED, &has) == 0 && has == CAP_SET &&
			(cap_set_flag(wanted, CAP_PERMITTED, 1, &cap, CAP_SET) < 0 ||
				cap_set_flag(wanted, CAP_EFFECTIVE, 1, &cap, CAP_SET) < 0))
			r = err_sys(err, errno, "cannot read or set capabilities");
	}
	if (r == 0 && cap_set_proc(wanted) < 0)
		r = err_sys(err, errno, "cannot set the monitor's capabilities");
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = err_sys(err, errno, "cannot set no_new_privs");
	if (current)
		(void)cap_free(current);
	if (wanted)
		(void)cap_free(wanted);
	return r;
}
