/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of config.json's `linux` and `vm` objects. */
#include "spec/schema.h"

#include <errno.h>
#include <string.h>

#include "spec/spec.h"

/* The kernel's device numbers have 12 bits of major and 20 of minor (include/linux/kdev_t.h). */
#define MAJOR_MAX ((1u << 12) - 1)
#define MINOR_MAX ((1u << 20) - 1)
/* In device rules -1 stands for all numbers, as with runc. */
#define NUMBER_ALL (-1)
#define NO_LIMIT (-1)
#define SYSCALL_ARG_MAX 5
#define NSEC_MAX 999999999

static const struct spec_field idmap_fields[] = {
	SPEC_FIELD(spec_idmap, container_id, "containerID", K_U32, .max = UINT32_MAX, .required = true),
	SPEC_FIELD(spec_idmap, host_id, "hostID", K_U32, .max = UINT32_MAX, .required = true),
	SPEC_FIELD(spec_idmap, size, "size", K_U32, .max = UINT32_MAX, .required = true),
};
const struct spec_object schema_idmap = SPEC_OBJECT(spec_idmap, idmap_fields);

static const struct spec_field namespace_fields[] = {
	SPEC_FIELD(spec_namespace, type, "type", K_NAME, .names = spec_ns_names, .required = true),
	SPEC_FIELD(spec_namespace, path, "path", K_STR),
};
static const struct spec_object namespace_object = SPEC_OBJECT(spec_namespace, namespace_fields);

static const struct spec_field device_fields[] = {
	SPEC_FIELD(spec_device, type, "type", K_NAME, .names = spec_device_types, .required = true),
	SPEC_FIELD(spec_device, path, "path", K_STR, .required = true),
	SPEC_FIELD(spec_device, major, "major", K_OPT_U32, .max = MAJOR_MAX),
	SPEC_FIELD(spec_device, minor, "minor", K_OPT_U32, .max = MINOR_MAX),
	SPEC_FIELD(spec_device, file_mode, "fileMode", K_OPT_U32, .max = UINT32_MAX),
	SPEC_FIELD(spec_device, uid, "uid", K_OPT_U32, .max = UINT32_MAX - 1),
	SPEC_FIELD(spec_device, gid, "gid", K_OPT_U32, .max = UINT32_MAX - 1),
};
static const struct spec_object device_object = SPEC_OBJECT(spec_device, device_fields);

static const struct spec_field net_device_fields[] = {
	SPEC_FIELD(spec_net_device, name, "name", K_STR),
};
static const struct spec_object net_device_object = {
	.size = sizeof(struct spec_net_device),
	.n = ARRAY_LEN(net_device_fields),
	.fields = net_device_fields,
	.key_off = offsetof(struct spec_net_device, host_name),
};

static const struct spec_field time_offset_fields[] = {
	SPEC_FIELD(spec_time_offset, secs, "secs", K_I64, .min = INT64_MIN, .max = INT64_MAX),
	SPEC_FIELD(spec_time_offset, nanosecs, "nanosecs", K_U32, .max = NSEC_MAX),
};
static const struct spec_object time_offset_object = SPEC_OBJECT(spec_time_offset, time_offset_fields);

static const struct spec_field time_offsets_fields[] = {
	SPEC_FIELD(spec_time_offsets, boottime, "boottime", K_OBJECT, .object = &time_offset_object),
	SPEC_FIELD(spec_time_offsets, monotonic, "monotonic", K_OBJECT, .object = &time_offset_object),
};
static const struct spec_object time_offsets_object = SPEC_OBJECT(spec_time_offsets, time_offsets_fields);

/* --- resources --- */

/*
 * Decodes a word of the letters r, w and m into bits of enum spec_device_access. Other letters stand for nothing, as with
 * runc, and are a warning.
 */
