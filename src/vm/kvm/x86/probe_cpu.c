/* SPDX-License-Identifier: Apache-2.0 */
/* The probe's vCPU as far as it is an x86 one. */
#include "vm/kvm/x86/probe_cpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "vm/kvm/x86/cpuid.h"
#include "vm/kvm/x86/probe_guest.h"

#define CPUID_1_ECX_CX16 (1u << 13)
#define CPUID_1_ECX_XSAVE (1u << 26)

extern const uint8_t probe_guest_start[], probe_guest_end[];

/* ioctl(2) on @fd; a failure is named in *@ret_call. 0 or -errno. */
static int call_kvm(int fd, unsigned long request, void *arg, const char *name, const char **ret_call)
{
	if (ioctl(fd, request, arg) >= 0)
		return 0;
	*ret_call = name;
	return -errno;
}

/* Gives the vCPU the CPUID that our VMM gives, and finds out whether it has what the guest program uses. */
static int set_cpuid(int kvm_fd, int vcpu_fd, bool *ret_xsave, const char **ret_call)
{
	const struct cpuid_shape shape = { .vcpu = 0, .vcpus = 1 };
	autofree struct kvm_cpuid2 *supported = NULL, *cpuid = NULL;
	const struct kvm_cpuid_entry2 *features;
	int r = cpuid_supported(kvm_fd, &supported, NULL);

	if (r < 0) {
		*ret_call = r == -ENOMEM ? NULL : "KVM_GET_SUPPORTED_CPUID";
		return r;
	}
	r = cpuid_make(supported, &shape, &cpuid);
	if (r < 0)
		return r;
	features = cpuid_find(cpuid, 1, 0);
	if (!features || !(features->ecx & CPUID_1_ECX_CX16))
		return -ENOTSUP;
	*ret_xsave = features->ecx & CPUID_1_ECX_XSAVE;
	return call_kvm(vcpu_fd, KVM_SET_CPUID2, cpuid, "KVM_SET_CPUID2", ret_call);
}

/* The segments and control registers of long mode with paging in ring 0. */
static int set_system_registers(int vcpu_fd, bool xsave, const char **ret_call)
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
	struct kvm_sregs s;
	int r = call_kvm(vcpu_fd, KVM_GET_SREGS, &s, "KVM_GET_SREGS", ret_call);

	if (r < 0)
		return r;
	s.ds = s.es = s.ss = s.fs = s.gs = data;
	s.cs = data;
	s.cs.selector = 0x8;
	s.cs.type = 11;
	s.cs.db = 0;
	s.cs.l = 1;
	s.cr3 = PROBE_PML4;
	s.cr4 = 0x620 | (xsave ? 0x40000 : 0); /* PAE, OSFXSR, OSXMMEXCPT; OSXSAVE */
	s.cr0 = 0x80010033;                    /* PG, WP, NE, ET, MP, PE */
	s.efer = 0x500;                        /* LMA, LME */
	return call_kvm(vcpu_fd, KVM_SET_SREGS, &s, "KVM_SET_SREGS", ret_call);
}

static void put_u64(uint8_t *mem, uint32_t gpa, uint64_t value)
{
	memcpy(mem + gpa, &value, sizeof(value));
}

int probe_cpu_set_up(int kvm_fd, int vcpu_fd, uint8_t *mem, const char **ret_call)
{
	struct kvm_regs regs = { .rip = PROBE_CODE, .rsp = PROBE_STACK, .rflags = 2 };
	/* The state of the x87 and of SSE, which every processor with xsave has. */
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = 3 } } };
	bool xsave = false;
	int r;

	*ret_call = NULL;
	r = set_cpuid(kvm_fd, vcpu_fd, &xsave, ret_call);
	if (r < 0)
		return r;
	memcpy(mem + PROBE_CODE, probe_guest_start, (size_t)(probe_guest_end - probe_guest_start));
	put_u64(mem, PROBE_PML4, PROBE_PDPT | 3); /* present, writable */
	put_u64(mem, PROBE_PDPT, PROBE_PD | 3);
	put_u64(mem, PROBE_PD, 0x83); /* 2 MiB at 0 */
	regs.rdi = xsave;
	r = set_system_registers(vcpu_fd, xsave, ret_call);
	if (r == 0)
		r = call_kvm(vcpu_fd, KVM_SET_REGS, &regs, "KVM_SET_REGS", ret_call);
	if (r == 0 && xsave)
		r = call_kvm(vcpu_fd, KVM_SET_XCRS, &xcrs, "KVM_SET_XCRS", ret_call);
	return r;
}
