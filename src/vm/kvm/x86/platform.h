/* SPDX-License-Identifier: Apache-2.0 */
/* The ports beside the serial one: those by which a guest ends its machine, and those that kernels try. */
#ifndef VM_KVM_X86_PLATFORM_H
#define VM_KVM_X86_PLATFORM_H

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/bus.h"
#include "vm/machine/end.h"

/* Adds the ports to @bus. Poweroff and reset are reported to @end, which is borrowed and outlives it. 0 or -errno. */
must_check int platform_add_ports(struct bus *bus, struct end *end, struct err *err);

#endif
