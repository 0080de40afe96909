/* SPDX-License-Identifier: Apache-2.0 */
/* The report socket: see report.h. */
#include "monitor/report.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/fd.h"

/* The one byte of the answer to BUILT. */
#define GO 'g'

int report_send(int sock, const struct report *report)
{
	return fd_send(sock, report, sizeof(*report), NULL, 0);
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
