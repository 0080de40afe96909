/* SPDX-License-Identifier: Apache-2.0 */
/* A container's processes, as the guest tells them: see ps.h. */
#include "guest/ps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void guest_ps_done(struct guest_ps *ps)
{
	proto_arena_done(&ps->arena);
	free(ps->message);
	*ps = (struct guest_ps){ .message = NULL };
}

/* GUEST: a text that a terminal shows and does not obey. It lies in the message, which is ours to change. */
static void clean(const struct guest_ps *ps, const char *text)
{
	char *own = ps->message + (text - ps->message);

	if (*text)
		text_clean(own, strlen(own));
}

int guest_ps_decode(char *payload, size_t len, struct guest_ps *ret)
{
	struct guest_ps ps = { .message = payload };
	int r = proto_get_ps(payload, len, &ps.arena, &ps.list);

	if (r < 0) {
		proto_arena_done(&ps.arena);
		return r;
	}
	for (uint32_t i = 0; i < ps.list.len; i++) {
		struct proto_ps_entry *e = &ps.list.at[i];

		clean(&ps, e->comm);
		clean(&ps, e->args);
		if (!strchr("RSDZTtXxIWKP", e->state) || !e->state) /* GUEST: it is printed */
			e->state = '?';
	}
	*ret = ps;
	return 0;
}
