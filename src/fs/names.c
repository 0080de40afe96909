/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of names: see names.h. A hash table with chains for each export, which doubles when there is one name a
 * bucket. It makes no system call, and holds no reference but those that it was given.
 */
#include "fs/names.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64u

static uint32_t name_hash(uint64_t dev, uint64_t ino, const char *name)
{
	uint64_t h = ino * 0x9e3779b97f4a7c15ull ^ dev;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ull;
	return (uint32_t)(h ^ h >> 32);
}

static struct fs_node **bucket_of(struct fs_export *export, uint32_t hash)
{
	return &export->names[hash & (export->name_buckets - 1)];
}

/* Doubles the table when it is full. If there is no memory for that, the chains become longer, which does as well. */
static void table_grow(struct fs_export *export)
{
	uint32_t n = export->name_buckets == 0 ? BUCKETS_MIN : 2 * export->name_buckets;
	struct fs_node **bigger, **old = export->names, *node, *next;
	uint32_t old_n = export->name_buckets;

	if (export->name_count < old_n)
		return;
	bigger = calloc(n, sizeof(struct fs_node *));
	if (bigger == NULL)
		return;
	export->names = bigger;
	export->name_buckets = n;
	for (uint32_t i = 0; i < old_n; i++) {
		for (node = old[i]; node != NULL; node = next) {
			struct fs_node **at = bucket_of(export, node->name_hash);

			next = node->name_next;
			node->name_next = *at;
			*at = node;
		}
	}
	free(old);
}

bool fs_name_set(struct fs_node *node, struct fs_node *parent, const char *name)
{
	struct fs_export *export = node->export;
	struct fs_node **at;

	table_grow(export);
	if (export->name_buckets == 0)
		return false;
	node->name = strdup(name);
	if (node->name == NULL)
		return false;
	node->parent = parent;
	atomic_fetch_add(&parent->idle_refs, 1); /* the reference that the caller takes: see names.h */
	node->name_hash = name_hash(parent->dev, parent->ino, name);
	at = bucket_of(export, node->name_hash);
	node->name_next = *at;
	*at = node;
	export->name_count++;
	return true;
}

struct fs_node *fs_name_clear(struct fs_node *node)
{
	struct fs_node **at, *parent = node->parent;

	if (node->name == NULL)
		return NULL;
	for (at = bucket_of(node->export, node->name_hash); *at != node; at = &(*at)->name_next)
		;
	*at = node->name_next;
	node->export->name_count--;
	free(node->name);
	node->name = NULL;
	node->parent = NULL;
	atomic_fetch_sub(&parent->idle_refs, 1);
	return parent;
}

struct fs_node *fs_name_next(
	struct fs_export *export, uint64_t dev, uint64_t ino, const char *name, const struct fs_node *after)
{
	uint32_t hash = name_hash(dev, ino, name);
	struct fs_node *node;

	if (export->name_buckets == 0)
		return NULL;
	for (node = after != NULL ? after->name_next : *bucket_of(export, hash); node != NULL; node = node->name_next)
		if (node->name_hash == hash && node->parent->ino == ino && node->parent->dev == dev &&
			strcmp(node->name, name) == 0)
			return node;
	return NULL;
}

struct fs_node *fs_name_find(const struct fs_node *dir, const char *name, bool resting)
{
	struct fs_export *export = dir->export;
	uint32_t hash = name_hash(dir->dev, dir->ino, name);
	struct fs_node *node;

	if (export->name_buckets == 0)
		return NULL;
	for (node = *bucket_of(export, hash); node != NULL; node = node->name_next)
		if (node->name_hash == hash && node->parent->ino == dir->ino && node->parent->dev == dir->dev &&
			strcmp(node->name, name) == 0 && (!resting || node->fd < 0))
			return node;
	return NULL;
}
