/* SPDX-License-Identifier: Apache-2.0 */
/* A container's processes, as the guest tells them: see procs.h. */
#include "guest/procs.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* What readers of procfs add up and keep in an int64_t. */
#define NUMBER_MAX ((uint64_t)INT64_MAX / 4)
/* Bytes of texts, which are held for whoever has a file open: a kernel's command has 15, some more in threads of its own; a label a page. */
#define COMM_MAX 64
#define LABEL_MAX 4096

static void part_done(struct guest_procs_part *part)
{
	proto_arena_done(&part->arena);
	free(part->message);
}

void guest_procs_done(struct guest_procs *procs)
{
	for (size_t i = 0; i < procs->parts_len; i++)
		part_done(&procs->parts[i]);
	free(procs->parts);
	*procs = (struct guest_procs){ .parts = NULL };
}

/* GUEST: @len bytes of text that a terminal shows and does not obey. They lie in the message, which is ours to change. */
static void clean(const struct guest_procs_part *part, const char *text, size_t len)
{
	char *own = part->message + (text - part->message);

	if (len > 0)
		text_clean(own, len);
}

/* The same for a text, of which there are at most @max bytes. */
static void clean_text(const struct guest_procs_part *part, const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len > max)
		part->message[text - part->message + (ptrdiff_t)max] = '\0';
	clean(part, text, MIN(len, max));
}

/* The same for each word of a command line, which ends with a NUL or with the last byte. */
static void clean_words(const struct guest_procs_part *part, const struct guest_blob *words)
{
	const char *at = words->at;
	size_t left = words->len;

	while (left > 0) {
		size_t len = strnlen(at, left);

		clean(part, at, len);
		len = MIN(len + 1, left);
		at += len;
		left -= len;
	}
}

/* GUEST: what is said of one process becomes what a kernel could say of one. */
static void make_possible(const struct guest_procs_part *part, struct proto_proc *p)
{
	clean_text(part, p->comm, COMM_MAX);
	clean_text(part, p->label, LABEL_MAX);
	p->cmdline.len = MIN(p->cmdline.len, (size_t)PROTO_PROC_CMDLINE_MAX);
	clean_words(part, &p->cmdline);
	if (!p->state || !strchr("RSDZTtXxIWKP", p->state))
		p->state = '?';
	p->user_ticks = MIN(p->user_ticks, NUMBER_MAX);
	p->system_ticks = MIN(p->system_ticks, NUMBER_MAX);
	p->vsize = MIN(p->vsize, NUMBER_MAX);
	p->rss = MIN(p->rss, NUMBER_MAX);
}

int guest_procs_add(struct guest_procs *procs, const void *payload, size_t len, uint32_t *ret_after)
{
	struct guest_procs_part part = { .message = malloc(len + 1) };
	struct guest_procs_part *more;
	int r;

	if (!part.message)
		return -ENOMEM;
	memcpy(part.message, payload, len);
	r = proto_get_procs(part.message, len, &part.arena, &part.list);
	more = r < 0 ? NULL : reallocarray(procs->parts, procs->parts_len + 1, sizeof(*more));
	if (!more) {
		part_done(&part);
		return r < 0 ? r : -ENOMEM;
	}
	for (uint32_t i = 0; i < part.list.len; i++)
		make_possible(&part, &part.list.at[i]);
	procs->parts = more;
	procs->parts[procs->parts_len++] = part;
	procs->bytes += len;
	*ret_after = part.list.after;
	return 0;
}
