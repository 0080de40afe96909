/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest says of a container's processes, checked and cleaned: for people, on a terminal. */
#ifndef GUEST_PS_H
#define GUEST_PS_H

#include "base/base.h"
#include "channel/proto.h"

struct guest_ps {
	struct proto_ps list; /* its texts have no control characters, and are UTF-8; a state is a letter */
	struct proto_arena arena;
	char *message;
};

#define GUEST_PS_NONE         \
	{                     \
		.list = { 0 } \
	}

/* Frees what @ps owns. Accepts an empty one. */
void guest_ps_done(struct guest_ps *ps);

/*
 * Decodes the payload of a PS: 0 with *@ret, which owns @payload then and is freed by guest_ps_done(), or -EBADMSG or
 * -ENOMEM, and @payload stays the caller's. @payload comes from malloc(3).
 */
must_check int guest_ps_decode(char *payload, size_t len, struct guest_ps *ret);

#endif
