/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of what is asked of a container (proto.h), for proto.c, which codes all requests. */
#ifndef CHANNEL_QUESTION_H
#define CHANNEL_QUESTION_H

#include "channel/codec.h"
#include "channel/proto.h"

/* Codes the fields of @r behind its seq: of DELETE, PS, PORTS, PROCS, READ_CGROUP, FILE or FILE_CLOSE. */
void question_code(struct codec *c, struct proto_request *r);

#endif
