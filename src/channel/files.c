/* SPDX-License-Identifier: Apache-2.0 */
/* FILE and its payloads: struct guest_file and struct proto_file of proto.h. */
#include <errno.h>
#include <string.h>

#include "base/wire.h"
#include "channel/codec.h"
#include "channel/proto.h"

void proto_put_file_request(struct buf *out, uint32_t seq, const char *cid, const struct guest_file *f)
{
	struct proto_request r = { .type = PROTO_FILE, .seq = seq, .cid = cid, .file_op = *f };

	proto_put_any(out, &r);
}

void proto_put_file_close(struct buf *out, const char *cid, uint64_t handle)
{
	struct proto_request r = { .type = PROTO_FILE_CLOSE, .cid = cid, .file_handle = handle };

	proto_put_any(out, &r);
}

/* All of struct proto_file, in the order of its members. */
static void code_answer(struct codec *c, struct proto_file *f)
{
	codec_u64(c, &f->node);
	codec_u64(c, &f->handle);
	codec_u32(c, &f->size);
	codec_u64(c, &f->ino);
	codec_u64(c, &f->bytes);
	codec_u64(c, &f->blocks);
	codec_u32(c, &f->mode);
	codec_u32(c, &f->nlink);
	codec_u32(c, &f->uid);
	codec_u32(c, &f->gid);
	codec_u32(c, &f->rdev);
	codec_i64(c, &f->atime_s);
	codec_i64(c, &f->mtime_s);
	codec_i64(c, &f->ctime_s);
	codec_u32(c, &f->atime_ns);
	codec_u32(c, &f->mtime_ns);
	codec_u32(c, &f->ctime_ns);
	codec_bytes(c, &f->data.at, &f->data.len);
}

void proto_put_file(struct buf *out, const struct proto_file *m)
{
	struct codec c = { .out = out };
	struct proto_file copy = *m;

	code_answer(&c, &copy);
}

int proto_get_file(const void *payload, size_t len, struct proto_file *ret)
{
	struct codec c = { .arena = NULL };

	memset(ret, 0, sizeof(*ret));
	wire_init(&c.in, payload, len);
	code_answer(&c, ret);
	return wire_finish(&c.in) < 0 ? -EBADMSG : 0;
}

void proto_file_put_entry(struct buf *out, const struct proto_file_entry *e)
{
	wire_put_u64(out, e->ino);
	wire_put_u64(out, e->next);
	wire_put_u8(out, e->type);
	wire_put_str(out, e->name);
}

int proto_file_get_entry(const struct guest_blob *data, size_t *at, struct proto_file_entry *ret)
{
	struct wire w;

	if (*at >= data->len)
		return -ENOENT;
	wire_init(&w, (const char *)data->at + *at, data->len - *at);
	ret->ino = wire_get_u64(&w);
	ret->next = wire_get_u64(&w);
	ret->type = wire_get_u8(&w);
	ret->name = wire_get_str(&w);
	*at = data->len - wire_left(&w);
	return wire_error(&w);
}

/* The numbers of struct proto_file_room, in their order. */
static void code_room(struct codec *c, struct proto_file_room *r)
{
	codec_u64(c, &r->block_size);
	codec_u64(c, &r->blocks);
	codec_u64(c, &r->blocks_free);
	codec_u64(c, &r->blocks_usable);
	codec_u64(c, &r->files);
	codec_u64(c, &r->files_free);
}

void proto_file_put_room(struct buf *out, const struct proto_file_room *m)
{
	struct codec c = { .out = out };
	struct proto_file_room copy = *m;

	code_room(&c, &copy);
}

int proto_file_get_room(const struct guest_blob *data, struct proto_file_room *ret)
{
	struct codec c = { .arena = NULL };

	memset(ret, 0, sizeof(*ret));
	wire_init(&c.in, data->at, data->len);
	code_room(&c, ret);
	return wire_finish(&c.in);
}
