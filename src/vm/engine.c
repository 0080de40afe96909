/* SPDX-License-Identifier: Apache-2.0 */
/* What the engines have in common; apart from vm.c, so that one engine can be linked alone. */
#include "vm/engine.h"

#include "base/fd.h"

void vm_config_close_fds(const struct vm_config *cfg)
{
	for (unsigned int i = 0; i < cfg->nics_len && i < VM_NICS_MAX; i++)
		fd_close(cfg->nics[i].tap_fd);
}
