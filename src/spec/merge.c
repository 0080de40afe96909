/* SPDX-License-Identifier: Apache-2.0 */
/* A config with other resources: see merge.h. All is done on the trees, so members that we do not know stay. */
#include "spec/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json/arena.h"
#include "json/gen.h"
#include "json/json.h"
#include "spec/schema.h"
#include "spec/spelling.h"

/* Whether @j, a member of resources, sets something. */
static bool is_set(const struct json *j)
{
	static const char *const zeros[] = { "idle", "burst", "swappiness" };

	switch (j->type) {
	case JSON_NULL:
		return false;
	case JSON_STRING:
		return *j->text != '\0';
	case JSON_ARRAY:
		return j->n > 0;
	case JSON_NUMBER:
		for (size_t i = 0; i < ARRAY_LEN(zeros); i++) {
			if (strcmp(j->key, zeros[i]) == 0)
				return true;
		}
		return strtod(j->text, NULL) != 0;
	default:
		return true;
	}
}

/* The place of the pointer to the member @key in @object, or of the one that ends the list. */
static struct json **place_of(struct json *object, const char *key)
{
	struct json **at = &object->first;

	while (*at && strcmp((*at)->key, key) != 0)
		at = &(*at)->next;
	return at;
}

/* Puts @member into @object, in the place of one of that name if there is one. */
static void put(struct json *object, struct json *member)
{
	struct json **at = place_of(object, member->key);

	member->next = *at ? (*at)->next : NULL;
	object->n += !*at;
	if (!*at || object->last == *at)
		object->last = member;
	*at = member;
}

/* The object that is the member @key of @object; it is made if there is none. NULL without memory. */
static struct json *need_object(struct arena *arena, struct json *object, const char *key)
{
	struct json *made = *place_of(object, key);

	if (made && made->type == JSON_OBJECT)
		return made;
	made = arena_alloc(arena, sizeof(*made));
	if (!made)
		return NULL;
	made->type = JSON_OBJECT;
	made->key = arena_strndup(arena, key, strlen(key));
	if (!made->key)
		return NULL;
	put(object, made);
	return made;
}

/* Puts what @from sets into @to, both objects; its members are moved. 0 or -ENOMEM. */
static int merge(struct arena *arena, struct json *to, struct json *from)
{
	for (struct json *member = from->first, *next; member; member = next) {
		next = member->next;
		if (member->type == JSON_OBJECT) { /* not deeper than JSON_DEPTH_MAX */
			struct json *inner = need_object(arena, to, member->key);

			if (!inner || merge(arena, inner, member) < 0)
				return -ENOMEM;
		} else if (is_set(member)) {
			put(to, member);
		}
	}
	return 0;
}

/*
 * Parses both texts into trees that have one spelling of each key, without warnings: who decodes the texts has them. 0,
 * or -errno with an error.
 */
static int parse_both(struct arena *arena, const char *config, size_t config_len, const char *update, size_t update_len,
	struct json **ret_root, struct json **ret_asked, struct err *err)
{
	struct decode d = { .name = "update" };
	int r = json_parse("config.json", config, config_len, 0, arena, ret_root, NULL, err);

	if (r == 0)
		r = json_parse("resources", update, update_len, 0, arena, ret_asked, NULL, err);
	if (r < 0)
		return r;
	if ((*ret_root)->type != JSON_OBJECT || (*ret_asked)->type != JSON_OBJECT)
		return err_set(err, EINVAL, "resources: not an object");
	spelling_mend(&d, NULL, *ret_root, &schema_config);
	spelling_mend(&d, NULL, *ret_asked, &schema_resources);
	return 0;
}

int merge_resources(
	const char *config, size_t config_len, const char *update, size_t update_len, struct buf *out, struct err *err)
{
	autoarena struct arena *arena = NULL;
	struct json *root, *asked, *resources, *devices;
	struct gen g;
	int r = arena_new(&arena);

	if (r < 0)
		return err_sys(err, r, "update");
	r = parse_both(arena, config, config_len, update, update_len, &root, &asked, err);
	if (r < 0)
		return r;
	devices = *place_of(asked, "devices");
	if (devices)
		devices->n = 0;
	resources = need_object(arena, root, "linux");
	if (resources)
		resources = need_object(arena, resources, "resources");
	if (!resources || merge(arena, resources, asked) < 0)
		return err_sys(err, ENOMEM, "update");
	gen_init(&g, out, GEN_COMPACT);
	gen_json(&g, root);
	return gen_finish(&g, err);
}
