/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest's caches of the shares have that the host has changed: from the watcher of the file services
 * (src/fs/watch.c), on its thread, to the VM's owner, on the loop.
 */
#ifndef VM_KVM_STALE_H
#define VM_KVM_STALE_H

#include "vm/vm.h"

struct fs;
struct fs_watcher;

struct stale {
	struct fs_watcher *watcher; /* NULL: the host has none to give, so nothing is noticed */
	int event_fd;
	pthread_mutex_t lock;
	struct vm_stale pending; /* LOCK: lock */
	struct watch *watch;
	void (*on_stale)(void *arg);
	void *arg;
};

/*
 * Makes @s look after @fs, the services of both shares, which are new. Before the jail. Where the host refuses, @log
 * (may be NULL) is told why.
 */
void stale_init(struct stale *s, struct fs *const fs[VM_SHARES], struct guestlog *log);

/* Starts to look, and has @on_stale(@arg) (not NULL) called on @loop when there is something: 0 or -errno. */
must_check int stale_start(struct stale *s, struct fs *fs, struct loop *loop, void (*on_stale)(void *arg), void *arg);

/* Moves what has been noticed to *@ret, which is empty. */
void stale_take(struct stale *s, struct vm_stale *ret);

/* Ends the thread, before the services go. A zeroed @s is fine. */
void stale_stop(struct stale *s);

/* Frees it, after the services. A zeroed @s is fine. */
void stale_done(struct stale *s);

#endif
