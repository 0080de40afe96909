/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: from a submitted request to its answer.
 *
 *   p9_submit --> tag table --> queue --> worker: serve() --> p9_finish --> done()
 *       |                                    |                   ^
 *       |                                    +--> lock.c --------+  (Tlock that waits)
 *       +--> Tflush: answered by the end of the request it names -+
 *       +--> Tversion: queued when it is the only one left
 *
 * Threads. Workers are started one by one, when there is work and none is idle,
 * and stay. They serve all sessions; a request runs on one of them from start
 * to end, except for a lock that must wait. Order between requests is not kept:
 * a client that needs one waits for the answer, as 9P has it.
 *
 * Tags. A request is in its session's table from submission until its answer is
 * handed over. From then on its memory is the transport's, but a Tflush that
 * comes during done() must still wait for the end of done(): struct p9_answer,
 * on the stack of p9_finish, stands for it.
 *
 * Tflush never takes an answer away: what has not started is answered EINTR, what
 * runs is left to end (the host's system calls cannot be interrupted halfway),
 * and then Rflush follows. The protocol allows it, and a virtqueue needs each
 * chain back anyway.
 *
 * LOCK order: session->lock, then server->lock or locks. None is held over an
 * operation on files or done().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/thread.h"
#include "p9/msg.h"
#include "p9/server.h"

/* ---- replies ---- */

static void header_put(uint8_t head[P9_HEADER], uint32_t size, uint8_t type, uint16_t tag)
{
	for (int i = 0; i < 4; i++)
		head[i] = (uint8_t)(size >> 8 * i);
	head[4] = type;
	head[5] = (uint8_t)tag;
	head[6] = (uint8_t)(tag >> 8);
}

uint32_t p9_reply_error(struct p9_request *req, int error)
{
	uint8_t reply[P9_RLERROR_SIZE];
	uint32_t ecode = (uint32_t)-error;

	header_put(reply, sizeof(reply), P9_RLERROR, req->tag);
	for (int i = 0; i < 4; i++)
		reply[P9_HEADER + i] = (uint8_t)(ecode >> 8 * i);
	if (iov_size(req->out, req->out_count) < sizeof(reply)) /* GUEST: */
		return 0;
	return (uint32_t)iov_write(req->out, req->out_count, 0, reply, sizeof(reply));
}

uint32_t p9_reply(struct p9_request *req, uint32_t msize, const uint8_t *body, size_t len, size_t data_len)
{
	size_t size = P9_HEADER + len + data_len;
	uint8_t head[P9_HEADER];

	if (size > msize || size > iov_size(req->out, req->out_count)) /* GUEST: */
		return p9_reply_error(req, -EMSGSIZE);
	header_put(head, (uint32_t)size, req->type + 1, req->tag);
	iov_write(req->out, req->out_count, 0, head, sizeof(head));
	iov_write(req->out, req->out_count, sizeof(head), body, len);
	return (uint32_t)size;
}

/* ---- tags and the end of requests ---- */

static struct p9_request **tag_bucket(struct p9_session *session, uint16_t tag)
{
	return &session->tags[tag & (P9_TAG_BUCKETS - 1)];
}

/* LOCK: session->lock */
static struct p9_request *tag_find(struct p9_session *session, uint16_t tag)
{
	struct p9_request *r = *tag_bucket(session, tag);

	while (r != NULL && r->tag != tag)
		r = r->tag_next;
	return r;
}

/* LOCK: session->lock */
static void tag_remove(struct p9_session *session, struct p9_request *req)
{
	struct p9_request **at = tag_bucket(session, req->tag);

	while (*at != req)
		at = &(*at)->tag_next;
	*at = req->tag_next;
}

static void enqueue(struct p9_server *server, struct p9_request *req);

/* Hands one answer over and returns the flushes that waited for it. */
static struct p9_request *answer(struct p9_session *session, struct p9_request *req, uint32_t reply_len)
{
	struct p9_answer here = { .tag = req->tag }, **at;

	pthread_mutex_lock(&session->lock);
	tag_remove(session, req);
	here.flushes = req->flushes;
	here.next = session->answers;
	session->answers = &here;
	pthread_mutex_unlock(&session->lock);

	req->done(req, reply_len);

	pthread_mutex_lock(&session->lock);
	for (at = &session->answers; *at != &here; at = &(*at)->next)
		;
	*at = here.next;
	pthread_mutex_unlock(&session->lock);
	return here.flushes;
}

/*
 * @n requests of @session have ended. Returns a Tversion that is alone now, or NULL: then @session
 * may be gone.
 */
static struct p9_request *session_leave(struct p9_session *session, unsigned int n)
{
	struct p9_request *version = NULL;

	pthread_mutex_lock(&session->lock);
	session->outstanding -= n;
	if (session->outstanding == 1)
		version = session->version;
	if (session->outstanding == 0)
		pthread_cond_broadcast(&session->idle);
	pthread_mutex_unlock(&session->lock);
	return version;
}

void p9_finish(struct p9_request *req, uint32_t reply_len)
{
	struct p9_session *session = req->session;
	struct p9_request *todo = answer(session, req, reply_len);
	unsigned int ended = 1;

	/* flushes may have been flushed in turn: what waited for one is answered after it */
	while (todo != NULL) {
		struct p9_request *flush = todo, *more;

		todo = flush->next;
		more = answer(session, flush, p9_reply(flush, P9_MSIZE_MIN, NULL, 0, 0));
		ended++;
		while (more != NULL) {
			struct p9_request *m = more;

			more = m->next;
			m->next = todo;
			todo = m;
		}
	}
	todo = session_leave(session, ended);
	if (todo != NULL)
		enqueue(session->server, todo);
}

/* ---- serving ---- */

/* Copies the message's fixed part: all of it, but for the data of a Twrite. 0 or -errno. */
static int head_read(struct p9_call *call)
{
	struct p9_request *req = call->req;
	size_t len = req->size;

	if (req->type == P9_TWRITE)
		len = MIN(len, (size_t)P9_TWRITE_HEADER);
	if (len > P9_HEAD_MAX) /* GUEST: no message without data is that long */
		return -EMSGSIZE;
	/* The header was read at submission, and is not read again. */
	len -= P9_HEADER;
	if (iov_read(req->in, req->in_count, P9_HEADER, call->worker->head, len) != len) /* GUEST: */
		return -EBADMSG;
	/* strings move one byte down, over their length: no message starts with one's bytes */
	wire_init(&call->in, call->worker->head, len);
	return 0;
}

/* From here on the session takes requests again. */
static void version_done(struct p9_session *session)
{
	pthread_mutex_lock(&session->lock);
	session->version = NULL;
	pthread_mutex_unlock(&session->lock);
}

static void serve(struct p9_worker *worker, struct p9_request *req)
{
	struct p9_call call = {
		.session = req->session,
		.req = req,
		.out = worker->reply,
		.out_end = worker->reply + sizeof(worker->reply),
		.worker = worker,
	};
	p9_op_fn *op = p9_op_of(req->type);
	uint32_t len;
	int r;

	pthread_mutex_lock(&req->session->lock);
	call.msize = req->session->msize;
	pthread_mutex_unlock(&req->session->lock);

	if (atomic_load(&req->cancelled))
		r = -EINTR;
	else if (op == NULL) /* GUEST: */
		r = -EOPNOTSUPP;
	else if (call.msize == 0 && req->type != P9_TVERSION) /* GUEST: */
		r = -EPROTO;
	else if (req->type != P9_TVERSION && req->size > call.msize) /* GUEST: */
		r = -EMSGSIZE;
	else
		r = head_read(&call);
	if (r == 0)
		r = op(&call);
	if (r == P9_PARKED)
		return;
	if (req->type == P9_TVERSION)
		version_done(req->session);
	if (r < 0)
		len = p9_reply_error(req, r);
	else
		len = p9_reply(req, req->type == P9_TVERSION ? P9_MSIZE_MIN : call.msize, worker->reply,
			(size_t)(call.out - worker->reply), call.data_len);
	p9_finish(req, len);
}

static struct p9_request *dequeue(struct p9_server *server)
{
	struct p9_request *req;

	pthread_mutex_lock(&server->lock);
	server->idle++;
	while (server->queue == NULL && !server->stopping)
		pthread_cond_wait(&server->work, &server->lock);
	server->idle--;
	req = server->queue;
	if (req != NULL) {
		server->queue = req->next;
		server->queued--;
		if (server->queue == NULL)
			server->queue_end = &server->queue;
	}
	pthread_mutex_unlock(&server->lock);
	return req;
}

int p9_worker_new(struct p9_server *server, struct p9_worker **ret_worker)
{
	struct p9_worker *worker = malloc(sizeof(*worker));
	int r = worker != NULL ? fs_thread_init(server->fs) : -ENOMEM;

	if (r < 0)
		free(worker);
	else
		*ret_worker = worker;
	return r;
}

void p9_worker_free(struct p9_worker *worker)
{
	free(worker);
}

static void *worker_run(void *arg)
{
	struct p9_server *server = arg;
	struct p9_worker *worker = NULL;
	int error = p9_worker_new(server, &worker);
	struct p9_request *req;

	while ((req = dequeue(server)) != NULL) {
		if (error == 0)
			serve(worker, req);
		else
			p9_finish(req, p9_reply_error(req, error));
	}
	p9_worker_free(worker);
	return NULL;
}

static void enqueue(struct p9_server *server, struct p9_request *req)
{
	bool failed = false;

	req->next = NULL;
	pthread_mutex_lock(&server->lock);
	if (server->queued >= server->idle && server->workers < server->limits.workers) {
		if (thread_start(&server->threads[server->workers], worker_run, server) == 0)
			server->workers++;
		failed = server->workers == 0;
	}
	if (!failed) {
		*server->queue_end = req;
		server->queue_end = &req->next;
		server->queued++;
		pthread_cond_signal(&server->work);
	}
	pthread_mutex_unlock(&server->lock);
	if (failed)
		p9_finish(req, p9_reply_error(req, -EAGAIN));
}

/* ---- submission ---- */

/* Reads the header, once. 0 or -errno; *@ret_tag is set if there was one. */
static int request_init(struct p9_session *session, struct p9_request *req)
{
	uint8_t head[P9_HEADER];
	size_t total = iov_size(req->in, req->in_count);
	struct wire w;

	req->session = session;
	req->next = req->tag_next = req->flushes = NULL;
	req->lock_wait = NULL;
	req->state = 0;
	atomic_store(&req->cancelled, false);
	req->tag = UINT16_MAX;
	req->type = 0;
	if (iov_read(req->in, req->in_count, 0, head, sizeof(head)) != sizeof(head)) /* GUEST: */
		return -EBADMSG;
	wire_init(&w, head, sizeof(head));
	req->size = wire_get_u32(&w);
	req->type = wire_get_u8(&w);
	req->tag = wire_get_u16(&w);
	/* Linux before 5.13 leaves the data out of the size of a zero-copy Twrite. */
	if (req->type == P9_TWRITE && req->size == P9_TWRITE_HEADER && total <= UINT32_MAX)
		req->size = (uint32_t)total;
	if (req->size < P9_HEADER || req->size > total) /* GUEST: */
		return -EBADMSG;
	return 0;
}

/*
 * Tflush, answered at once or by the end of what it names.
 * LOCK: session->lock. True: it waits.
 */
static bool flush_wait(struct p9_session *session, struct p9_request *req, uint16_t old_tag)
{
	struct p9_request *old = tag_find(session, old_tag);

	if (old == req)
		return false;
	if (old == NULL) {
		struct p9_answer *a = session->answers;

		while (a != NULL && a->tag != old_tag)
			a = a->next;
		if (a == NULL)
			return false;
		req->next = a->flushes;
		a->flushes = req;
		return true;
	}
	atomic_store(&old->cancelled, true);
	req->next = old->flushes;
	old->flushes = req;
	return true;
}

/* The tag that a Tflush names, which is read before the lock is taken: 0 or -errno. */
static int flush_tag(const struct p9_request *req, uint16_t *ret_tag)
{
	uint8_t tag[2];

	if (req->size < P9_HEADER + sizeof(tag) ||
		iov_read(req->in, req->in_count, P9_HEADER, tag, sizeof(tag)) != sizeof(tag)) /* GUEST: */
		return -EBADMSG;
	*ret_tag = (uint16_t)(tag[0] | tag[1] << 8);
	return 0;
}

/* LOCK: session->lock. Everything that waits or is queued, but @except, will be answered EINTR. */
static void cancel_all(struct p9_session *session, const struct p9_request *except)
{
	for (unsigned int i = 0; i < P9_TAG_BUCKETS; i++)
		for (struct p9_request *r = session->tags[i]; r != NULL; r = r->tag_next)
			if (r != except)
				atomic_store(&r->cancelled, true);
}

/* A place in the table of tags: 0 or -errno. LOCK: session->lock */
static int tag_enter(struct p9_session *session, struct p9_request *req)
{
	struct p9_request **bucket = tag_bucket(session, req->tag);

	if (session->outstanding >= P9_REQUESTS_MAX) /* GUEST: */
		return -EBUSY;
	if (session->version != NULL) /* GUEST: nothing may follow a Tversion before its answer */
		return -EBUSY;
	if (tag_find(session, req->tag) != NULL) /* GUEST: */
		return -EINVAL;
	req->tag_next = *bucket;
	*bucket = req;
	session->outstanding++;
	return 0;
}

/*
 * Enters @req; true if it is to be served now, false if it is somebody else's already.
 *
 * GUEST: a Tflush is entered and tied to what it names in one go. So it waits only for what was
 * entered before it, and two that name each other never wait for each other.
 */
static bool request_take(struct p9_session *session, struct p9_request *req)
{
	bool version, flush, waits = false;
	uint16_t old_tag = 0;
	int r = request_init(session, req);

	if (r < 0) {
		/* without a whole header there is nobody to answer */
		req->done(req, req->type != 0 ? p9_reply_error(req, r) : 0);
		return false;
	}
	version = req->type == P9_TVERSION;
	flush = req->type == P9_TFLUSH;
	if (flush)
		r = flush_tag(req, &old_tag);
	pthread_mutex_lock(&session->lock);
	if (r == 0)
		r = tag_enter(session, req);
	if (r == 0 && flush) {
		waits = flush_wait(session, req, old_tag);
	} else if (r == 0 && version) {
		session->version = req;
		cancel_all(session, req);
		waits = session->outstanding != 1;
	}
	pthread_mutex_unlock(&session->lock);

	if (r < 0)
		req->done(req, p9_reply_error(req, r));
	else if (waits)
		p9_locks_kick(session->server->locks); /* what was cancelled may be a lock's wait */
	else if (flush)
		p9_finish(req, p9_reply(req, P9_MSIZE_MIN, NULL, 0, 0));
	else
		return true;
	return false;
}

void p9_submit(struct p9_session *session, struct p9_request *req)
{
	if (request_take(session, req))
		enqueue(session->server, req);
}

void p9_serve(struct p9_session *session, struct p9_worker *worker, struct p9_request *req)
{
	if (request_take(session, req))
		serve(worker, req);
}

/* ---- servers and sessions ---- */

int p9_server_new(struct fs *fs, const struct p9_limits *limits, struct p9_server **ret_server, struct err *err)
{
	struct p9_server *server = calloc(1, sizeof(*server));
	int r;

	if (server == NULL)
		return err_set(err, ENOMEM, "9P server: out of memory");
	server->fs = fs;
	if (limits != NULL)
		server->limits = *limits;
	if (server->limits.workers == 0)
		server->limits.workers = P9_WORKERS;
	if (server->limits.fids == 0)
		server->limits.fids = P9_FIDS_MAX;
	if (server->limits.msize == 0)
		server->limits.msize = P9_MSIZE_MAX;
	server->queue_end = &server->queue;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->work, NULL);
	server->threads = calloc(server->limits.workers, sizeof(*server->threads));
	r = server->threads != NULL ? p9_locks_new(server, &server->locks) : -ENOMEM;
	if (r < 0) {
		p9_server_free(server);
		return err_sys(err, r, "9P server");
	}
	*ret_server = server;
	return 0;
}

