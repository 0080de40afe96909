/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on directory entries: mkdir, mknod, symlink, link, rename, renameat, unlinkat. */
#include <errno.h>
#include <sys/sysmacros.h>

#include "p9/msg.h"
#include "p9/ops.h"

int p9_op_mkdir(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	const char *name = p9_get_str(call);
	uint32_t mode = wire_get_u32(&call->in);
	uint32_t gid = wire_get_u32(&call->in);
	struct fs_ident ident;
	autoref dir = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &dir);
	if (r == 0)
		r = fs_mkdir(dir.node, name, mode, (struct fs_owner){ dir.uid, gid }, &ident);
	if (r == 0)
		p9_put_qid(call, &ident);
	return r;
}

int p9_op_mknod(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	const char *name = p9_get_str(call);
	uint32_t mode = wire_get_u32(&call->in);
	uint32_t major = wire_get_u32(&call->in);
	uint32_t minor = wire_get_u32(&call->in);
	uint32_t gid = wire_get_u32(&call->in);
	struct fs_ident ident;
	autoref dir = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &dir);
	if (r == 0)
		r = fs_mknod(dir.node, name, mode, makedev(major, minor), (struct fs_owner){ dir.uid, gid }, &ident);
	if (r == 0)
		p9_put_qid(call, &ident);
	return r;
}

int p9_op_symlink(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	const char *name = p9_get_str(call);
	const char *target = p9_get_str(call);
	uint32_t gid = wire_get_u32(&call->in);
	struct fs_ident ident;
	autoref dir = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &dir);
	if (r == 0)
		r = fs_symlink(dir.node, name, target, (struct fs_owner){ dir.uid, gid }, &ident);
	if (r == 0)
		p9_put_qid(call, &ident);
	return r;
}

int p9_op_link(struct p9_call *call)
{
	uint32_t dir_fid = wire_get_u32(&call->in);
	uint32_t fid = wire_get_u32(&call->in);
	const char *name = p9_get_str(call);
	autoref dir = { 0 }, ref = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, dir_fid, &dir);
	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	return r < 0 ? r : fs_link(dir.node, name, ref.node);
}

int p9_op_rename(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	uint32_t dir_fid = wire_get_u32(&call->in);
	const char *name = p9_get_str(call);
	autoref dir = { 0 }, ref = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, dir_fid, &dir);
	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	return r < 0 ? r : fs_rename_node(ref.node, dir.node, name);
}

int p9_op_renameat(struct p9_call *call)
{
	uint32_t old_fid = wire_get_u32(&call->in);
	const char *old_name = p9_get_str(call);
	uint32_t new_fid = wire_get_u32(&call->in);
	const char *new_name = p9_get_str(call);
	autoref old_dir = { 0 }, new_dir = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get_any(call->session, old_fid, &old_dir);
	if (r == 0)
		r = p9_fid_get_any(call->session, new_fid, &new_dir);
	if (r == 0 && (old_dir.uid == P9_FORGETTER) != (new_dir.uid == P9_FORGETTER)) /* GUEST: */
		r = -EPERM;
	if (r == 0 && old_dir.uid == P9_FORGETTER)
		return 0;
	return r < 0 ? r : fs_rename(old_dir.node, old_name, new_dir.node, new_name);
}

int p9_op_unlinkat(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	const char *name = p9_get_str(call);
	uint32_t flags = wire_get_u32(&call->in);
	autoref dir = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0 && (flags & ~P9_AT_REMOVEDIR) != 0) /* GUEST: */
		r = -EINVAL;
	if (r == 0)
		r = p9_fid_get_any(call->session, fid, &dir);
	if (r == 0 && dir.uid == P9_FORGETTER)
		return 0;
	return r < 0 ? r : fs_unlink(dir.node, name, flags & P9_AT_REMOVEDIR);
}
