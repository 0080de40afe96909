/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's mounts: see mounts.h.
 *
 * All is done by the mount calls that take descriptors: a mount is made detached,
 * gets its attributes, and is then attached at a destination that was looked up
 * inside the root. So no path of the container is resolved by anything but
 * rootpath.c, and no mount is visible before it has its flags.
 */
#include "launch/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/copyup.h"
#include "base/rootpath.h"
#include "sys/sandbox.h"
#include "sys/sys.h"

#define MS_PROPAGATION (MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE)

/* The superblock flags of mount(2), as fsconfig(2) has them. Read-only is left to the attributes of the mount. */
static const struct {
	unsigned long flag;
	const char *word;
} super_flags[] = {
	{ MS_SYNCHRONOUS, "sync" },
	{ MS_DIRSYNC, "dirsync" },
	{ MS_LAZYTIME, "lazytime" },
};

int mount_set_propagation(int fd, uint32_t flags)
{
	struct mount_attr attr = { .propagation = flags & MS_PROPAGATION };

	if (!attr.propagation)
		return 0;
	return sys_mount_setattr(fd, flags & MS_REC ? AT_RECURSIVE : 0, &attr) < 0 ? -errno : 0;
}

int mount_clone(const char *path, bool recursive)
{
	int fd = sys_open_tree(AT_FDCWD, path,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | (recursive ? AT_RECURSIVE : 0));

	return fd < 0 ? -errno : fd;
}

/* --- a new file system --- */

/* Writes what the kernel says about a failed fsconfig(2), " (WORDS)" or "", to @ret. */
static void mount_fs_words(int fs, char *ret, size_t size)
{
	char line[256];
	ssize_t n = read(fs, line, sizeof(line) - 1);

	*ret = '\0';
	if (n < 3) /* "e words" */
		return;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	(void)snprintf(ret, size, " (%.200s)", line + 2);
}

/* Sets @err for errno and "FSTYPE @what", and adds what the kernel says. Returns -errno. */
static int mount_fs_error(const struct guest_mount *m, int fs, const char *what, struct err *err)
{
	char words[256];
	int e = errno;

	mount_fs_words(fs, words, sizeof(words));
	return err_sys(err, e, "mount \"%s\": %s %s%s", m->destination, m->fstype, what, words);
}

static int mount_fs_flags(const struct guest_mount *m, int fs, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(super_flags); i++) {
		if ((m->flags & super_flags[i].flag) &&
			sys_fsconfig(fs, FSCONFIG_SET_FLAG, super_flags[i].word, NULL) < 0)
			return mount_fs_error(m, fs, super_flags[i].word, err);
	}
	return 0;
}

/* Gives the comma-separated @data to @fs, word by word. */
static int mount_fs_options(const struct guest_mount *m, int fs, struct err *err)
{
	autofree char *copy = strdup(m->data);
	char *save = NULL;

	if (!copy)
		return err_set(err, ENOMEM, "mount \"%s\": no memory", m->destination);
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		char *value = strchr(word, '=');
		int r;

		if (value)
			*value++ = '\0';
		r = value ? sys_fsconfig(fs, FSCONFIG_SET_STRING, word, value)
			  : sys_fsconfig(fs, FSCONFIG_SET_FLAG, word, NULL);
		if (r < 0) {
			char what[128];

			(void)snprintf(what, sizeof(what), "refuses option \"%.64s\"", word);
			return mount_fs_error(m, fs, what, err);
		}
	}
	return 0;
}

/* Gives a tmpfs the mode of the directory that it covers; options that follow may give it another. */
static int mount_fs_mode(int root, const struct guest_mount *m, int fs, struct err *err)
{
	autoclose int at = -1;
	char mode[16];
	struct stat st;

	if (strcmp(m->fstype, "tmpfs") != 0)
		return 0;
	at = rootpath_open(root, m->destination, O_PATH | O_DIRECTORY);
	if (at < 0 || fstat(at, &st) < 0)
		return 0; /* there is no directory yet: the mode is tmpfs's own default */
	(void)snprintf(mode, sizeof(mode), "%o", (unsigned int)st.st_mode & 07777); /* fits */
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", mode) < 0)
		return mount_fs_error(m, fs, "refuses the mode of the directory that it covers", err);
	return 0;
}

