/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 9P2000.L server over src/fs: bytes in, bytes out, no transport.
 *
 * A server has a file service and worker threads; a session is one
 * conversation: its fids, message size and requests under way. A transport (a
 * virtio queue, a socket) makes one session, describes each message by iovecs
 * and submits it; the reply is written into the request's own out iovecs, file
 * data straight from and to the file. Iovecs may be guest memory that changes
 * at any time: each byte that decides something is read once.
 */
#ifndef P9_P9_H
#define P9_P9_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/base.h"
#include "base/err.h"

struct fs;
struct p9_server;
struct p9_session;
struct p9_worker;

/*
 * What the Linux client asks for at most: 500 KiB (virtio's 128 descriptors less the headers'
 * pages).
 */
#define P9_MSIZE_MAX 512000u
/*
 * The least that holds every message of fixed size and one name; smaller is refused by Rversion
 * "unknown".
 */
#define P9_MSIZE_MIN 4096u
/* Threads that serve requests: enough to keep a disk's queue from blocking behind one slow request. */
#define P9_WORKERS 4u
/*
 * Requests under way in one session: a virtqueue of 128 to 1024 descriptors cannot hold more. More
 * get EBUSY.
 */
#define P9_REQUESTS_MAX 1024u
/* Fids of one session; more get EMFILE. src/fs bounds the descriptors behind them as well. */
#define P9_FIDS_MAX (1u << 20)
/*
 * Bytes of xattrs that are held by fids of one server: 256 of the largest; more get ENOMEM. A
 * client holds one per call under way; as many as there may be fids would be 64 GiB.
 */
#define P9_XATTR_BYTES_MAX (1u << 24)
/*
 * Segments of one message that are used; data beyond make a short read or write, a longer head is
 * an error.
 */
#define P9_IOV_MAX 256u
/*
 * Locks that wait at a time in one server; more are answered "blocked", and the client tries again
 * later.
 */
#define P9_LOCK_WAITERS_MAX 256u

/*
 * One message and the space for its reply. The transport fills in the first
 * part and leaves all of it alone until done() is called.
 */
struct p9_request {
	struct iovec *in; /* the message, from its size field on */
	unsigned int in_count;
	struct iovec *out; /* where the reply goes */
	unsigned int out_count;
	/*
	 * Called once for every submitted request, by any thread, also from
	 * within p9_submit() and p9_session_free(): @reply_len bytes were
	 * written (0: nothing could be answered; a virtio device returns the
	 * chain with length 0). The request is the transport's again. Calls of
	 * different requests may overlap, but the one of a flushed request has
	 * returned before that of its Tflush starts. Must not block for long
	 * nor call back into the session other than p9_submit().
	 */
	void (*done)(struct p9_request *req, uint32_t reply_len);
	void *arg; /* the transport's own */

	/* The server's, from p9_submit() to done(). */
	struct p9_session *session;
	struct p9_request *next;        /* in the queue of work, of lock waiters or of answered flushes */
	struct p9_request *tag_next;    /* in the session's table of tags */
	struct p9_request *flushes;     /* Tflush requests that wait for this one */
	struct p9_lock_wait *lock_wait; /* while it waits for a lock */
	uint32_t size;
	uint16_t tag;
	uint8_t type;
	_Atomic bool cancelled;
};

struct p9_limits { /* 0: the default above */
	unsigned int workers;
	unsigned int fids;
	uint32_t msize;
};

/*
 * The names of the system calls that the server makes beside those of src/fs and of starting threads (thread_syscalls,
 * host/thread.h); NULL is the last.
 */
extern const char *const p9_syscalls[];

/* @fs is borrowed and outlives the server. Threads are started when there is work. */
must_check int p9_server_new(
	struct fs *fs, const struct p9_limits *limits, struct p9_server **ret_server, struct err *err);
void p9_server_free(struct p9_server *server); /* after its sessions; ends and joins the threads */

must_check int p9_session_new(struct p9_server *server, struct p9_session **ret_session);

/*
 * Ends every request (waiting ones with EINTR, running ones when they are
 * through), then drops all fids. done() has returned for all of them before
 * this returns. Nobody may submit meanwhile.
 */
void p9_session_free(struct p9_session *session);

/*
 * As p9_session_free without the end: back to the state before Tversion (a
 * device reset).
 */
void p9_session_reset(struct p9_session *session);

/* Takes a request for the server's threads; see done(). Never blocks on a disk. */
void p9_submit(struct p9_session *session, struct p9_request *req);

/*
 * What a thread of the transport's own needs to serve requests itself: made,
 * used and freed by that thread. It gets a working directory and umask of its
 * own (fs_thread_init()).
 */
must_check int p9_worker_new(struct p9_server *server, struct p9_worker **ret_worker);
void p9_worker_free(struct p9_worker *worker); /* accepts NULL */

/*
 * As p9_submit, but served by the calling thread: without the way through
 * another thread, which costs more than a small request itself. Blocks as long
 * as the disk does, so another thread must be waiting for what comes meanwhile.
 */
void p9_serve(struct p9_session *session, struct p9_worker *worker, struct p9_request *req);

#endif
