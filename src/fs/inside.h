/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the file service: the structs that its files share. Only src/fs includes it.
 */
#ifndef FS_INSIDE_H
#define FS_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "fs/fs.h"
#include "fs/id.h"

/* Buckets of an export's hash table of what holds locks, by inode. */
#define FS_LOCKER_BUCKETS 64

/* An element, or the head, of a circular doubly linked list. */
struct fs_link {
	struct fs_link *prev, *next;
};

struct fs {
	int proc_fd;                     /* /proc/self/fd: the way from an O_PATH descriptor to everything else */
	int dead_fd;                     /* O_PATH of a sealed, empty file: what a revoked descriptor is replaced by */
	bool own_ids;                    /* the process cannot change its fsuid: all files belong to its user */
	uint32_t uid, gid;               /* the service's fsuid and fsgid */
	const struct owner_maps *owners; /* borrowed; NULL: ids are what they are */
	unsigned int fds_max;            /* descriptors of nodes and files, of all services of the process: fds.c */
	atomic_uint locks;               /* ranges that are locked: at most FS_LOCKS_MAX */
	struct fs_ids ids;
	struct fs_watcher *watcher; /* borrowed; NULL: nobody is told of what the host changes */
	const char *watch_name;     /* what paths that are told begin with */

	pthread_rwlock_t tree; /* LOCK: the links between synthetic nodes */
	struct fs_node *root;
	uint64_t next_serial;
};

struct fs_export {
	struct fs *fs;
	atomic_uint refs; /* one of each of its nodes; while it is being made, its maker's */
	atomic_bool dead;
	unsigned int flags;
	struct file_policy policy;
	char *path;             /* where it is shown: as fs_export_add() was told */
	struct fs_node *parent; /* the synthetic directory above, referenced */
	uint64_t root_mount;
	uint64_t root_dev, root_ino;

	pthread_mutex_t lock;
	struct fs_link nodes, files;       /* LOCK: lock; what a removal must close */
	struct fs_node **names;            /* LOCK: lock; chained hash table: names.h */
	uint32_t name_buckets, name_count; /* LOCK: lock */

	pthread_mutex_t locking;                   /* LOCK: locks of files: lock.c; taken before lock */
	struct fs_link lockers[FS_LOCKER_BUCKETS]; /* LOCK: locking, and lock to change it */

	/*
	 * LOCK: held for reading by an operation of the guest on names until the table of names follows it; so that stale.c
	 * can tell the host's changes from the guest's. Taken before all others.
	 */
	pthread_rwlock_t naming;

	struct fs_versions *_Atomic versions; /* LOCK: lock, once it is there: version.c */

	pthread_mutex_t wake; /* LOCK: so that one node is found again at a time; taken before lock */
};

/*
 * A host node has an export, and its fd is open unless it rests. A synthetic directory has no export, and its fd is -1.
 * What identifies a node never changes.
 */
struct fs_node {
	atomic_uint refs;
	atomic_uint idle_refs; /* those of refs that only hold the node: rest.c */
	atomic_int fd;         /* -1: at rest; changes only under export->lock */
	uint32_t type;         /* S_IFMT bits */
	atomic_uint writers;   /* files that were opened for writing by this node */
	uint32_t bytes;        /* counted for it: fs_memory_take() */
	atomic_int of_kernel;  /* 1: its file system is one of the kernel's own; -1: it is not; 0: not asked yet */
	uint64_t dev, ino;
	uint64_t born; /* fs_born() */
	struct fs_export *export;
	struct fs_link link; /* LOCK: export->lock */

	/* Where it was found: names.h. LOCK: export->lock */
	struct fs_node *parent; /* referenced; NULL if and only if name is */
	char *name;
	struct fs_node *name_next;
	uint32_t name_hash;

	struct fs_synth *synth;
};

/* A synthetic directory, or the place where an export is shown. LOCK: fs->tree for all but id and made. */
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
	atomic_int fd;    /* -1: at rest, or of a synthetic directory; changes only under export->lock */
	bool fd_is_nodes; /* the file was created: the node has the same descriptor, and closes it */
	int flags;        /* as opened */
	struct fs_node *node;
	struct fs_link link; /* LOCK: export->lock */

	pthread_mutex_t lock;
	uint64_t position; /* LOCK: lock; the cookie where the directory's descriptor stands */
	bool listing;      /* LOCK: lock; entries were read, but not yet the end */
	atomic_bool used;  /* read or written since its last lock: lock.c */
};

/* Makes @l an empty list, or an element of none. */
static inline void fs_link_init(struct fs_link *l)
{
	l->prev = l->next = l;
}

/* Puts @l at the front of @list. */
static inline void fs_link_add(struct fs_link *list, struct fs_link *l)
{
	l->prev = list;
	l->next = list->next;
	list->next->prev = l;
	list->next = l;
}

/* Takes @l out of its list, if it is in one. */
static inline void fs_link_del(struct fs_link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	fs_link_init(l);
}

#endif
