/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the channel: see proto.h.
 *
 * code_x() writes or reads the fields of struct guest_x or proto_x, whichever the codec does (src/channel/codec.h), so that the
 * fields of each struct are listed once.
 */
#include "channel/proto.h"

#include <errno.h>
#include <string.h>

#include "base/wire.h"
#include "channel/codec.h"
#include "channel/question.h"

#define MIN_STR 5 /* length and NUL of an empty string */

/* --- structs that hold no others --- */

static void code_strings(struct codec *c, struct guest_strings *s)
{
	uint32_t n = CODEC_COUNT(c, s, MIN_STR, PROTO_STRINGS_MAX);

	for (uint32_t i = 0; i < n; i++)
		codec_str(c, &s->at[i]);
}

static void code_values(struct codec *c, struct guest_values *v)
{
	uint32_t n = CODEC_COUNT(c, v, 2 * MIN_STR, PROTO_VALUES_MAX);

	for (uint32_t i = 0; i < n; i++) {
		codec_str(c, &v->at[i].key);
		codec_str(c, &v->at[i].value);
	}
}

static void code_idmaps(struct codec *c, struct guest_idmaps *m)
{
	uint32_t n = CODEC_COUNT(c, m, 12, PROTO_IDMAPS_MAX);

	for (uint32_t i = 0; i < n; i++) {
		codec_u32(c, &m->at[i].container);
		codec_u32(c, &m->at[i].host);
		codec_u32(c, &m->at[i].size);
	}
}

static void code_ids(struct codec *c, struct guest_ids *ids)
{
	uint32_t n = CODEC_COUNT(c, ids, 4, PROTO_GROUPS_MAX);

	for (uint32_t i = 0; i < n; i++)
		codec_u32(c, &ids->at[i]);
}

static void code_rlimits(struct codec *c, struct guest_rlimits *l)
{
	uint32_t n = CODEC_COUNT(c, l, 20, PROTO_RLIMITS_MAX);

	for (uint32_t i = 0; i < n; i++) {
		codec_u32(c, &l->at[i].resource);
		codec_u64(c, &l->at[i].soft);
		codec_u64(c, &l->at[i].hard);
	}
}

static void code_blob(struct codec *c, struct guest_blob *b)
{
	codec_bytes(c, &b->at, &b->len);
}

/* Each device: a path and five u32. */
static void code_devices(struct codec *c, struct guest_devices *d)
{
	uint32_t n = CODEC_COUNT(c, d, MIN_STR + 20, PROTO_DEVICES_MAX);

	for (uint32_t i = 0; i < n; i++) {
		codec_str(c, &d->at[i].path);
		codec_u32(c, &d->at[i].mode);
		codec_u32(c, &d->at[i].major);
		codec_u32(c, &d->at[i].minor);
		codec_u32(c, &d->at[i].uid);
		codec_u32(c, &d->at[i].gid);
	}
}

static void code_scheduler(struct codec *c, struct guest_scheduler *s)
{
	codec_u32(c, &s->policy);
	codec_u32(c, &s->flags);
	codec_i32(c, &s->nice);
	codec_u32(c, &s->priority);
	codec_u64(c, &s->runtime);
	codec_u64(c, &s->deadline);
	codec_u64(c, &s->period);
}

/* --- mounts, process, container --- */

/* One mount: its kind, four strings, five u64, and what sets its propagation. */
static void code_mount(struct codec *c, struct guest_mount *m)
{
	codec_u8(c, &m->kind);
	if (m->kind > GUEST_MOUNT_REMOUNT) /* GUEST: no such kind */
		c->in.error = -EBADMSG;
	codec_str(c, &m->source);
	codec_str(c, &m->destination);
	codec_str(c, &m->fstype);
	codec_str(c, &m->data);
	codec_u64(c, &m->flags);
	codec_u64(c, &m->attr_set);
	codec_u64(c, &m->attr_clear);
	codec_u64(c, &m->rec_attr_set);
	codec_u64(c, &m->rec_attr_clear);
	code_ids(c, &m->propagation);
	codec_bool(c, &m->tmpcopyup);
	codec_bool(c, &m->shown);
}

