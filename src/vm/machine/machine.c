/* SPDX-License-Identifier: Apache-2.0 */
/* What vCPUs and devices are put into: KVM's VM, its memory, its interrupt chips, its bus. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "vm/machine/layout.h"
#include "vm/machine/machine.h"

static const struct {
	int cap;
	const char *name;
} machine_needs[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE" },
};

/* Opens /dev/kvm and checks that it can do what the table above lists. */
static int machine_open_kvm(struct machine *m, struct err *err)
{
	int version;

	m->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (m->kvm_fd < 0 && errno == ENOENT)
		return err_set(err, ENOENT,
			"/dev/kvm does not exist: this machine offers no KVM (kernel module kvm_intel or kvm_amd, virtualisation in the firmware)");
	if (m->kvm_fd < 0 && errno == EACCES)
		return err_sys(err, errno, "open /dev/kvm (is the user in the group kvm?)");
	if (m->kvm_fd < 0)
		return err_sys(err, errno, "open /dev/kvm");
	version = ioctl(m->kvm_fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return err_set(err, ENODEV, "/dev/kvm has API version %d, not %d", version, KVM_API_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(machine_needs); i++)
		if (ioctl(m->kvm_fd, KVM_CHECK_EXTENSION, machine_needs[i].cap) <= 0)
			return err_set(err, ENODEV, "/dev/kvm lacks %s", machine_needs[i].name);
	return 0;
}

/* Makes the VM with its interrupt chips, without memory. */
static int machine_create_vm(struct machine *m, struct err *err)
{
	uint64_t identity = LAYOUT_IDENTITY_MAP;

	do
		m->vm_fd = ioctl(m->kvm_fd, KVM_CREATE_VM, 0);
	while (m->vm_fd < 0 && errno == EINTR);
	if (m->vm_fd < 0)
		return err_sys(err, errno, "KVM_CREATE_VM");
	if (ioctl(m->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0)
		return err_sys(err, errno, "KVM_SET_IDENTITY_MAP_ADDR");
	if (ioctl(m->vm_fd, KVM_SET_TSS_ADDR, LAYOUT_TSS) < 0)
		return err_sys(err, errno, "KVM_SET_TSS_ADDR");
	/*
	 * This makes the LAPICs and the IOAPIC. There is no PIT: Linux needs none where it has kvmclock and the TSC
	 * deadline timer, and KVM's would cost the host a kernel thread for each VM.
	 */
	if (ioctl(m->vm_fd, KVM_CREATE_IRQCHIP, 0) < 0)
		return err_sys(err, errno, "KVM_CREATE_IRQCHIP");
	return 0;
}

/*
 * What bounds the ways in which a guest can hold up the host's CPU, each where this KVM has it. Bus lock: an access
 * that is split over two cache lines stops the memory bus of the whole machine, and now leaves the guest instead.
 * Notify: a guest that lets no interrupt through, as with an endless chain of exceptions, leaves after a while (a window
 * of 0 is what the CPU itself holds for right); it goes on if its state is whole.
 */
static const struct {
	unsigned int cap, flags;
	const char *name;
} machine_guards[] = {
	{ KVM_CAP_X86_BUS_LOCK_EXIT, KVM_BUS_LOCK_DETECTION_EXIT, "KVM_CAP_X86_BUS_LOCK_EXIT" },
	{ KVM_CAP_X86_NOTIFY_VMEXIT, KVM_X86_NOTIFY_VMEXIT_ENABLED, "KVM_CAP_X86_NOTIFY_VMEXIT" },
};

static int machine_set_guards(const struct machine *m, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(machine_guards); i++) {
		struct kvm_enable_cap cap = { .cap = machine_guards[i].cap, .args = { machine_guards[i].flags } };
		int has = ioctl(m->vm_fd, KVM_CHECK_EXTENSION, machine_guards[i].cap);

		if (has > 0 && ((unsigned int)has & machine_guards[i].flags) &&
			ioctl(m->vm_fd, KVM_ENABLE_CAP, &cap) < 0)
			return err_sys(err, errno, "KVM_ENABLE_CAP %s", machine_guards[i].name);
	}
	return 0;
}

/* Shows the guest its RAM: one slot of KVM for each region. */
static int machine_add_ram(const struct machine *m, struct err *err)
{
	for (unsigned int i = 0; i < m->mem.regions_len; i++) {
		const struct mem_region *r = &m->mem.regions[i];
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = r->gpa,
			.memory_size = r->size,
			.userspace_addr = (uintptr_t)r->hva,
		};

		if (ioctl(m->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
			return err_sys(err, errno, "KVM_SET_USER_MEMORY_REGION of %llu MiB",
				(unsigned long long)(r->size / MIB));
	}
	return 0;
}

int machine_init(struct machine *m, uint64_t mem_bytes, struct err *err)
{
	int r;

	*m = (struct machine){ .kvm_fd = -1, .vm_fd = -1 };
	bus_init(&m->bus);
	if ((r = machine_open_kvm(m, err)) < 0 || (r = machine_create_vm(m, err)) < 0 ||
		(r = machine_set_guards(m, err)) < 0 || (r = mem_init(&m->mem, mem_bytes, err)) < 0 ||
		(r = machine_add_ram(m, err)) < 0)
		machine_done(m);
	return r;
}

void machine_made(struct machine *m)
{
	fd_close(m->kvm_fd);
	m->kvm_fd = -1;
}

void machine_done(struct machine *m)
{
	/* These are the last descriptors of the VM (machine.h), so KVM lets go of RAM before it is unmapped. */
	fd_close(m->vm_fd);
	fd_close(m->kvm_fd);
	m->vm_fd = m->kvm_fd = -1;
	mem_done(&m->mem);
}

int machine_ioeventfd(const struct machine *m, uint64_t gpa, unsigned int len, uint64_t value, int fd, struct err *err)
{
	struct kvm_ioeventfd arg = {
		.datamatch = value,
		.addr = gpa,
		.len = len,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	if (ioctl(m->vm_fd, KVM_IOEVENTFD, &arg) < 0)
		return err_sys(err, errno, "KVM_IOEVENTFD at 0x%llx", (unsigned long long)gpa);
	return 0;
}
