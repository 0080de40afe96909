/* SPDX-License-Identifier: Apache-2.0 */
/* The guest kernel's messages: see guestlog.h. */
#include "monitor/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

/* Read at a time; a flood must leave the loop to others in between. */
#define CHUNK 4096
#define DRAIN_CHUNKS 256

struct guestlog {
	int file_fd, read_fd, write_fd;
	size_t file_len, file_max;
	struct watch *watch;
	size_t tail_len; /* bytes kept */
	size_t tail_at;  /* where the next one goes */
	char tail[GUESTLOG_TAIL_MAX];
};

int guestlog_new(int file_fd, size_t file_max, struct guestlog **ret)
{
	struct guestlog *log = calloc(1, sizeof(*log));
	int ends[2];

	if (!log)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		int r = -errno;

		free(log);
		return r;
	}
	log->read_fd = ends[0];
	log->write_fd = ends[1];
	log->file_fd = file_fd;
	log->file_max = file_max;
	*ret = log;
	return 0;
}

void guestlog_free(struct guestlog *log)
{
	if (!log)
		return;
	watch_free(log->watch);
	fd_close(log->read_fd);
	fd_close(log->write_fd);
	fd_close(log->file_fd);
	free(log);
}

int guestlog_fd(const struct guestlog *log)
{
	return log->write_fd;
}

static void tail_put(struct guestlog *log, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		log->tail[log->tail_at] = data[i];
		log->tail_at = (log->tail_at + 1) % GUESTLOG_TAIL_MAX;
	}
	log->tail_len = MIN(log->tail_len + len, (size_t)GUESTLOG_TAIL_MAX);
}

static char tail_get(const struct guestlog *log, size_t i)
{
	return log->tail[(log->tail_at + GUESTLOG_TAIL_MAX - log->tail_len + i) % GUESTLOG_TAIL_MAX];
}

static void file_put(struct guestlog *log, const char *data, size_t len)
{
	ssize_t n;

	if (log->file_len + len > log->file_max) {
		char old[CHUNK];
		size_t kept = 0, chunk = 0;

		if (ftruncate(log->file_fd, 0) < 0 || lseek(log->file_fd, 0, SEEK_SET) < 0)
			return;
		log->file_len = 0;
		while (kept < log->tail_len) {
			for (chunk = 0; chunk < sizeof(old) && kept < log->tail_len; chunk++, kept++)
				old[chunk] = tail_get(log, kept);
			if (fd_write_full(log->file_fd, old, chunk) == 0)
				log->file_len += chunk;
		}
	}
	n = write(log->file_fd, data, len);
	if (n > 0)
		log->file_len += (size_t)n;
}

static void put(struct guestlog *log, char *data, size_t len)
{
	/*
	 * GUEST: escape sequences would reach the terminal of whoever reads the log. Some of them
	 * begin with a byte of 0x80 to 0x9f; kernels speak ASCII.
	 */
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		if ((c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f)
			data[i] = c == '\r' ? ' ' : '?';
	}
	file_put(log, data, len);
	tail_put(log, data, len);
}

void guestlog_drain(struct guestlog *log)
{
	char data[CHUNK];

	for (int i = 0; i < DRAIN_CHUNKS; i++) {
		ssize_t n = read(log->read_fd, data, sizeof(data));

		if (n <= 0)
			return;
		put(log, data, (size_t)n);
	}
}

static void on_readable(void *arg, uint32_t events)
{
	struct guestlog *log = arg;

	if (events & EPOLLIN)
		guestlog_drain(log);
}

int guestlog_watch(struct guestlog *log, struct loop *loop)
{
	return watch_new(loop, log->read_fd, EPOLLIN, on_readable, log, &log->watch);
}

void guestlog_say(struct guestlog *log, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	len = MAX(0, MIN(len, (int)sizeof(text) - 2));
	text[len] = '\n';
	put(log, text, (size_t)len + 1);
}

void guestlog_last(const struct guestlog *log, int lines, char *text, size_t len)
{
	size_t from = log->tail_len, end, at = 0;

	while (from > 0 && (tail_get(log, from - 1) == '\n' || tail_get(log, from - 1) == ' '))
		from--;
	end = from;
	while (from > 0 && end - from + 1 < len / 2 * 2) {
		if (tail_get(log, from - 1) == '\n' && --lines == 0)
			break;
		from--;
	}
	for (; from < end && at + 3 < len; from++) {
		char c = tail_get(log, from);

		if (c == '\n') {
			text[at++] = ';';
			c = ' ';
		}
		text[at++] = c;
	}
	text[at] = '\0';
}
