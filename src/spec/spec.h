/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json of the OCI runtime specification (1.0 to 1.3) as typed structs.
 *
 * One struct spec owns everything below it in an arena: spec_free() frees it all, nothing inside is freed alone, and a
 * loaded spec is never changed. A value that can be absent shows its absence by its type, everywhere in the same way:
 *
 *   scalar          struct opt_x: .set says whether it was given
 *   string          NULL
 *   object          NULL pointer
 *   array or map    .v == NULL (an empty one: .n == 0, .v != NULL)
 *
 * A JSON null counts as absent. Names of constants have become numbers: those of the enums below, or the kernel's
 * (RLIMIT_*, SCHED_*, MS_*, bits of CAP_*). Limits: a file has at most SPEC_FILE_MAX bytes, JSON_DEPTH_MAX levels and
 * JSON_NODES_MAX values.
 */
#ifndef SPEC_SPEC_H
#define SPEC_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "json/warnings.h"

/*
 * The version of the runtime specification that is implemented: `--version`, `features` and the config of `spec` say
 * it. Configs of any 1.x are taken: fields that a later version adds are unknown ones, which are warnings.
 */
#define SPEC_VERSION "1.3.0"
/* The oldest version whose configs are taken. */
#define SPEC_VERSION_MIN "1.0.0"

/* A larger file is refused before it is read: the largest real ones, with hundreds of mounts, stay below 1 MiB. */
#define SPEC_FILE_MAX (16 * MIB)

struct opt_bool {
	bool set, v;
};
struct opt_u32 {
	bool set;
	uint32_t v;
};
struct opt_i64 {
	bool set;
	int64_t v;
};
struct opt_u64 {
	bool set;
	uint64_t v;
};

struct spec_strv {
	size_t n;
	char **v; /* v[n] == NULL, so that it can be an argv */
};
struct spec_u32v {
	size_t n;
	uint32_t *v;
};
struct spec_pair {
	char *key, *value;
};
struct spec_map {
	size_t n;
	struct spec_pair *v;
};

struct spec_idmap {
	uint32_t container_id, host_id, size;
};
struct spec_idmaps {
	size_t n;
	struct spec_idmap *v;
};

/* --- process (config.md, "Process") --- */

struct spec_user {
	uint32_t uid, gid;
	struct opt_u32 umask;
	struct spec_u32v additional_gids;
	char *username; /* Windows only */
};

/* Each set is a mask of 1 << CAP_x. An unknown name is a warning, and is not in the mask. */
struct spec_capabilities {
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

struct spec_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
};
struct spec_rlimits {
	size_t n;
	struct spec_rlimit *v;
};

struct spec_console_size {
	uint32_t height, width; /* characters; at most 65535 (struct winsize) */
};

struct spec_scheduler {  /* sched_setattr(2) */
	uint32_t policy; /* SCHED_* */
	int32_t nice, priority;
	struct opt_u32 flags; /* SCHED_FLAG_* */
	uint64_t runtime, deadline, period;
};

struct spec_io_priority {
	uint32_t class; /* IOPRIO_CLASS_* : 1 realtime, 2 best effort, 3 idle */
	uint32_t priority;
};

struct spec_cpu_affinity { /* both are lists that cpulist_parse() takes */
	char *initial, *final;
};

struct spec_process {
	bool terminal;
	struct spec_console_size *console_size; /* of the terminal; without one it means nothing */
	struct spec_user user;
	struct spec_strv args; /* at least one */
	char *command_line;    /* Windows only */
	struct spec_strv env;
	char *cwd; /* absolute */
	struct spec_capabilities *capabilities;
	struct spec_rlimits rlimits; /* no resource twice */
	bool no_new_privileges;
	char *apparmor_profile;
	char *selinux_label;
	struct opt_i64 oom_score_adj; /* -1000 to 1000 */
	struct spec_scheduler *scheduler;
	struct spec_io_priority *io_priority;
	struct spec_cpu_affinity *exec_cpu_affinity;
};

/* --- root, mounts, hooks --- */

struct spec_root {
	char *path; /* absolute, or relative to the bundle; not empty */
	bool readonly;
};

