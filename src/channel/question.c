/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of what is asked of a container: see question.h. */
#include "channel/question.h"

#include <errno.h>

/* All of struct guest_file, in the order of its members; an operation that does not exist is an error. */
static void code_file(struct codec *c, struct guest_file *f)
{
	codec_u8(c, &f->op);
	if (f->op == 0 || f->op >= GUEST_FILE_COUNT)
		c->in.error = -EBADMSG;
	codec_u32(c, &f->place);
	codec_u64(c, &f->node);
	codec_u64(c, &f->other);
	codec_u32(c, &f->set);
	codec_u32(c, &f->flags);
	codec_u32(c, &f->mode);
	codec_u32(c, &f->rdev);
	codec_u32(c, &f->size);
	codec_u32(c, &f->uid);
	codec_u32(c, &f->gid);
	codec_u64(c, &f->handle);
	codec_u64(c, &f->offset);
	codec_i64(c, &f->atime_s);
	codec_i64(c, &f->mtime_s);
	codec_u32(c, &f->atime_ns);
	codec_u32(c, &f->mtime_ns);
	codec_str(c, &f->name);
	codec_str(c, &f->to);
	codec_bytes(c, &f->data.at, &f->data.len);
}

void question_code(struct codec *c, struct proto_request *r)
{
	codec_str(c, &r->cid);
	if (r->type == PROTO_PROCS)
		codec_u32(c, &r->after);
	else if (r->type == PROTO_READ_CGROUP)
		codec_str(c, &r->file);
	else if (r->type == PROTO_FILE)
		code_file(c, &r->file_op);
	else if (r->type == PROTO_FILE_CLOSE)
		codec_u64(c, &r->file_handle);
}
