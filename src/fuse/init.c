/* SPDX-License-Identifier: Apache-2.0 */
/* The first request on /dev/fuse: see init.h. */
#include "fuse/init.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MINOR_MIN 23      /* from here on replies to INIT have their present size: Linux 3.15 */
#define BACKGROUND_MAX 12 /* requests that the kernel makes by itself: the kernel's own default */

int init_answer(const char *body, size_t len, uint32_t max_write, uint32_t flags, struct fuse_init_out *ret)
{
	uint32_t in[4] = {
		0
	}; /* version, minor version, max_readahead, flags: struct fuse_init_in has grown behind them */
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	memcpy(in, body, MIN(len, sizeof(in)));
	if (len < 2 * sizeof(in[0]) || in[0] < FUSE_KERNEL_VERSION ||
		(in[0] == FUSE_KERNEL_VERSION && in[1] < MINOR_MIN))
		return -EPROTO;
	*ret = (struct fuse_init_out){
		.major = FUSE_KERNEL_VERSION,
		/* a kernel of a later major version asks again with ours */
		.minor = in[0] > FUSE_KERNEL_VERSION ? FUSE_KERNEL_MINOR_VERSION
						     : MIN(in[1], (uint32_t)FUSE_KERNEL_MINOR_VERSION),
		.flags = flags & in[3],
		.max_background = BACKGROUND_MAX,
		.congestion_threshold = BACKGROUND_MAX,
		.max_write = max_write,
		.time_gran = 1,
		.max_pages = (uint16_t)((max_write + page - 1) / page),
	};
	return 0;
}