static int decode_access(struct decode *d, const struct where *at, const struct json *j, void *member)
{
	const char *text = decode_str(d, at, j);
	uint32_t bits = 0;

	if (!text)
		return -EINVAL;
	if (text[strspn(text, "rwm")])
		decode_warn(d, at, j->line, "\"%s\" is not made of r, w and m alone; the rest is ignored", text);
	if (*text && !strpbrk(text, "rwm"))
		return decode_error(d, at, j->line, "\"%s\" has none of r, w and m", text);
	for (const char *c = text; *c; c++) {
		if (*c == 'r')
			bits |= SPEC_DEVICE_READ;
		else if (*c == 'w')
			bits |= SPEC_DEVICE_WRITE;
		else if (*c == 'm')
			bits |= SPEC_DEVICE_MKNOD;
	}
	*(uint32_t *)member = bits;
	return 0;
}

static const struct spec_field device_rule_fields[] = {
	SPEC_FIELD(spec_device_rule, allow, "allow", K_BOOL, .required = true),
	SPEC_FIELD(spec_device_rule, type, "type", K_NAME, .names = spec_device_rule_types),
	SPEC_FIELD(spec_device_rule, major, "major", K_OPT_I64, .min = NUMBER_ALL, .max = MAJOR_MAX),
	SPEC_FIELD(spec_device_rule, minor, "minor", K_OPT_I64, .min = NUMBER_ALL, .max = MINOR_MAX),
	SPEC_FIELD(spec_device_rule, access, "access", K_FN, .fn = decode_access),
};
static const struct spec_object device_rule_object = SPEC_OBJECT(spec_device_rule, device_rule_fields);

static const struct spec_field memory_fields[] = {
	SPEC_FIELD(spec_memory, limit, "limit", K_OPT_I64, .min = NO_LIMIT, .max = INT64_MAX),
	SPEC_FIELD(spec_memory, reservation, "reservation", K_OPT_I64, .min = NO_LIMIT, .max = INT64_MAX),
	SPEC_FIELD(spec_memory, swap, "swap", K_OPT_I64, .min = NO_LIMIT, .max = INT64_MAX),
	SPEC_FIELD(spec_memory, kernel, "kernel", K_OPT_I64, .min = NO_LIMIT, .max = INT64_MAX),
	SPEC_FIELD(spec_memory, kernel_tcp, "kernelTCP", K_OPT_I64, .min = NO_LIMIT, .max = INT64_MAX),
	SPEC_FIELD(spec_memory, swappiness, "swappiness", K_OPT_U64, .max = 100),
	SPEC_FIELD(spec_memory, disable_oom_killer, "disableOOMKiller", K_OPT_BOOL),
	SPEC_FIELD(spec_memory, use_hierarchy, "useHierarchy", K_OPT_BOOL),
	SPEC_FIELD(spec_memory, check_before_update, "checkBeforeUpdate", K_OPT_BOOL),
};
static const struct spec_object memory_object = SPEC_OBJECT(spec_memory, memory_fields);

static const struct spec_field cpu_fields[] = {
	SPEC_FIELD(spec_cpu, shares, "shares", K_OPT_U64, .max = UINT64_MAX),
	SPEC_FIELD(spec_cpu, quota, "quota", K_OPT_I64, .min = INT64_MIN, .max = INT64_MAX),
	SPEC_FIELD(spec_cpu, burst, "burst", K_OPT_U64, .max = UINT64_MAX),
	SPEC_FIELD(spec_cpu, period, "period", K_OPT_U64, .max = UINT64_MAX),
	SPEC_FIELD(spec_cpu, realtime_runtime, "realtimeRuntime", K_OPT_I64, .min = INT64_MIN, .max = INT64_MAX),
	SPEC_FIELD(spec_cpu, realtime_period, "realtimePeriod", K_OPT_U64, .max = UINT64_MAX),
	SPEC_FIELD(spec_cpu, cpus, "cpus", K_STR),
	SPEC_FIELD(spec_cpu, mems, "mems", K_STR),
	SPEC_FIELD(spec_cpu, idle, "idle", K_OPT_I64, .min = 0, .max = 1),
};
static const struct spec_object cpu_object = SPEC_OBJECT(spec_cpu, cpu_fields);

