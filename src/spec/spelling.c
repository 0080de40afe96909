/* SPDX-License-Identifier: Apache-2.0 */
/* One spelling of each key: see spelling.h. */
#include "spec/spelling.h"

#include <assert.h>
#include <string.h>

/* Gives @c, a member at @here, its field's key. Returns the field's number; @o->n: there is none. */
static size_t mend_key(struct decode *d, const struct where *here, struct json *c, const struct spec_object *o)
{
	size_t i = decode_field_index(o, c->key);

	if (i < o->n)
		return i;
	for (i = 0; i < o->n; i++) {
		const char *key = o->fields[i].key;

		if (strcasecmp(key, c->key) != 0)
			continue;
		decode_warn(d, here, c->line, "taken for \"%s\"", key);
		memcpy(c->key, key, strlen(key)); /* two spellings of a key are of one length */
		break;
	}
	return i;
}

/* Takes out of @j, whose keys are mended, each member that is not @last of its field. */
static void drop_earlier(
	struct decode *d, const struct where *at, struct json *j, const struct spec_object *o, struct json *const *last)
{
	struct where here = { .up = at };
	struct json **link = &j->first;

	j->last = NULL;
	while (*link) {
		struct json *c = *link;
		size_t i = decode_field_index(o, c->key);

		if (i == o->n || last[i] == c) {
			j->last = c;
			link = &c->next;
			continue;
		}
		here.key = c->key;
		decode_warn(d, &here, c->line, "given again in line %u: the last one counts", last[i]->line);
		*link = c->next;
		j->n--;
	}
}

/* Mends what is below the member @c of the field @f. */
static void mend_below(struct decode *d, const struct where *here, struct json *c, const struct spec_field *f)
{
	struct where below = { .up = here };

	switch (f->kind) {
	case K_OBJECT:
	case K_EMBEDDED:
		spelling_mend(d, here, c, f->object);
		break;
	case K_OBJECTS:
	case K_OBJECT_MAP:
		for (struct json *e = c->first; e; e = e->next, below.index++) {
			below.key = e->key;
			spelling_mend(d, &below, e, f->object);
		}
		break;
	default: /* nothing in it has a key of ours */
		break;
	}
}

void spelling_mend(struct decode *d, const struct where *at, struct json *j, const struct spec_object *o)
{
	struct json *last[DECODE_FIELDS_MAX] = { NULL };
	struct where here = { .up = at };

	assert(o->n <= DECODE_FIELDS_MAX);
	if (j->type != JSON_OBJECT)
		return; /* who decodes it says so */
	for (struct json *c = j->first; c; c = c->next) {
		size_t i;

		here.key = c->key;
		i = mend_key(d, &here, c, o);
		if (i < o->n)
			last[i] = c;
	}
	drop_earlier(d, at, j, o, last);
	for (struct json *c = j->first; c; c = c->next) {
		size_t i = decode_field_index(o, c->key);

		here.key = c->key;
		if (i < o->n)
			mend_below(d, &here, c, &o->fields[i]);
	}
}
