/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the file service: what its files share, and nobody else includes.
 */
#ifndef FS_NODE_H
#define FS_NODE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

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

/* fs.c */
struct fs *fs_of(const struct fs_node *node);
must_check int fs_fd_take(struct fs *fs); /* counts one more descriptor: 0 or -ENFILE */
void fs_fd_give(struct fs *fs);
/* fs_fd_take(), and then export->lock is held: 0; -ENFILE, or -ESTALE if @export is gone, and neither is. */
must_check int fs_fd_take_locked(struct fs_export *export);

/* "N" for @fd: its name in /proc/self/fd, which is every such thread's working directory. */
struct fs_fd_name {
	char text[12];
};
struct fs_fd_name fs_fd_name(int fd);

/* names.c. LOCK: export->lock for set and clear */
void fs_name_set(struct fs_node *node, struct fs_node *parent, const char *name);
struct fs_node *fs_name_clear(struct fs_node *node);          /* returns the parent, to be put after the lock */
must_check int fs_node_wake(struct fs_node *node);            /* opens one that rests */
void fs_names_wake(struct fs_node *dir, const char *name);    /* before the entry is removed or replaced */
void fs_names_removed(struct fs_node *dir, const char *name); /* after it was */
void fs_names_renamed(struct fs_node *old_dir, const char *old_name, struct fs_node *new_dir, const char *new_name);
uint64_t fs_born(const struct statx *st);

/* node.c */
/*
 * A node for @fd, which is the node's on success. @st describes it. @parent is
 * borrowed (NULL: not known), @name copied.
 */
must_check int fs_node_new(struct fs_export *export, int fd, const struct statx *st, struct fs_node *parent,
	const char *name, struct fs_node **ret_node);
void fs_export_put(struct fs_export *export);

/* Wakes the node. 0 if it is alive (and, with @write, may be written below): else -ESTALE, -EROFS. */
must_check int fs_node_check(struct fs_node *node, bool write);
/* As fs_node_check, for a directory in which @name is about to be made or removed. */
must_check int fs_entry_check(struct fs_node *dir, const char *name, bool write);

must_check int fs_name_check(const char *name); /* a single component that is not "." or ".." */
must_check int fs_openat(int dir_fd, const char *name, int flags, uint32_t mode); /* one step, no symlink */
must_check int fs_stat(int fd, struct statx *ret_st);
must_check int fs_ident_of(const struct fs_export *export, const struct statx *st, struct fs_ident *ret_ident);
must_check int fs_ident_at(const struct fs_node *dir, const char *name, struct fs_ident *ret_ident);
static inline uint64_t fs_dev_of(const struct statx *st)
{
	return (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;
}

/* export.c: synthetic directories */
must_check int fs_synth_new(struct fs *fs, const char *name, struct fs_node **ret_node);
void fs_synth_clear(struct fs_node *dir); /* removes everything below */
must_check int fs_synth_walk(struct fs_node *dir, const char *name, struct fs_node **ret_node);
void fs_synth_attr(struct fs_node *dir, struct fs_attr *ret_attr);
void fs_synth_ident(struct fs_node *dir, struct fs_ident *ret_ident);
must_check int fs_synth_readdir(struct fs_node *dir, uint64_t cookie, fs_emit_fn *emit, void *arg);
void fs_synth_free(struct fs_synth *synth);

/* open.c */
must_check int fs_reopen(const struct fs_node *node, int flags);

#endif
