/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns at booting virtual machines that an emulated processor runs.
 *
 * A kernel measures the speed of its timer while it boots. An emulated processor that has to wait for 100 ms in the middle
 * of that gives it nonsense ("APIC frequency too slow, disabling apic timer"), and without a timer it stands still for good.
 * It waits so long where some 30 threads want each processor of the host. So no more than a few machines for each
 * processor boot at a time, and the others wait for their turn.
 */
#ifndef LIFE_TURN_H
#define LIFE_TURN_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/*
 * Machines that boot at a time, for each processor of the host. Twenty that are started at once are up sooner with 3 than
 * with 8, and also where other work wants the processors as well (docs/limits.md).
 */
#define TURNS_PER_CPU 3
/* How long a turn is waited for. Whoever has none by then goes ahead: a late container is better than none. */
#define TURN_WAIT_MS 120000
/*
 * How long a guest may take to boot to its agent, at most and at least. A loaded machine that emulates needs half a minute for
 * Debian's kernel.
 */
#define TURN_BOOT_MAX_MS 180000
#define TURN_BOOT_MIN_MS 60000
/*
 * When create has a machine that has booted, or an error, a turn's wait included. The container takes up to 50 s more
 * (monitor/member.c), and Podman ends a create after 240 s.
 */
#define TURN_CREATE_MS 185000

/*
 * Waits for one of @n turns; those who share the directory @dir (absolute, the cache) share them. Returns a descriptor that
 * holds the turn until it is closed, also by the end of the process; -1 where there is none to be had, which delays
 * nobody; or -EINTR when @cancel_fd (borrowed) becomes readable.
 */
must_check int turn_take(const char *dir, size_t n, int cancel_fd);

/* How many milliseconds a machine may take to boot, when create has already taken @spent_ms. */
int turn_boot_ms(int64_t spent_ms);

#endif
