/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether KVM is usable on this host: the probe's verdict and its cache.
 *
 * The verdict holds for one boot of the host, one build of vmrunc and one
 * /dev/kvm (device, inode, kernel's module behind it); the file in the cache
 * directory names them, so that a stale, foreign or broken one is just not used.
 */
#ifndef VM_CHOOSE_CHOOSE_H
#define VM_CHOOSE_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "vm/vm.h"

#define VM_WHY_MAX 256 /* bytes that a verdict in words takes at most */

struct vm_verdict {
	bool usable;
	bool cached;          /* taken from the cache */
	char why[VM_WHY_MAX]; /* in words: what KVM is, or why it cannot be used */
};

/* Asks the cache below @cache_dir (NULL: none), else the probe, and stores what the probe says. */
void vm_kvm_verdict(const char *cache_dir, struct vm_verdict *ret_verdict);

/*
 * What AUTO means on this machine: KVM where the probe succeeded (its verdict is
 * cached per host boot below @cache_dir), else QEMU where it is installed, else
 * -ENODEV with an error that says what to install. @ret_why gets words for
 * `vmrunc check` and for the one warning line (NULL: not wanted), @why_len bytes.
 */
must_check int vm_choose_engine(const char *cache_dir, const char *qemu_path, enum vm_engine *ret_engine, char *ret_why,
	size_t why_len, struct err *err);

/* Builds a VM (nothing runs yet). @cfg is read during the call only. Caller frees *ret with vm_free(). */
must_check int vm_new(const struct vm_config *cfg, struct vm **ret_vm, struct err *err);

#endif
