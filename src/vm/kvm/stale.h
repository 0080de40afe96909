/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest is to forget of the shares: what the host has changed, and what it does not use when the host's memory
 * for files (fs_memory_bound()) is nearly full. From the watcher of the file services
 * (src/fs/watch.c), on its thread, to the VM's owner, on the loop.
 */
#ifndef VM_KVM_STALE_H
#define VM_KVM_STALE_H

#include "vm/vm.h"

struct fs;
struct fs_watcher;

struct stale {
	bool made;
	struct fs_watcher *watcher; /* NULL: the host has none to give, so nothing is noticed */
	int event_fd;
	pthread_mutex_t lock;
	struct vm_stale pending; /* LOCK: lock */
	struct watch *watch;
	void (*on_stale)(void *arg);
	void *arg;
};

/*
 * Makes @s, zeroed, without a watcher, and bounds the memory of the file services that are made from now on to @files_bytes
 * (0: no bound). 0, or -errno with @err set. Before the jail.
 */
must_check int stale_new(struct stale *s, uint64_t files_bytes, struct err *err);

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
