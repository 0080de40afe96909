/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the 9P server: its structs, and what its files offer each other. For src/p9 only.
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

/* The longest message without its data: Trename or Tsymlink with names and a target of full length, and some room. */
#define P9_HEAD_MAX 8192u
/* The longest reply without its data: Rreadlink. */
#define P9_REPLY_MAX 8192u
/* How many bytes of a directory are read and answered at a time. */
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
	struct p9_worker *all; /* also those of transports' threads */
	pthread_t *threads;
	bool stopping, draining;
	pthread_cond_t drained; /* signalled when a request has been served, while draining */

	void *(*worker_run)(void *server); /* what a worker's thread runs */
	struct p9_locks *locks;
	atomic_uint xattr_bytes; /* held by fids: at most P9_XATTR_BYTES_MAX */
};

/* Stands for a request while its reply is being handed over: see request.c. */
struct p9_answer {
	uint16_t tag;
	struct p9_request *flushes;
	struct p9_answer *next;
};

struct p9_fid {
	uint32_t number;
	uint32_t uid; /* the user that its attach named */
	struct fs_node *node;
	struct fs_file *file;   /* NULL: not opened */
	struct p9_xattr *xattr; /* NULL: it stands for @node itself */
	struct p9_fid *next;
	struct p9_fid *ring_prev, *ring_next; /* all fids of the session, in a ring: see fid.c */
	bool used;                            /* since the hand came by */
};

struct p9_session {
	struct p9_server *server;
	struct p9_session *next, **prev; /* LOCK: sessions.c; all of the process */

	pthread_mutex_t lock;
	pthread_cond_t idle; /* signalled when outstanding falls to 0 */
	/* LOCK: lock */
	uint32_t msize; /* 0: no version was agreed on */
	unsigned int outstanding;
	struct p9_request *tags[P9_TAG_BUCKETS];
	struct p9_answer *answers;
	struct p9_request *version; /* a Tversion that waits until it is alone */
	struct p9_fid *hand;        /* the next fid whose node may be put to rest: see fid.c; NULL: no fids */
	unsigned int sweep_pause;   /* requests until all fids are looked at again: see fid.c */
	struct p9_fid **fids;       /* chained hash table */
	uint32_t fid_buckets, fid_count;
};

/* One request that is being served, with its worker's buffers. */
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
	struct p9_server *server;
	struct p9_worker *next; /* LOCK: server->lock; so the two below */
	bool busy;
	const void *place; /* of the request that it serves */
	uint8_t head[P9_HEAD_MAX];
	uint8_t reply[P9_REPLY_MAX];
	uint8_t data[P9_DIR_MAX];    /* what a reply to Treaddir says */
	uint8_t scratch[P9_DIR_MAX]; /* what the host's getdents64(2) gave for it */
	struct iovec iov[P9_IOV_MAX];
};

/*
 * An operation: reads the message from the call, and puts the reply's body into it. 0: the reply is sent; -errno: an
 * Rlerror is; P9_PARKED: another thread will answer the request.
 */
typedef int p9_op_fn(struct p9_call *call);
#define P9_PARKED 1

/* The operation of a message's type, or NULL if there is no such message (ops.c). */
p9_op_fn *p9_op_of(uint8_t type);

/* ---- reply.c ---- */

/* Writes an Rlerror with @error (-errno) for @req. Returns its length, 0 if there is no room for it. */
uint32_t p9_reply_error(struct p9_request *req, int error);

/*
 * Writes the header of @req's reply and the @len bytes of @body behind it; the @data_len bytes of data behind those are
 * there already. Returns the reply's length. If that is above @msize or the room there is, an Rlerror is written
 * instead.
 */
uint32_t p9_reply(struct p9_request *req, uint32_t msize, const uint8_t *body, size_t len, size_t data_len);

/* ---- request.c ---- */

/* Makes @req a request of @session and reads its header, once: 0, or -EBADMSG; then type 0 says there was no header. */
must_check int p9_request_read(struct p9_session *session, struct p9_request *req);

/*
 * Enters @req in the table of tags. 0: it is to be served now, or if it is a Tflush, answered now. P9_PARKED: another
 * request's end will answer or enqueue it. -errno: it was refused, and is the caller's to answer with that.
 */
must_check int p9_request_enter(struct p9_session *session, struct p9_request *req);

/*
 * Marks all requests of @session but @except (may be NULL), so that those not yet served will be answered EINTR. The
 * caller calls p9_queue_kick() and p9_locks_kick() afterwards. LOCK: session->lock
 */
void p9_cancel_all(struct p9_session *session, const struct p9_request *except);

/* Has the requests that wait for a thread looked at again, since some were marked. No lock is held. */
void p9_queue_kick(struct p9_server *server);

/* Hands @req to the server's workers, one more of which is started if need be. */
void p9_enqueue(struct p9_server *server, struct p9_request *req);

/*
 * Waits for a request that may be served now and takes it from the queue for @worker, which is through with the one
 * before, or NULL: for one who will only refuse it. NULL: there is none, and the server stops.
 */
struct p9_request *p9_dequeue(struct p9_server *server, struct p9_worker *worker);

/* True if @worker, a transport's, may serve @req now; then p9_end() follows. False: it is one for the queue. */
bool p9_begin(struct p9_worker *worker, struct p9_request *req);

/* @worker, a transport's, is through with its request. */
void p9_end(struct p9_worker *worker);

/*
 * Ends @req, whose reply of @reply_len bytes is written, and the Tflush requests that waited for that: calls done() of
 * each. The session may be gone afterwards.
 */