/*
 * Makes a detached mount of a new file system, or of what the namespace has once,
 * as with proc. Returns a descriptor, or -errno with @err set.
 */
static int mount_fs(int root, const struct guest_mount *m, struct err *err)
{
	autoclose int fs = sys_fsopen(m->fstype, FSOPEN_CLOEXEC);
	int fd, r;

	if (fs < 0 && errno == ENODEV)
		return err_set(err, ENODEV,
			"mount \"%s\": type \"%s\": the guest's kernel has no such file system (mount it on the host, and bind that)",
			m->destination, m->fstype);
	if (fs < 0)
		return err_sys(err, errno, "mount \"%s\": file system \"%s\"", m->destination, m->fstype);
	if (*m->source && sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", m->source) < 0)
		return mount_fs_error(m, fs, "refuses its source", err);
	r = mount_fs_flags(m, fs, err);
	if (r == 0)
		r = mount_fs_mode(root, m, fs, err);
	if (r == 0)
		r = mount_fs_options(m, fs, err);
	if (r < 0)
		return r;
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return mount_fs_error(m, fs, "cannot be set up", err);
	fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fd < 0)
		return mount_fs_error(m, fs, "cannot be mounted", err);
	return fd;
}

/*
 * As mount_fs(). sysfs belongs to the network namespace, cgroup2 to the cgroup
 * namespace. Where these are the VM's, a container with a user namespace of its
 * own may not mount them; it gets a copy instead: of the sysfs that the agent has
 * staged, and, as with runc, of its own cgroup.
 */
static int mount_fs_or_copy(const struct launch *l, int root, const struct guest_mount *m, struct err *err)
{
	bool cgroup = strcmp(m->fstype, "cgroup2") == 0 && l->agent->cgroup;
	int fd = mount_fs(root, m, err);
	char path[512];

	if (fd != -EPERM || !l->new_ns[GUEST_NS_USER])
		return fd;
	if (!cgroup && strcmp(m->fstype, "sysfs") != 0)
		return fd;
	if (cgroup)
		(void)snprintf(path, sizeof(path), "%s/%s", l->agent->cgroup, l->container->cid); /* as in cgroup.c */
	else
		(void)snprintf(path, sizeof(path), "%s/" SANDBOX_SYSFS, l->agent->shares); /* shares is short */
	fd = mount_clone(path, cgroup);
	if (fd < 0)
		return err_sys(err, fd, "mount \"%s\": cannot copy \"%s\"", m->destination, path);
	*err = (struct err)ERR_INIT;
	return fd;
}

/* --- binds --- */

/* A detached copy of the source of a bind. Returns a descriptor, or -errno with @err set. */
static int mount_bind(const struct launch *l, const struct guest_mount *m, struct err *err)
{
	const char *share = m->kind == GUEST_MOUNT_BIND_SHARED                                       ? SANDBOX_SHARED
			    : m->kind == GUEST_MOUNT_BIND_RELAY || m->kind == GUEST_MOUNT_BIND_ENTRY ? SANDBOX_RELAYS
												     : SANDBOX_PRIVATE;
	char path[4096 + 64];
	int fd;

	if (m->kind == GUEST_MOUNT_BIND_GUEST)
		fd = snprintf(path, sizeof(path), "%s", m->source);
	else
		fd = snprintf(path, sizeof(path), "%s/%s/%s", l->agent->shares, share, m->source);
	if ((size_t)fd >= sizeof(path))
		return err_set(err, ENAMETOOLONG, "mount \"%s\": source \"%s\"", m->destination, m->source);
	fd = mount_clone(path, m->flags & MS_REC);
	if (fd < 0)
		return err_sys(err, fd, "mount \"%s\": source \"%s\"", m->destination, m->source);
	return fd;
}

/*
 * A detached copy of what lies below the container's @root, where the mounts before this one are by now. Returns a
 * descriptor, or -errno with @err set.
 */
static int mount_bind_inside(int root, const struct guest_mount *m, struct err *err)
{
	autoclose int at = rootpath_open(root, m->source, O_PATH);
	unsigned int flags =
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (m->flags & MS_REC ? AT_RECURSIVE : 0u);
	int fd = at < 0 ? at : sys_open_tree(at, "", flags);

	if (fd < 0)
		return err_sys(err, at < 0 ? at : errno, "mount \"%s\": source \"%s\" in the container's root",
			m->destination, m->source);
	return fd;
}

