/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of an enclosed monitor, without those of the VM: what its filter is made of. */
#ifndef MONITOR_SYSCALLS_H
#define MONITOR_SYSCALLS_H

#include "vm/vm.h"

/* Those of src/monitor and of the rooms below it. One without names at the end. */
extern const struct vm_calls monitor_calls[];

/* What the monitor of a container with sockets of the host makes beyond those. One without names at the end. */
extern const struct vm_calls monitor_relay_calls[];

/* What one that may have resolvers on a loopback address makes beyond those. One without names at the end. */
extern const struct vm_calls monitor_resolver_calls[];

#endif
