/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's log: see guestlog.h. */
#include "vm/guestlog.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"

#define WRITE_CHUNK 4096 /* bytes copied out of the ring at a time, so that the lock is held briefly */

static const char gap_note[] = "\n[vmrunc: messages are missing here: they came faster than they could be written]\n";

struct guestlog {
	/* The loop's thread alone: */
	int file_fd;
	size_t file_len, file_max;
	uint64_t filed; /* the file has had the ring's bytes up to this one */
	struct watch *watch;

	int wake_fd; /* eventfd: the ring has more lines */
	pthread_mutex_t lock;
	/* LOCK: lock, all below */
	bool woken; /* the loop has been told, and has not come yet */
	char line[GUESTLOG_LINE];
	size_t line_len;
	char ring[GUESTLOG_RING];
	uint64_t end; /* bytes ever put into the ring */
};

const char *const guestlog_syscalls[] = {
	"ftruncate",
	"lseek", /* both for a file that starts again */
	NULL,
};

int guestlog_new(int file_fd, size_t file_max, struct guestlog **ret_log)
{
	struct guestlog *log = calloc(1, sizeof(*log));

	if (!log)
		return -ENOMEM;
	if (file_max < GUESTLOG_FILE_MIN) {
		free(log);
		return -EINVAL;
	}
	log->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (log->wake_fd < 0) {
		int r = -errno;

		free(log);
		return r;
	}
	(void)pthread_mutex_init(&log->lock, NULL); /* cannot fail without attributes */
	log->file_fd = file_fd;
	log->file_max = file_max;
	*ret_log = log;
	return 0;
}

void guestlog_free(struct guestlog *log)
{
	if (!log)
		return;
	guestlog_flush(log);
	watch_free(log->watch);
	fd_close(log->wake_fd);
	fd_close(log->file_fd);
	(void)pthread_mutex_destroy(&log->lock); /* nobody holds it */
	free(log);
}

/* --- the ring --- */

/* The first byte that the ring still has. */
static uint64_t ring_start(const struct guestlog *log)
{
	return log->end > GUESTLOG_RING ? log->end - GUESTLOG_RING : 0;
}

static void ring_put(struct guestlog *log, const char *data, size_t len)
{
	for (size_t n; len > 0; data += n, len -= n, log->end += n) {
		size_t at = log->end % GUESTLOG_RING;

		n = MIN(len, GUESTLOG_RING - at);
		memcpy(log->ring + at, data, n);
	}
}

/* Copies at most @size bytes from @at on, which the ring must have: their number. */
static size_t ring_get(const struct guestlog *log, uint64_t at, char *to, size_t size)
{
	size_t len = MIN(size, (size_t)(log->end - at)), before_end = MIN(len, GUESTLOG_RING - at % GUESTLOG_RING);

	memcpy(to, log->ring + at % GUESTLOG_RING, before_end);
	memcpy(to + before_end, log->ring, len - before_end);
	return len;
}

static void line_end(struct guestlog *log)
{
	ring_put(log, log->line, log->line_len);
	log->line_len = 0;
}

/* The character that the log has for @byte. '\0': none. */
static char clean(uint8_t byte)
{
	if (byte == '\r')
		return '\0';
	/*
	 * GUEST: people read the log in terminals, which control characters command. Bytes of 0x80 to 0x9f, alone or at
	 * the end of a UTF-8 sequence, may be control characters too; kernels speak ASCII.
	 */
	return (byte >= ' ' && byte <= '~') || byte == '\n' || byte == '\t' ? (char)byte : '?';
}

void guestlog_put(struct guestlog *log, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	bool wake = false;

	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	for (size_t i = 0; i < len; i++) {
		char c = clean(bytes[i]);

		if (c == '\0')
			continue;
		log->line[log->line_len++] = c;
		if (c == '\n' || log->line_len == GUESTLOG_LINE) {
			line_end(log);
			wake = true;
		}
	}
	wake = wake && !log->woken;
	log->woken = log->woken || wake;
	pthread_mutex_unlock(&log->lock);
	if (wake)
		(void)!write(log->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t)); /* cannot fail: it was 0 */
}

/* --- the file: the loop's thread --- */

/* Adds @len bytes. What a full disk does not take is lost. */
static void file_append(struct guestlog *log, const char *data, size_t len)
{
	ssize_t n = write(log->file_fd, data, len);

	if (n > 0)
		log->file_len += (size_t)n;
}

/* Empties the file, and goes back in the ring by what it is to begin with. False: it cannot be emptied. */
static bool file_restart(struct guestlog *log)
{
	uint64_t back = log->filed > GUESTLOG_KEEP ? log->filed - GUESTLOG_KEEP : 0;

	if (ftruncate(log->file_fd, 0) < 0 || lseek(log->file_fd, 0, SEEK_SET) < 0)
		return false;
	log->file_len = 0;
	pthread_mutex_lock(&log->lock);
	log->filed = MAX(back, ring_start(log));
	pthread_mutex_unlock(&log->lock);
	return true;
}

/*
 * Writes what the ring has that the file has not. It ends when it has come to what was the ring's end at the beginning,
 * however fast the guest goes on: the loop has others to serve.
 */