/* Each relay: its number, a name, and five u32. */
static void code_relays(struct codec *c, struct guest_relays *l)
{
	uint32_t n = CODEC_COUNT(c, l, MIN_STR + 24, PROTO_RELAYS_MAX);

	for (uint32_t i = 0; i < n; i++) {
		codec_u32(c, &l->at[i].id);
		codec_str(c, &l->at[i].name);
		codec_u32(c, &l->at[i].type);
		codec_u32(c, &l->at[i].to_host);
		codec_u32(c, &l->at[i].mode);
		codec_u32(c, &l->at[i].uid);
		codec_u32(c, &l->at[i].gid);
	}
}

static void code_mounts(struct codec *c, struct guest_mounts *m)
{
	uint32_t n = CODEC_COUNT(c, m, 4 * MIN_STR + 47, PROTO_MOUNTS_MAX);

	for (uint32_t i = 0; i < n; i++)
		code_mount(c, &m->at[i]);
}

/* Each descriptor: its kind, three u32, two names. */
static void code_fds(struct codec *c, struct guest_fds *l)
{
	uint32_t n = CODEC_COUNT(c, l, 21, PROTO_FDS_MAX);

	for (uint32_t i = 0; i < n; i++) {
		codec_u8(c, &l->at[i].kind);
		codec_u32(c, &l->at[i].to_guest);
		codec_u32(c, &l->at[i].to_host);
		codec_u32(c, &l->at[i].relay);
		code_blob(c, &l->at[i].addr);
		code_blob(c, &l->at[i].peer);
	}
}

/* All of struct guest_process, in the order of its members. */
static void code_process(struct codec *c, struct guest_process *p)
{
	codec_u32(c, &p->id);
	code_fds(c, &p->fds);
	for (size_t i = 0; i < ARRAY_LEN(p->stream); i++)
		codec_u32(c, &p->stream[i]);
	codec_bool(c, &p->terminal);
	codec_u16(c, &p->rows);
	codec_u16(c, &p->cols);
	code_strings(c, &p->args);
	code_strings(c, &p->env);
	codec_str(c, &p->cwd);
	codec_u32(c, &p->uid);
	codec_u32(c, &p->gid);
	code_ids(c, &p->groups);
	codec_u32(c, &p->umask);
	for (size_t i = 0; i < GUEST_CAP_SETS; i++)
		codec_u64(c, &p->caps[i]);
	code_rlimits(c, &p->rlimits);
	codec_bool(c, &p->no_new_privs);
	codec_bool(c, &p->has_oom_score_adj);
	codec_i32(c, &p->oom_score_adj);
	code_blob(c, &p->seccomp);
	codec_u32(c, &p->seccomp_flags);
	codec_bool(c, &p->has_scheduler);
	code_scheduler(c, &p->scheduler);
	codec_bool(c, &p->has_ioprio);
	codec_u32(c, &p->ioprio);
	codec_str(c, &p->cpus_initial);
	codec_str(c, &p->cpus_final);
	codec_bool(c, &p->has_personality);
	codec_u64(c, &p->personality);
	codec_bool(c, &p->has_memory_policy);
	codec_u32(c, &p->memory_policy);
	code_ids(c, &p->memory_nodes);
	codec_bool(c, &p->lf_only);
	codec_str(c, &p->cgroup);
	codec_bool(c, &p->held);
}

static void code_hooks(struct codec *c, struct guest_hooks *h)
{
	uint32_t n = CODEC_COUNT(c, h, MIN_STR + 13, PROTO_HOOKS_MAX);

	for (uint32_t i = 0; i < n; i++) {
		codec_str(c, &h->at[i].path);
		code_strings(c, &h->at[i].args);
		code_strings(c, &h->at[i].env);
		codec_bool(c, &h->at[i].inherits_env);
		codec_u32(c, &h->at[i].timeout_s);
	}
}