struct spec_mount {
	char *destination; /* absolute: a relative one has got a "/" in front, with a warning */
	char *type;        /* NULL is possible, mostly for binds */
	char *source;
	struct spec_strv options; /* as in the file: mountopts_parse() reads them */
	struct spec_idmaps uid_mappings, gid_mappings;
};
struct spec_mounts {
	size_t n;
	struct spec_mount *v;
};

struct spec_hook {
	char *path; /* absolute */
	struct spec_strv args, env;
	struct opt_i64 timeout_s; /* > 0 */
};
struct spec_hook_list {
	size_t n;
	struct spec_hook *v;
};
struct spec_hooks {
	struct spec_hook_list prestart, create_runtime, create_container;
	struct spec_hook_list start_container, poststart, poststop;
};

/* --- linux (config-linux.md) --- */

enum spec_ns {
	SPEC_NS_MOUNT,
	SPEC_NS_PID,
	SPEC_NS_NETWORK,
	SPEC_NS_UTS,
	SPEC_NS_IPC,
	SPEC_NS_USER,
	SPEC_NS_CGROUP,
	SPEC_NS_TIME,
	SPEC_NS_COUNT
};

struct spec_namespace {
	enum spec_ns type;
	char *path; /* NULL: a new one; else absolute */
};
struct spec_namespaces { /* no type twice; an empty list is valid */
	size_t n;
	struct spec_namespace *v;
};

struct spec_device {
	char type;                   /* 'c', 'b', 'p' ('u' is read as 'c') */
	char *path;                  /* absolute */
	struct opt_u32 major, minor; /* set for all but 'p' */
	struct opt_u32 file_mode;    /* can have S_IFMT bits, which engines write */
	struct opt_u32 uid, gid;
};
struct spec_devices {
	size_t n;
	struct spec_device *v;
};

struct spec_net_device {
	char *host_name;
	char *name; /* in the container; NULL: the same as on the host */
};
struct spec_net_devices {
	size_t n;
	struct spec_net_device *v;
};

enum spec_device_access { SPEC_DEVICE_READ = 1, SPEC_DEVICE_WRITE = 2, SPEC_DEVICE_MKNOD = 4 };
struct spec_device_rule { /* rules apply in their order: a later one overrides */
	bool allow;
	char type;                   /* 'a', 'c', 'b' */
	struct opt_i64 major, minor; /* not set: all */
	uint32_t access;             /* bits of enum spec_device_access; all three where the config gives none */
};
struct spec_device_rules {
	size_t n;
	struct spec_device_rule *v;
};

struct spec_memory { /* bytes; -1: no limit */
	struct opt_i64 limit, reservation, swap, kernel, kernel_tcp;
	struct opt_u64 swappiness; /* 0 to 100 */
	struct opt_bool disable_oom_killer, use_hierarchy, check_before_update;
};

struct spec_cpu { /* times in microseconds */
	struct opt_u64 shares;
	struct opt_i64 quota;
	struct opt_u64 burst, period;
	struct opt_i64 realtime_runtime;
	struct opt_u64 realtime_period;
	char *cpus, *mems; /* lists that cpulist_parse() takes; "" is possible and means unset */
	struct opt_i64 idle;
};

struct spec_weight_device {
	uint32_t major, minor;
	struct opt_u32 weight, leaf_weight;
};
struct spec_weight_devices {
	size_t n;
	struct spec_weight_device *v;
};
struct spec_throttle_device {
	uint32_t major, minor;
	uint64_t rate;
};
struct spec_throttle_devices {
	size_t n;
	struct spec_throttle_device *v;
};
struct spec_block_io {
	struct opt_u32 weight, leaf_weight;
	struct spec_weight_devices weight_device;
	struct spec_throttle_devices read_bps, write_bps, read_iops, write_iops;
};

struct spec_hugepage_limit {
	char *page_size; /* "2MB": a power of two, then KB, MB or GB */
	uint64_t limit;
};
struct spec_hugepage_limits {
	size_t n;
	struct spec_hugepage_limit *v;
};

struct spec_interface_priority {
	char *name;
	uint32_t priority;
};
struct spec_interface_priorities {
	size_t n;
	struct spec_interface_priority *v;
};
struct spec_network {
	struct opt_u32 class_id;
	struct spec_interface_priorities priorities;
};

struct spec_rdma_limit {
	char *device;
	struct opt_u32 hca_handles, hca_objects;
};
struct spec_rdma_limits {
	size_t n;
	struct spec_rdma_limit *v;
};

