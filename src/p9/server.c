/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: from a submitted request to its answer.
 *
 *   p9_submit --> tag table --> queue --> worker: serve() --> p9_finish --> done()
 *       |                                    |                   ^
 *       |                                    +--> lock.c --------+  (a Tlock that waits)
 *       +--> Tflush: answered by the end of the request that it names
 *       +--> Tversion: queued when it is the only request left
 *
 * Tags, the queue and the end of requests are in request.c.
 *
 * Threads. Workers are started one by one, when there is work and none of them is idle, and they stay. They serve all
 * sessions. A request runs on one of them from start to end, except for a lock that must wait. One of an export that has
 * its share of the threads waits in the queue (request.c), so that an export whose file system hangs does not take all. The order of requests is
 * not kept: a client that needs an order waits for each answer, as 9P has it.
 *
 * LOCK order: session->lock, then server->lock or the one of locks. None is held over an operation on files or over
 * done().
 */
#include <errno.h>
#include <stdlib.h>

#include "p9/server.h"

/* ---- serving ---- */

/* Copies the message, without the data of a Twrite, into the worker's own memory: 0 or -errno. */
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
	/* p9_get_str() moves strings down over their length; no message starts with a string's bytes. */
	wire_init(&call->in, call->worker->head, len);
	return 0;
}

/* Checks @req, runs its operation, and answers it unless the operation has parked it. */
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
	if (r == 0) {
		p9_fids_make_room(req->session);
		r = op(&call);
	}
	if (r == P9_PARKED)
		return;
	if (r < 0)
		len = p9_reply_error(req, r);
	else
		len = p9_reply(req, req->type == P9_TVERSION ? P9_MSIZE_MIN : call.msize, worker->reply,
			(size_t)(call.out - worker->reply), call.data_len);
	p9_finish(req, len);
}

int p9_worker_new(struct p9_server *server, struct p9_worker **ret_worker)
{
	struct p9_worker *worker = malloc(sizeof(*worker));
	int r = worker != NULL ? fs_thread_init(server->fs) : -ENOMEM;

	if (r < 0) {
		free(worker);
		return r;
	}
	worker->server = server;
	worker->busy = false;
	pthread_mutex_lock(&server->lock);
	worker->next = server->all;
	server->all = worker;
	pthread_mutex_unlock(&server->lock);
	*ret_worker = worker;
	return 0;
}

void p9_worker_free(struct p9_worker *worker)
{
	struct p9_worker **at;

	if (worker == NULL)
		return;
	pthread_mutex_lock(&worker->server->lock);
	for (at = &worker->server->all; *at != worker; at = &(*at)->next)
		;
	*at = worker->next;
	pthread_mutex_unlock(&worker->server->lock);
	free(worker);
}

/* Serves @req in this thread if that may be now, and else leaves it to the queue. */
static void serve_or_queue(struct p9_worker *worker, struct p9_request *req)
{
	if (p9_begin(worker, req)) {
		serve(worker, req);
		p9_end(worker);
	} else {
		p9_enqueue(worker->server, req);
	}
}

/*
 * A worker: serves requests from the queue until the server stops. A thread that cannot be made fit for that answers with
 * the reason, and tries again for the next request.
 */
static void *worker_run(void *arg)
{
	struct p9_server *server = arg;
	struct p9_worker *worker = NULL;
	struct p9_request *req;

	while ((req = p9_dequeue(server, worker)) != NULL) {
		int r = 0;

		if (worker != NULL)
			serve(worker, req);
		else if ((r = p9_worker_new(server, &worker)) == 0)
			serve_or_queue(worker, req);
		if (r < 0)
			p9_finish(req, p9_reply_error(req, r));
	}
	p9_worker_free(worker);
	return NULL;
}

/* ---- submission ---- */

/* What was cancelled may be a request that waits, for a thread or for a lock. */
static void cancelled_kick(struct p9_server *server)
{
	p9_queue_kick(server);
	p9_locks_kick(server->locks);
}

/* Enters @req; true if it is to be served now, false if it has been answered or somebody else will answer it. */
static bool request_take(struct p9_session *session, struct p9_request *req)
{
	int r = p9_request_read(session, req);

	if (r < 0) {
		/* without a whole header there is nobody to answer */
		req->done(req, req->type != 0 ? p9_reply_error(req, r) : 0);
		return false;
	}
	r = p9_request_enter(session, req);
	if (r < 0)
		req->done(req, p9_reply_error(req, r));
	else if (r == P9_PARKED)
		cancelled_kick(session->server);
	else if (req->type == P9_TFLUSH)
		p9_finish(req, p9_reply(req, P9_MSIZE_MIN, NULL, 0, 0));
	else
		return true;
	return false;
}

void p9_submit(struct p9_session *session, struct p9_request *req)
{
	if (request_take(session, req))
		p9_enqueue(session->server, req);
}

void p9_serve(struct p9_session *session, struct p9_worker *worker, struct p9_request *req)
{
	if (!request_take(session, req))
		return;
	serve_or_queue(worker, req);
}

/* ---- servers ---- */

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
	server->worker_run = worker_run;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->work, NULL);
	pthread_cond_init(&server->drained, NULL);
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
	pthread_cond_destroy(&server->drained);
	pthread_mutex_destroy(&server->lock);
	free(server);
}
