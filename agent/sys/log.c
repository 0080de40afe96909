/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own words: see log.h. */
#include "sys/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

static struct agent *log_agent;

void log_start(struct agent *agent)
{
	log_agent = agent;
}

static void log_to_kernel(enum proto_log level, const char *text)
{
	static const int priority[] = { 3, 4, 6, 7 };
	autoclose int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char line[PROTO_TEXT_MAX + 32];

	if (fd < 0)
		fd = dup(2);
	(void)snprintf(line, sizeof(line), "<%d>vmrunc-agent: %s\n", priority[level], text);
	if (fd >= 0 && write(fd, line, strlen(line)) < 0)
		return; /* there is no third place to say it */
}

void log_write(enum proto_log level, const char *fmt, ...)
{
	char text[PROTO_TEXT_MAX];
	autobuf out = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cutting is fine */
	va_end(ap);
	if (log_agent && log_agent->mux) {
		proto_put_log(&out, (uint8_t)level, text);
		if (buf_error(&out) == 0 && mux_send(log_agent->mux, out.data, out.len) == 0)
			return;
	}
	log_to_kernel(level, text);
}
