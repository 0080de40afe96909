/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: one conversation each. What a session has is in other files: its fids in fid.c, its table of tags in
 * request.c. The sessions of the process are in a list, since one limit of descriptors is theirs together (fid.c).
 */
#include <errno.h>
#include <stdlib.h>

#include "p9/server.h"

int p9_session_new(struct p9_server *server, struct p9_session **ret_session)
{
	struct p9_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return -ENOMEM;
	session->server = server;
	pthread_mutex_init(&session->lock, NULL);
	pthread_cond_init(&session->idle, NULL);
	p9_sessions_enter(session);
	*ret_session = session;
	return 0;
}

void p9_session_reset(struct p9_session *session)
{
	pthread_mutex_lock(&session->lock);
	p9_cancel_all(session, NULL);
	pthread_mutex_unlock(&session->lock);
	p9_queue_kick(session->server);
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
	p9_sessions_leave(session);
	pthread_cond_destroy(&session->idle);
	pthread_mutex_destroy(&session->lock);
	free(session);
}
