/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fids: the numbers that a client gives to the nodes of its session.
 *
 * An operation takes a copy of what a fid stands for, with references of its own (struct p9_ref), and works on the
 * copy. So another request may clunk the fid, walk it elsewhere or open it meanwhile, and neither waits. An operation
 * changes a fid only if the fid still is what the operation found.
 *
 * A client may hold more fids, open ones too, than the process may have descriptors. So all fids of a session form a
 * ring with a hand, as that of a clock (the CLOCK algorithm of paging). When descriptors get short, each request moves
 * the hand a few fids on: it passes over a fid that was used since it last came by, and puts the file and the node of
 * another to rest. When they get scarce it goes all the way round, and then those of the process's other sessions do,
 * since the limit is one for the whole process. A fid's references are the idle ones of src/fs/rest.c: they are made
 * busy, and others taken, only under session->lock.
 */
#include <errno.h>
#include <stdlib.h>

#include "p9/server.h"

#define FID_BUCKETS_MIN 64u
/* For one request while descriptors are short: how many fids the hand looks at, and how many it puts to rest at most. */
#define HAND_STEPS 16
#define HAND_RESTS 4
/* What a fid takes, beside its node: fs_memory_bound(). */
#define FID_BYTES fs_memory_of(sizeof(struct p9_fid))
/* While they are scarce the hand goes round all fids, until so many have been put to rest. */
#define SWEEP_RESTS 256
/* Where a whole round finds less than so many, the next comes after so many requests: what is left is in use. */
#define SWEEP_FEW 16
#define SWEEP_PAUSE 1024

void p9_ref_done(struct p9_ref *ref)
{
	fs_file_put(ref->file);
	p9_xattr_put(ref->xattr);
	fs_node_put(ref->node);
	*ref = (struct p9_ref){ 0 };
}

static struct p9_fid **fid_bucket(struct p9_session *session, uint32_t number)
{
	return &session->fids[(number ^ number >> 16) & (session->fid_buckets - 1)];
}

/* The pointer to the fid @number in its bucket, or the NULL pointer that ends the bucket. LOCK: session->lock */
static struct p9_fid **fid_find(struct p9_session *session, uint32_t number)
{
	static struct p9_fid *none;
	struct p9_fid **at;

	if (session->fid_buckets == 0)
		return &none;
	at = fid_bucket(session, number);
	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

/* Puts @fid into the ring, right behind the hand, which comes to it last. LOCK: session->lock */
static void ring_add(struct p9_session *session, struct p9_fid *fid)
{
	struct p9_fid *hand = session->hand;

	if (hand == NULL) {
		session->hand = fid->ring_prev = fid->ring_next = fid;
		return;
	}
	fid->ring_next = hand;
	fid->ring_prev = hand->ring_prev;
	fid->ring_prev->ring_next = fid;
	hand->ring_prev = fid;
}

/* LOCK: session->lock */
static void ring_del(struct p9_session *session, struct p9_fid *fid)
{
	if (session->hand == fid)
		session->hand = fid->ring_next != fid ? fid->ring_next : NULL;
	fid->ring_prev->ring_next = fid->ring_next;
	fid->ring_next->ring_prev = fid->ring_prev;
}

/*
 * Moves the hand over @steps fids, and puts up to @max to rest: how many it did. LOCK: session->lock; there is at least
 * one fid.
 */
static unsigned int fids_rest(struct p9_session *session, uint64_t steps, unsigned int max)
{
	unsigned int rests = 0;

	for (; steps > 0 && rests < max; steps--) {
		struct p9_fid *fid = session->hand;
		bool file, node;

		session->hand = fid->ring_next;
		if (fid->used) {
			fid->used = false;
			continue;
		}
		file = fid->file != NULL && fs_file_rest(fid->file);
		node = fs_node_rest(fid->node);
		rests += file || node;
	}
	return rests;
}

/* Has the hand go round all fids of @session, twice since the first time only clears marks, unless that was vain. */
static void fids_sweep(struct p9_session *session)
{
	pthread_mutex_lock(&session->lock);
	if (session->hand == NULL) {
		/* no fids */
	} else if (session->sweep_pause > 0) {
		session->sweep_pause--;
	} else if (fids_rest(session, 2 * (uint64_t)session->fid_count, SWEEP_RESTS) < SWEEP_FEW) {
		session->sweep_pause = SWEEP_PAUSE;
	}
	pthread_mutex_unlock(&session->lock);
}

void p9_fids_make_room(struct p9_session *session)
{
	const struct fs *fs = session->server->fs;

	if (!fs_fds_short(fs))
		return;
	pthread_mutex_lock(&session->lock);
	if (session->hand != NULL)
		(void)fids_rest(session, HAND_STEPS, HAND_RESTS);
	pthread_mutex_unlock(&session->lock);
	if (fs_fds_scarce(fs))
		fids_sweep(session);
	if (fs_fds_scarce(fs))
		p9_sessions_each(fids_sweep);
}

int p9_fid_get(struct p9_session *session, uint32_t number, struct p9_ref *ret_ref)
{
	int r = p9_fid_get_any(session, number, ret_ref);

	if (r == 0 && ret_ref->uid == P9_FORGETTER) {
		p9_ref_done(ret_ref);
		r = -EPERM;
	}
	return r;
}

int p9_fid_get_any(struct p9_session *session, uint32_t number, struct p9_ref *ret_ref)
{
	struct p9_fid *fid;
	int r = 0;

	pthread_mutex_lock(&session->lock);
	fid = *fid_find(session, number);
	if (fid == NULL) { /* GUEST: */
		r = -EBADF;
	} else {
		fid->used = true;
		*ret_ref = (struct p9_ref){
			.node = fs_node_get(fid->node),
			.file = fid->file != NULL ? fs_file_get(fid->file) : NULL,
			.xattr = fid->xattr != NULL ? p9_xattr_get(fid->xattr) : NULL,
			.uid = fid->uid,
		};
	}
	pthread_mutex_unlock(&session->lock);
	return r;
}

const void *p9_fid_place(struct p9_session *session, uint32_t number)
{
	const struct p9_fid *fid;
	const void *place;

	pthread_mutex_lock(&session->lock);
	fid = *fid_find(session, number);
	place = fid != NULL ? fs_node_place(fid->node) : NULL;
	pthread_mutex_unlock(&session->lock);
	return place;
}

/* Doubles the table when there is one fid a bucket. LOCK: session->lock */
static int fids_grow(struct p9_session *session)
{
	uint32_t old_buckets = session->fid_buckets;
	struct p9_fid **old = session->fids;

	if (session->fid_count < old_buckets)
		return 0;
	session->fid_buckets = old_buckets == 0 ? FID_BUCKETS_MIN : 2 * old_buckets;
	session->fids = calloc(session->fid_buckets, sizeof(struct p9_fid *));
	if (session->fids == NULL) {
		session->fids = old;
		session->fid_buckets = old_buckets;
		return old_buckets == 0 ? -ENOMEM : 0; /* longer chains do as well */
	}
	for (uint32_t i = 0; i < old_buckets; i++) {
		struct p9_fid *fid, *next;

		for (fid = old[i]; fid != NULL; fid = next) {
			struct p9_fid **at = fid_bucket(session, fid->number);

			next = fid->next;
			fid->next = *at;
			*at = fid;
		}
	}
	free(old);
	return 0;
}

static void fid_free(struct p9_fid *fid)
{
	free(fid);
	fs_memory_give(FID_BYTES);
}

int p9_fid_add(struct p9_session *session, uint32_t number, struct fs_node *node, struct p9_xattr *xattr, uint32_t uid)
{
	struct p9_fid *fid, **at;
	int r;

	if (number == P9_NOFID) /* GUEST: */
		return -EINVAL;
	r = fs_memory_take(FID_BYTES);
	if (r < 0)
		return r;
	fid = calloc(1, sizeof(*fid));
	if (fid == NULL) {
		fs_memory_give(FID_BYTES);
		return -ENOMEM;
	}
	*fid = (struct p9_fid){ .number = number, .uid = uid, .node = node, .xattr = xattr };
	pthread_mutex_lock(&session->lock);
	if (*fid_find(session, number) != NULL) /* GUEST: */
		r = -EEXIST;
	else if (session->fid_count >= session->server->limits.fids) /* GUEST: */
		r = -EMFILE;
	else
		r = fids_grow(session);
	if (r == 0) {
		at = fid_bucket(session, number);
		fid->next = *at;
		*at = fid;
		session->fid_count++;
		ring_add(session, fid);
		fs_node_idle(node);
	}
	pthread_mutex_unlock(&session->lock);
	if (r < 0)
		fid_free(fid);
	return r;
}

int p9_fid_change(struct p9_session *session, uint32_t number, const struct p9_ref *was, struct fs_node *node,
	struct fs_file *file, struct p9_xattr *xattr)
{
	struct p9_ref old = { 0 };
	struct p9_fid *fid;
	int r = 0;