static const struct spec_field pids_fields[] = {
	SPEC_FIELD(spec_pids, limit, "limit", K_OPT_I64, .min = INT64_MIN, .max = INT64_MAX),
};
static const struct spec_object pids_object = SPEC_OBJECT(spec_pids, pids_fields);

static const struct spec_field weight_device_fields[] = {
	SPEC_FIELD(spec_weight_device, major, "major", K_U32, .max = MAJOR_MAX, .required = true),
	SPEC_FIELD(spec_weight_device, minor, "minor", K_U32, .max = MINOR_MAX, .required = true),
	SPEC_FIELD(spec_weight_device, weight, "weight", K_OPT_U32, .max = UINT16_MAX),
	SPEC_FIELD(spec_weight_device, leaf_weight, "leafWeight", K_OPT_U32, .max = UINT16_MAX),
};
static const struct spec_object weight_device_object = SPEC_OBJECT(spec_weight_device, weight_device_fields);

static const struct spec_field throttle_device_fields[] = {
	SPEC_FIELD(spec_throttle_device, major, "major", K_U32, .max = MAJOR_MAX, .required = true),
	SPEC_FIELD(spec_throttle_device, minor, "minor", K_U32, .max = MINOR_MAX, .required = true),
	SPEC_FIELD(spec_throttle_device, rate, "rate", K_U64, .max = UINT64_MAX, .required = true),
};
static const struct spec_object throttle_device_object = SPEC_OBJECT(spec_throttle_device, throttle_device_fields);

static const struct spec_field block_io_fields[] = {
	SPEC_FIELD(spec_block_io, weight, "weight", K_OPT_U32, .max = UINT16_MAX),
	SPEC_FIELD(spec_block_io, leaf_weight, "leafWeight", K_OPT_U32, .max = UINT16_MAX),
	SPEC_FIELD(spec_block_io, weight_device, "weightDevice", K_OBJECTS, .object = &weight_device_object),
	SPEC_FIELD(spec_block_io, read_bps, "throttleReadBpsDevice", K_OBJECTS, .object = &throttle_device_object),
	SPEC_FIELD(spec_block_io, write_bps, "throttleWriteBpsDevice", K_OBJECTS, .object = &throttle_device_object),
	SPEC_FIELD(spec_block_io, read_iops, "throttleReadIOPSDevice", K_OBJECTS, .object = &throttle_device_object),
	SPEC_FIELD(spec_block_io, write_iops, "throttleWriteIOPSDevice", K_OBJECTS, .object = &throttle_device_object),
};
static const struct spec_object block_io_object = SPEC_OBJECT(spec_block_io, block_io_fields);

static const struct spec_field hugepage_limit_fields[] = {
	SPEC_FIELD(spec_hugepage_limit, page_size, "pageSize", K_STR, .required = true),
	SPEC_FIELD(spec_hugepage_limit, limit, "limit", K_U64, .max = UINT64_MAX, .required = true),
};
static const struct spec_object hugepage_limit_object = SPEC_OBJECT(spec_hugepage_limit, hugepage_limit_fields);

static const struct spec_field interface_priority_fields[] = {
	SPEC_FIELD(spec_interface_priority, name, "name", K_STR, .required = true),
	SPEC_FIELD(spec_interface_priority, priority, "priority", K_U32, .max = UINT32_MAX, .required = true),
};
static const struct spec_object interface_priority_object =
	SPEC_OBJECT(spec_interface_priority, interface_priority_fields);

static const struct spec_field network_fields[] = {
	SPEC_FIELD(spec_network, class_id, "classID", K_OPT_U32, .max = UINT32_MAX),
	SPEC_FIELD(spec_network, priorities, "priorities", K_OBJECTS, .object = &interface_priority_object),
};
static const struct spec_object network_object = SPEC_OBJECT(spec_network, network_fields);

