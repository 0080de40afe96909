/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes and exports as counted objects: how they are made, held and freed, and what a removed export does to them.
 *
 * A host node holds an O_PATH descriptor, and the device and inode number that it had when it was opened. Those never
 * change, but the descriptor may be given back for a time (rest.c). fs_node_check() comes before each use of it. From
 * then on the descriptor stays, because whoever uses a node holds a reference beside the idle ones that keep it.
 *
 * Revocation: an export has lists of its nodes and files. Removing the export sets `dead`, and puts the service's dead
 * descriptor over each of theirs with dup3(2). The number stays valid for a thread that is about to use it, while the
 * inode that it led to is let go. A node that is being made meanwhile sees `dead` when it enters the list, under the
 * same lock.
 */
#include "fs/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "fs/fds.h"
#include "fs/memory.h"
#include "fs/names.h"
#include "fs/step.h"

void fs_export_put(struct fs_export *export)
{
	if (atomic_fetch_sub(&export->refs, 1) != 1)
		return;
	fs_node_put(export->parent);
	pthread_mutex_destroy(&export->locking);
	pthread_mutex_destroy(&export->wake);
	pthread_mutex_destroy(&export->lock);
	pthread_rwlock_destroy(&export->naming);
	free(export->names);
	free(export->path);
	free(export->versions);
	free(export);
}

int fs_node_new(struct fs_export *export, int fd, const struct statx *st, struct fs_node *parent, const char *name,
	struct fs_node **ret_node)
{
	size_t bytes = fs_memory_of_node(parent != NULL ? strlen(name) : 0);
	struct fs_node *node;
	int r = fs_memory_take(bytes);

	if (r < 0)
		return r;
	r = fs_fd_take(export->fs);
	node = r == 0 ? calloc(1, sizeof(*node)) : NULL;
	if (node == NULL) {
		if (r == 0)
			fs_fd_give(export->fs);
		fs_memory_give(bytes);
		return r < 0 ? r : -ENOMEM;
	}
	node->bytes = (uint32_t)bytes;
	atomic_init(&node->refs, 1);
	node->fd = fd;
	node->type = st->stx_mode & S_IFMT;
	node->dev = fs_dev_of(st);
	node->ino = st->stx_ino;
	node->born = fs_born(st);
	node->export = export;

	pthread_mutex_lock(&export->lock);
	r = atomic_load(&export->dead) ? -ESTALE : 0;
	if (r == 0) {
		fs_link_add(&export->nodes, &node->link);
		if (parent != NULL && fs_name_set(node, parent, name))
			fs_node_get(parent);
	}
	pthread_mutex_unlock(&export->lock);
	if (r < 0) {
		free(node);
		fs_fd_give(export->fs);
		fs_memory_give(bytes);
		return r;
	}
	atomic_fetch_add(&export->refs, 1);
	*ret_node = node;
	return 0;
}

struct fs_node *fs_node_get(struct fs_node *node)
{
	atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
	return node;
}

static void synth_free(struct fs_synth *synth)
{
	free(synth->name);
	free(synth);
}

void fs_node_idle(struct fs_node *node)
{
	atomic_fetch_add(&node->idle_refs, 1);
}

void fs_node_busy(struct fs_node *node)
{
	atomic_fetch_sub(&node->idle_refs, 1);
}

bool fs_node_try_get(struct fs_node *node)
{
	unsigned int refs = atomic_load(&node->refs);

	while (refs != 0)
		if (atomic_compare_exchange_weak(&node->refs, &refs, refs + 1))
			return true;
	return false;
}

/* Frees a host node. Returns the directory that it was found in, whose reference is the caller's now, or NULL. */
static struct fs_node *node_free_host(struct fs_node *node)
{
	struct fs_export *export = node->export;
	struct fs_node *parent;

	pthread_mutex_lock(&export->lock);
	fs_link_del(&node->link);
	parent = fs_name_clear(node);
	pthread_mutex_unlock(&export->lock);
	if (node->fd >= 0) {
		fd_close(node->fd);
		fs_fd_give(export->fs);
	}
	fs_memory_give(node->bytes);
	free(node);
	fs_export_put(export);
	return parent;
}

/* This is a loop, not a recursion along the parents, because a guest decides how deep they go. */
void fs_node_put(struct fs_node *node)
{
	while (node != NULL && atomic_fetch_sub(&node->refs, 1) == 1) {
		if (node->export != NULL) {
			node = node_free_host(node);
		} else {
			synth_free(node->synth);
			free(node);
			node = NULL;
		}
	}
}

const void *fs_node_place(const struct fs_node *node)
{
	return node->export;
}

uint32_t fs_node_type(const struct fs_node *node)
{
	return node->type;
}
