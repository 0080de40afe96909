/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a kernel, its initrd and the description of the machine into memory, and the first vCPU at the kernel's entry. */
#ifndef VM_KVM_X86_BOOT_H
#define VM_KVM_X86_BOOT_H

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/machine.h"
#include "vm/vm.h"

/*
 * Loads the kernel, the initrd and the command line of @cfg and describes @cfg->vcpus vCPUs and the virtio slots 0 to
 * @devices - 1. What this machine needs on the command line comes first, so that the caller's options win. @vcpu_fd is
 * the first vCPU's. 0 or -errno with a message.
 */
must_check int boot_load(
	const struct machine *m, const struct vm_config *cfg, unsigned int devices, int vcpu_fd, struct err *err);

#endif
