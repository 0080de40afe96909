/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the file service: what its files share, and nobody else includes.
 */
#ifndef FS_INSIDE_H
#define FS_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "fs/fs.h"
#include "fs/id.h"

struct fs_link { /* of a circular doubly linked list */
	struct fs_link *prev, *next;
};

struct fs {
	int proc_fd;       /* /proc/self/fd: the way from an O_PATH descriptor to everything else */
	int dead_fd;       /* O_PATH of something that is no file: what replaces a revoked descriptor */
	bool own_ids;      /* cannot change fsuid: all files belong to the service's user */
	uint32_t uid, gid; /* the service's fsuid and fsgid */
	unsigned int fds_max;
	atomic_uint fds; /* descriptors held by nodes and files */
	struct fs_ids ids;

	pthread_rwlock_t tree; /* LOCK: the links between synthetic nodes */
	struct fs_node *root;
	uint64_t next_serial;
};

struct fs_export {
	struct fs *fs;
	atomic_uint refs; /* of its nodes, and of the synthetic node that shows it */
	atomic_bool dead;
	unsigned int flags;
	struct fs_node *parent; /* the synthetic directory above, referenced */
	uint64_t root_mount;
	uint64_t root_dev, root_ino;

	pthread_mutex_t lock;
	struct fs_link nodes, files;       /* LOCK: lock; what must be closed by a removal */
	struct fs_node **names;            /* LOCK: lock; chained hash table, see names.c */
	uint32_t name_buckets, name_count; /* LOCK: lock */

	pthread_mutex_t wake; /* LOCK: one node is found again at a time; taken before lock */
};

/*
 * A host node (export set, fd open) or a synthetic directory (export NULL, fd
 * -1). What identifies it never changes.
 */
struct fs_node {
	atomic_uint refs;
	atomic_int fd; /* -1: at rest; changes only under export->lock */
	uint32_t type; /* S_IFMT bits */
	uint64_t dev, ino;
	uint64_t born; /* fs_born() */
	struct fs_export *export;
	struct fs_link link; /* LOCK: export->lock */

	/* Where it was found, see names.c. LOCK: export->lock */
	struct fs_node *parent; /* both or none; referenced */
	char *name;
	struct fs_node *name_next;
	uint32_t name_hash;

	struct fs_synth *synth;
};

/*
 * A synthetic directory, or the place where an export is shown. LOCK: fs->tree for all but id and
 * made.
 */
struct fs_synth {
	struct fs *fs;
	uint64_t id;
	struct timespec made;
	uint64_t serial; /* its cookie in readdir */
	char *name;
	struct fs_node *self;
	struct fs_synth *parent;          /* NULL: the root, or taken out of the tree */
	struct fs_synth *children, *next; /* children in order of serial */
	struct fs_node *mounted;          /* the export's root; then it has no children */
};

struct fs_file {
	atomic_uint refs;
	int fd;
	bool fd_is_nodes; /* opened by creation: one descriptor for both */
	int flags;        /* as opened */
	struct fs_node *node;
	struct fs_link link; /* LOCK: export->lock */

	pthread_mutex_t lock;
	uint64_t position; /* LOCK: lock; the cookie where the directory's descriptor stands */
	int lock_fd;       /* LOCK: lock; for locks, where @fd cannot have both kinds; -1: none yet */
	bool lock_whole;   /* LOCK: lock; neither can: flock(2) instead */
};

static inline void fs_link_init(struct fs_link *l)
{
	l->prev = l->next = l;
}

static inline void fs_link_add(struct fs_link *list, struct fs_link *l)
{
	l->prev = list;
	l->next = list->next;
	list->next->prev = l;
	list->next = l;
}

static inline void fs_link_del(struct fs_link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	fs_link_init(l);
}

#endif
