/* SPDX-License-Identifier: Apache-2.0 */
/* The payload of PS: struct proto_ps of proto.h. */
#include <errno.h>
#include <string.h>

#include "base/wire.h"
#include "channel/codec.h"
#include "channel/proto.h"

/* One process of a list: all of struct proto_ps_entry, in the order of its members. */
static void code_ps_entry(struct codec *c, struct proto_ps_entry *e)
{
	codec_u32(c, &e->pid);
	codec_u32(c, &e->ppid);
	codec_u32(c, &e->pgid);
	codec_u32(c, &e->sid);
	codec_u32(c, &e->uid);
	codec_u32(c, &e->gid);
	codec_u8(c, &e->state);
	codec_bool(c, &e->held);
	codec_u32(c, &e->tty);
	codec_i32(c, &e->priority);
	codec_i32(c, &e->nice);
	codec_u32(c, &e->threads);
	codec_u64(c, &e->cpu_ticks);
	codec_u64(c, &e->start_ticks);
	codec_u64(c, &e->vsize);
	codec_u64(c, &e->rss);
	codec_str(c, &e->comm);
	codec_str(c, &e->args);
}

static void code_ps(struct codec *c, struct proto_ps *p)
{
	uint32_t n;

	codec_u64(c, &p->uptime_ticks);
	codec_u32(c, &p->ticks_per_second);
	if (p->ticks_per_second == 0) /* GUEST: it is divided by */
		c->in.error = -EBADMSG;
	codec_u64(c, &p->memory_bytes);
	codec_bool(c, &p->cut);
	n = CODEC_COUNT(c, p, PROTO_PS_ENTRY_MIN, PROTO_PS_MAX);
	for (uint32_t i = 0; i < n; i++)
		code_ps_entry(c, &p->at[i]);
}

void proto_put_ps(struct buf *out, const struct proto_ps *m)
{
	struct codec c = { .out = out };
	struct proto_ps copy = *m;

	code_ps(&c, &copy);
}

int proto_get_ps(const void *payload, size_t len, struct proto_arena *a, struct proto_ps *ret)
{
	struct codec c = { .arena = a };

	memset(ret, 0, sizeof(*ret));
	wire_init(&c.in, payload, len);
	code_ps(&c, ret);
	return wire_finish(&c.in) < 0 ? -EBADMSG : c.error;
}