void p9_finish(struct p9_request *req, uint32_t reply_len);

/* ---- fid.c: 0 or -errno; -EBADF: there is no such fid ---- */

/* What a fid stands for, as it was when asked, with references of its own. */
struct p9_ref {
	struct fs_node *node;
	struct fs_file *file;
	struct p9_xattr *xattr;
	uint32_t uid;
};

/* Drops the references, and empties @ref. */
void p9_ref_done(struct p9_ref *ref);
#define autoref __attribute__((cleanup(p9_ref_done))) struct p9_ref

/* Looks the fid up. -EPERM: it is one of P9_FORGETTER's. */
must_check int p9_fid_get(struct p9_session *session, uint32_t number, struct p9_ref *ret_ref);

/* The same for any user's fid: the caller looks at ret_ref->uid. */
must_check int p9_fid_get_any(struct p9_session *session, uint32_t number, struct p9_ref *ret_ref);

/* The export of the fid, or NULL: to be compared, since it may be gone. */
const void *p9_fid_place(struct p9_session *session, uint32_t number);

/*
 * Makes the fid @number for @node, or for the attribute @xattr (or NULL) of it. On success both references are the
 * fid's. -EINVAL (P9_NOFID), -EEXIST, -EMFILE, -ENOMEM.
 */
must_check int p9_fid_add(
	struct p9_session *session, uint32_t number, struct fs_node *node, struct p9_xattr *xattr, uint32_t uid);

/*
 * Gives a fid that still is what @was says another node, file or attribute; NULL leaves what it has. On success the
 * references are the fid's. -EBUSY: the fid is not what it was, or is gone.
 */
must_check int p9_fid_change(struct p9_session *session, uint32_t number, const struct p9_ref *was,
	struct fs_node *node, struct fs_file *file, struct p9_xattr *xattr);

/* Removes the fid; the references that it had are the caller's. */
must_check int p9_fid_take(struct p9_session *session, uint32_t number, struct p9_ref *ret_ref);

/*
 * Before a request of @session is served: if descriptors are short, puts idle nodes and files to rest, also those of
 * other sessions. No lock is held.
 */
void p9_fids_make_room(struct p9_session *session);

/* Removes all fids of the session, and drops what they stand for. */
void p9_fid_clear(struct p9_session *session);

/* ---- sessions.c ---- */

/* Enters @session in the list of the process's sessions. */
void p9_sessions_enter(struct p9_session *session);

/* Takes it out again, and waits for a p9_sessions_each() that has come to it. */
void p9_sessions_leave(struct p9_session *session);

/* Calls @fn for each session of the process, none of which ends meanwhile. No session's lock is held. */
void p9_sessions_each(void (*fn)(struct p9_session *session));

/* ---- lock.c: requests that wait for a lock ---- */

/* The waiting room of @server, empty and without a thread: 0 or -ENOMEM. */
must_check int p9_locks_new(struct p9_server *server, struct p9_locks **ret_locks);

/* Ends its thread, when no request waits any more. Accepts NULL. */
void p9_locks_free(struct p9_locks *locks);

/*
 * Parks @req until @lock of the file of @ref is granted or @req is cancelled; then it is answered. 0, and @ref is
 * emptied; -EAGAIN if too many wait, or -errno.
 */
must_check int p9_locks_wait(
	struct p9_locks *locks, struct p9_request *req, struct p9_ref *ref, const struct fs_lock *lock);

/* Has all that wait tried again at once, since a lock was released or a request was cancelled. */
void p9_locks_kick(struct p9_locks *locks);

/* ---- xattr.c: extended attributes as fids show them ---- */

/*
 * The value of attribute @name of @node, or with "" the list of its attributes' names, as it is now; to be read. 0;
 * -E2BIG, -ENOMEM (P9_XATTR_BYTES_MAX), -ERANGE if it grows all the time, or what fs_getxattr() says.
 */
must_check int p9_xattr_load(
	struct p9_server *server, struct fs_node *node, const char *name, struct p9_xattr **ret_xattr);

/*
 * Room for a value of @size bytes, to be written; when it is full, attribute @name of @node (another reference is
 * taken) is set to it with @flags (P9_XATTR_*). With @size 0 that happens now; with P9_XATTR_REPLACE alone it is a
 * removal.
 */
must_check int p9_xattr_create(struct p9_server *server, struct fs_node *node, const char *name, uint32_t size,
	int flags, struct p9_xattr **ret_xattr);

/* Another reference to @xattr, which is returned. */
struct p9_xattr *p9_xattr_get(struct p9_xattr *xattr);

/* Drops a reference. Accepts NULL. */
void p9_xattr_put(struct p9_xattr *xattr);

/* How many bytes the value has. */
uint32_t p9_xattr_size(const struct p9_xattr *xattr);

/* Copies the value from byte @offset on to @iov: bytes, or -EBADF for one that is written. */
must_check int p9_xattr_read(struct p9_xattr *xattr, const struct iovec *iov, unsigned int count, uint64_t offset);

/*
 * Appends @len bytes of @iov, which must come at @offset = what was written so far; the last byte sets the attribute.
 * Bytes, -EBADF for one that is read, -ENOSPC beyond the announced size, or what fs_setxattr() says.
 */
must_check int p9_xattr_write(
	struct p9_xattr *xattr, const struct iovec *iov, unsigned int count, size_t len, uint64_t offset);

/* At the clunk of its fid: 0, or -EINVAL if the value was not written whole. */
must_check int p9_xattr_close(struct p9_xattr *xattr);

#endif
