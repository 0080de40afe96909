/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all sessions of the process, which share one limit of descriptors (fid.c). */
#include "p9/server.h"

static pthread_mutex_t sessions_lock = PTHREAD_MUTEX_INITIALIZER;
static struct p9_session *sessions; /* LOCK: sessions_lock, which is taken before any session->lock */

void p9_sessions_enter(struct p9_session *session)
{
	pthread_mutex_lock(&sessions_lock);
	session->next = sessions;
	session->prev = &sessions;
	if (sessions != NULL)
		sessions->prev = &session->next;
	sessions = session;
	pthread_mutex_unlock(&sessions_lock);
}

void p9_sessions_leave(struct p9_session *session)
{
	pthread_mutex_lock(&sessions_lock);
	*session->prev = session->next;
	if (session->next != NULL)
		session->next->prev = session->prev;
	pthread_mutex_unlock(&sessions_lock);
}

void p9_sessions_each(void (*fn)(struct p9_session *session))
{
	pthread_mutex_lock(&sessions_lock);
	for (struct p9_session *s = sessions; s != NULL; s = s->next)
		fn(s);
	pthread_mutex_unlock(&sessions_lock);
}
