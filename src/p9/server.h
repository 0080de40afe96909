/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the 9P server: sessions, fids, calls. For src/p9 only.
 */
#ifndef P9_SERVER_H
#define P9_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/wire.h"
#include "fs/fs.h"
#include "host/iov.h"
#include "p9/p9.h"
#include "p9/proto.h"

/*
 * The longest message without its data: Trename, Tsymlink with names and a target of full length,
 * and some.
 */
#define P9_HEAD_MAX 8192u
/* The longest reply without its data: Rreadlink. */
#define P9_REPLY_MAX 8192u
/* How much of a directory is read and answered at a time. */
#define P9_DIR_MAX (64u * 1024u)

#define P9_TAG_BUCKETS 64u /* a power of two */

struct p9_server {
	struct fs *fs;
	struct p9_limits limits;

	pthread_mutex_t lock;
	pthread_cond_t work;
	/* LOCK: lock */
	struct p9_request *queue, **queue_end;
	unsigned int queued, workers, idle;
	pthread_t *threads;
	bool stopping;

	struct p9_locks *locks;
	atomic_uint xattr_bytes; /* held by fids: at most P9_XATTR_BYTES_MAX */
};

/* A reply that is being handed over: see server.c. */
struct p9_answer {
	uint16_t tag;
	struct p9_request *flushes;
	struct p9_answer *next;
};

struct p9_fid {
	uint32_t number;
	uint32_t uid; /* whom its attach named */
	struct fs_node *node;
	struct fs_file *file; /* once opened */
	struct p9_xattr *xattr;
	struct p9_fid *next;
	struct p9_fid *ring_prev, *ring_next; /* all fids of the session, for the hand below */
	bool used;                            /* since the hand came by */
};

struct p9_session {
	struct p9_server *server;

	pthread_mutex_t lock;
	pthread_cond_t idle; /* signalled when outstanding falls to 0 */
	/* LOCK: lock */
	uint32_t msize; /* 0: no version was agreed on */
	unsigned int outstanding;
	struct p9_request *tags[P9_TAG_BUCKETS];
	struct p9_answer *answers;
	struct p9_request *version; /* a Tversion that waits until it is alone */
	struct p9_fid *hand;        /* goes round the fids, looking for nodes that can rest; NULL: no fids */
	struct p9_fid **fids;       /* chained hash table */
	uint32_t fid_buckets, fid_count;
};

/* What a fid stands for, as it was when asked: references of its own. */
struct p9_ref {
	struct fs_node *node;
	struct fs_file *file;
	struct p9_xattr *xattr;
	uint32_t uid;
};
void p9_ref_done(struct p9_ref *ref);
#define autoref __attribute__((cleanup(p9_ref_done))) struct p9_ref

/* session.c: fids. 0 or -errno; -EBADF: there is no such fid. */
must_check int p9_fid_get(struct p9_session *session, uint32_t number, struct p9_ref *ret_ref);
/*
 * On success the reference to @node (and @xattr, may be NULL) is the fid's. -EEXIST, -EMFILE,
 * -ENOMEM.
 */
must_check int p9_fid_add(
	struct p9_session *session, uint32_t number, struct fs_node *node, struct p9_xattr *xattr, uint32_t uid);
/*
 * Another node (its reference taken over), file or attribute for a fid that is still @was. -EBUSY
 * otherwise.
 */
must_check int p9_fid_change(struct p9_session *session, uint32_t number, const struct p9_ref *was,
	struct fs_node *node, struct fs_file *file, struct p9_xattr *xattr);
must_check int p9_fid_take(struct p9_session *session, uint32_t number, struct p9_ref *ret_ref);
void p9_fid_clear(struct p9_session *session); /* all of them */

/* One request being served, with its worker's buffers. */
struct p9_call {
	struct p9_session *session;
	struct p9_request *req;
	uint32_t msize;
	struct wire in;         /* the message behind its header; in private memory */
	uint8_t *out, *out_end; /* the reply behind its header */
	uint32_t data_len;      /* bytes of data written behind @out in the out iovecs */
	struct p9_worker *worker;
};

struct p9_worker {
	uint8_t head[P9_HEAD_MAX];
	uint8_t reply[P9_REPLY_MAX];
	uint8_t data[P9_DIR_MAX];    /* replies of readdir */
	uint8_t scratch[P9_DIR_MAX]; /* what the host's directory read gave */
	struct iovec iov[P9_IOV_MAX];
};

/*
 * An operation: 0 (answer with what is in the call), -errno, or P9_PARKED (somebody else answers
 * later).
 */
typedef int p9_op_fn(struct p9_call *call);
#define P9_PARKED 1
p9_op_fn *p9_op_of(uint8_t type); /* NULL: no such message */

/* server.c */
void p9_finish(struct p9_request *req, uint32_t reply_len);
uint32_t p9_reply_error(struct p9_request *req, int error); /* writes Rlerror (@error: -errno); its length */
uint32_t p9_reply(struct p9_request *req, uint32_t msize, const uint8_t *body, size_t len, size_t data_len);

/* lock.c: requests that wait for a lock */
must_check int p9_locks_new(struct p9_server *server, struct p9_locks **ret_locks);
void p9_locks_free(struct p9_locks *locks);
/* Parks @req: 0, or -EAGAIN (too many wait). @ref is emptied on success. */
must_check int p9_locks_wait(
	struct p9_locks *locks, struct p9_request *req, struct p9_ref *ref, const struct fs_lock *lock);
void p9_locks_kick(struct p9_locks *locks); /* something was unlocked or cancelled */

/* xattr.c */
struct p9_xattr *p9_xattr_get(struct p9_xattr *xattr);
void p9_xattr_put(struct p9_xattr *xattr);
must_check int p9_xattr_read(
	struct p9_xattr *xattr, const struct iovec *iov, unsigned int count, uint64_t offset); /* bytes */
must_check int p9_xattr_write(
	struct p9_xattr *xattr, const struct iovec *iov, unsigned int count, size_t len, uint64_t offset);
must_check int p9_xattr_close(struct p9_xattr *xattr); /* at the clunk: -EINVAL if it was not written whole */

#endif
