/* SPDX-License-Identifier: Apache-2.0 */
/* The report socket: see report.h. */
#include "monitor/report.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/fd.h"

/* The one byte of the answer to BUILT. */
#define GO 'g'

/* Whether less than a quarter of the socket is full, which is when the kernel says of it that it can be written (unix(7)). */
static bool has_room(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLOUT };

	return poll(&p, 1, 0) != 0; /* a peer that has gone is an event as well, or an error: send(2) tells */
}

int report_send(int sock, const struct report *report)
{
	bool of_many = report->kind == REPORT_WARNING || report->kind == REPORT_NOTICE;
	ssize_t n;

	if (of_many && !has_room(sock))
		return -EAGAIN;
	do
		n = send(sock, report, sizeof(*report), MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	/* a create that has gone with GO unread resets the connection; no memory is as no room */
	return errno == ECONNRESET ? -EPIPE : errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : -errno;
}

int report_receive(int sock, struct report *ret, struct err *err)
{
	ssize_t n;

	do
		n = recv(sock, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != ECONNRESET)
		return err_sys(err, errno, "cannot read the monitor's report");
	if (n != (ssize_t)sizeof(*ret))
		return err_set(err, ECONNRESET,
			"the container's monitor has died: it was killed, or ended by its system call filter");
	ret->err.msg[sizeof(ret->err.msg) - 1] = '\0';
	return 0;
}

int report_go(int sock)
{
	static const char go = GO;

	return send(sock, &go, sizeof(go), MSG_NOSIGNAL) == (ssize_t)sizeof(go) ? 0 : -EPIPE;
}

int report_wait_go(int sock)
{
	char go = 0;
	ssize_t n;

	do
		n = recv(sock, &go, sizeof(go), 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(go) && go == GO ? 0 : -EPIPE;
}
