/* SPDX-License-Identifier: Apache-2.0 */
/* The system call filter that QEMU starts with: see filter.h. */
#include "vm/qemu/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>

static const char *const forbidden_calls[] = {
	/* other processes, by number or by descriptor; tgkill is left, which threads and abort(3) need */
	"kill",
	"pidfd_getfd",
	"pidfd_open",
	"pidfd_send_signal",
	"process_madvise",
	"process_vm_readv",
	"process_vm_writev",
	"ptrace",
	"rt_sigqueueinfo",
	"rt_tgsigqueueinfo",
	"tkill",

	/* mounts, roots and namespaces */
	"chroot",
	"fsconfig",
	"fsmount",
	"fsopen",
	"fspick",
	"mount",
	"mount_setattr",
	"move_mount",
	"open_by_handle_at",
	"open_tree",
	"pivot_root",
	"setns",
	"umount2",

	/* the kernel's large and seldom used surfaces */
	"add_key",
	"bpf",
	"delete_module",
	"finit_module",
	"init_module",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"perf_event_open",
	"reboot",
	"request_key",
	"swapoff",
	"swapon",
	"userfaultfd",
	NULL,
};

/* Commands of fcntl(2) that make a file send signals to whom the caller names. */
static const int forbidden_commands[] = { F_SETOWN, F_SETOWN_EX, F_SETSIG, F_NOTIFY };

/* Forbids @name, or only with an argument that @test finds (NULL: any). 0 or -errno. */
static int forbid(scmp_filter_ctx ctx, const char *name, const struct scmp_arg_cmp *test)
{
	int call = seccomp_syscall_resolve_name(name);

	/* what libseccomp does not know has no number here: QEMU's own filter has the same gap */
	return call == __NR_SCMP_ERROR ? 0
				       : seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), call, test ? 1 : 0, test);
}

int qemu_filter_load(void)
{
	/* limits of other processes: 0 is the caller itself */
	const struct scmp_arg_cmp stranger = SCMP_A0(SCMP_CMP_NE, 0, 0);
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r = ctx ? 0 : -ENOMEM;

	for (const char *const *name = forbidden_calls; r == 0 && *name; name++)
		r = forbid(ctx, *name, NULL);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(forbidden_commands); i++) {
		const struct scmp_arg_cmp command =
			SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)forbidden_commands[i]);

		r = forbid(ctx, "fcntl", &command);
	}
	if (r == 0)
		r = forbid(ctx, "prlimit64", &stranger);
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: few comparisons for each call */
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
