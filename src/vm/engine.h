/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine gives to vm.c: the calls of vm.h, and what the jail must leave it.
 *
 * An engine's object begins with a struct vm, so vm.c dispatches through
 * vm->ops and the engine gets its own object back with container_of().
 */
#ifndef VM_ENGINE_H
#define VM_ENGINE_H

#include "vm/vm.h"

struct vm_ops {
	const char *name; /* "kvm", "qemu" */

	/* As vm_new(), vm_share_add() and so on in vm.h. new sets (*ret_vm)->ops. */
	int (*new)(const struct vm_config *cfg, struct vm **ret_vm, struct err *err);
	int (*share_add)(
		struct vm *vm, enum vm_share share, const char *name, int fd, unsigned int flags, struct err *err);
	int (*channel_fd)(const struct vm *vm);
	int (*start)(struct vm *vm, struct loop *loop, const struct vm_events *events, struct err *err);
	void (*free)(struct vm *vm);

	/*
	 * For the jail's seccomp allow-list: the names of the system calls that
	 * start, free and the running engine's threads make, NULL at the end
	 * (file service adds its own); and the ioctl requests they make, 0 at the
	 * end. A NULL @ioctls: the engine makes none. ioctl, clone and clone3 are
	 * not named: a name allows every argument.
	 */
	const char *const *syscalls;
	const unsigned long *ioctls;
};

struct vm {
	const struct vm_ops *ops;
};

extern const struct vm_ops kvm_vm_ops;  /* src/vm/kvm/kvm.c */
extern const struct vm_ops qemu_vm_ops; /* src/vm/qemu/qemu.c */

/* Whether @cfg is one that every engine can build: 0 or -EINVAL with an error that names what is wrong. */
must_check int vm_config_check(const struct vm_config *cfg, struct err *err);

/* Closes the fds that @cfg hands over: for a vm_new() that fails before it has taken them. */
void vm_config_close_fds(const struct vm_config *cfg);

#endif
