/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources.devices as an eBPF program for the container's cgroup in the guest. */
#ifndef GUEST_DEVICE_FILTER_H
#define GUEST_DEVICE_FILTER_H

#include "base/base.h"
#include "base/buf.h"
#include "spec/spec.h"

/*
 * Appends a program (struct bpf_insn[]) of type BPF_PROG_TYPE_CGROUP_DEVICE for @rules (may be NULL) to @out; ask
 * buf_error(@out). The rules hold in the order given (config-linux.md, "Allowed Device list"): the last rule that
 * speaks of it decides each of read, write and mknod. Behind them come rules for the default devices, which every
 * container may use. What no rule speaks of is denied.
 */
void device_filter_build(const struct spec_device_rules *rules, struct buf *out);

#endif
