/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest may not do although its kernel allows it: see policy.h.
 *
 * The files of a procfs are known by their names, since nothing can be linked or renamed there; a name that other file
 * systems have too costs one fstatfs(2) when it is opened.
 */
#include "fs/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "fs/cred.h"
#include "host/kernel_fs.h"

pthread_mutex_t fs_policy_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- procfs ---- */

/* Of /proc/PID and /proc/PID/task/TID, and of /proc itself. */
static const char *const secret_files[] = { "auxv", "clear_refs", "environ", "io", "kcore", "kmem", "kpagecgroup",
	"kpagecount", "kpageflags", "maps", "mem", "numa_maps", "pagemap", "smaps", "smaps_rollup", "stack",
	"syscall" };
static const char *const secret_dirs[] = { "fd", "fdinfo", "map_files" };

static bool is_of_procfs(const struct fs_node *node)
{
	struct statfs st;

	/* What cannot be asked is treated as the worst that it can be. */
	return fstatfs(node->fd, &st) < 0 || st.f_type == PROC_SUPER_MAGIC;
}

/* Whether @node was found under one of the @len @names. A file that has no name may have any. */
static bool has_name(const struct fs_node *node, const char *const *names, size_t len, bool nameless)
{
	bool found = false;

	pthread_mutex_lock(&node->export->lock);
	if (!node->name)
		found = nameless;
	for (size_t i = 0; node->name && !found && i < len; i++)
		found = strcmp(node->name, names[i]) == 0;
	pthread_mutex_unlock(&node->export->lock);
	return found;
}

int fs_policy_walk(const struct fs_node *dir)
{
	return has_name(dir, secret_dirs, ARRAY_LEN(secret_dirs), false) && is_of_procfs(dir) ? -EACCES : 0;
}

int fs_policy_open(const struct fs_node *node)
{
	if (node->type == S_IFDIR)
		return fs_policy_walk(node);
	return has_name(node, secret_files, ARRAY_LEN(secret_files), true) && is_of_procfs(node) ? -EACCES : 0;
}

/* ---- the kernel's own file systems ---- */

int fs_policy_write(struct fs_node *node)
{
	int known = atomic_load_explicit(&node->of_kernel, memory_order_relaxed);

	if (node->export->policy.kernel_files)
		return 0;
	if (known == 0) {
		known = kernel_fs_has(node->fd) ? 1 : -1;
		atomic_store_explicit(&node->of_kernel, known, memory_order_relaxed);
	}
	return known > 0 ? -EROFS : 0;
}

/* ---- what has a meaning on the host ---- */

int fs_policy_mknod(const struct fs_export *export, uint32_t mode, uint64_t rdev)
{
	bool device = S_ISBLK(mode) || (S_ISCHR(mode) && rdev != 0);

	return device && !export->policy.devices ? -EPERM : 0;
}

static bool is_owner(const struct file_policy *p, uint32_t uid)
{
	return uid >= p->owner_first && uid <= p->owner_last;
}

static bool is_group(const struct file_policy *p, uint32_t gid)
{
	return gid >= p->group_first && gid <= p->group_last;
}

/* Whether the policy has nothing against set-id bits on any file. */
static bool is_free(const struct file_policy *p)
{
	return p->owner_first == 0 && p->owner_last == UINT32_MAX && p->group_first == 0 && p->group_last == UINT32_MAX;
}

uint32_t fs_policy_new_mode(const struct fs_export *export, uint32_t mode, uint32_t uid)
{
	const struct file_policy *p = &export->policy;
	uint32_t inside;

	if (is_free(p))
		return mode;
	/* who has no number here makes files for the service's user */
	if (fs_cred_uid_inside(export->fs, uid, &inside) < 0 || inside == FS_OWNER_SERVICE)
		uid = fs_cred_uid_outside(export->fs, export->fs->uid);
	if (!is_owner(p, uid))
		mode &= ~(uint32_t)S_ISUID;
	/* Its group may be the directory's: who wants the bit sets it when the file is there. */
	return mode & ~(uint32_t)S_ISGID;
}

int fs_policy_chmod(const struct fs_node *node, uint32_t mode)
{
	const struct file_policy *p = &node->export->policy;
	struct statx st;

	/* On a directory set-group-id is inherited, and makes nobody run anything. */
	if (!(mode & (S_ISUID | S_ISGID)) || node->type == S_IFDIR || is_free(p))
		return 0;
	if (statx(node->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) < 0)
		return -errno;
	mode &= ~(uint32_t)st.stx_mode & (S_ISUID | S_ISGID); /* those that it does not have already */
	if (mode && !is_owner(p, fs_cred_uid_outside(node->export->fs, st.stx_uid)))
		return -EPERM;
	return (mode & S_ISGID) && !is_group(p, fs_cred_gid_outside(node->export->fs, st.stx_gid)) ? -EPERM : 0;
}

/*
 * Labels of the host's security modules are never a guest's to give, nor is trusted.*, by which file systems and daemons
 * of the host's root know their own.
 */
int fs_policy_xattr(const struct fs_export *export, const char *name, bool remove)
{
	if (strncmp(name, "trusted.", 8) == 0)
		return -EPERM;
	if (strncmp(name, "security.", 9) != 0)
		return 0;
	if (strcmp(name, "security.capability") != 0)
		return -EPERM;
	return remove || export->policy.file_caps ? 0 : -EPERM;
}
