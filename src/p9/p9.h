/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 9P2000.L server over src/fs: bytes in, bytes out, without a transport.
 *
 * A server has a file service and worker threads. A session is one conversation: its fids, its message size, and its
 * requests under way. A transport (a virtio queue, a socket) makes one session, describes each message by iovecs and
 * submits it. The reply is written into the request's own out iovecs, file data straight from and to the file. Iovecs
 * may be guest memory that changes at any time, so each byte that decides something is read once.
 */
#ifndef P9_P9_H
#define P9_P9_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/base.h"
#include "base/err.h"
#include "base/tags.h"

struct fs;
struct p9_server;
struct p9_session;
struct p9_worker;

/*
 * The longest message, as the Linux client asks for at most: 500 KiB (128 descriptors of virtio, less the headers'
 * pages).
 */
#define P9_MSIZE_MAX 512000u
/* The least msize, which holds every message of fixed size and one name; Rversion "unknown" refuses a smaller one. */
#define P9_MSIZE_MIN 4096u
/*
 * The user TAG_FORGETTER_UID: its attach leads to the service's root, all its walks succeed and stay there (but for a
 * name that begins with TAG_GONE: ENOENT), and its unlinkat and renameat succeed and do nothing. Everything else is
 * EPERM. See docs/9p.md, "Stale names".
 */
#define P9_FORGETTER TAG_FORGETTER_UID
/*
 * Threads that serve requests: enough to keep a disk's queue from blocking behind one slow request. An export gets half
 * of those that others leave, so that one whose file system hangs does not take them all: see request.c.
 */
#define P9_WORKERS 8u
/*
 * Requests under way in one session; further ones get EBUSY. A virtqueue of 128 to 1024 descriptors cannot hold more.
 */
#define P9_REQUESTS_MAX 1024u
/*
 * Fids of one session; further ones get EMFILE. src/fs bounds the memory of all (fs_memory_bound(): ENOMEM), and the
 * descriptors behind them.
 */
#define P9_FIDS_MAX (1u << 20)
/*
 * Bytes of extended attributes that the fids of one server hold: 64 of the largest; beyond, ENOMEM is answered. An
 * honest client holds one per call under way; as many as there may be fids would take 64 GiB.
 */
#define P9_XATTR_BYTES_MAX (1u << 22)
/* How many segments of a message are used for data: what lies beyond makes the read or write a short one. */
#define P9_IOV_MAX 256u
/*
 * Requests that wait for a lock in one server; further ones are answered "blocked", and the client tries again later.
 */
#define P9_LOCK_WAITERS_MAX 256u

/*
 * One message and the space for its reply. The transport fills in the first part, and then leaves the whole struct
 * alone until done() is called.
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
	const void *place;              /* the export of its first fid; to be compared with others, and nothing else */
	struct p9_lock_wait *lock_wait; /* while it waits for a lock */
	uint32_t size;
	uint16_t tag;
	uint8_t type;
	_Atomic bool cancelled;
};

/* What bounds a server; 0 stands for the default above. */
struct p9_limits {
	unsigned int workers;
	unsigned int fids;
	uint32_t msize;
};

/*
 * The names of the system calls that the server makes beside those of src/fs and of starting threads (thread_syscalls,
 * host/thread.h); NULL is the last.
 */
extern const char *const p9_syscalls[];

/*
 * Makes a server for the files of @fs, which is borrowed and outlives it; @limits may be NULL. Threads are started when
 * there is work. 0, or -errno with @err set.
 */
must_check int p9_server_new(
	struct fs *fs, const struct p9_limits *limits, struct p9_server **ret_server, struct err *err);

/*
 * Waits, @timeout_ms at most, until no thread serves a request; nobody submits any meanwhile. False: one still does, in a
 * file system that hangs. Then the server, its sessions and what they serve can be freed no more.
 */
must_check bool p9_server_drain(struct p9_server *server, int timeout_ms);

/* Ends and joins the threads, and frees the server, whose sessions have been freed. Accepts NULL. */
void p9_server_free(struct p9_server *server);

/* Starts a conversation, in the state before Tversion: 0 or -ENOMEM. */
must_check int p9_session_new(struct p9_server *server, struct p9_session **ret_session);

/*
 * Ends every request (those that wait with EINTR, those that run when they are through), drops all fids, and frees the
 * session. done() has returned for every request before this returns. Nobody may submit meanwhile. Accepts NULL.
 */
void p9_session_free(struct p9_session *session);

/* As p9_session_free(), but the session goes back to the state before Tversion, as at the reset of a device. */
void p9_session_reset(struct p9_session *session);

/* Hands a request to the server's threads, which will call its done(). This never blocks on a disk. */
void p9_submit(struct p9_session *session, struct p9_request *req);

/*
 * Makes what a thread of the transport needs to serve requests itself: 0 or -errno. The same thread uses and frees it.
 * It gets a working directory and a umask of its own (fs_thread_init()).
 */
must_check int p9_worker_new(struct p9_server *server, struct p9_worker **ret_worker);

/* Frees it. Accepts NULL. */
void p9_worker_free(struct p9_worker *worker);

/*
 * As p9_submit(), but the calling thread serves the request, which saves the way through another thread: that costs
 * more than a small request itself. It blocks as long as the disk does, so another thread must take what comes
 * meanwhile.
 */
void p9_serve(struct p9_session *session, struct p9_worker *worker, struct p9_request *req);

#endif
