/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of the kvm engine: see syscalls.h. */
#include "vm/kvm/syscalls.h"

#include <linux/kvm.h>
#include <sys/prctl.h>

#include "fs/fs.h"
#include "host/thread.h"
#include "p9/p9.h"
#include "vm/guestlog.h"
#include "vm/virtio/device.h"
#include "vm/virtio/net.h"
#include "vm/virtio/netthreads.h"

/* What this room calls on the loop from vm_start() on, beside base_syscalls. */
static const char *const kvm_syscalls[] = {
	"close",
	"munmap", /* both for the end of vCPUs, irqs, memory */
	/* fs_free(): what a guest still holds of an export is revoked, and watched no more */
	"dup3",
	"inotify_rm_watch",
	"write", /* irq_raise(), end_report() */

	/* vcpu.c; tgkill is not named: the jail allows it for this process alone */
	"getpid",
	"gettid", /* [pthread_kill] */
	NULL,
};

/* What a vCPU's thread calls; what a register of a device makes it do is the device's. */
static const char *const kvm_vcpu_syscalls[] = {
	"close",           /* the files of a 9P session that the driver resets */
	"write",           /* irq_raise(), end_report(), what waits in the log */
	"clock_nanosleep", /* [nanosleep] the pause after a bus lock */
	"nanosleep",       /* what an older libc makes of it */
	"rt_sigtimedwait", /* [sigtimedwait] the kick of a pause is taken away */
	NULL,
};

static const struct syscall_rule kvm_vcpu_rules[] = {
	{ "prctl", { { 0, SYSCALL_INT, PR_SET_NAME } } }, /* vcpu.c [pthread_setname_np] */
	{ .name = NULL },
};

static const unsigned long kvm_ioctls[] = {
	KVM_KVMCLOCK_CTRL, /* vcpu.c: vcpu_resume() */
	0,
};

static const unsigned long kvm_vcpu_ioctls[] = {
	KVM_RUN,      /* vcpu.c */
	KVM_GET_REGS, /* x86/cpu.c: cpu_rip() */
	0,
};

/* The lists of this room and of those below it; those of the devices follow them in struct kvm_vm (kvm.c). */
const struct vm_calls kvm_room_calls[KVM_ROOM_CALLS] = {
	{ .names = kvm_syscalls, .ioctls = kvm_ioctls },
	{ .names = kvm_vcpu_syscalls, .ioctls = kvm_vcpu_ioctls, .rules = kvm_vcpu_rules, .roles = VM_CALLS_VCPU },
	{ .names = guestlog_syscalls },
	{ .names = virtio_syscalls, .roles = VM_CALLS_LOOP | VM_CALLS_VCPU | VM_CALLS_FILES | VM_CALLS_WATCH },
	{ .names = virtio_loop_syscalls },
	{ .names = thread_syscalls,
		.rules = thread_syscall_rules,
		.roles = VM_CALLS_VCPU | VM_CALLS_FILES | VM_CALLS_WATCH },
	{ .names = fs_syscalls, .rules = fs_syscall_rules, .roles = VM_CALLS_FILES },
	{ .names = fs_watch_syscalls, .rules = fs_watch_syscall_rules, .roles = VM_CALLS_WATCH },
	{ .names = p9_syscalls, .roles = VM_CALLS_FILES },
};

/* A driver says how many pairs it uses on the control queue, and may reset the device on any vCPU. */
static const char *const no_syscalls[] = { NULL };

const struct vm_calls kvm_net_calls[KVM_NET_CALLS] = {
	{ .names = netthreads_syscalls, .roles = VM_CALLS_NET },
	{ .names = virtio_syscalls, .roles = VM_CALLS_NET },
	{ .names = thread_syscalls, .rules = thread_syscall_rules, .roles = VM_CALLS_NET },
	{ .names = no_syscalls, .ioctls = virtio_net_pairs_ioctls, .roles = VM_CALLS_LOOP | VM_CALLS_VCPU },
};