static const struct spec_field rdma_fields[] = {
	SPEC_FIELD(spec_rdma_limit, hca_handles, "hcaHandles", K_OPT_U32, .max = UINT32_MAX),
	SPEC_FIELD(spec_rdma_limit, hca_objects, "hcaObjects", K_OPT_U32, .max = UINT32_MAX),
};
static const struct spec_object rdma_object = {
	.size = sizeof(struct spec_rdma_limit),
	.n = ARRAY_LEN(rdma_fields),
	.fields = rdma_fields,
	.key_off = offsetof(struct spec_rdma_limit, device),
};

static const struct spec_field resources_fields[] = {
	SPEC_FIELD(spec_resources, devices, "devices", K_OBJECTS, .object = &device_rule_object),
	SPEC_FIELD(spec_resources, memory, "memory", K_OBJECT, .object = &memory_object),
	SPEC_FIELD(spec_resources, cpu, "cpu", K_OBJECT, .object = &cpu_object),
	SPEC_FIELD(spec_resources, pids, "pids", K_OBJECT, .object = &pids_object),
	SPEC_FIELD(spec_resources, block_io, "blockIO", K_OBJECT, .object = &block_io_object),
	SPEC_FIELD(spec_resources, hugepage_limits, "hugepageLimits", K_OBJECTS, .object = &hugepage_limit_object),
	SPEC_FIELD(spec_resources, network, "network", K_OBJECT, .object = &network_object),
	SPEC_FIELD(spec_resources, rdma, "rdma", K_OBJECT_MAP, .object = &rdma_object),
	SPEC_FIELD(spec_resources, unified, "unified", K_MAP),
};
const struct spec_object schema_resources = SPEC_OBJECT(spec_resources, resources_fields);

/* --- seccomp --- */

static const struct spec_field seccomp_arg_fields[] = {
	SPEC_FIELD(spec_seccomp_arg, index, "index", K_U32, .max = SYSCALL_ARG_MAX, .required = true),
	SPEC_FIELD(spec_seccomp_arg, value, "value", K_U64, .max = UINT64_MAX, .required = true),
	SPEC_FIELD(spec_seccomp_arg, value_two, "valueTwo", K_U64, .max = UINT64_MAX),
	SPEC_FIELD(spec_seccomp_arg, op, "op", K_NAME, .names = spec_seccomp_op_names, .required = true),
};
static const struct spec_object seccomp_arg_object = SPEC_OBJECT(spec_seccomp_arg, seccomp_arg_fields);

static const struct spec_field seccomp_rule_fields[] = {
	SPEC_FIELD(spec_seccomp_rule, names, "names", K_STRV, .required = true),
	SPEC_FIELD(spec_seccomp_rule, action, "action", K_NAME, .names = spec_seccomp_action_names, .required = true),
	SPEC_FIELD(spec_seccomp_rule, errno_ret, "errnoRet", K_OPT_U32, .max = UINT16_MAX),
	SPEC_FIELD(spec_seccomp_rule, args, "args", K_OBJECTS, .object = &seccomp_arg_object),
};
static const struct spec_object seccomp_rule_object = SPEC_OBJECT(spec_seccomp_rule, seccomp_rule_fields);

static const struct spec_field seccomp_fields[] = {
	SPEC_FIELD(spec_seccomp, default_action, "defaultAction", K_NAME, .names = spec_seccomp_action_names,
		.required = true),
	SPEC_FIELD(spec_seccomp, default_errno_ret, "defaultErrnoRet", K_OPT_U32, .max = UINT16_MAX),
	SPEC_FIELD(spec_seccomp, architectures, "architectures", K_NAMES, .names = spec_seccomp_arch_names),
	SPEC_FIELD(spec_seccomp, flags, "flags", K_NAME_BITS, .names = spec_seccomp_flag_names),
	SPEC_FIELD(spec_seccomp, listener_path, "listenerPath", K_STR),
	SPEC_FIELD(spec_seccomp, listener_metadata, "listenerMetadata", K_STR),
	SPEC_FIELD(spec_seccomp, syscalls, "syscalls", K_OBJECTS, .object = &seccomp_rule_object),
};
static const struct spec_object seccomp_object = SPEC_OBJECT(spec_seccomp, seccomp_fields);

