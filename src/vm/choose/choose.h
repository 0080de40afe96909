/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which engine runs a machine: the verdict on this host's KVM, and the switch between the engines.
 *
 * A verdict holds for one boot of the host, one build of vmrunc and one /dev/kvm. The file in the cache directory that
 * keeps it names these, so that a stale, foreign or broken file is simply not used.
 */
#ifndef VM_CHOOSE_CHOOSE_H
#define VM_CHOOSE_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "vm/vm.h"

#define VM_WHY_MAX 256 /* bytes that a verdict in words takes at most */

struct vm_verdict {
	bool usable;
	bool cached;          /* it comes from the cache */
	char why[VM_WHY_MAX]; /* in words: what kind of KVM there is, or why it cannot be used */
};

/*
 * Finds out whether KVM is usable: asks the cache in @cache_dir (NULL: none), else the probe (vm/kvm/probe.h), and
 * keeps what the probe says.
 */
void vm_kvm_verdict(const char *cache_dir, struct vm_verdict *ret_verdict);

/*
 * Finds out what VM_ENGINE_AUTO means on this host: KVM if it is usable (@cache_dir as above), else QEMU if it is
 * installed (@qemu_path as in struct vm_config). 0 with *ret_engine, and with the reason in @ret_why (@why_len bytes;
 * NULL: not wanted) for `vmrunc check` and for a warning; or -ENODEV with an error that says what to install.
 */
must_check int vm_choose_engine(const char *cache_dir, const char *qemu_path, enum vm_engine *ret_engine, char *ret_why,
	size_t why_len, struct err *err);

/*
 * Builds the VM that @cfg describes, in which nothing runs yet: 0 with *ret_vm for vm_free(), or -errno. @cfg is read
 * during the call only; what it hands over is the VM's or closed after the call, also when that fails.
 */
must_check int vm_new(const struct vm_config *cfg, struct vm **ret_vm, struct err *err);

#endif
