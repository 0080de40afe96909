/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vCPU says of itself (Intel SDM vol. 2 CPUID; AMD APM vol. 3 appendix E;
 * Linux Documentation/virt/kvm/x86/cpuid.rst).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "vm/kvm/x86/cpuid.h"

#define CPUID_ENTRIES_FIRST 128
#define CPUID_ENTRIES_LAST 4096 /* KVM's own bound is 256 */
#define CPUID_ENTRIES_ADDED 6   /* topology: two leaves of three sub-leaves */

enum cpuid_leaf {
	LEAF_MAX = 0x0,
	LEAF_FEATURES = 0x1,
	LEAF_CACHES = 0x4,
	LEAF_PMU = 0xa,
	LEAF_TOPOLOGY = 0xb,
	LEAF_TOPOLOGY_V2 = 0x1f,
	LEAF_EXT_FEATURES = 0x80000001,
	LEAF_EXT_SIZES = 0x80000008,
	LEAF_SVM = 0x8000000a,
	LEAF_AMD_CACHES = 0x8000001d,
	LEAF_AMD_TOPOLOGY = 0x8000001e,
};

#define BIT32(n) (1u << (n))
#define F1_ECX_VMX BIT32(5)
#define F1_ECX_PDCM BIT32(15)
#define F1_ECX_X2APIC BIT32(21)
#define F1_ECX_TSC_DEADLINE BIT32(24)
#define F1_ECX_HYPERVISOR BIT32(31)
#define F1_EDX_HTT BIT32(28)
#define X1_ECX_CMP_LEGACY BIT32(1)
#define X1_ECX_SVM BIT32(2)
#define X1_ECX_TOPOEXT BIT32(22)
#define X1_ECX_PERFCTR_CORE BIT32(23)
#define X1_ECX_PERFCTR_NB BIT32(24)

int cpuid_supported(int kvm_fd, struct kvm_cpuid2 **ret, struct err *err)
{
	for (uint32_t n = CPUID_ENTRIES_FIRST; n <= CPUID_ENTRIES_LAST; n *= 2) {
		autofree struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + n * sizeof(c->entries[0]));

		if (!c)
			return err_sys(err, ENOMEM, "CPUID table");
		c->nent = n;
		if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, c) == 0) {
			*ret = steal_ptr(c);
			return 0;
		}
		if (errno != E2BIG)
			return err_sys(err, errno, "KVM_GET_SUPPORTED_CPUID");
	}
	return err_set(err, E2BIG, "KVM_GET_SUPPORTED_CPUID: more than %d entries", CPUID_ENTRIES_LAST);
}

const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid2 *cpuid, uint32_t leaf, uint32_t index)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == leaf && (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == index))
			return e;
	}
	return NULL;
}

/* How many bits it takes to number @n things. */
static uint32_t cpuid_bits(uint32_t n)
{
	uint32_t bits = 0;

	while ((1u << bits) < n)
		bits++;
	return bits;
}

static void cpuid_fix_features(struct kvm_cpuid_entry2 *e, const struct cpuid_shape *s)
{
	/* The APIC id and the number of ids in the package are ours; the size of a cache line stays the host's. */
	e->ebx = (e->ebx & 0xffff) | (1u << cpuid_bits(s->vcpus)) << 16 | s->vcpu << 24;
	/* Nested virtualisation is the largest part of KVM that a guest could reach: there is none. */
	e->ecx &= ~(F1_ECX_VMX | F1_ECX_PDCM | F1_ECX_TSC_DEADLINE);
	e->ecx |= F1_ECX_HYPERVISOR | F1_ECX_X2APIC;
	/* KVM_GET_SUPPORTED_CPUID never says this itself. */
	if (s->tsc_deadline)
		e->ecx |= F1_ECX_TSC_DEADLINE;
	e->edx &= ~F1_EDX_HTT;
	if (s->vcpus > 1)
		e->edx |= F1_EDX_HTT;
}