/* The detached mount @number, which is not made yet, without its attributes: a descriptor, or -errno with @err set. */
static int mount_begin(const struct launch *l, int root, uint32_t number, struct err *err)
{
	const struct guest_mount *m = &l->container->mounts.at[number];

	if (l->opened && l->opened[number] >= 0)
		return l->opened[number];
	if (m->kind == GUEST_MOUNT_FS)
		return mount_fs_or_copy(l, root, m, err);
	return m->kind == GUEST_MOUNT_BIND_INSIDE ? mount_bind_inside(root, m, err) : mount_bind(l, m, err);
}

/* --- attributes, and the place --- */

/* Whether @m gets read-only at the end: a file system of the container alone, in which mount points may be made. */
static bool mount_is_sealed(const struct guest_mount *m)
{
	return m->kind == GUEST_MOUNT_FS && strcmp(m->fstype, "tmpfs") == 0 &&
	       ((m->attr_set | m->rec_attr_set) & MOUNT_ATTR_RDONLY);
}

/* Sets the flags of the mount itself. 0, or -errno with @err. */
static int mount_set_own(const struct guest_mount *m, int fd, struct err *err)
{
	uint64_t later = mount_is_sealed(m) ? MOUNT_ATTR_RDONLY : 0;
	struct mount_attr one = { .attr_set = m->attr_set & ~later, .attr_clr = m->attr_clear };

	if ((one.attr_set || one.attr_clr) && sys_mount_setattr(fd, 0, &one) < 0)
		return err_sys(err, errno, "mount \"%s\": cannot set its flags", m->destination);
	return 0;
}

static int mount_set_attributes(const struct guest_mount *m, int fd, struct err *err)
{
	uint64_t later = mount_is_sealed(m) ? MOUNT_ATTR_RDONLY : 0;
	struct mount_attr rec = { .attr_set = m->rec_attr_set & ~later, .attr_clr = m->rec_attr_clear };
	int r = mount_set_own(m, fd, err);

	if (r < 0)
		return r;
	/* the recursive ones last, as with runc and crun: of "dev" and "rnodev" the latter counts, in any order */
	if ((rec.attr_set || rec.attr_clr) && sys_mount_setattr(fd, AT_RECURSIVE, &rec) < 0)
		return err_sys(err, errno, "mount \"%s\": cannot set its recursive flags", m->destination);
	return 0;
}

int mounts_open(const struct launch *l, const int **ret, struct err *err)
{
	const struct guest_mounts *mounts = &l->container->mounts;
	int *opened = calloc(mounts->len + 1u, sizeof(*opened));

	if (!opened)
		return err_set(err, ENOMEM, "mounts: no memory");
	for (uint32_t i = 0; i < mounts->len; i++) {
		const struct guest_mount *m = &mounts->at[i];
		bool copy = m->kind != GUEST_MOUNT_FS && m->kind != GUEST_MOUNT_BIND_INSIDE &&
			    m->kind != GUEST_MOUNT_REMOUNT;

		opened[i] = -1;
		if (!copy || !(m->attr_set & (MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME)))
			continue;
		opened[i] = mount_bind(l, m, err);
		if (opened[i] < 0 || mount_set_own(m, opened[i], err) < 0)
			return -err->errnum;
	}
	*ret = opened;
	return 0;
}

/*
 * Whether @m may only be mounted on a directory under its own name, as with runc and crun: what is masked in it is found
 * by that name.
 */
static bool mount_wants_plain(const struct guest_mount *m)
{
	return m->kind == GUEST_MOUNT_FS && (strcmp(m->fstype, "proc") == 0 || strcmp(m->fstype, "sysfs") == 0);
}

