/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on extended attributes: xattrwalk, xattrcreate. What their fids stand for is in xattr.c. */
#include "p9/msg.h"
#include "p9/ops.h"

int p9_op_xattrwalk(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	uint32_t newfid = wire_get_u32(&call->in);
	const char *name = p9_get_str(call);
	struct p9_xattr *xattr = NULL;
	autoref ref = { 0 };
	uint32_t size;
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r == 0 && ref.xattr != NULL) /* GUEST: */
		r = -EINVAL;
	if (r == 0)
		r = p9_xattr_load(call->session->server, ref.node, name, &xattr);
	if (r < 0)
		return r;
	size = p9_xattr_size(xattr);
	fs_node_get(ref.node);
	r = p9_fid_add(call->session, newfid, ref.node, xattr, ref.uid);
	if (r < 0) {
		p9_xattr_put(xattr);
		fs_node_put(ref.node);
		return r;
	}
	p9_put(call, size, 8);
	return 0;
}

int p9_op_xattrcreate(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	const char *name = p9_get_str(call);
	uint64_t size = wire_get_u64(&call->in);
	uint32_t flags = wire_get_u32(&call->in);
	struct p9_xattr *x;
	autoref ref = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0 && (size > FS_XATTR_MAX || name[0] == '\0')) /* GUEST: */
		r = name[0] == '\0' ? -EINVAL : -E2BIG;
	if (r == 0 && (flags & ~(P9_XATTR_CREATE | P9_XATTR_REPLACE)) != 0) /* GUEST: */
		r = -EINVAL;
	if (r == 0)
		r = p9_fid_get(call->session, fid, &ref);
	if (r == 0 && (ref.file != NULL || ref.xattr != NULL)) /* GUEST: */
		r = -EINVAL;
	if (r == 0)
		r = p9_xattr_create(call->session->server, ref.node, name, (uint32_t)size, (int)flags, &x);
	if (r < 0)
		return r;
	r = p9_fid_change(call->session, fid, &ref, NULL, NULL, x);
	if (r < 0)
		p9_xattr_put(x);
	return r;
}
