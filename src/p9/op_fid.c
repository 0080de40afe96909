/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on fids: version, attach, walk, clunk, remove. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "p9/msg.h"
#include "p9/ops.h"

/* Tversion runs alone: request.c lets it start when all requests before it have ended. */
int p9_op_version(struct p9_call *call)
{
	struct p9_session *session = call->session;
	uint32_t msize = wire_get_u32(&call->in);
	const char *version = p9_get_str(call);
	bool known;
	int r = wire_finish(&call->in);

	if (r < 0)
		return r;
	known = strcmp(version, P9_VERSION) == 0 && msize >= P9_MSIZE_MIN; /* GUEST: */
	msize = MIN(msize, session->server->limits.msize);
	p9_fid_clear(session);
	pthread_mutex_lock(&session->lock);
	session->msize = known ? msize : 0;
	pthread_mutex_unlock(&session->lock);
	version = known ? P9_VERSION : P9_VERSION_UNKNOWN;
	p9_put(call, msize, 4);
	p9_put_str(call, version, strlen(version));
	return 0;
}

/*
 * There is no authentication, since the one guest is at the other end of the transport. With ENOENT, diod, where this
 * dialect of 9P comes from, says that none is needed.
 */
int p9_op_auth(struct p9_call *call)
{
	(void)call;
	return -ENOENT;
}

/* Walks from the service's root down the path @aname ("", "/", "a/b" or "/a/b"), one step at a time, and cuts it up. */
static int attach_walk(struct p9_call *call, char *aname, struct fs_node **ret_node, struct fs_ident *ret_ident)
{
	struct fs_node *node = fs_root(call->session->server->fs);
	char *name, *rest = aname;
	int r = fs_ident_get(node, ret_ident);

	while (r == 0 && (name = strsep(&rest, "/")) != NULL) {
		struct fs_node *next;

		if (*name == '\0')
			continue;
		r = strcmp(name, "..") == 0 ? -EINVAL : fs_walk(node, name, &next, ret_ident); /* GUEST: */
		if (r == 0) {
			fs_node_put(node);
			node = next;
		}
	}
	if (r < 0)
		fs_node_put(node);
	else
		*ret_node = node;
	return r;
}

int p9_op_attach(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	uint32_t afid = wire_get_u32(&call->in);
	const char *uname = p9_get_str(call);
	const char *aname = p9_get_str(call);
	uint32_t uid = wire_get_u32(&call->in);
	struct fs_ident ident;
	struct fs_node *node;
	int r = wire_finish(&call->in);

	(void)uname; /* the name of a user of the guest means nothing here; the number does */
	if (r < 0)
		return r;
	if (afid != P9_NOFID) /* GUEST: nothing was authenticated */
		return -EINVAL;
	/* @aname is in the worker's copy of the message, which is ours to cut. */
	r = attach_walk(call, (char *)(uintptr_t)aname, &node, &ident);
	if (r < 0)
		return r;
	r = p9_fid_add(call->session, fid, node, NULL, uid);
	if (r < 0) {
		fs_node_put(node);
		return r;
	}
	p9_put_qid(call, &ident);
	return 0;
}

/*
 * Takes the steps of a Twalk, and puts their qids into the reply. Returns how many succeeded, or -errno if not even the
 * first did. *@ret_node, referenced, is set only after all of them.
 */
static int walk_steps(struct p9_call *call, struct fs_node *from, const char *const *names, unsigned int count,
	struct fs_node **ret_node)
{
	struct fs_node *node = fs_node_get(from), *next;
	struct fs_ident ident;

	for (unsigned int i = 0; i < count; i++) {
		int r = fs_walk(node, names[i], &next, &ident);

		if (r < 0) {
			fs_node_put(node);
			return i == 0 ? r : (int)i;
		}
		fs_node_put(node);
		node = next;
		p9_put_qid(call, &ident);
	}
	*ret_node = node;
	return (int)count;
}

/* The walk of P9_FORGETTER: it stays at @from (p9.h). As walk_steps(). */
static int walk_nowhere(struct p9_call *call, struct fs_node *from, const char *const *names, unsigned int count,
	struct fs_node **ret_node)
{
	const struct fs_ident anything = { .mode = S_IFREG };

	if (count != 0 && strncmp(names[count - 1], TAG_GONE, strlen(TAG_GONE)) == 0)
		return -ENOENT;
	for (unsigned int i = 0; i < count; i++)
		p9_put_qid(call, &anything);
	*ret_node = fs_node_get(from);
	return (int)count;
}

int p9_op_walk(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	uint32_t newfid = wire_get_u32(&call->in);
	unsigned int count = wire_get_u16(&call->in);
	const char *names[P9_WALK_MAX];
	uint8_t *count_at = call->out;
	struct fs_node *node = NULL;
	autoref from = { 0 };
	int steps, r;

	if (count > P9_WALK_MAX) /* GUEST: */
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++)
		names[i] = p9_get_str(call);
	r = wire_finish(&call->in);
	if (r < 0)
		return r;
	r = p9_fid_get_any(call->session, fid, &from);
	if (r < 0)
		return r;
	if (from.xattr != NULL || (from.file != NULL && newfid == fid)) /* GUEST: an open fid stays where it is */
		return -EINVAL;
	p9_put(call, count, 2);
	if (from.uid == P9_FORGETTER)
		steps = walk_nowhere(call, from.node, names, count, &node);
	else
		steps = walk_steps(call, from.node, names, count, &node);
	if (steps < 0)
		return steps;
	count_at[0] = (uint8_t)steps;
	if ((unsigned int)steps < count)
		return 0; /* this is no error, but there is no new fid either */
	if (newfid == fid)
		r = p9_fid_change(call->session, fid, &from, node, NULL, NULL);
	else
		r = p9_fid_add(call->session, newfid, node, NULL, from.uid);
	if (r < 0)
		fs_node_put(node);
	return r;
}

/* Whatever Tclunk is answered, the fid is gone. */
int p9_op_clunk(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	autoref ref = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_take(call->session, fid, &ref);
	if (r < 0)
		return r;
	if (ref.xattr != NULL)
		r = p9_xattr_close(ref.xattr);
	if (ref.file != NULL) {
		p9_ref_done(&ref);
		p9_locks_kick(call->session->server->locks); /* the file may have held some */
	}
	return r;
}

int p9_op_remove(struct p9_call *call)
{
	uint32_t fid = wire_get_u32(&call->in);
	autoref ref = { 0 };
	int r = wire_finish(&call->in);

	if (r == 0)
		r = p9_fid_take(call->session, fid, &ref);
	if (r == 0 && ref.uid == P9_FORGETTER)
		r = -EPERM;
	return r < 0 ? r : fs_remove_node(ref.node);
}