/* --- the rest of linux --- */

static const struct spec_field intel_rdt_fields[] = {
	SPEC_FIELD(spec_intel_rdt, clos_id, "closID", K_STR),
	SPEC_FIELD(spec_intel_rdt, l3_cache_schema, "l3CacheSchema", K_STR),
	SPEC_FIELD(spec_intel_rdt, mem_bw_schema, "memBwSchema", K_STR),
	SPEC_FIELD(spec_intel_rdt, schemata, "schemata", K_STRV),
	SPEC_FIELD(spec_intel_rdt, enable_monitoring, "enableMonitoring", K_BOOL),
	SPEC_FIELD(spec_intel_rdt, enable_cmt, "enableCMT", K_BOOL),
	SPEC_FIELD(spec_intel_rdt, enable_mbm, "enableMBM", K_BOOL),
};
static const struct spec_object intel_rdt_object = SPEC_OBJECT(spec_intel_rdt, intel_rdt_fields);

static const struct spec_field memory_policy_fields[] = {
	SPEC_FIELD(spec_memory_policy, mode, "mode", K_NAME, .names = spec_mpol_modes, .required = true,
		.what = "memory policy mode"),
	SPEC_FIELD(spec_memory_policy, nodes, "nodes", K_STR, .what = "memory policy nodes"),
	SPEC_FIELD(spec_memory_policy, flags, "flags", K_NAME_BITS, .names = spec_mpol_flags,
		.what = "memory policy flag"),
};
static const struct spec_object memory_policy_object = SPEC_OBJECT(spec_memory_policy, memory_policy_fields);

static const struct spec_field personality_fields[] = {
	SPEC_FIELD(spec_personality, domain, "domain", K_NAME, .names = spec_personality_domains, .required = true),
	SPEC_FIELD(spec_personality, flags, "flags", K_STRV),
};
static const struct spec_object personality_object = SPEC_OBJECT(spec_personality, personality_fields);

static const struct spec_field linux_fields[] = {
	SPEC_FIELD(spec_linux, namespaces, "namespaces", K_OBJECTS, .object = &namespace_object),
	SPEC_FIELD(spec_linux, uid_mappings, "uidMappings", K_OBJECTS, .object = &schema_idmap),
	SPEC_FIELD(spec_linux, gid_mappings, "gidMappings", K_OBJECTS, .object = &schema_idmap),
	SPEC_FIELD(spec_linux, time_offsets, "timeOffsets", K_OBJECT, .object = &time_offsets_object),
	SPEC_FIELD(spec_linux, devices, "devices", K_OBJECTS, .object = &device_object),
	SPEC_FIELD(spec_linux, net_devices, "netDevices", K_OBJECT_MAP, .object = &net_device_object),
	SPEC_FIELD(spec_linux, cgroups_path, "cgroupsPath", K_STR),
	SPEC_FIELD(spec_linux, resources, "resources", K_OBJECT, .object = &schema_resources),
	SPEC_FIELD(spec_linux, rootfs_propagation, "rootfsPropagation", K_NAME, .names = spec_propagations),
	SPEC_FIELD(spec_linux, seccomp, "seccomp", K_OBJECT, .object = &seccomp_object),
	SPEC_FIELD(spec_linux, sysctl, "sysctl", K_MAP),
	SPEC_FIELD(spec_linux, masked_paths, "maskedPaths", K_STRV),
	SPEC_FIELD(spec_linux, readonly_paths, "readonlyPaths", K_STRV),
	SPEC_FIELD(spec_linux, mount_label, "mountLabel", K_STR),
	SPEC_FIELD(spec_linux, intel_rdt, "intelRdt", K_OBJECT, .object = &intel_rdt_object),
	SPEC_FIELD(spec_linux, memory_policy, "memoryPolicy", K_OBJECT, .object = &memory_policy_object),
	SPEC_FIELD(spec_linux, personality, "personality", K_OBJECT, .object = &personality_object),
};
const struct spec_object schema_linux = SPEC_OBJECT(spec_linux, linux_fields);