/* Attaches @fd at the destination of @m below @root; if nothing is there, a directory or file is made, as @fd is one. */
static int mount_attach(int root, int fd, const struct guest_mount *m, struct err *err)
{
	const char *destination = m->destination;
	autoclose int at = -1;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "mount \"%s\"", destination);
	at = rootpath_make_point(root, destination,
		mount_wants_plain(m)  ? ROOTPATH_PLAIN_DIR
		: S_ISDIR(st.st_mode) ? ROOTPATH_DIR
				      : ROOTPATH_FILE);
	if (at == -ENOTDIR && mount_wants_plain(m))
		return err_set(err, ENOTDIR,
			"mount \"%s\": filesystem \"%s\" must be mounted on ordinary directory: not a directory",
			destination, m->fstype);
	if (at == -EBUSY)
		return err_set(
			err, EBUSY, "mount \"%s\": this is the root itself, which nothing can cover", destination);
	if (at < 0)
		return err_sys(err, at, "mount \"%s\": cannot make the destination", destination);
	if (rootpath_check_kinds(fd, at) == -ENOTDIR)
		return err_set(err, ENOTDIR,
			"mount \"%s\": not a directory: a directory goes on a directory, and a file on a file",
			destination);
	if (sys_move_mount(fd, at) < 0)
		return err_sys(err, errno, "mount \"%s\"", destination);
	return 0;
}

/* Whether the options of @m have a mode. */
static bool mount_says_mode(const struct guest_mount *m)
{
	return strncmp(m->data, "mode=", 5) == 0 || strstr(m->data, ",mode=");
}

/* Fills the new tmpfs @fd with what its destination holds now. */
static int mount_copy_up(int root, const struct guest_mount *m, int fd, struct err *err)
{
	autoclose int from = rootpath_make(root, m->destination, ROOTPATH_DIR, NULL);
	int r;

	if (from < 0)
		return err_sys(err, from, "mount \"%s\": cannot make the destination", m->destination);
	r = copyup_tree(from, fd, !mount_says_mode(m));
	return r < 0 ? err_sys(err, r, "mount \"%s\": cannot copy what is there (tmpcopyup)", m->destination) : 0;
}

/* Sets the propagation of the mount, one flag after the other. */
static int mount_spread(const struct guest_mount *m, int fd, struct err *err)
{
	for (uint32_t i = 0; i < m->propagation.len; i++) {
		int r = mount_set_propagation(fd, m->propagation.at[i]);

		if (r < 0)
			return err_sys(err, r, "mount \"%s\": cannot set its propagation", m->destination);
	}
	return 0;
}

/* --- what is mounted already --- */

/* Gives the file system that @at is in new options, if there are any. */
static int mount_reconfigure(const struct guest_mount *m, int at, struct err *err)
{
	autoclose int fs = -1;
	bool super = *m->data;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(super_flags); i++)
		super |= (m->flags & super_flags[i].flag) != 0;
	if (!super)
		return 0;
	fs = sys_fspick(at);
	if (fs < 0)
		return err_sys(err, errno, "mount \"%s\": cannot remount its file system", m->destination);
	r = mount_fs_flags(m, fs, err);
	if (r == 0)
		r = mount_fs_options(m, fs, err);
	if (r == 0 && sys_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL) < 0)
		r = mount_fs_error(m, fs, "cannot be remounted", err);
	return r;
}

/* Changes the mount at the destination, as mount(2) with MS_REMOUNT: flags that are not given are off afterwards. */
static int mount_again(int root, const struct guest_mount *m, struct err *err)
{
	static const uint64_t flags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
				      MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW;
	autoclose int at = rootpath_open(root, m->destination, O_PATH);
	struct guest_mount whole = *m;
	int r;

	if (at < 0)
		return err_sys(err, at, "mount \"%s\": nothing is there to be remounted", m->destination);
	whole.attr_clear |= flags & ~m->attr_set;
	r = mount_reconfigure(m, at, err);
	if (r == 0)
		r = mount_set_attributes(&whole, at, err);
	return r == 0 ? mount_spread(m, at, err) : r;
}

/* Whether @destination is a socket. */
static bool mount_finds_socket(int root, const char *destination)
{
	autoclose int at = rootpath_open(root, destination, O_PATH);
	struct stat st;

	return at >= 0 && fstat(at, &st) == 0 && S_ISSOCK(st.st_mode);
}

