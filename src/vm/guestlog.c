/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's console as a log. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "vm/guestlog.h"

static const char guestlog_cut_note[] = "\n[the guest's log ends here: it is too long]\n";

void guestlog_init(struct guestlog *log, int fd)
{
	*log = (struct guestlog){ .fd = fd };
	(void)pthread_mutex_init(&log->lock, NULL); /* cannot fail without attributes */
}

void guestlog_done(struct guestlog *log)
{
	guestlog_flush(log);
	(void)pthread_mutex_destroy(&log->lock);
}

/* To the fd if it takes it at once: a vCPU does not wait for a reader. */
static void guestlog_write(const struct guestlog *log, const char *data, size_t len)
{
	struct pollfd p = { .fd = log->fd, .events = POLLOUT };

	/* A pipe that polls writable takes a line (< PIPE_BUF) whole. seccomp: poll, write */
	if (log->fd < 0 || poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return;
	/* A full disk or a reader gone loses log lines, which must not stop the guest. */
	ssize_t written unused = write(log->fd, data, len);
}

static void guestlog_flush_locked(struct guestlog *log)
{
	size_t len = log->line_len;

	log->line_len = 0;
	if (len == 0 || log->written >= GUESTLOG_MAX) /* GUEST: it could write for ever */
		return;
	log->written += len;
	guestlog_write(log, log->line, len);
	if (log->written >= GUESTLOG_MAX)
		guestlog_write(log, guestlog_cut_note, sizeof(guestlog_cut_note) - 1);
}

void guestlog_flush(struct guestlog *log)
{
	pthread_mutex_lock(&log->lock);
	guestlog_flush_locked(log);
	pthread_mutex_unlock(&log->lock);
}

static void guestlog_put_byte(struct guestlog *log, uint8_t byte)
{
	char c = (char)byte;

	if (c == '\r')
		return;
	/* GUEST: the log will be shown on terminals, which control characters command. */
	if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f)
		c = '?';
	/* U+0080 to U+009f are control characters as well; 0x9b of them begins sequences */
	if (byte >= 0x80 && byte < 0xa0 && log->tail_end > 0 &&
		(uint8_t)log->tail[(log->tail_end - 1) % GUESTLOG_TAIL] == 0xc2)
		c = '?';
	log->tail[log->tail_end++ % GUESTLOG_TAIL] = c;
	log->line[log->line_len++] = c;
	if (c == '\n' || log->line_len == GUESTLOG_LINE)
		guestlog_flush_locked(log);
}

void guestlog_put(struct guestlog *log, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	pthread_mutex_lock(&log->lock);
	for (size_t i = 0; i < len; i++)
		guestlog_put_byte(log, bytes[i]);
	pthread_mutex_unlock(&log->lock);
}

/* Behind "[    1.234567] " and the like at the start of a line. */
static const char *guestlog_skip_stamp(const char *line)
{
	size_t n;

	if (*line != '[')
		return line;
	n = strspn(line + 1, " .0123456789");
	return line[1 + n] == ']' && line[2 + n] == ' ' ? line + 3 + n : line;
}

/* The tail as text: its length. @text: GUESTLOG_TAIL + 1 bytes. */
static size_t guestlog_copy_tail(struct guestlog *log, char *text)
{
	uint64_t start;
	size_t n = 0;

	pthread_mutex_lock(&log->lock);
	start = log->tail_end > GUESTLOG_TAIL ? log->tail_end - GUESTLOG_TAIL : 0;
	while (start < log->tail_end)
		text[n++] = log->tail[start++ % GUESTLOG_TAIL];
	pthread_mutex_unlock(&log->lock);
	text[n] = '\0'; /* no NUL inside: control characters were replaced */
	return n;
}

bool guestlog_find(struct guestlog *log, const char *needle, char *line, size_t len)
{
	char text[GUESTLOG_TAIL + 1];
	const char *found = NULL;
	size_t n;

	(void)guestlog_copy_tail(log, text); /* its length does not matter here */
	for (char *at = text, *next; at; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		if (*at != '\0' && strstr(at, needle))
			found = at;
	}
	if (!found)
		return false;
	found = guestlog_skip_stamp(found);
	n = MIN(strlen(found), len - 1);
	memcpy(line, found, n);
	line[n] = '\0';
	return true;
}