/* --- vm --- */

static const struct spec_field hypervisor_fields[] = {
	SPEC_FIELD(spec_vm_hypervisor, path, "path", K_STR, .required = true),
	SPEC_FIELD(spec_vm_hypervisor, parameters, "parameters", K_STRV),
};
static const struct spec_object hypervisor_object = SPEC_OBJECT(spec_vm_hypervisor, hypervisor_fields);

static const struct spec_field kernel_fields[] = {
	SPEC_FIELD(spec_vm_kernel, path, "path", K_STR, .required = true),
	SPEC_FIELD(spec_vm_kernel, parameters, "parameters", K_STRV),
	SPEC_FIELD(spec_vm_kernel, initrd, "initrd", K_STR),
};
static const struct spec_object kernel_object = SPEC_OBJECT(spec_vm_kernel, kernel_fields);

static const struct spec_field image_fields[] = {
	SPEC_FIELD(spec_vm_image, path, "path", K_STR, .required = true),
	SPEC_FIELD(spec_vm_image, format, "format", K_NAME, .names = spec_image_formats),
};
static const struct spec_object image_object = SPEC_OBJECT(spec_vm_image, image_fields);

static const struct spec_field iomem_fields[] = {
	SPEC_FIELD(spec_vm_iomem, first_gfn, "firstGFN", K_OPT_U64, .max = UINT64_MAX),
	SPEC_FIELD(spec_vm_iomem, first_mfn, "firstMFN", K_U64, .max = UINT64_MAX, .required = true),
	SPEC_FIELD(spec_vm_iomem, nr_mfns, "nrMFNs", K_U64, .max = UINT64_MAX, .required = true),
};
static const struct spec_object iomem_object = SPEC_OBJECT(spec_vm_iomem, iomem_fields);

static const struct spec_field hw_config_fields[] = {
	SPEC_FIELD(spec_vm_hw_config, device_tree, "deviceTree", K_STR),
	SPEC_FIELD(spec_vm_hw_config, vcpus, "vcpus", K_OPT_U32, .min = 1, .max = UINT32_MAX),
	SPEC_FIELD(spec_vm_hw_config, memory, "memory", K_OPT_U64, .min = 1, .max = UINT64_MAX),
	SPEC_FIELD(spec_vm_hw_config, dtdevs, "dtdevs", K_STRV),
	SPEC_FIELD(spec_vm_hw_config, iomems, "iomems", K_OBJECTS, .object = &iomem_object),
	SPEC_FIELD(spec_vm_hw_config, irqs, "irqs", K_U32V, .max = UINT32_MAX),
};
static const struct spec_object hw_config_object = SPEC_OBJECT(spec_vm_hw_config, hw_config_fields);

static const struct spec_field vm_fields[] = {
	SPEC_FIELD(spec_vm, hypervisor, "hypervisor", K_OBJECT, .object = &hypervisor_object),
	SPEC_FIELD(spec_vm, kernel, "kernel", K_OBJECT, .object = &kernel_object),
	SPEC_FIELD(spec_vm, image, "image", K_OBJECT, .object = &image_object),
	SPEC_FIELD(spec_vm, hw_config, "hwConfig", K_OBJECT, .object = &hw_config_object),
};
const struct spec_object schema_vm = SPEC_OBJECT(spec_vm, vm_fields);