static void file_update(struct guestlog *log)
{
	uint64_t until;

	pthread_mutex_lock(&log->lock);
	until = log->end;
	pthread_mutex_unlock(&log->lock);
	while (log->filed < until) {
		char chunk[WRITE_CHUNK];
		bool gap;
		size_t n;

		pthread_mutex_lock(&log->lock);
		gap = log->filed < ring_start(log);
		if (gap)
			log->filed = ring_start(log);
		n = ring_get(log, log->filed, chunk, sizeof(chunk));
		pthread_mutex_unlock(&log->lock);
		if (log->file_len + n + sizeof(gap_note) > log->file_max) {
			if (!file_restart(log))
				log->filed += n; /* nothing more can be kept in it */
			continue;
		}
		log->filed += n;
		if (log->file_fd >= 0 && gap)
			file_append(log, gap_note, sizeof(gap_note) - 1);
		if (log->file_fd >= 0)
			file_append(log, chunk, n);
	}
}

void guestlog_flush(struct guestlog *log)
{
	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	line_end(log);
	pthread_mutex_unlock(&log->lock);
	file_update(log);
}

static void on_wake(void *arg, uint32_t events unused)
{
	struct guestlog *log = arg;
	uint64_t ignored;

	(void)!read(log->wake_fd, &ignored, sizeof(ignored)); /* an early call has nothing to read */
	pthread_mutex_lock(&log->lock);
	log->woken = false; /* lines that come from now on tell the loop again */
	pthread_mutex_unlock(&log->lock);
	file_update(log);
}

int guestlog_watch(struct guestlog *log, struct loop *loop)
{
	return watch_new(loop, log->wake_fd, EPOLLIN, on_wake, log, &log->watch);
}

void guestlog_say(struct guestlog *log, const char *fmt, ...)
{
	char text[1024];
	size_t len = 0;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text) - 1, fmt, ap); /* cutting is meant */
	va_end(ap);
	for (const char *p = text; *p; p++) {
		char c = clean((uint8_t)*p); /* GUEST: the text may quote the guest */

		if (c != '\0')
			text[len++] = c;
	}
	text[len++] = '\n';
	pthread_mutex_lock(&log->lock);
	ring_put(log, text, len);
	pthread_mutex_unlock(&log->lock);
	file_update(log);
}

/* --- the tail --- */

/*
 * Lines that are no reason for anything, and that no error quotes: each machine without PCI has the first; it is said
 * with a high priority, so that it is often the only one.
 */
static bool line_is_noise(const char *line, size_t len)
{
	static const char pci[] = "PCI: Fatal: No config space access function found";

	/* a line that goes on behind it says more */
	return len >= sizeof(pci) - 1 && memcmp(line + len - (sizeof(pci) - 1), pci, sizeof(pci) - 1) == 0;
}

/* Takes the lines that are noise out of @text. */
static void tail_filter(char *text)
{
	char *to = text;

	for (const char *at = text, *next; *at; at = next) {
		size_t len = strcspn(at, "\n");

		next = at + len + (at[len] == '\n');
		if (line_is_noise(at, len))
			continue;
		memmove(to, at, (size_t)(next - at));
		to += next - at;
	}
	*to = '\0';
}

/* Copies the tail as text, an unfinished line included. @text: GUESTLOG_TAIL + 1 bytes. */
static void tail_copy(struct guestlog *log, char *text)
{
	size_t n;

	pthread_mutex_lock(&log->lock);
	line_end(log);
	n = ring_get(log, log->end > GUESTLOG_TAIL ? log->end - GUESTLOG_TAIL : 0, text, GUESTLOG_TAIL);
	pthread_mutex_unlock(&log->lock);
	text[n] = '\0';
	tail_filter(text);
}

/* Behind "[    1.234567] " and the like at the start of a line. */
static const char *skip_stamp(const char *line)
{
	size_t n;

	if (*line != '[')
		return line;
	n = strspn(line + 1, " .0123456789");
	return line[1 + n] == ']' && line[2 + n] == ' ' ? line + 3 + n : line;
}

bool guestlog_find(struct guestlog *log, const char *needle, char *line, size_t len)
{
	char text[GUESTLOG_TAIL + 1];
	const char *found = NULL;

	if (!log)
		return false;
	tail_copy(log, text);
	for (char *at = text, *next; at; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		if (*at != '\0' && strstr(at, needle))
			found = at;
	}
	if (!found)
		return false;
	(void)snprintf(line, len, "%s", skip_stamp(found)); /* cutting is meant */
	return true;
}

void guestlog_explain_reset(struct guestlog *log, char *detail, size_t size)
{
	char line[GUESTLOG_LINE];
	size_t len = strlen(detail);

	if (guestlog_find(log, "Kernel panic - not syncing", line, sizeof(line)))
		(void)snprintf(detail, size, "guest kernel panicked: %s", line); /* cutting is meant */
	else if (guestlog_find(log, "", line, sizeof(line)))
		(void)snprintf(detail + len, size - len, "; its last line: %s", line); /* the same */
}

void guestlog_last(struct guestlog *log, int lines, char *text, size_t len)
{
	char tail[GUESTLOG_TAIL + 1], *end, *from;
	size_t n = 0, need = 1; /* the NUL */

	tail_copy(log, tail);
	end = tail + strlen(tail);
	while (end > tail && (end[-1] == '\n' || end[-1] == ' '))
		*--end = '\0';
	/* The last bytes count: what does not fit is cut at the beginning. */
	for (from = end; from > tail; from--) {
		need += from[-1] == '\n' ? 2 : 1;
		if (need > len || (from[-1] == '\n' && --lines == 0))
			break;
	}
	for (; *from; from++) {
		if (*from == '\n')
			text[n++] = ';';
		text[n++] = *from == '\n' ? ' ' : *from;
	}
	text[n] = '\0';
}