	pthread_mutex_lock(&session->lock);
	fid = *fid_find(session, number);
	if (fid == NULL || fid->node != was->node || fid->file != was->file || fid->xattr != was->xattr) {
		r = -EBUSY; /* GUEST: another request has changed the fid meanwhile */
	} else {
		if (node != NULL) {
			old.node = fid->node;
			fs_node_busy(old.node);
			fid->node = node;
			fs_node_idle(node);
		}
		if (file != NULL) {
			old.file = fid->file;
			fid->file = file;
		}
		if (xattr != NULL) {
			old.xattr = fid->xattr;
			fid->xattr = xattr;
		}
	}
	pthread_mutex_unlock(&session->lock);
	p9_ref_done(&old);
	return r;
}

int p9_fid_take(struct p9_session *session, uint32_t number, struct p9_ref *ret_ref)
{
	struct p9_fid **at, *fid;

	pthread_mutex_lock(&session->lock);
	at = fid_find(session, number);
	fid = *at;
	if (fid != NULL) {
		*at = fid->next;
		session->fid_count--;
		ring_del(session, fid);
		fs_node_busy(fid->node);
	}
	pthread_mutex_unlock(&session->lock);
	if (fid == NULL) /* GUEST: */
		return -EBADF;
	*ret_ref = (struct p9_ref){
		.node = fid->node,
		.file = fid->file,
		.xattr = fid->xattr,
		.uid = fid->uid,
	};
	fid_free(fid);
	return 0;
}

void p9_fid_clear(struct p9_session *session)
{
	struct p9_fid **fids, *fid;
	uint32_t buckets;

	pthread_mutex_lock(&session->lock);
	fids = session->fids;
	buckets = session->fid_buckets;
	session->fids = NULL;
	session->hand = NULL;
	session->fid_buckets = session->fid_count = 0;
	pthread_mutex_unlock(&session->lock);
	for (uint32_t i = 0; i < buckets; i++) {
		while ((fid = fids[i]) != NULL) {
			struct p9_ref ref = { .node = fid->node, .file = fid->file, .xattr = fid->xattr };

			fids[i] = fid->next;
			fs_node_busy(fid->node);
			p9_ref_done(&ref);
			fid_free(fid);
		}
	}
	free(fids);
}
