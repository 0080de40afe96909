/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kvm engine: machine, vCPUs and devices put together behind vm.h.
 *
 *   kvm_new          makes the machine, the devices and the vCPUs, and puts the kernel into memory
 *   kvm_share_add    adds an export to one of the two file services
 *   kvm_start        starts the devices on the loop, then a thread for each vCPU
 *       when a vCPU meets the end of the machine: struct end ──eventfd──> kvm_on_end() on the loop,
 *       which stops and joins all vCPUs and then calls events->on_exit
 *   kvm_free         frees vCPUs, devices and machine, in this order; works in any state
 *
 * Invariants:
 *  1. While a vCPU's thread lives, so does everything that a callback of the bus reaches.
 *  2. A vCPU's thread never waits for the loop. But it waits for a device's requests when the guest resets that, and those may be out
 *     in a file system that hangs. So the loop waits for it with a bound.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "fs/fs.h"
#include "host/thread.h"
#include "p9/p9.h"
#include "vm/engine.h"
#include "vm/guestlog.h"
#include "vm/kvm/devices.h"
#include "vm/kvm/serial.h"
#include "vm/kvm/stale.h"
#include "vm/kvm/syscalls.h"
#include "vm/kvm/vcpu.h"
#include "vm/kvm/x86/boot.h"
#include "vm/kvm/x86/platform.h"
#include "vm/machine/end.h"
#include "vm/machine/irq.h"
#include "vm/machine/layout.h"
#include "vm/machine/machine.h"
#include "vm/virtio/balloon.h"
#include "vm/virtio/device.h"

#define KVM_PAGE 4096 /* bytes of a page of the balloon */
/* How long a vCPU's thread is waited for that has been told to end, or to pause. It takes microseconds, or as long as a disk. */
#define STOP_TIMEOUT_MS 5000
#define PAUSE_TIMEOUT_MS 10000
#define KVM_CALLS_MAX (KVM_ROOM_CALLS + KVM_NET_CALLS + DEVICES_CALLS_MAX + 1)

struct kvm_vm {
	struct vm vm;
	struct machine machine;
	struct end end;
	struct guestlog *log; /* borrowed */
	struct irq serial_irq;
	struct serial serial;
	struct devices devices;
	struct vcpu vcpus[VM_VCPUS_MAX];
	uint64_t mem_bytes;
	unsigned int vcpus_len;   /* how many are made so far */
	bool paused;              /* the vCPUs wait */
	struct file_policy files; /* of all exports */
	int channel_fd;           /* our end of the agent's channel; owned */

	struct watch *end_watch;
	struct vm_events events;
	struct vm_calls calls[KVM_CALLS_MAX]; /* names NULL at the end */
};

static struct kvm_vm *kvm_of(struct vm *vm)
{
	return container_of(vm, struct kvm_vm, vm);
}

/* Ends the threads of the vCPUs. False: one does not end. */
static bool kvm_stop_vcpus(struct kvm_vm *k)
{
	int64_t until = clock_now_ms() + STOP_TIMEOUT_MS;
	bool ended = true;

	for (unsigned int i = 0; i < k->vcpus_len; i++)
		vcpu_stop(&k->vcpus[i]);
	for (unsigned int i = 0; i < k->vcpus_len; i++)
		ended = vcpu_join(&k->vcpus[i], (int)MAX(until - clock_now_ms(), (int64_t)0)) && ended;
	return ended;
}

/* vm_free(), and the way out of a kvm_new() that fails half-way. */
static void kvm_free(struct vm *vm)
{
	struct kvm_vm *k = kvm_of(vm);

	/* What a thread uses that is lost in a file system which hangs is freed with the process. */
	if (!kvm_stop_vcpus(k) || !devices_drain(&k->devices))
		return;
	watch_free(k->end_watch);
	for (unsigned int i = 0; i < k->vcpus_len; i++)
		vcpu_done(&k->vcpus[i]);
	devices_done(&k->devices);
	irq_done(&k->serial_irq);
	machine_done(&k->machine);
	serial_done(&k->serial);
	end_done(&k->end);
	fd_close(k->channel_fd);
	free(k);
}

static int kvm_add_serial(struct kvm_vm *k, struct err *err)
{
	int r = irq_init(&k->serial_irq, &k->machine, LAYOUT_SERIAL_GSI, err);

	if (r < 0)
		return r;
	return bus_add_pio(&k->machine.bus, LAYOUT_SERIAL_PORT, LAYOUT_SERIAL_PORTS, &serial_ops, &k->serial, err);
}