void p9_server_free(struct p9_server *server)
{
	if (server == NULL)
		return;
	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	pthread_cond_broadcast(&server->work);
	pthread_mutex_unlock(&server->lock);
	for (unsigned int i = 0; i < server->workers; i++)
		pthread_join(server->threads[i], NULL);
	p9_locks_free(server->locks);
	free(server->threads);
	pthread_cond_destroy(&server->work);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

int p9_session_new(struct p9_server *server, struct p9_session **ret_session)
{
	struct p9_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return -ENOMEM;
	session->server = server;
	pthread_mutex_init(&session->lock, NULL);
	pthread_cond_init(&session->idle, NULL);
	*ret_session = session;
	return 0;
}

void p9_session_reset(struct p9_session *session)
{
	pthread_mutex_lock(&session->lock);
	cancel_all(session, NULL);
	pthread_mutex_unlock(&session->lock);
	p9_locks_kick(session->server->locks);

	pthread_mutex_lock(&session->lock);
	while (session->outstanding != 0)
		pthread_cond_wait(&session->idle, &session->lock);
	session->msize = 0;
	pthread_mutex_unlock(&session->lock);
	p9_fid_clear(session);
}

void p9_session_free(struct p9_session *session)
{
	if (session == NULL)
		return;
	p9_session_reset(session);
	pthread_cond_destroy(&session->idle);
	pthread_mutex_destroy(&session->lock);
	free(session);
}