/* All of struct guest_container, in the order of its members; its first process comes last. */
static void code_container(struct codec *c, struct guest_container *k)
{
	codec_str(c, &k->cid);
	codec_str(c, &k->rootfs);
	codec_bool(c, &k->readonly);
	codec_u32(c, &k->rootfs_propagation);
	for (size_t i = 0; i < GUEST_NS_COUNT; i++) {
		codec_u8(c, &k->ns[i].mode);
		if (k->ns[i].mode > GUEST_NS_JOIN) /* GUEST: no such mode */
			c->in.error = -EBADMSG;
		codec_str(c, &k->ns[i].cid);
	}
	code_idmaps(c, &k->uids);
	code_idmaps(c, &k->gids);
	codec_bool(c, &k->has_boottime);
	codec_bool(c, &k->has_monotonic);
	codec_i64(c, &k->boottime_s);
	codec_i64(c, &k->monotonic_s);
	codec_u32(c, &k->boottime_ns);
	codec_u32(c, &k->monotonic_ns);
	codec_str(c, &k->hostname);
	codec_str(c, &k->domainname);
	code_relays(c, &k->relays);
	code_mounts(c, &k->mounts);
	codec_bool(c, &k->no_devices);
	code_devices(c, &k->devices);
	code_strings(c, &k->masked);
	code_strings(c, &k->readonly_paths);
	code_values(c, &k->sysctl);
	code_values(c, &k->cgroup);
	code_blob(c, &k->device_filter);
	code_hooks(c, &k->start_hooks);
	codec_str(c, &k->hook_state_head);
	codec_str(c, &k->hook_state_tail);
	code_process(c, &k->process);
}

/* Each interface: two addresses, its name, its number on the host, its MTU, and what is so or not. */
static void code_nics(struct codec *c, struct guest_nics *nics)
{
	uint32_t n = CODEC_COUNT(c, nics, MIN_STR + 27, PROTO_NICS_MAX);

	for (uint32_t i = 0; i < n; i++) {
		codec_u64(c, &nics->at[i].device);
		codec_u64(c, &nics->at[i].mac);
		codec_str(c, &nics->at[i].name);
		codec_u32(c, &nics->at[i].ifindex);
		codec_u32(c, &nics->at[i].mtu);
		codec_bool(c, &nics->at[i].up);
		codec_bool(c, &nics->at[i].noarp);
		codec_bool(c, &nics->at[i].gone);
	}
}

/* The interfaces, what is set of them, and where names are asked. */
static void code_net(struct codec *c, struct guest_net *net)
{
	uint32_t n;

	codec_str(c, &net->cid);
	code_nics(c, &net->nics);
	code_values(c, &net->sysctl);
	n = CODEC_COUNT(c, &net->messages, 6, PROTO_NET_MESSAGES_MAX);
	for (uint32_t i = 0; i < n; i++) {
		codec_u16(c, &net->messages.at[i].type);
		code_blob(c, &net->messages.at[i].body);
	}
	n = CODEC_COUNT(c, &net->resolvers, 8, PROTO_RESOLVERS_MAX);
	for (uint32_t i = 0; i < n; i++) {
		codec_u32(c, &net->resolvers.at[i].address);
		codec_u32(c, &net->resolvers.at[i].relay);
	}
}

static void code_sandbox(struct codec *c, struct guest_sandbox *s)
{
	codec_str(c, &s->hostname);
	codec_str(c, &s->private_cache);
	codec_str(c, &s->shared_cache);
	codec_bool(c, &s->lock_kinds);
	code_values(c, &s->sysctl);
}

