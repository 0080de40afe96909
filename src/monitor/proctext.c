/* SPDX-License-Identifier: Apache-2.0 */
/* The files of procfs as texts: see proctext.h. */
#include "monitor/proctext.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

#define NS_PER_SECOND 1000000000ull
#define NAME_MAX_BYTES 64 /* of a command; the kernel has 15, and some more of its own threads */

static uint64_t ticks_per_second(void)
{
	return (uint64_t)sysconf(_SC_CLK_TCK);
}

uint64_t proctext_ticks(void)
{
	struct timespec up;

	(void)clock_gettime(CLOCK_BOOTTIME, &up); /* cannot fail for this clock */
	return (uint64_t)up.tv_sec * ticks_per_second() + (uint64_t)up.tv_nsec / (NS_PER_SECOND / ticks_per_second());
}

/* What the kernel has for a state in `status`. */
static const char *state_name(char state)
{
	static const struct {
		char state;
		const char *name;
	} names[] = {
		{ 'R', "R (running)" },
		{ 'S', "S (sleeping)" },
		{ 'D', "D (disk sleep)" },
		{ 'T', "T (stopped)" },
		{ 't', "t (tracing stop)" },
		{ 'X', "X (dead)" },
		{ 'Z', "Z (zombie)" },
		{ 'P', "P (parked)" },
		{ 'I', "I (idle)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i].state == state)
			return names[i].name;
	}
	return "? (unknown)";
}

/* GUEST: ticks of a process's time, in the host's; a number that is not true stays one that an int64_t has room for. */
static uint64_t host_ticks(uint64_t ticks, uint32_t per_second)
{
	const uint64_t host = ticks_per_second(), seconds_max = INT64_MAX / 4 / host;

	return per_second == host ? ticks : MIN(ticks / per_second, seconds_max) * host;
}

void proctext_stat(struct buf *out, const struct proto_proc *p, uint32_t per_second, uint64_t start_ticks)
{
	buf_printf(out, "%u (%.*s) %c %u %u %u %u -1 0 0 0 0 0 ", p->pid, NAME_MAX_BYTES, p->comm, p->state, p->ppid,
		p->pgid, p->sid, p->tty);
	buf_printf(out, "%" PRIu64 " %" PRIu64 " 0 0 %d %d %u 0 %" PRIu64 " %" PRIu64 " %" PRIu64,
		host_ticks(p->user_ticks, per_second), host_ticks(p->system_ticks, per_second), p->priority, p->nice,
		p->threads, start_ticks, p->vsize, p->rss / (uint64_t)sysconf(_SC_PAGESIZE));
	for (int field = 25; field <= 52; field++)
		buf_puts(out, " 0");
	buf_puts(out, "\n");
}

static void put_ids(struct buf *out, const char *key, const uint32_t ids[4])
{
	buf_printf(out, "%s:\t%u\t%u\t%u\t%u\n", key, ids[0], ids[1], ids[2], ids[3]);
}

void proctext_status(struct buf *out, const struct proto_proc *p)
{
	buf_printf(out, "Name:\t%.*s\nState:\t%s\n", NAME_MAX_BYTES, p->comm, state_name((char)p->state));
	buf_printf(out, "Tgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n", p->pid, p->pid, p->ppid);
	put_ids(out, "Uid", p->uids);
	put_ids(out, "Gid", p->gids);
	buf_puts(out, "Groups:\t");
	for (uint32_t i = 0; i < p->groups.len; i++)
		buf_printf(out, "%u ", p->groups.at[i]);
	buf_printf(out, "\nNStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\n", p->pid, p->pid, p->pgid, p->sid);
	if (p->vsize)
		buf_printf(out, "VmSize:\t%8" PRIu64 " kB\nVmRSS:\t%8" PRIu64 " kB\n", p->vsize / 1024, p->rss / 1024);
	buf_printf(out, "Threads:\t%u\n", p->threads);
	buf_printf(out, "CapInh:\t%016" PRIx64 "\nCapPrm:\t%016" PRIx64 "\nCapEff:\t%016" PRIx64 "\n",
		p->caps[GUEST_CAP_INHERITABLE], p->caps[GUEST_CAP_PERMITTED], p->caps[GUEST_CAP_EFFECTIVE]);
	buf_printf(out, "CapBnd:\t%016" PRIx64 "\nCapAmb:\t%016" PRIx64 "\n", p->caps[GUEST_CAP_BOUNDING],
		p->caps[GUEST_CAP_AMBIENT]);
	buf_printf(out, "NoNewPrivs:\t%u\nSeccomp:\t%u\n", p->no_new_privs, p->seccomp);
}

void proctext_idmaps(struct buf *out, const struct guest_idmaps *maps)
{
	static const struct guest_idmap all = { .size = UINT32_MAX };

	for (uint32_t i = 0; i < MAX(maps->len, 1u); i++) {
		const struct guest_idmap *m = maps->len ? &maps->at[i] : &all;

		buf_printf(out, "%10u %10u %10u\n", m->container, m->host, m->size);
	}
}

void proctext_boot(struct buf *out)
{
	struct timespec now, up;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* neither can fail */
	(void)clock_gettime(CLOCK_BOOTTIME, &up);
	buf_printf(out, "cpu  0 0 0 0 0 0 0 0 0 0\nbtime %lld\n",
		(long long)now.tv_sec - up.tv_sec - (now.tv_nsec < up.tv_nsec ? 1 : 0));
}

void proctext_uptime(struct buf *out)
{
	struct timespec up;

	(void)clock_gettime(CLOCK_BOOTTIME, &up); /* cannot fail for this clock */
	buf_printf(out, "%lld.%02ld 0.00\n", (long long)up.tv_sec, up.tv_nsec / 10000000);
}
