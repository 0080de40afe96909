/* SPDX-License-Identifier: Apache-2.0 */
/* One virtual machine: checks what every engine relies on, and hands each call on to the VM's engine. */
#include "vm/vm.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/fd.h"
#include "vm/engine.h"

int vm_config_check(const struct vm_config *cfg, struct err *err)
{
	if (!cfg->kernel_path || !cfg->initrd_path || !cfg->cmdline || !cfg->runtime_dir)
		return err_set(err, EINVAL, "vm: kernel, initrd, command line and runtime directory are needed");
	if (cfg->vcpus < 1 || cfg->vcpus > VM_VCPUS_MAX)
		return err_set(err, EINVAL, "vm: %u vCPUs: must be 1 to %d", cfg->vcpus, VM_VCPUS_MAX);
	if (cfg->mem_bytes < VM_MEM_MIN || cfg->mem_bytes % VM_MEM_GRAIN)
		return err_set(err, EINVAL, "vm: %llu bytes of memory: must be a multiple of 2 MiB, at least %llu MiB",
			(unsigned long long)cfg->mem_bytes, VM_MEM_MIN / MIB);
	if (cfg->nics_len > VM_NICS_MAX)
		return err_set(err, EINVAL, "vm: %u network interfaces: at most %d", cfg->nics_len, VM_NICS_MAX);
	for (unsigned int i = 0; i < cfg->nics_len; i++) {
		unsigned int pairs = cfg->nics[i].pairs, most = cfg->nics[i].stream ? 1 : VM_NIC_PAIRS_MAX;

		if (pairs < 1 || pairs > most)
			return err_set(err, EINVAL, "vm: network interface %u: %u pairs of queues: must be 1 to %u", i,
				pairs, most);
	}
	return 0;
}

void vm_nic_close_fds(const struct vm_nic *nic)
{
	for (unsigned int i = 0; i < nic->pairs && i < VM_NIC_PAIRS_MAX; i++)
		fd_close(nic->fds[i]);
}

void vm_config_close_fds(const struct vm_config *cfg)
{
	for (unsigned int i = 0; i < cfg->nics_len && i < VM_NICS_MAX; i++)
		vm_nic_close_fds(&cfg->nics[i]);
}

/* Whether @name is a relative path without empty, "." or ".." components. */
static bool share_name_ok(const char *name)
{
	const char *at = name;

	for (;;) {
		size_t len = strcspn(at, "/");

		if (len == 0 || len > 255 || (len <= 2 && strspn(at, ".") >= len))
			return false;
		if (at[len] == '\0')
			return true;
		at += len + 1;
	}
}

int vm_share_add(struct vm *vm, enum vm_share share, const char *name, int fd, unsigned int flags, struct err *err)
{
	if (share >= VM_SHARES || !share_name_ok(name)) {
		fd_close(fd);
		return err_set(err, EINVAL, "vm: share \"%s\": not a relative path of plain names", name);
	}
	return vm->ops->share_add(vm, share, name, fd, flags, err);
}

int vm_channel_fd(const struct vm *vm)
{
	return vm->ops->channel_fd(vm);
}

const struct vm_calls *vm_calls(const struct vm *vm)
{
	return vm->ops->calls(vm);
}

int vm_start(struct vm *vm, struct loop *loop, const struct vm_events *events, struct err *err)
{
	return vm->ops->start(vm, loop, events, err);
}

int vm_pause(struct vm *vm, struct err *err)
{
	return vm->ops->pause(vm, err);
}

int vm_resume(struct vm *vm, struct err *err)
{
	return vm->ops->resume(vm, err);
}

void vm_take_stale(struct vm *vm, struct vm_stale *ret)
{
	*ret = (struct vm_stale){ .all = false };
	if (vm->ops->take_stale)
		vm->ops->take_stale(vm, ret);
}

void vm_stale_done(struct vm_stale *stale)
{
	strv_done(&stale->moved);
	strv_done(&stale->gone);
}

int vm_set_memory(struct vm *vm, uint64_t bytes, struct err *err)
{
	return vm->ops->set_memory(vm, bytes, err);
}

bool vm_end(struct vm *vm, int timeout_ms)
{
	return !vm->ops->end || vm->ops->end(vm, timeout_ms);
}

void vm_free(struct vm *vm)
{
	if (vm)
		vm->ops->free(vm);
}