static void code_hello(struct codec *c, struct proto_hello *h)
{
	codec_u32(c, &h->version);
	codec_u64(c, &h->features);
	codec_str(c, &h->build);
	codec_str(c, &h->kernel);
	codec_u64(c, &h->uptime_us);
	for (size_t i = 0; i < PROTO_SEED_LEN; i++)
		codec_u8(c, &h->seed[i]);
}

static void code_result(struct codec *c, struct proto_result *r)
{
	codec_u32(c, &r->seq);
	codec_u32(c, &r->errnum);
	codec_u32(c, &r->exit_status);
	codec_str(c, &r->msg);
	codec_bytes(c, &r->payload, &r->payload_len);
}

static void code_exited(struct codec *c, struct proto_exited *e)
{
	codec_u32(c, &e->process);
	codec_u32(c, &e->status);
	codec_bool(c, &e->oom);
}

static void code_time(struct codec *c, struct proto_time *t)
{
	codec_u64(c, &t->asked_ns);
	codec_u64(c, &t->realtime_ns);
}

static void code_dial(struct codec *c, struct proto_dial *d)
{
	codec_u32(c, &d->relay);
	codec_u32(c, &d->token);
}

static void code_link(struct codec *c, struct proto_link *l)
{
	codec_u32(c, &l->token);
	codec_u32(c, &l->relay);
	codec_u32(c, &l->errnum);
	codec_u32(c, &l->to_guest);
	codec_u32(c, &l->to_host);
	code_blob(c, &l->addr);
	code_blob(c, &l->peer);
}

static void code_log(struct codec *c, struct proto_log_entry *l)
{
	codec_u8(c, &l->level);
	codec_str(c, &l->text);
}

static void code_forget(struct codec *c, struct guest_forget *f)
{
	codec_bool(c, &f->all);
	codec_bool(c, &f->idle);
	code_strings(c, &f->moved);
	code_strings(c, &f->gone);
}

/* --- messages --- */

static void code_signal(struct codec *c, struct proto_request *r)
{
	codec_u32(c, &r->process);
	codec_u32(c, &r->signo);
	codec_bool(c, &r->all);
}

static void code_winsize(struct codec *c, struct proto_request *r)
{
	codec_u32(c, &r->process);
	codec_u16(c, &r->rows);
	codec_u16(c, &r->cols);
}

/* What follows a request's type: the seq, if the type has one, and the fields that enum proto_type lists. */
static void code_request(struct codec *c, struct proto_request *r)
{
	if (r->type != PROTO_WINSIZE && r->type != PROTO_TIME && r->type != PROTO_LINK && r->type != PROTO_FILE_CLOSE)
		codec_u32(c, &r->seq);
	switch (r->type) {
	case PROTO_SANDBOX:
		code_sandbox(c, &r->sandbox);
		break;
	case PROTO_CREATE:
		code_container(c, &r->container);
		break;
	case PROTO_START:
		codec_u32(c, &r->process);
		break;
	case PROTO_EXEC:
		codec_str(c, &r->cid);
		code_process(c, &r->exec);
		break;
	case PROTO_SIGNAL:
		code_signal(c, r);
		break;
	case PROTO_UPDATE:
		codec_str(c, &r->cid);
		code_values(c, &r->values);
		break;
	case PROTO_PROCS:
	case PROTO_READ_CGROUP:
	case PROTO_DELETE:
	case PROTO_PS:
	case PROTO_PORTS:
	case PROTO_FILE:
	case PROTO_FILE_CLOSE:
		question_code(c, r);
		break;
	case PROTO_SYNC:
	case PROTO_POWEROFF:
		break;
	case PROTO_WINSIZE:
		code_winsize(c, r);
		break;
	case PROTO_TIME:
		code_time(c, &r->time);
		break;
	case PROTO_RESUMED:
		codec_u64(c, &r->time.realtime_ns);
		break;
	case PROTO_LINK:
		code_link(c, &r->link);
		break;
	case PROTO_FORGET:
		code_forget(c, &r->forget);
		break;
	case PROTO_NET:
		code_net(c, &r->net);
		break;
	default: /* GUEST: no such request */
		c->in.error = -EBADMSG;
	}
}