/* Makes the channel to the agent, and the devices. The taps of @cfg are taken, also on failure. */
static int kvm_add_devices(struct kvm_vm *k, const struct vm_config *cfg, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) {
		vm_config_close_fds(cfg);
		return err_sys(err, errno, "socket of the agent's channel");
	}
	k->channel_fd = ends[0];
	return devices_init(&k->devices, &k->machine, cfg, ends[1], k->log, err);
}

static int kvm_add_vcpus(struct kvm_vm *k, unsigned int n, struct err *err)
{
	int r = vcpu_check_count(&k->machine, n, err);

	while (r == 0 && k->vcpus_len < n) {
		r = vcpu_init(&k->vcpus[k->vcpus_len], &k->machine, &k->end, k->vcpus_len, n, err);
		if (r == 0)
			k->vcpus_len++;
	}
	return r;
}

/* Gathers the lists for the jail: called when all devices are there. */
static void kvm_add_calls(struct kvm_vm *k)
{
	size_t n = KVM_ROOM_CALLS;

	memcpy(k->calls, kvm_room_calls, sizeof(kvm_room_calls));
	n += devices_calls(&k->devices, k->calls + n);
	if (k->devices.netthreads) /* the entry behind the last one stays zero */
		memcpy(k->calls + n, kvm_net_calls, sizeof(kvm_net_calls));
}

/* Makes all parts in the order of their needs; on failure kvm_free() frees those that are there. */
static int kvm_build(struct kvm_vm *k, const struct vm_config *cfg, struct err *err)
{
	int r;

	if ((r = end_init(&k->end, err)) < 0 || (r = machine_init(&k->machine, cfg->mem_bytes, err)) < 0) {
		vm_config_close_fds(cfg);
		return r;
	}
	if ((r = kvm_add_devices(k, cfg, err)) < 0 || (r = kvm_add_serial(k, err)) < 0 ||
		(r = platform_add_ports(&k->machine.bus, &k->end, err)) < 0 ||
		(r = kvm_add_vcpus(k, cfg->vcpus, err)) < 0)
		return r;
	kvm_add_calls(k);
	return boot_load(&k->machine, cfg, k->devices.len, k->vcpus[0].fd, err);
}

/* vm_new(). */
static int kvm_new(const struct vm_config *cfg, struct vm **ret_vm, struct err *err)
{
	struct kvm_vm *k = calloc(1, sizeof(*k));
	int r;

	if (!k) {
		vm_config_close_fds(cfg);
		return err_sys(err, ENOMEM, "virtual machine");
	}
	k->vm.ops = &kvm_vm_ops;
	k->end.fd = k->machine.kvm_fd = k->machine.vm_fd = k->channel_fd = -1;
	k->serial_irq = (struct irq)IRQ_INIT;
	k->log = cfg->log;
	k->mem_bytes = cfg->mem_bytes;
	k->files = cfg->files ? *cfg->files : (struct file_policy)FILE_POLICY_ALL;
	serial_init(&k->serial, k->log, &k->serial_irq);
	r = kvm_build(k, cfg, err);
	if (r < 0) {
		kvm_free(&k->vm);
		return r;
	}
	machine_made(&k->machine);
	*ret_vm = &k->vm;
	return 0;
}

static int kvm_share_add(
	struct vm *vm, enum vm_share share, const char *name, int fd, unsigned int flags, struct err *err)
{
	unsigned int export_flags = flags & VM_SHARE_READ_ONLY ? FS_EXPORT_READONLY : 0;
	int r;

	if (share == VM_SHARE_PRIVATE)
		export_flags |= FS_EXPORT_EXCLUSIVE;
	r = fs_export_add_bounded(kvm_of(vm)->devices.fs[share], name, fd, export_flags, &kvm_of(vm)->files, err);
	if (r < 0)
		fd_close(fd); /* fs_export_add() takes it only on success, vm_share_add() always */
	return r;
}

static int kvm_channel_fd(const struct vm *vm)
{
	return container_of(vm, const struct kvm_vm, vm)->channel_fd;
}

