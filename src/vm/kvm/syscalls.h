/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that a machine of this engine makes while it runs, but for those of its devices (struct virtio_ops). */
#ifndef VM_KVM_SYSCALLS_H
#define VM_KVM_SYSCALLS_H

#include "vm/vm.h"

#define KVM_ROOM_CALLS 9
#define KVM_NET_CALLS 4

/* This room's and those of the rooms below it, each with the roles of the threads that make them. */
extern const struct vm_calls kvm_room_calls[KVM_ROOM_CALLS];

/* What a machine has beyond whose network devices have several pairs of queues. */
extern const struct vm_calls kvm_net_calls[KVM_NET_CALLS];

#endif
