/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest says of a container's processes for a /proc, checked and cleaned. */
#ifndef GUEST_PROCS_H
#define GUEST_PROCS_H

#include <stddef.h>

#include "base/base.h"
#include "channel/proto.h"

/*
 * Processes as one or more answers to PROCS have told them. Texts have no control characters, and are UTF-8; the words of a
 * command line end with NUL; a state is a letter. Zeroed it is empty.
 */
struct guest_procs {
	struct guest_procs_part {
		char *message;
		struct proto_arena arena;
		struct proto_procs list;
	} * parts;
	size_t parts_len;
	size_t bytes; /* of all messages */
};

/* Frees what @procs owns, and leaves it empty. */
void guest_procs_done(struct guest_procs *procs);

/*
 * Adds the payload of an answer to PROCS, which is copied. 0 with *@ret_after, what asks for the next part, 0: there is
 * none; or -EBADMSG or -ENOMEM, and nothing is added.
 */
must_check int guest_procs_add(struct guest_procs *procs, const void *payload, size_t len, uint32_t *ret_after);

#endif