/* The machine has ended: stops what still runs, and tells the owner how it ended. */
static void kvm_on_end(void *arg, uint32_t events unused)
{
	char detail[END_DETAIL_MAX];
	struct kvm_vm *k = arg;
	enum vm_exit how;

	if (!end_get(&k->end, &how, detail))
		return;
	(void)kvm_stop_vcpus(k); /* one that does not end enters the guest no more */
	guestlog_flush(k->log);
	watch_free(k->end_watch); /* it has done its duty; the loop lets a watch be freed from its own callback */
	k->end_watch = NULL;
	if (how == VM_EXIT_RESET)
		guestlog_explain_reset(k->log, detail, sizeof(detail));
	k->events.on_exit(k->events.arg, how, detail); /* may free the VM */
}

static void kvm_mark(const struct kvm_vm *k, const char *mark)
{
	if (k->events.on_mark)
		k->events.on_mark(k->events.arg, mark);
}

static void kvm_on_stale(void *arg)
{
	struct kvm_vm *k = arg;

	if (k->events.on_stale)
		k->events.on_stale(k->events.arg);
}

static void kvm_take_stale(struct vm *vm, struct vm_stale *ret)
{
	stale_take(&kvm_of(vm)->devices.stale, ret);
}

/* vm_start(). */
static int kvm_start(struct vm *vm, struct loop *loop, const struct vm_events *events, struct err *err)
{
	struct kvm_vm *k = kvm_of(vm);
	int r;

	k->events = *events;
	kvm_mark(k, "vm-built");
	bus_freeze(&k->machine.bus);
	r = watch_new(loop, k->end.fd, EPOLLIN, kvm_on_end, k, &k->end_watch);
	if (r < 0)
		return err_sys(err, r, "watch the virtual machine");
	if ((r = devices_start(&k->devices, loop, err)) < 0)
		return r;
	r = stale_start(&k->devices.stale, k->devices.fs[VM_SHARE_PRIVATE], loop, kvm_on_stale, k);
	if (r < 0)
		return err_sys(err, r, "watch the files of the virtual machine");
	for (unsigned int i = 0; i < k->vcpus_len; i++)
		if ((r = vcpu_start(&k->vcpus[i], err)) < 0)
			return r; /* kvm_free() ends those that run */
	kvm_mark(k, "kernel-entered");
	return 0;
}

/* vm_pause(). */
static int kvm_pause(struct vm *vm, struct err *err)
{
	struct kvm_vm *k = kvm_of(vm);
	int64_t until = clock_now_ms() + PAUSE_TIMEOUT_MS;
	bool all = true;

	for (unsigned int i = 0; i < k->vcpus_len; i++)
		vcpu_ask_pause(&k->vcpus[i]);
	for (unsigned int i = 0; all && i < k->vcpus_len; i++)
		all = vcpu_await_pause(&k->vcpus[i], (int)MAX(until - clock_now_ms(), (int64_t)0));
	for (unsigned int i = 0; !all && i < k->vcpus_len; i++)
		vcpu_resume(&k->vcpus[i]);
	if (!all)
		return err_set(err, ETIMEDOUT, "a vCPU waits for a file system of the host that does not answer");
	k->paused = true;
	return 0;
}

static int kvm_resume(struct vm *vm, struct err *err unused)
{
	struct kvm_vm *k = kvm_of(vm);

	/* KVM would have vcpu_resume() wait for a vCPU that runs */
	for (unsigned int i = 0; k->paused && i < k->vcpus_len; i++)
		vcpu_resume(&k->vcpus[i]);
	k->paused = false;
	return 0;
}

static int kvm_set_memory(struct vm *vm, uint64_t bytes, struct err *err unused)
{
	struct kvm_vm *k = kvm_of(vm);
	uint64_t all = k->mem_bytes;

	virtio_balloon_set_target(k->devices.balloon, (uint32_t)((all - MIN(bytes, all)) / KVM_PAGE));
	return 0;
}

static const struct vm_calls *kvm_calls(const struct vm *vm)
{
	return container_of(vm, const struct kvm_vm, vm)->calls;
}

const struct vm_ops kvm_vm_ops = {
	.name = "kvm",
	.new = kvm_new,
	.share_add = kvm_share_add,
	.channel_fd = kvm_channel_fd,
	.start = kvm_start,
	.pause = kvm_pause,
	.resume = kvm_resume,
	.take_stale = kvm_take_stale,
	.set_memory = kvm_set_memory,
	.calls = kvm_calls,
	.free = kvm_free,
};
