/* SPDX-License-Identifier: Apache-2.0 */
/* How the machine ended. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "vm/machine/end.h"

int end_init(struct end *end, struct err *err)
{
	*end = (struct end){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (end->fd < 0)
		return err_sys(err, errno, "eventfd");
	(void)pthread_mutex_init(&end->lock, NULL); /* cannot fail without attributes */
	return 0;
}

void end_done(struct end *end)
{
	if (end->fd < 0)
		return;
	fd_close(end->fd);
	end->fd = -1;
	(void)pthread_mutex_destroy(&end->lock);
}

void end_report(struct end *end, enum vm_exit how, const char *fmt, ...)
{
	const uint64_t one = 1;
	bool first;
	va_list ap;

	pthread_mutex_lock(&end->lock);
	first = !end->reported;
	if (first) {
		end->reported = true;
		end->how = how;
		va_start(ap, fmt);
		(void)vsnprintf(end->detail, sizeof(end->detail), fmt, ap); /* it may be cut */
		va_end(ap);
	}
	pthread_mutex_unlock(&end->lock);
	if (first) {
		/* This is the only write, of 1, so the eventfd has room for it. */
		ssize_t written unused = write(end->fd, &one, sizeof(one));
	}
}

bool end_get(struct end *end, enum vm_exit *ret_how, char *detail)
{
	bool reported;

	pthread_mutex_lock(&end->lock);
	reported = end->reported;
	if (reported) {
		*ret_how = end->how;
		memcpy(detail, end->detail, sizeof(end->detail));
	}
	pthread_mutex_unlock(&end->lock);
	return reported;
}
