/* SPDX-License-Identifier: Apache-2.0 */
/* The ports beside the serial one: how a guest powers off and resets, and what kernels poke at. */
#ifndef VM_KVM_X86_PLATFORM_H
#define VM_KVM_X86_PLATFORM_H

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/bus.h"
#include "vm/machine/end.h"

/* Registers the ports; poweroff and reset are reported to @end, which outlives the bus. */
must_check int platform_add_ports(struct bus *bus, struct end *end, struct err *err);

#endif
