/* SPDX-License-Identifier: Apache-2.0 */
/* Replies: headers, bodies and errors into the out iovecs of a request. */
#include <errno.h>

#include "base/le.h"
#include "p9/server.h"

static void header_put(uint8_t head[P9_HEADER], uint32_t size, uint8_t type, uint16_t tag)
{
	le32_put(head, size);
	head[4] = type;
	le16_put(head + 5, tag);
}

uint32_t p9_reply_error(struct p9_request *req, int error)
{
	uint8_t reply[P9_RLERROR_SIZE];

	header_put(reply, sizeof(reply), P9_RLERROR, req->tag);
	le32_put(reply + P9_HEADER, (uint32_t)-error);
	if (iov_size(req->out, req->out_count) < sizeof(reply)) /* GUEST: */
		return 0;
	return (uint32_t)iov_write(req->out, req->out_count, 0, reply, sizeof(reply));
}

uint32_t p9_reply(struct p9_request *req, uint32_t msize, const uint8_t *body, size_t len, size_t data_len)
{
	size_t size = P9_HEADER + len + data_len;
	uint8_t head[P9_HEADER];

	if (size > msize || size > iov_size(req->out, req->out_count)) /* GUEST: */
		return p9_reply_error(req, -EMSGSIZE);
	header_put(head, (uint32_t)size, req->type + 1, req->tag);
	iov_write(req->out, req->out_count, 0, head, sizeof(head));
	iov_write(req->out, req->out_count, sizeof(head), body, len);
	return (uint32_t)size;
}