static void cpuid_fix_ext_features(struct kvm_cpuid_entry2 *e, const struct cpuid_shape *s)
{
	e->ecx &= ~(X1_ECX_SVM | X1_ECX_PERFCTR_CORE | X1_ECX_PERFCTR_NB | X1_ECX_CMP_LEGACY);
	if (s->vcpus > 1 && (e->ecx & X1_ECX_TOPOEXT))
		e->ecx |= X1_ECX_CMP_LEGACY;
}

/*
 * Says how many vCPUs share a cache: levels 1 and 2 belong to one core, level 3 to all of them. Intel and AMD have the
 * same fields in eax.
 */
static void cpuid_fix_cache(struct kvm_cpuid_entry2 *e, const struct cpuid_shape *s, bool intel)
{
	uint32_t level = e->eax >> 5 & 7, sharing = level >= 3 ? s->vcpus - 1 : 0;

	if ((e->eax & 0x1f) == 0)
		return;
	e->eax = (e->eax & 0x3fff) | sharing << 14;
	if (intel)
		e->eax |= ((1u << cpuid_bits(s->vcpus)) - 1) << 26; /* core ids in the package */
}

/* Makes one entry of the host's into that of the vCPU. */
static void cpuid_fix_entry(struct kvm_cpuid_entry2 *e, const struct cpuid_shape *s)
{
	switch (e->function) {
	case LEAF_FEATURES:
		cpuid_fix_features(e, s);
		break;
	case LEAF_CACHES:
		cpuid_fix_cache(e, s, true);
		break;
	case LEAF_PMU: /* no performance counters: they cost exits, and cannot be saved and moved to another host */
	case LEAF_SVM:
		e->eax = e->ebx = e->ecx = e->edx = 0;
		break;
	case LEAF_EXT_FEATURES:
		cpuid_fix_ext_features(e, s);
		break;
	case LEAF_EXT_SIZES:
		e->ecx = (e->ecx & ~0xf0ffu) | (s->vcpus - 1) | cpuid_bits(s->vcpus) << 12;
		break;
	case LEAF_AMD_CACHES:
		cpuid_fix_cache(e, s, false);
		break;
	case LEAF_AMD_TOPOLOGY: /* the APIC id; the core's id, with one thread in a core; one node */
		e->eax = s->vcpu;
		e->ebx = s->vcpu & 0xff;
		e->ecx = 0;
		break;
	default:
		break;
	}
}

/* Adds the extended topology (leaf 0xb or its successor): the levels of threads and of cores, and the end. */
static void cpuid_add_topology(struct kvm_cpuid2 *c, uint32_t leaf, const struct cpuid_shape *s)
{
	const struct {
		uint32_t shift, count, type;
	} levels[] = {
		{ 0, 1, 1 },
		{ cpuid_bits(s->vcpus), s->vcpus, 2 },
		{ 0, 0, 0 },
	};

	for (uint32_t i = 0; i < ARRAY_LEN(levels); i++)
		c->entries[c->nent++] = (struct kvm_cpuid_entry2){
			.function = leaf,
			.index = i,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			.eax = levels[i].shift,
			.ebx = levels[i].count,
			.ecx = levels[i].type << 8 | i,
			.edx = s->vcpu,
		};
}

int cpuid_make(const struct kvm_cpuid2 *supported, const struct cpuid_shape *shape, struct kvm_cpuid2 **ret)
{
	const struct kvm_cpuid_entry2 *max = cpuid_find(supported, LEAF_MAX, 0);
	uint32_t room = supported->nent + CPUID_ENTRIES_ADDED;
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + room * sizeof(c->entries[0]));

	if (!c)
		return -ENOMEM;
	for (uint32_t i = 0; i < supported->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &supported->entries[i];

		if (e->function == LEAF_TOPOLOGY || e->function == LEAF_TOPOLOGY_V2)
			continue; /* these describe the host */
		c->entries[c->nent] = *e;
		cpuid_fix_entry(&c->entries[c->nent++], shape);
	}
	if (max && max->eax >= LEAF_TOPOLOGY)
		cpuid_add_topology(c, LEAF_TOPOLOGY, shape);
	if (max && max->eax >= LEAF_TOPOLOGY_V2)
		cpuid_add_topology(c, LEAF_TOPOLOGY_V2, shape);
	*ret = c;
	return 0;
}
