/* SPDX-License-Identifier: Apache-2.0 */
/* The list of a container's ports, as the answer to PORTS has it: see proto.h. */
#include <errno.h>
#include <string.h>

#include "channel/proto.h"

#define PORT_BYTES 19 /* the version, the port in little endian, the address */

void proto_put_port(struct buf *out, const struct proto_port *p)
{
	const uint8_t head[] = { p->version, (uint8_t)p->port, (uint8_t)(p->port >> 8) };

	buf_put(out, head, sizeof(head));
	buf_put(out, p->addr, sizeof(p->addr));
}

int proto_get_port(const void *payload, size_t len, size_t i, struct proto_port *ret)
{
	const uint8_t *at = payload;

	/* GUEST: a list of whole entries, each of a version that there is */
	if (i >= PROTO_PORTS_MAX || len < PORT_BYTES || (len - PORT_BYTES) / PORT_BYTES < i)
		return -ENOENT;
	at += i * PORT_BYTES;
	memset(ret, 0, sizeof(*ret));
	ret->version = at[0];
	ret->port = (uint16_t)(at[1] | at[2] << 8);
	if ((ret->version != 4 && ret->version != 6) || ret->port == 0)
		return -EBADMSG;
	memcpy(ret->addr, at + 3, ret->version == 4 ? 4 : sizeof(ret->addr));
	return 0;
}
