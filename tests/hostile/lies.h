/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile guest says about the files of its tmpfs: see lies.c. */
#ifndef HOSTILE_LIES_H
#define HOSTILE_LIES_H

#include <stdint.h>

#include "base/buf.h"
#include "channel/proto.h"

/* Appends the payload of an answer to @f, with the operation's next lie in it. Returns the error number that goes with it; 0: none. */
uint32_t lies_answer(const struct guest_file *f, struct buf *out);

#endif