struct spec_pids {
	struct opt_i64 limit; /* -1: none */
};

struct spec_resources {
	struct spec_device_rules devices;
	struct spec_memory *memory;
	struct spec_cpu *cpu;
	struct spec_pids *pids;
	struct spec_block_io *block_io;
	struct spec_hugepage_limits hugepage_limits;
	struct spec_network *network;
	struct spec_rdma_limits rdma;
	struct spec_map unified; /* the value for each file of cgroup v2; no name has a '/' */
};

enum spec_seccomp_action {
	SPEC_ACT_ALLOW,
	SPEC_ACT_ERRNO,
	SPEC_ACT_KILL_PROCESS,
	SPEC_ACT_KILL_THREAD, /* also SCMP_ACT_KILL */
	SPEC_ACT_LOG,
	SPEC_ACT_NOTIFY,
	SPEC_ACT_TRACE,
	SPEC_ACT_TRAP
};
enum spec_seccomp_op {
	SPEC_CMP_NE,
	SPEC_CMP_LT,
	SPEC_CMP_LE,
	SPEC_CMP_EQ,
	SPEC_CMP_GE,
	SPEC_CMP_GT,
	SPEC_CMP_MASKED_EQ
};
enum spec_seccomp_arch {
	SPEC_ARCH_X86,
	SPEC_ARCH_X86_64,
	SPEC_ARCH_X32,
	SPEC_ARCH_ARM,
	SPEC_ARCH_AARCH64,
	SPEC_ARCH_LOONGARCH64,
	SPEC_ARCH_M68K,
	SPEC_ARCH_MIPS,
	SPEC_ARCH_MIPS64,
	SPEC_ARCH_MIPS64N32,
	SPEC_ARCH_MIPSEL,
	SPEC_ARCH_MIPSEL64,
	SPEC_ARCH_MIPSEL64N32,
	SPEC_ARCH_PARISC,
	SPEC_ARCH_PARISC64,
	SPEC_ARCH_PPC,
	SPEC_ARCH_PPC64,
	SPEC_ARCH_PPC64LE,
	SPEC_ARCH_RISCV64,
	SPEC_ARCH_S390,
	SPEC_ARCH_S390X,
	SPEC_ARCH_SH,
	SPEC_ARCH_SHEB,
	SPEC_ARCH_COUNT
};

struct spec_seccomp_arg {
	uint32_t index; /* 0 to 5 */
	uint64_t value, value_two;
	enum spec_seccomp_op op;
};
struct spec_seccomp_args {
	size_t n;
	struct spec_seccomp_arg *v;
};
struct spec_seccomp_rule {
	struct spec_strv names; /* at least one */
	enum spec_seccomp_action action;
	struct opt_u32 errno_ret; /* only with ERRNO and TRACE */
	struct spec_seccomp_args args;
};
struct spec_seccomp_rules {
	size_t n;
	struct spec_seccomp_rule *v;
};
struct spec_seccomp {
	enum spec_seccomp_action default_action;
	struct opt_u32 default_errno_ret;
	struct spec_u32v architectures; /* enum spec_seccomp_arch */
	struct opt_u32 flags;           /* SECCOMP_FILTER_FLAG_*; an empty list counts as set */
	char *listener_path, *listener_metadata;
	struct spec_seccomp_rules syscalls;
};

struct spec_intel_rdt {
	char *clos_id, *l3_cache_schema, *mem_bw_schema;
	struct spec_strv schemata;
	bool enable_monitoring, enable_cmt, enable_mbm;
};

struct spec_memory_policy { /* set_mempolicy(2) */
	uint32_t mode;      /* MPOL_* */
	char *nodes;
	struct opt_u32 flags; /* MPOL_F_* */
};

struct spec_personality {
	uint32_t domain; /* PER_LINUX or PER_LINUX32 */
	struct spec_strv flags;
};

struct spec_time_offset {
	int64_t secs;
	uint32_t nanosecs; /* < 1000000000 */
};
struct spec_time_offsets {
	struct spec_time_offset *boottime, *monotonic;
};