uint16_t proto_type(const void *msg, size_t len)
{
	struct wire w;

	wire_init(&w, msg, len);
	return wire_get_u16(&w);
}

/* A codec that appends to @out, where it has put @type. */
static struct codec codec_writer(struct buf *out, uint16_t type)
{
	wire_put_u16(out, type);
	return (struct codec){ .out = out };
}

/* A codec that reads @msg, behind its type. */
static struct codec codec_reader(const void *msg, size_t len, struct proto_arena *a, uint16_t *ret_type)
{
	struct codec c = { .arena = a };

	wire_init(&c.in, msg, len);
	*ret_type = wire_get_u16(&c.in);
	return c;
}

/* The result of a decoder: 0, -EBADMSG or -ENOMEM. */
static int codec_finish(struct codec *c)
{
	int r = wire_finish(&c->in);

	return r < 0 ? r : c->error;
}

void proto_put_any(struct buf *out, struct proto_request *r)
{
	struct codec c = codec_writer(out, r->type);

	code_request(&c, r);
}

void proto_put_sandbox(struct buf *out, uint32_t seq, const struct guest_sandbox *m)
{
	struct proto_request r = { .type = PROTO_SANDBOX, .seq = seq, .sandbox = *m };

	proto_put_any(out, &r);
}

void proto_put_create(struct buf *out, uint32_t seq, const struct guest_container *m)
{
	struct proto_request r = { .type = PROTO_CREATE, .seq = seq, .container = *m };

	proto_put_any(out, &r);
}

void proto_put_start(struct buf *out, uint32_t seq, uint32_t process)
{
	struct proto_request r = { .type = PROTO_START, .seq = seq, .process = process };

	proto_put_any(out, &r);
}

void proto_put_exec(struct buf *out, uint32_t seq, const char *cid, const struct guest_process *m)
{
	struct proto_request r = { .type = PROTO_EXEC, .seq = seq, .cid = cid, .exec = *m };

	proto_put_any(out, &r);
}

void proto_put_signal(struct buf *out, uint32_t seq, uint32_t process, uint32_t signo, bool all)
{
	struct proto_request r = { .type = PROTO_SIGNAL, .seq = seq, .process = process, .signo = signo, .all = all };

	proto_put_any(out, &r);
}

void proto_put_update(struct buf *out, uint32_t seq, const char *cid, const struct guest_values *m)
{
	struct proto_request r = { .type = PROTO_UPDATE, .seq = seq, .cid = cid, .values = *m };

	proto_put_any(out, &r);
}

void proto_put_net(struct buf *out, uint32_t seq, const struct guest_net *m)
{
	struct proto_request r = { .type = PROTO_NET, .seq = seq, .net = *m };

	proto_put_any(out, &r);
}

void proto_put_request(struct buf *out, enum proto_type type, uint32_t seq, const char *cid, const char *file)
{
	struct proto_request r = { .type = (uint16_t)type, .seq = seq, .cid = cid, .file = file };

	proto_put_any(out, &r);
}

void proto_put_winsize(struct buf *out, uint32_t process, uint16_t rows, uint16_t cols)
{
	struct proto_request r = { .type = PROTO_WINSIZE, .process = process, .rows = rows, .cols = cols };

	proto_put_any(out, &r);
}

void proto_put_forget(struct buf *out, uint32_t seq, const struct guest_forget *m)
{
	struct proto_request r = { .type = PROTO_FORGET, .seq = seq, .forget = *m };

	proto_put_any(out, &r);
}

void proto_put_time(struct buf *out, const struct proto_time *m)
{
	struct proto_request r = { .type = PROTO_TIME, .time = *m };

	proto_put_any(out, &r);
}

