/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests: how one enters its session, waits in the server's queue, and ends.
 *
 * Tags. A request is in its session's table of tags from p9_request_enter() until its answer is handed over. From then
 * on its memory is the transport's, but a Tflush that comes while done() runs must still wait for the end of done().
 * struct p9_answer, on the stack of p9_finish(), stands for the request that long.
 *
 * Tflush never takes an answer away. A request that has not started is answered EINTR; one that runs is left to end,
 * since the host's system calls cannot be interrupted halfway; and then Rflush follows. The protocol allows it, and a
 * virtqueue needs each chain back anyway.
 *
 * Tversion runs alone: it is queued when it is the only request left, and until it has been answered the session takes
 * no other.
 *
 * LOCK order: session->lock before server->lock. Neither is held over done().
 */
#include <errno.h>

#include "base/clock.h"
#include "base/le.h"
#include "host/thread.h"
#include "p9/server.h"

/* ---- reading the header ---- */

int p9_request_read(struct p9_session *session, struct p9_request *req)
{
	uint8_t head[P9_HEADER];
	size_t total = iov_size(req->in, req->in_count);
	struct wire w;

	req->session = session;
	req->next = req->tag_next = req->flushes = NULL;
	req->lock_wait = NULL;
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

/* Reads the tag that the Tflush @req names: 0 or -errno. It is guest memory, so it is read before a lock is taken. */
static int flush_tag(const struct p9_request *req, uint16_t *ret_tag)
{
	uint8_t tag[2];

	if (req->size < P9_HEADER + sizeof(tag) ||
		iov_read(req->in, req->in_count, P9_HEADER, tag, sizeof(tag)) != sizeof(tag)) /* GUEST: */
		return -EBADMSG;
	*ret_tag = le16_get(tag);
	return 0;
}

/* ---- the table of tags ---- */

static struct p9_request **tag_bucket(struct p9_session *session, uint16_t tag)
{
	return &session->tags[tag & (P9_TAG_BUCKETS - 1)];
}

/* The request with that tag, or NULL. LOCK: session->lock */
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

/* Gives @req its place in the table of tags: 0 or -errno. LOCK: session->lock */
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
 * Ties the Tflush @req to the request that it names, or to that request's answer if that is being handed over. True:
 * @req is answered after it. False: nothing is left to wait for. LOCK: session->lock
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

void p9_cancel_all(struct p9_session *session, const struct p9_request *except)
{
	for (unsigned int i = 0; i < P9_TAG_BUCKETS; i++)
		for (struct p9_request *r = session->tags[i]; r != NULL; r = r->tag_next)
			if (r != except)
				atomic_store(&r->cancelled, true);
}

/*
 * GUEST: a Tflush is entered and tied to what it names under one lock. So it waits only for what was entered before it,
 * and two that name each other never wait for each other.
 */
int p9_request_enter(struct p9_session *session, struct p9_request *req)
{
	uint16_t old_tag = 0;
	bool waits = false;
	int r = 0;

	if (req->type == P9_TFLUSH)
		r = flush_tag(req, &old_tag);
	if (r < 0)
		return r;
	pthread_mutex_lock(&session->lock);
	r = tag_enter(session, req);
	if (r == 0 && req->type == P9_TFLUSH) {
		waits = flush_wait(session, req, old_tag);
	} else if (r == 0 && req->type == P9_TVERSION) {
		session->version = req;
		p9_cancel_all(session, req);
		waits = session->outstanding != 1;
	}
	pthread_mutex_unlock(&session->lock);
	return r < 0 ? r : waits ? P9_PARKED : 0;
}

/* ---- the queue ---- */

/*
 * Which requests may be served now. A thread that serves a file system which hangs (a FUSE daemon or an NFS server that
 * does not answer) is lost until it answers. So an export gets one thread, and else half of those that others leave: of
 * eight one that hangs has four, a second two, a third and a fourth one each.
 */
static const void *place_of(const struct p9_request *req)
{
	uint8_t fid[4];

	/* Only where it waits depends on it, so that it may be read twice. */
	if (req->type == P9_TVERSION || req->type == P9_TFLUSH || req->type == P9_TATTACH || req->type == P9_TAUTH ||
		iov_read(req->in, req->in_count, P9_HEADER, fid, sizeof(fid)) != sizeof(fid))
		return NULL;
	return p9_fid_place(req->session, le32_get(fid));
}

/* LOCK: server->lock */
static bool may_serve(const struct p9_server *server, const struct p9_request *req)
{
	unsigned int busy = 0, there = 0;

	if (req->type == P9_TVERSION || atomic_load(&req->cancelled) || server->stopping)
		return true;
	for (const struct p9_worker *w = server->all; w != NULL; w = w->next) {
		busy += w->busy;
		there += w->busy && w->place == req->place;
	}
	return there == 0 || busy + there < server->limits.workers;
}

/* Takes the first request that may be served now from the queue; NULL: there is none. LOCK: server->lock */
static struct p9_request *queue_take(struct p9_server *server, const struct p9_worker *worker)
{
	struct p9_request **at = &server->queue, *req;

	while (*at != NULL && worker != NULL && !may_serve(server, *at))
		at = &(*at)->next;
	req = *at;
	if (req != NULL) {
		*at = req->next;
		if (*at == NULL)
			server->queue_end = at;
		server->queued--;
	}
	return req;
}

/* LOCK: server->lock */
static void worker_rest(struct p9_worker *worker)
{
	worker->busy = false;
	if (worker->server->draining)
		pthread_cond_signal(&worker->server->drained);
}

/* LOCK: server->lock */
static bool any_busy(const struct p9_server *server)
{
	const struct p9_worker *w = server->all;

	while (w != NULL && !w->busy)
		w = w->next;
	return w != NULL;
}

bool p9_server_drain(struct p9_server *server, int timeout_ms)
{
	int64_t until_ms = clock_now_ms() + timeout_ms;
	struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
	bool busy;

	pthread_mutex_lock(&server->lock);
	server->draining = true;
	while ((busy = any_busy(server)) &&
		pthread_cond_clockwait(&server->drained, &server->lock, CLOCK_MONOTONIC, &until) == 0)
		;
	server->draining = false;
	pthread_mutex_unlock(&server->lock);
	return !busy;
}

struct p9_request *p9_dequeue(struct p9_server *server, struct p9_worker *worker)
{
	struct p9_request *req;
	bool more;

	pthread_mutex_lock(&server->lock);
	if (worker != NULL)
		worker_rest(worker);
	server->idle++;
	while ((req = queue_take(server, worker)) == NULL && !(server->stopping && server->queue == NULL))
		pthread_cond_wait(&server->work, &server->lock);
	server->idle--;
	if (req != NULL && worker != NULL) {
		worker->busy = true;
		worker->place = req->place;
	}
	more = server->queue != NULL && server->idle > 0;
	pthread_mutex_unlock(&server->lock);
	if (more)
		pthread_cond_signal(&server->work); /* what waited for the end of the one before */
	return req;
}

bool p9_begin(struct p9_worker *worker, struct p9_request *req)
{
	bool may;

	req->place = place_of(req);
	pthread_mutex_lock(&worker->server->lock);
	may = may_serve(worker->server, req);
	if (may) {
		worker->busy = true;
		worker->place = req->place;
	}
	pthread_mutex_unlock(&worker->server->lock);
	return may;
}

void p9_end(struct p9_worker *worker)
{
	struct p9_server *server = worker->server;
	bool more;

	pthread_mutex_lock(&server->lock);
	worker_rest(worker);
	more = server->queue != NULL;
	pthread_mutex_unlock(&server->lock);
	if (more)
		pthread_cond_signal(&server->work);
}

void p9_queue_kick(struct p9_server *server)
{
	pthread_mutex_lock(&server->lock);
	if (server->queue != NULL)
		pthread_cond_broadcast(&server->work);
	pthread_mutex_unlock(&server->lock);
}

void p9_enqueue(struct p9_server *server, struct p9_request *req)
{
	bool failed = false;

	req->next = NULL;
	req->place = place_of(req);
	pthread_mutex_lock(&server->lock);
	if (server->queued >= server->idle && server->workers < server->limits.workers) {
		if (thread_start(THREAD_FILES, &server->threads[server->workers], server->worker_run, server) == 0)
			server->workers++;
		failed = server->workers == 0;
	}
	if (!failed) {
		*server->queue_end = req;
		server->queue_end = &req->next;
		server->queued++;
	}
	pthread_mutex_unlock(&server->lock);
	if (!failed)
		pthread_cond_signal(&server->work); /* behind the lock, or the thread that wakes would wait for that */
	else
		p9_finish(req, p9_reply_error(req, -EAGAIN));
}

/* ---- the end ---- */

/*
 * Hands the answer of @req over, and returns the list of the Tflush requests that waited for that. If it is a Tversion, the
 * session takes requests again from here on, however it came to its answer.
 */
static struct p9_request *answer(struct p9_session *session, struct p9_request *req, uint32_t reply_len)
{
	struct p9_answer here = { .tag = req->tag }, **at;

	pthread_mutex_lock(&session->lock);
	tag_remove(session, req);
	if (session->version == req)
		session->version = NULL;
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
 * Takes note that @n requests of @session have ended. Returns a Tversion that is alone now. Otherwise NULL, and
 * @session may be gone already: the thread that frees it waits for nothing but this.
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

	/* A Tflush may have been flushed in turn: the request that flushed it is answered after it. */
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
		p9_enqueue(session->server, todo);
}
