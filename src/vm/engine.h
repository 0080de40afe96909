/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine: what stands behind the functions of vm.h.
 *
 * An engine's object begins with a struct vm. vm.c calls through vm->ops, and the engine gets its own object back with
 * container_of().
 */
#ifndef VM_ENGINE_H
#define VM_ENGINE_H

#include "vm/vm.h"

struct vm_ops {
	const char *name; /* "kvm", "qemu" */

	/* As the functions vm_new(), vm_share_add() and so on (vm.h, choose.h). new() sets (*ret_vm)->ops. */
	int (*new)(const struct vm_config *cfg, struct vm **ret_vm, struct err *err);
	int (*share_add)(
		struct vm *vm, enum vm_share share, const char *name, int fd, unsigned int flags, struct err *err);
	int (*channel_fd)(const struct vm *vm);
	int (*start)(struct vm *vm, struct loop *loop, const struct vm_events *events, struct err *err);
	int (*pause)(struct vm *vm, struct err *err);
	int (*resume)(struct vm *vm, struct err *err);
	void (*take_stale)(struct vm *vm, struct vm_stale *ret); /* NULL: it never has any */
	int (*set_memory)(struct vm *vm, uint64_t bytes, struct err *err);
	bool (*end)(struct vm *vm, int timeout_ms); /* NULL: nothing stands for it beside this process */
	const struct vm_calls *(*calls)(const struct vm *vm);
	void (*free)(struct vm *vm);
};

struct vm {
	const struct vm_ops *ops;
};

extern const struct vm_ops kvm_vm_ops;  /* src/vm/kvm/kvm.c */
extern const struct vm_ops qemu_vm_ops; /* src/vm/qemu/qemu.c */

/* Checks what every engine relies on in @cfg: 0, or -EINVAL with a message that names what is wrong. */
must_check int vm_config_check(const struct vm_config *cfg, struct err *err);

/* Close the descriptors that @cfg, or one nic, hands over: for a vm_new() that fails before it has taken them. */
void vm_config_close_fds(const struct vm_config *cfg);
void vm_nic_close_fds(const struct vm_nic *nic);

#endif
