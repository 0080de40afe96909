/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of an x86 vCPU before it runs (Intel SDM vol. 3). */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "vm/kvm/x86/cpu.h"
#include "vm/kvm/x86/cpuid.h"

#define MSR_MISC_ENABLE 0x1a0
#define MISC_ENABLE_FAST_STRING 0x1
#define MSR_MTRR_DEF_TYPE 0x2ff
#define MTRR_ENABLE (1u << 11)
#define MTRR_WRITE_BACK 6

/* Makes CPUID of what KVM supports here and sets it. */
static int cpu_set_cpuid(const struct machine *m, int vcpu_fd, unsigned int index, unsigned int vcpus, struct err *err)
{
	autofree struct kvm_cpuid2 *supported = NULL, *cpuid = NULL;
	struct cpuid_shape shape = { .vcpu = index, .vcpus = vcpus };
	int r;

	shape.tsc_deadline = ioctl(m->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	if ((r = cpuid_supported(m->kvm_fd, &supported, err)) < 0)
		return r;
	if ((r = cpuid_make(supported, &shape, &cpuid)) < 0)
		return err_sys(err, r, "CPUID table");
	if (ioctl(vcpu_fd, KVM_SET_CPUID2, cpuid) < 0)
		return err_sys(err, errno, "KVM_SET_CPUID2");
	return 0;
}

/*
 * Sets what firmware would have set: fast string instructions, and write-back as the type of all memory, without which
 * Linux disables PAT.
 */
static int cpu_set_msrs(int vcpu_fd, struct err *err)
{
	static const struct kvm_msr_entry entries[] = {
		{ .index = MSR_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING },
		{ .index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLE | MTRR_WRITE_BACK },
	};
	union {
		struct kvm_msrs msrs;
		char room[sizeof(struct kvm_msrs) + sizeof(entries)];
	} arg = { .msrs = { .nmsrs = ARRAY_LEN(entries) } };
	int n;

	memcpy(arg.msrs.entries, entries, sizeof(entries));
	n = ioctl(vcpu_fd, KVM_SET_MSRS, &arg.msrs);
	if (n < 0)
		return err_sys(err, errno, "KVM_SET_MSRS");
	if (n != (int)ARRAY_LEN(entries))
		return err_set(err, EIO, "KVM_SET_MSRS refused MSR 0x%x", entries[n].index);
	return 0;
}

int cpu_setup(const struct machine *m, int vcpu_fd, unsigned int index, unsigned int vcpus, struct err *err)
{
	int r = cpu_set_cpuid(m, vcpu_fd, index, vcpus, err);

	return r < 0 ? r : cpu_set_msrs(vcpu_fd, err);
}

int cpu_enter_pvh(int vcpu_fd, uint32_t entry, uint32_t start_info, struct err *err)
{
	const struct kvm_segment data = {
		.limit = UINT32_MAX,
		.selector = 0x10,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
	struct kvm_segment code = data, tss = { .limit = 0x67, .selector = 0x18, .type = 11, .present = 1 };
	struct kvm_regs regs = { .rip = entry, .rbx = start_info, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return err_sys(err, errno, "KVM_GET_SREGS");
	code.type = 11;
	code.selector = 0x8;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.ss = sregs.fs = sregs.gs = data;
	sregs.tr = tss;
	sregs.gdt = sregs.idt = (struct kvm_dtable){ .base = 0 };
	sregs.cr0 = 0x11; /* PE, ET */
	sregs.cr3 = sregs.cr4 = sregs.efer = 0;
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) < 0)
		return err_sys(err, errno, "KVM_SET_SREGS");
	if (ioctl(vcpu_fd, KVM_SET_REGS, &regs) < 0)
		return err_sys(err, errno, "KVM_SET_REGS");
	return 0;
}

uint64_t cpu_rip(int vcpu_fd)
{
	struct kvm_regs regs;

	return ioctl(vcpu_fd, KVM_GET_REGS, &regs) < 0 ? 0 : regs.rip;
}
