/* SPDX-License-Identifier: Apache-2.0 */
/* Id maps of a user namespace: see idmaps.h. */
#include "sys/idmaps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

int idmaps_copy(const struct guest_idmaps *from, struct guest_idmaps *to)
{
	*to = (struct guest_idmaps){ .at = calloc(from->len + 1u, sizeof(*to->at)) };
	if (!to->at)
		return -ENOMEM;
	if (from->len > 0)
		memcpy(to->at, from->at, from->len * sizeof(*to->at));
	to->len = from->len;
	return 0;
}

void idmaps_done(struct guest_idmaps *map)
{
	free(map->at);
	*map = (struct guest_idmaps){ .at = NULL };
}

uint32_t idmaps_to_vm(const struct guest_idmaps *map, uint32_t id)
{
	for (uint32_t i = 0; i < map->len; i++) {
		if (id >= map->at[i].container && id - map->at[i].container < map->at[i].size)
			return map->at[i].host + (id - map->at[i].container);
	}
	return id;
}

int idmaps_write(const struct guest_idmaps *map, pid_t pid, const char *file)
{
	autobuf text = BUF_INIT;
	char path[64];

	if (map->len == 0)
		return 0;
	for (uint32_t i = 0; i < map->len; i++)
		buf_printf(&text, "%u %u %u\n", map->at[i].container, map->at[i].host, map->at[i].size);
	if (buf_error(&text) < 0)
		return buf_error(&text);
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file); /* fits */
	return fd_write_existing(AT_FDCWD, path, text.data);
}
