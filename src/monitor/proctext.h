/* SPDX-License-Identifier: Apache-2.0 */
/* The files of procfs as texts, made of what is known of a process: proc_pid_stat(5), proc_pid_status(5) and their like. */
#ifndef MONITOR_PROCTEXT_H
#define MONITOR_PROCTEXT_H

#include <stdint.h>

#include "base/buf.h"
#include "channel/proto.h"

/*
 * `stat` of @p, which started @start_ticks after the host's boot. Ticks are the host's (_SC_CLK_TCK); of the guest's own
 * @ticks_per_second make a second. What nobody tells is 0.
 */
void proctext_stat(struct buf *out, const struct proto_proc *p, uint32_t ticks_per_second, uint64_t start_ticks);

/* `status` of @p. */
void proctext_status(struct buf *out, const struct proto_proc *p);

/* `uid_map` or `gid_map`: one that maps nothing is that of no user namespace, in which each number is itself. */
void proctext_idmaps(struct buf *out, const struct guest_idmaps *maps);

/* /proc/stat, of which only the time of the host's boot is true; and /proc/uptime. */
void proctext_boot(struct buf *out);
void proctext_uptime(struct buf *out);

/* The time since the host's boot, in ticks. */
uint64_t proctext_ticks(void);

#endif
