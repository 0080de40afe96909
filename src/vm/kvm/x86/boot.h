/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a kernel, its initrd and the description of the machine into memory, and the first vCPU at its entry. */
#ifndef VM_KVM_X86_BOOT_H
#define VM_KVM_X86_BOOT_H

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/machine.h"
#include "vm/vm.h"

/*
 * @cfg: kernel_path, initrd_path, cmdline (behind what this machine needs
 * itself, so the caller's options win). @devices: virtio slots in use.
 * @vcpu_fd: the first vCPU's.
 */
must_check int boot_load(
	const struct machine *m, const struct vm_config *cfg, unsigned int devices, int vcpu_fd, struct err *err);

#endif
