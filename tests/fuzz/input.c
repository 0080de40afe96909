/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets and the stress tests share: see replay.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "tests/fuzz/replay.h"

UNTRACED void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz: %s (%s)\n", what, strerror(errno));
	abort();
}

UNTRACED uint64_t input_take(struct input *in, unsigned int bytes)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < bytes && in->at < in->end; i++)
		v |= (uint64_t)*in->at++ << (8 * i);
	return v;
}

const uint8_t *input_bytes(struct input *in, size_t len, size_t *ret_len)
{
	const uint8_t *at = in->at;

	*ret_len = MIN(len, (size_t)(in->end - in->at));
	in->at += *ret_len;
	return at;
}

UNTRACED unsigned int fids_named(const uint8_t *data, size_t size, unsigned int fids)
{
	unsigned int named = 0;

	for (size_t i = 0; i + 4 <= size; i++) {
		if (data[i] >= 1 && data[i] <= fids && data[i + 1] == 0 && data[i + 2] == 0 && data[i + 3] == 0)
			named |= 1u << data[i];
	}
	return named;
}

unsigned int fds_open(int max)
{
	unsigned int n = 0;
	struct stat st;

	/* Linux 6.2 and later: one call for all */
	if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
		return (unsigned int)st.st_size;
	for (int fd = 0; fd < max; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}
