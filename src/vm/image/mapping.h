/* SPDX-License-Identifier: Apache-2.0 */
/* A file in memory, read-only. */
#ifndef VM_IMAGE_MAPPING_H
#define VM_IMAGE_MAPPING_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mapping {
	const void *data; /* NULL: nothing is mapped */
	size_t len;
};

/* Maps the whole file @fd (borrowed; not needed after the call). -EBADMSG if it is empty or longer than @max bytes. */
must_check int mapping_open(int fd, uint64_t max, struct mapping *ret, struct err *err);

/* Unmaps the file; accepts one that was never mapped. */
void mapping_done(struct mapping *m);

/* A local that is declared with this, and set to { 0 }, is unmapped at the end of its block. */
#define automapping __attribute__((cleanup(mapping_done))) struct mapping

#endif