void proto_put_resumed(struct buf *out, uint32_t seq, uint64_t realtime_ns)
{
	struct proto_request r = { .type = PROTO_RESUMED, .seq = seq, .time = { .realtime_ns = realtime_ns } };

	proto_put_any(out, &r);
}

void proto_put_link(struct buf *out, const struct proto_link *m)
{
	struct proto_request r = { .type = PROTO_LINK, .link = *m };

	proto_put_any(out, &r);
}

void proto_put_dial(struct buf *out, const struct proto_dial *m)
{
	struct codec c = codec_writer(out, PROTO_DIAL);
	struct proto_dial copy = *m;

	code_dial(&c, &copy);
}

void proto_put_hello(struct buf *out, const struct proto_hello *m)
{
	struct codec c = codec_writer(out, PROTO_HELLO);
	struct proto_hello copy = *m;

	code_hello(&c, &copy);
}

void proto_put_result(struct buf *out, const struct proto_result *m)
{
	struct codec c = codec_writer(out, PROTO_RESULT);
	struct proto_result copy = *m;

	code_result(&c, &copy);
}

void proto_put_exited(struct buf *out, const struct proto_exited *m)
{
	struct codec c = codec_writer(out, PROTO_EXITED);
	struct proto_exited copy = *m;

	code_exited(&c, &copy);
}

void proto_put_log(struct buf *out, uint8_t level, const char *text)
{
	struct codec c = codec_writer(out, PROTO_LOG);
	struct proto_log_entry entry = { .level = level, .text = text };

	code_log(&c, &entry);
}

void proto_put_ask_time(struct buf *out, uint64_t asked_ns)
{
	struct codec c = codec_writer(out, PROTO_ASK_TIME);

	codec_u64(&c, &asked_ns);
}

int proto_get_request(const void *msg, size_t len, struct proto_arena *a, struct proto_request *ret)
{
	struct codec c;

	memset(ret, 0, sizeof(*ret));
	c = codec_reader(msg, len, a, &ret->type);
	code_request(&c, ret);
	return codec_finish(&c);
}

/* A codec that reads @msg, which has to be of @type. */
static struct codec codec_expect(const void *msg, size_t len, enum proto_type type)
{
	uint16_t got;
	struct codec c = codec_reader(msg, len, NULL, &got);

	if (got != type)
		c.in.error = -EBADMSG;
	return c;
}

int proto_get_hello(const void *msg, size_t len, struct proto_hello *ret)
{
	struct codec c = codec_expect(msg, len, PROTO_HELLO);

	memset(ret, 0, sizeof(*ret));
	code_hello(&c, ret);
	return codec_finish(&c);
}

int proto_get_result(const void *msg, size_t len, struct proto_result *ret)
{
	struct codec c = codec_expect(msg, len, PROTO_RESULT);

	memset(ret, 0, sizeof(*ret));
	code_result(&c, ret);
	return codec_finish(&c);
}

int proto_get_exited(const void *msg, size_t len, struct proto_exited *ret)
{
	struct codec c = codec_expect(msg, len, PROTO_EXITED);

	memset(ret, 0, sizeof(*ret));
	code_exited(&c, ret);
	return codec_finish(&c);
}

int proto_get_log(const void *msg, size_t len, struct proto_log_entry *ret)
{
	struct codec c = codec_expect(msg, len, PROTO_LOG);

	memset(ret, 0, sizeof(*ret));
	code_log(&c, ret);
	return codec_finish(&c);
}

int proto_get_ask_time(const void *msg, size_t len, uint64_t *ret_asked_ns)
{
	struct codec c = codec_expect(msg, len, PROTO_ASK_TIME);

	*ret_asked_ns = 0;
	codec_u64(&c, ret_asked_ns);
	return codec_finish(&c);
}

int proto_get_dial(const void *msg, size_t len, struct proto_dial *ret)
{
	struct codec c = codec_expect(msg, len, PROTO_DIAL);

	memset(ret, 0, sizeof(*ret));
	code_dial(&c, ret);
	return codec_finish(&c);
}
