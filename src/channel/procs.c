/* SPDX-License-Identifier: Apache-2.0 */
/* PROCS and its payload: struct proto_procs of proto.h. */
#include <errno.h>
#include <string.h>

#include "base/wire.h"
#include "channel/codec.h"
#include "channel/proto.h"

/* What users, groups and rights a process has. */
static void code_identity(struct codec *c, struct proto_proc *p)
{
	uint32_t n;

	for (size_t i = 0; i < ARRAY_LEN(p->uids); i++)
		codec_u32(c, &p->uids[i]);
	for (size_t i = 0; i < ARRAY_LEN(p->gids); i++)
		codec_u32(c, &p->gids[i]);
	n = CODEC_COUNT(c, &p->groups, 4, PROTO_PROC_GROUPS_MAX);
	for (uint32_t i = 0; i < n; i++)
		codec_u32(c, &p->groups.at[i]);
	for (size_t i = 0; i < GUEST_CAP_SETS; i++)
		codec_u64(c, &p->caps[i]);
	codec_bool(c, &p->no_new_privs);
	codec_u8(c, &p->seccomp);
}

/* One process: all of struct proto_proc, in the order of its members. */
static void code_proc(struct codec *c, struct proto_proc *p)
{
	codec_u32(c, &p->pid);
	codec_u32(c, &p->ppid);
	codec_u32(c, &p->pgid);
	codec_u32(c, &p->sid);
	codec_u32(c, &p->tty);
	codec_u8(c, &p->state);
	codec_i32(c, &p->priority);
	codec_i32(c, &p->nice);
	codec_u32(c, &p->threads);
	codec_u64(c, &p->user_ticks);
	codec_u64(c, &p->system_ticks);
	codec_u64(c, &p->start_ticks);
	codec_u64(c, &p->vsize);
	codec_u64(c, &p->rss);
	code_identity(c, p);
	codec_str(c, &p->comm);
	codec_bytes(c, &p->cmdline.at, &p->cmdline.len);
	codec_str(c, &p->label);
}

static void code_procs(struct codec *c, struct proto_procs *p)
{
	uint32_t n;

	codec_u64(c, &p->uptime_ticks);
	codec_u32(c, &p->ticks_per_second);
	if (p->ticks_per_second == 0) /* GUEST: it is divided by */
		c->in.error = -EBADMSG;
	codec_u32(c, &p->after);
	n = CODEC_COUNT(c, p, PROTO_PROC_MIN, PROTO_PROCS_MAX);
	for (uint32_t i = 0; i < n; i++)
		code_proc(c, &p->at[i]);
}

void proto_put_procs_request(struct buf *out, uint32_t seq, const char *cid, uint32_t after)
{
	struct proto_request r = { .type = PROTO_PROCS, .seq = seq, .cid = cid, .after = after };

	proto_put_any(out, &r);
}

void proto_put_procs(struct buf *out, const struct proto_procs *m)
{
	struct codec c = { .out = out };
	struct proto_procs copy = *m;

	code_procs(&c, &copy);
}

int proto_get_procs(const void *payload, size_t len, struct proto_arena *a, struct proto_procs *ret)
{
	struct codec c = { .arena = a };

	memset(ret, 0, sizeof(*ret));
	wire_init(&c.in, payload, len);
	code_procs(&c, ret);
	return wire_finish(&c.in) < 0 ? -EBADMSG : c.error;
}