int mount_make(const struct launch *l, int root, uint32_t number, struct err *err)
{
	const struct guest_mount *m = &l->container->mounts.at[number];
	autoclose int fd = -1;
	int r;

	if (m->kind == GUEST_MOUNT_REMOUNT)
		return mount_again(root, m, err);
	if (m->kind == GUEST_MOUNT_BIND_ENTRY && !mount_finds_socket(root, m->destination)) {
		if (l->opened)
			fd_close(l->opened[number]); /* a file of the VM, and the process is to hold none */
		return 0;
	}
	fd = mount_begin(l, root, number, err);
	if (fd < 0)
		return fd;
	r = m->tmpcopyup ? mount_copy_up(root, m, fd, err) : 0;
	if (r == 0)
		r = mount_set_attributes(m, fd, err);
	if (r == 0)
		r = mount_attach(root, fd, m, err);
	return r == 0 ? mount_spread(m, fd, err) : r;
}

int mount_seal_all(const struct guest_mounts *mounts, int root, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	for (uint32_t i = 0; i < mounts->len; i++) {
		const struct guest_mount *m = &mounts->at[i];
		bool last = true;
		autoclose int at = -1;

		/* a later one of the same destination covers it, or has set its flags anew */
		for (uint32_t k = i + 1; k < mounts->len && last; k++)
			last = strcmp(mounts->at[k].destination, m->destination) != 0;
		if (!last || !mount_is_sealed(m))
			continue;
		at = rootpath_open(root, m->destination, O_PATH);
		if (at < 0 || sys_mount_setattr(at, 0, &attr) < 0)
			return err_sys(
				err, at < 0 ? at : errno, "mount \"%s\": cannot make it read-only", m->destination);
	}
	return 0;
}

int mount_show(int root, const char *destination)
{
	struct mount_attr attr = { .propagation = MS_PRIVATE };
	autoclose int at = rootpath_open(root, destination, O_PATH | O_DIRECTORY);
	autoclose int copy = -1;
	struct statfs st;

	if (at < 0 || fstatfs(at, &st) < 0)
		return at < 0 ? at : -errno;
	if (st.f_type != TMPFS_MAGIC)
		return -ENOENT;
	copy = sys_open_tree(at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (copy < 0 || sys_mount_setattr(copy, 0, &attr) < 0)
		return -errno;
	return steal_fd(&copy);
}

/* --- masked and read-only paths --- */

/* A detached mount of an empty read-only directory. Returns a descriptor or -errno. */
static int mount_empty_dir(void)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	autoclose int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", "tmpfs") < 0 ||
		sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return -errno;
	fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (fd < 0)
		return -errno;
	if (sys_mount_setattr(fd, 0, &attr) < 0) {
		int e = errno;

		fd_close(fd);
		return -e;
	}
	return fd;
}

/*
 * A mount of the empty directory, to be attached. One file system serves all masked directories; a detached mount cannot be
 * cloned by every kernel, so the first is attached as it is, and *@first keeps it. Returns a descriptor or -errno.
 */
static int mount_empty_again(int *first)
{
	if (*first >= 0)
		return sys_open_tree(*first, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	*first = mount_empty_dir();
	return *first < 0 ? *first : fcntl(*first, F_DUPFD_CLOEXEC, 0);
}

int mount_mask(int root, const char *path, int *empty, struct err *err)
{
	autoclose int at = rootpath_open(root, path, O_PATH);
	autoclose int over = -1;
	struct stat st;

	if (at == -ENOENT || at == -ENOTDIR)
		return 0;
	if (at < 0 || fstat(at, &st) < 0)
		return err_sys(err, at < 0 ? at : errno, "cannot mask \"%s\"", path);
	over = S_ISDIR(st.st_mode) ? mount_empty_again(empty) : mount_clone("/dev/null", false);
	if (over < 0)
		return err_sys(err, over, "cannot mask \"%s\"", path);
	if (sys_move_mount(over, at) < 0)
		return err_sys(err, errno, "cannot mask \"%s\"", path);
	return 0;
}

int mount_make_readonly(int root, const char *path, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	autoclose int at = rootpath_open(root, path, O_PATH);
	autoclose int copy = -1;

	if (at == -ENOENT || at == -ENOTDIR)
		return 0;
	if (at < 0)
		return err_sys(err, at, "cannot make \"%s\" read-only", path);
	copy = sys_open_tree(at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (copy < 0 || sys_mount_setattr(copy, 0, &attr) < 0 || sys_move_mount(copy, at) < 0)
		return err_sys(err, errno, "cannot make \"%s\" read-only", path);
	return 0;
}
