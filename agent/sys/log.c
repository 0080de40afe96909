/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent has to say by itself: see log.h. */
#include "sys/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

/* Writes @text to the kernel's log, or to standard error where there is no /dev/kmsg. */
static void log_to_kernel(enum proto_log level, const char *text)
{
	static const int priority[] = { 3, 4, 6, 7 }; /* syslog(2)'s number for each enum proto_log */
	autoclose int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char line[PROTO_TEXT_MAX + 32];

	if (fd < 0)
		fd = dup(2);
	(void)snprintf(line, sizeof(line), "<%d>vmrunc-agent: %s\n", priority[level], text);
	if (fd >= 0 && write(fd, line, strlen(line)) < 0)
		return; /* there is no third place to say it */
}

void log_write(const struct agent *agent, enum proto_log level, const char *fmt, ...)
{
	char text[PROTO_TEXT_MAX];
	autobuf out = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cutting is the contract */
	va_end(ap);
	if (agent->mux) {
		proto_put_log(&out, (uint8_t)level, text);
		if (buf_error(&out) == 0 && mux_send(agent->mux, out.data, out.len) == 0)
			return;
	}
	log_to_kernel(level, text);
}
