/* SPDX-License-Identifier: Apache-2.0 */
/* Having the guest forget: see forgetting.h. */
#include "monitor/forgetting.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tags.h"

/*
 * Whether a relay's socket stands over the name @path in the guest. The name is meant whatever the host does with it
 * (jail/sockets.h), and the guest's kernel would take the mount away with it.
 */
static bool is_relayed(const struct forgetting *f, const char *path)
{
	for (size_t i = 0; i < f->sockets->n; i++) {
		const struct guest_socket *s = &f->sockets->sockets[i];

		for (size_t k = 0; s->entry && k < f->binds->n; k++) {
			char place[sizeof(TAG_SHARED) + BIND_NAME_MAX + NAME_MAX + 2];

			(void)snprintf(place, sizeof(place), TAG_SHARED "/%s/%s", f->binds->v[k].name, s->entry);
			if (f->binds->v[k].mount == s->mount && strcmp(path, place) == 0)
				return true;
		}
	}
	return false;
}

/* Takes the places of relays out of @names. */
static void keep_relays(const struct forgetting *f, struct strv *names)
{
	size_t left = 0;

	for (size_t i = 0; i < names->n; i++) {
		if (is_relayed(f, names->v[i]))
			free(names->v[i]);
		else
			names->v[left++] = names->v[i];
	}
	names->n = left;
}

static void on_forgotten(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct forgetting *f = arg;

	(void)payload;
	(void)len;
	f->asked = false;
	if (err->errnum == 0)
		forgetting_go(f);
}

void forgetting_go(struct forgetting *f)
{
	struct vm_stale stale;
	struct guest_forget names;
	struct err err = ERR_INIT;

	if (f->asked)
		return;
	vm_take_stale(f->vm, &stale);
	keep_relays(f, &stale.moved);
	keep_relays(f, &stale.gone);
	names = (struct guest_forget){
		.all = stale.all,
		.idle = stale.idle,
		.moved = { (uint32_t)stale.moved.n, (const char **)stale.moved.v },
		.gone = { (uint32_t)stale.gone.n, (const char **)stale.gone.v },
	};
	if (stale.idle && !f->told) {
		f->told = true;
		guestlog_say(f->log,
			"vmrunc: the guest is asked to give up names of files that it does not use; more \"host-overhead\" in vmrunc.json lets it keep more");
	}
	if (stale.all || stale.idle || stale.moved.n || stale.gone.n) {
		f->asked = guest_forget(f->guest, &names, on_forgotten, f, &err) == 0;
		if (!f->asked)
			guestlog_say(f->log, "vmrunc: stale names: %s", err.msg);
	}
	vm_stale_done(&stale);
}
