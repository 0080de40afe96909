/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As whom a serving thread acts on the host.
 *
 * The guest's kernel has decided who may do what before a request leaves it. The host is not to decide again with the
 * little it knows: it has neither the supplementary groups nor the capabilities of the guest's process. So a thread
 * keeps the file capabilities all the time (SECBIT_NO_SETUID_FIXUP), and takes the guest's ids as fsuid and fsgid only
 * while it makes a file: the new file belongs to them from its first moment, without a chown after the fact. Everything
 * else is done as the service's own user.
 *
 * One thing the guest's kernel leaves to its file system on uncached writes: that a set-user-id file loses the bit when
 * somebody else writes to it. The host's kernel clears the bit for a thread without CAP_FSETID. So a thread drops that
 * capability from its effective set before it writes for anybody but root, and takes it up again for what needs it
 * (chmod g+s, creation in set-group-id directories).
 *
 * glibc's wrappers would set the ids of all threads, hence the raw calls. What a thread is at present is kept in
 * thread-local variables, so that no system call is made as long as one user is served.
 *
 * In a user namespace of the container's (fs_set_owners()) the host does decide again: the capabilities hold for files of
 * the owners that it has, and of others a thread gets what is everybody's.
 *
 * A service without CAP_SETUID and CAP_SETGID (rootless, without a user namespace) cannot do any of this: its files all
 * belong to its user.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/cred.h"
#include "fs/inside.h"

uint32_t fs_cred_uid_outside(const struct fs *fs, uint32_t uid)
{
	return fs->owners ? owner_outside(&fs->owners->users, uid) : uid;
}

uint32_t fs_cred_gid_outside(const struct fs *fs, uint32_t gid)
{
	return fs->owners ? owner_outside(&fs->owners->groups, gid) : gid;
}

/* @id as @map has it, which is NULL if ids are what they are. */
static int id_inside(const struct owner_map *map, uint32_t id, uint32_t *ret_id)
{
	if (map && id != FS_OWNER_SERVICE)
		return owner_inside(map, id, ret_id) ? 0 : -EINVAL;
	*ret_id = id;
	return 0;
}

int fs_cred_uid_inside(const struct fs *fs, uint32_t uid, uint32_t *ret_uid)
{
	return id_inside(fs->owners ? &fs->owners->users : NULL, uid, ret_uid);
}

int fs_cred_gid_inside(const struct fs *fs, uint32_t gid, uint32_t *ret_gid)
{
	return id_inside(fs->owners ? &fs->owners->groups : NULL, gid, ret_gid);
}

/* What the calling thread is. */
static __thread struct {
	uint32_t uid, gid;
	bool lacks_fsetid;
} now;

static int caps_get(struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };

	return syscall(SYS_capget, &header, caps) < 0 ? -errno : 0;
}

static bool caps_have(const struct __user_cap_data_struct caps[2], int cap)
{
	return caps[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

bool fs_cred_able(void)
{
	struct __user_cap_data_struct caps[2];

	return caps_get(caps) == 0 && caps_have(caps, CAP_SETUID) && caps_have(caps, CAP_SETGID);
}

int fs_cred_thread_init(struct fs *fs)
{
	struct __user_cap_data_struct caps[2];
	int bits, r;

	now.uid = fs->uid;
	now.gid = fs->gid;
	if (fs->own_ids)
		return 0;
	bits = prctl(PR_GET_SECUREBITS);
	if (bits < 0)
		return -errno;
	if (!(bits & SECBIT_NO_SETUID_FIXUP) &&
		prctl(PR_SET_SECUREBITS, (unsigned long)bits | SECBIT_NO_SETUID_FIXUP) < 0)
		return -errno;
	r = caps_get(caps);
	if (r < 0)
		return r;
	now.lacks_fsetid = !caps_have(caps, CAP_FSETID);
	return 0;
}

/* Takes CAP_FSETID into the effective set, or drops it from there: 0 or -errno. */
static int set_fsetid(bool have)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct caps[2];
	int r = caps_get(caps);

	if (r < 0)
		return r;
	if (have)
		caps[0].effective |= caps[0].permitted & CAP_TO_MASK(CAP_FSETID);
	else
		caps[0].effective &= ~CAP_TO_MASK(CAP_FSETID);
	if (syscall(SYS_capset, &header, caps) < 0)
		return -errno;
	now.lacks_fsetid = !have;
	return 0;
}

/* Sets fsuid and fsgid: 0 or -EPERM. These calls do not say whether they worked, so a second one asks. */
static int set_ids(uint32_t uid, uint32_t gid)
{
	if (now.gid != gid) {
		syscall(SYS_setfsgid, gid);
		now.gid = (uint32_t)syscall(SYS_setfsgid, -1);
	}
	if (now.uid != uid) {
		syscall(SYS_setfsuid, uid);
		now.uid = (uint32_t)syscall(SYS_setfsuid, -1);
	}
	return now.uid == uid && now.gid == gid ? 0 : -EPERM;
}

int fs_cred_create(struct fs *fs, struct fs_owner owner)
{
	uint32_t uid, gid;

	if (fs->own_ids)
		return 0;
	if (now.lacks_fsetid) {
		int r = set_fsetid(true);

		if (r < 0)
			return r;
	}
	if (fs_cred_uid_inside(fs, owner.uid, &uid) < 0 || uid == FS_OWNER_SERVICE)
		uid = fs->uid;
	if (fs_cred_gid_inside(fs, owner.gid, &gid) < 0 || gid == FS_OWNER_SERVICE)
		gid = fs->gid;
	return set_ids(uid, gid);
}

int fs_cred_write(struct fs_export *export, uint32_t uid)
{
	bool root = (uid == 0 || uid == FS_OWNER_SERVICE) && export->policy.keep_setid;
	struct fs *fs = export->fs;

	if (fs->own_ids)
		return 0;
	if (now.lacks_fsetid == root) {
		int r = set_fsetid(root);

		if (r < 0)
			return r;
	}
	return set_ids(fs->uid, fs->gid);
}

void fs_cred_service(struct fs *fs)
{
	int r = fs_cred_create(fs, (struct fs_owner){ FS_OWNER_SERVICE, FS_OWNER_SERVICE });

	/* A thread can always take the service's ids back, since it started with them. */
	assert(r == 0);
	(void)r;
}

/*
 * A capability holds for a file if both its user and its group have numbers here; its owner needs none. So the service,
 * which may be any owner, is the owner of what has a group of the host's: a process of the container that owns the file may
 * use it (chown(1) of a volume often leaves the group), and the guest's kernel has decided that the process is the owner. If
 * the user has no number either, the kernel tells nobody's, which is nobody's but for the overflow id itself.
 */
void fs_cred_owner(const struct fs_node *node)
{
	const struct fs *fs = node->export->fs;
	struct statx st;
	int r;

	if (!fs->owners || fs->own_ids || statx(node->fd, "", AT_EMPTY_PATH, STATX_UID | STATX_GID, &st) < 0)
		return;
	if (st.stx_gid != OWNER_NOBODY || st.stx_uid == OWNER_NOBODY)
		return;
	r = set_ids(st.stx_uid, fs->gid);
	(void)r; /* then it is whom it was, and the host refuses what it must */
}

void fs_cred_node(const struct fs_node *node)
{
	fs_cred_service(node->export->fs);
	fs_cred_owner(node);
}
