/* SPDX-License-Identifier: Apache-2.0 */
/* A config with other resources: what `update` makes of the one that a container was created with. */
#ifndef SPEC_MERGE_H
#define SPEC_MERGE_H

#include <stddef.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * Appends to @out the config @config with the members of @update, the JSON of a linux.resources, put into its
 * linux.resources. As engines mean it, a member that is 0, "", [] or null is not set, but for those where 0 is a value
 * of its own (cpu.idle, cpu.burst, memory.swappiness); a list takes the place of the old one. `devices` is left out: as
 * with runc, an update does not change them. Both texts must have been parsed by spec_parse() and
 * spec_parse_resources(). 0, or -EINVAL or -ENOMEM with an error.
 */
must_check int merge_resources(
	const char *config, size_t config_len, const char *update, size_t update_len, struct buf *out, struct err *err);

#endif