struct spec_linux {
	struct spec_namespaces namespaces;
	struct spec_idmaps uid_mappings, gid_mappings;
	struct spec_time_offsets *time_offsets;
	struct spec_devices devices;
	struct spec_net_devices net_devices;
	char *cgroups_path;
	struct spec_resources *resources;
	uint32_t rootfs_propagation; /* MS_SHARED, MS_SLAVE ... with MS_REC; 0: not given */
	struct spec_seccomp *seccomp;
	struct spec_map sysctl;
	struct spec_strv masked_paths, readonly_paths; /* absolute */
	char *mount_label;
	struct spec_intel_rdt *intel_rdt;
	struct spec_memory_policy *memory_policy;
	struct spec_personality *personality;
};

/* --- vm (config-vm.md); all paths absolute, on the host --- */

struct spec_vm_hypervisor {
	char *path;
	struct spec_strv parameters;
};
struct spec_vm_kernel {
	char *path;
	struct spec_strv parameters;
	char *initrd;
};
enum spec_vm_image_format { SPEC_IMAGE_RAW, SPEC_IMAGE_QCOW2, SPEC_IMAGE_VDI, SPEC_IMAGE_VMDK, SPEC_IMAGE_VHD };
struct spec_vm_image {
	char *path;
	enum spec_vm_image_format format;
};
struct spec_vm_iomem {
	struct opt_u64 first_gfn;
	uint64_t first_mfn, nr_mfns;
};
struct spec_vm_iomems {
	size_t n;
	struct spec_vm_iomem *v;
};
struct spec_vm_hw_config {
	char *device_tree;
	struct opt_u32 vcpus;
	struct opt_u64 memory; /* bytes */
	struct spec_strv dtdevs;
	struct spec_vm_iomems iomems;
	struct spec_u32v irqs;
};
struct spec_vm {
	struct spec_vm_hypervisor *hypervisor;
	struct spec_vm_kernel *kernel;
	struct spec_vm_image *image;
	struct spec_vm_hw_config *hw_config;
};

struct spec {
	char *oci_version;
	struct spec_root *root;       /* never NULL in what spec_load() returns */
	struct spec_process *process; /* NULL is valid until `start` */
	char *hostname, *domainname;
	struct spec_mounts mounts; /* in the order in which they are to be mounted */
	struct spec_hooks *hooks;
	struct spec_map annotations;
	struct spec_linux *linux_; /* NULL if absent; the underscore is there because `linux` is a macro of gnu11 */
	struct spec_vm *vm;

	struct arena *arena; /* owns all of the above */
};

/*
 * Reads the file @path below @dirfd and checks types, ranges and meaning. A field that vmrunc refuses is an error; one
 * that it ignores is a warning, and so is an unknown one (support.h). Messages begin with the file's name and the line:
 * `config.json:12: process.user.uid: not a number`. @warnings may be NULL. 0 and *@ret, which the caller frees with
 * spec_free(), or -errno.
 */
must_check int spec_load(int dirfd, const char *path, struct spec **ret, struct warnings *warnings, struct err *err);

/* Does the same with @len bytes of text; @name stands for the file in messages. */
must_check int spec_parse(
	const char *name, const char *json, size_t len, struct spec **ret, struct warnings *warnings, struct err *err);

/*
 * These read a file or a text that is a `process` object alone (exec --process): the result has only ->process. Field
 * paths in messages begin with "process." all the same.
 */
must_check int spec_load_process(
	int dirfd, const char *path, struct spec **ret, struct warnings *warnings, struct err *err);
must_check int spec_parse_process(
	const char *name, const char *json, size_t len, struct spec **ret, struct warnings *warnings, struct err *err);

/* Reads a `linux.resources` object alone (update --resources): the result has only ->linux_->resources. */
must_check int spec_parse_resources(
	const char *name, const char *json, size_t len, struct spec **ret, struct warnings *warnings, struct err *err);

/* Frees a spec with everything in it. @spec may be NULL. */
void spec_free(struct spec *spec);

static inline void spec_freep(struct spec **spec)
{
	spec_free(*spec);
}
#define autospec __attribute__((cleanup(spec_freep)))

/* --- looking things up in a loaded config (find.c) --- */

/* The namespace of @type that the config lists, or NULL. */
const struct spec_namespace *spec_namespace_find(const struct spec *spec, enum spec_ns type);

/* True if @option is among the options of the mount, word for word. */
bool spec_mount_has(const struct spec_mount *m, const char *option);

/* The value of the annotation @key, or NULL. */
const char *spec_annotation(const struct spec *spec, const char *key);

#endif
