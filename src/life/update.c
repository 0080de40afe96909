/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_update(): see update.h.
 *
 *   prepare()   the new config is made and checked as a whole; nothing has been changed
 *   save        the config in the state directory, which is the first to fail on a full disk
 *   apply()     the host's limits but those of memory; then memory
 *   undo()      after a failure: the old config, and the old limits where there were any
 *
 * Memory: the guest's cgroup has the limit at once, and the balloon takes what is beyond it from the guest. The host's
 * limit never goes below what the VM uses, since the kernel would kill the VM for that: it is lowered when the balloon
 * has given the memory back, and stays with a warning if it does not. It is raised first.
 */
#include "life/update.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "guest/translate.h"
#include "life/inside.h"
#include "monitor/query.h"
#include "spec/merge.h"
#include "spec/resources.h"

/* How long the guest may take to write its limits. */
#define UPDATE_TIMEOUT_MS 10000
/*
 * How long a monitor whose VM is paused may take. One that is frozen says nothing: the limits wait in its socket, as a
 * signal does, and are the guest's when the container is resumed. The host has them at once.
 */
#define PAUSED_TIMEOUT_MS 100
/* How long the guest's balloon is waited for, and the pause between two looks. */
#define BALLOON_WAIT_MS 5000
#define BALLOON_PAUSE_NS 50000000
/* What a limit of the host has to be above of what is in use, so that the VM can go on meanwhile. */
#define HOST_SLACK (16 * MIB)

/* Everything of one update; freed as a whole. */
struct update {
	struct life_notes *notes;
	struct statedir dir;
	struct state state;
	bool paused;
	char *old_text;
	size_t old_len;
	struct buf text;                               /* the new config */
	struct spec *before, *after, *asked;           /* the old config, the new one, and what was asked for */
	struct spec_resources old_parts, parts;        /* those sections of the two configs that were asked for */
	const struct spec_memory *old_memory, *memory; /* theirs of memory, which are written on their own */
	uint64_t old_limit, limit;                     /* of memory; RESOURCES_NO_LIMIT: none */
	uint64_t guest_bytes;                          /* what of its RAM the guest is to have; 0: what it has */
};

static void update_done(struct update *u)
{
	spec_free(u->asked);
	spec_free(u->after);
	spec_free(u->before);
	buf_done(&u->text);
	free(u->old_text);
	state_done(&u->state);
	statedir_close(&u->dir);
}

static const struct spec_resources *resources_of(const struct spec *spec)
{
	static const struct spec_resources none = { .memory = NULL };

	return spec->linux_ && spec->linux_->resources ? spec->linux_->resources : &none;
}

/* Those sections of @r that @asked has. The devices stay as they are: merge.h. */
static struct spec_resources sections(const struct spec_resources *r, const struct spec_resources *asked)
{
	struct spec_resources parts = *r;

	parts.devices.n = 0;
	parts.memory = NULL;
	if (!asked->cpu)
		parts.cpu = NULL;
	if (!asked->pids)
		parts.pids = NULL;
	if (!asked->block_io)
		parts.block_io = NULL;
	if (!asked->network)
		parts.network = NULL;
	if (asked->hugepage_limits.n == 0)
		parts.hugepage_limits.n = 0;
	if (asked->rdma.n == 0)
		parts.rdma.n = 0;
	if (asked->unified.n == 0)
		parts.unified.n = 0;
	return parts;
}

/* Decides how much memory the guest is to have: 0, or -EINVAL with an error if that is more than its VM has. */
static int plan_memory(struct update *u, const struct settings *settings, struct err *err)
{
	uint64_t all = u->state.vm_memory;

	u->old_limit = resources_memory_limit(resources_of(u->before));
	u->limit = resources_memory_limit(resources_of(u->after));
	if (u->limit == u->old_limit || all == 0)
		return 0;
	if (u->limit != RESOURCES_NO_LIMIT && u->limit > all)
		return err_set(err, EINVAL,
			"linux.resources.memory.limit: %llu bytes are more than the %llu MiB of the container's virtual machine, which cannot grow: create the container with a higher limit",
			(unsigned long long)u->limit, (unsigned long long)(all / MIB));
	u->guest_bytes = all;
	if (u->limit != RESOURCES_NO_LIMIT)
		u->guest_bytes = MIN(all, u->limit + settings->guest_overhead_mib * MIB);
	return 0;
}

/* Finds the container and makes the new config. 0, or -errno with an error; nothing has been changed. */
static int prepare(struct update *u, const struct settings *settings, const char *id, const char *json, size_t len,
	struct err *err)
{
	enum status status = STATUS_STOPPED;
	int r = life_open(settings, id, true, &u->dir, &u->state, &status, err);

	if (r < 0)
		return r;
	if (status == STATUS_STOPPED || status == STATUS_CREATING)
		return err_set(err, ESRCH, "container not running");
	u->paused = status == STATUS_PAUSED;
	r = spec_parse_resources("resources", json, len, &u->asked, &u->notes->warnings, err);
	if (r < 0)
		return r;
	r = fd_read_file(u->dir.fd, LIFE_CONFIG, SPEC_FILE_MAX, &u->old_text, &u->old_len);
	if (r < 0)
		return err_sys(err, r, "cannot read \"%s/%s\"", u->dir.path, LIFE_CONFIG);
	r = spec_parse(LIFE_CONFIG, u->old_text, u->old_len, &u->before, NULL, err);
	if (r == 0)
		r = merge_resources(u->old_text, u->old_len, json, len, &u->text, err);
	if (r == 0)
		r = spec_parse("resources", u->text.data, u->text.len, &u->after, NULL, err);
	if (r < 0)
		return r;
	u->parts = sections(resources_of(u->after), resources_of(u->asked));
	u->old_parts = sections(resources_of(u->before), resources_of(u->asked));
	if (resources_of(u->asked)->memory) {
		u->memory = resources_of(u->after)->memory;
		u->old_memory = resources_of(u->before)->memory;
	}
	return plan_memory(u, settings, err);
}

static int save(const struct update *u, const char *text, size_t len, struct err *err)
{
	int r = fd_write_file_atomic(u->dir.fd, LIFE_CONFIG, text, len, 0600);

	return r < 0 ? err_sys(err, r, "cannot write \"%s/%s\"", u->dir.path, LIFE_CONFIG) : 0;
}

/* Writes the host's limits of memory @m (NULL: there are none), for a guest that has @guest_bytes of RAM. */
static int limit_host_memory(struct update *u, const struct spec_memory *m, uint64_t guest_bytes, struct err *err)
{
	struct spec_memory copy;
	const struct spec_resources r = { .memory = &copy };

	if (!m)
		return 0;
	copy = *m;
	return cgroup_update(&u->state.cgroups, &r, guest_bytes + u->state.vm_overhead, &u->notes->warnings, err);
}

/* Has the guest write its limits, and the balloon ask for what is beyond them. 0, or -errno with an error. */
static int limit_guest(struct update *u, const struct spec_resources *parts, const struct spec_memory *memory,
	uint64_t guest_bytes, struct err *err)
{
	const struct control_request request = { .op = CONTROL_UPDATE, .memory_bytes = guest_bytes };
	struct spec_resources all = *parts;
	struct spec_memory copy;
	autobuf message = BUF_INIT;
	size_t n = 0;
	int r;

	if (memory) {
		copy = *memory;
		all.memory = &copy;
	}
	r = guest_translation_put_update(&all, u->state.id, &message, &n, err);
	if (r < 0 || (n == 0 && guest_bytes == 0))
		return r;
	r = query_ask(&u->dir, &request, message.data, message.len, u->paused ? PAUSED_TIMEOUT_MS : UPDATE_TIMEOUT_MS,
		NULL, NULL, err);
	if (r == -ETIMEDOUT && u->paused) {
		*err = (struct err)ERR_INIT;
		return 0;
	}
	return r;
}

/* Lowers the host's limit of memory when the VM uses so little. That it cannot be done is a warning. */
static void lower_host_memory(struct update *u)
{
	const struct timespec pause = { .tv_nsec = BALLOON_PAUSE_NS };
	uint64_t need = u->guest_bytes + u->state.vm_overhead, used;
	int64_t deadline = clock_now_ms() + (u->paused ? 0 : BALLOON_WAIT_MS); /* nothing moves in a paused one */
	struct err err = ERR_INIT;

	need = MAX(need, u->limit);
	while ((used = cgroup_memory_in_use(&u->state.cgroups)) != UINT64_MAX && used + HOST_SLACK > need &&
		clock_now_ms() < deadline)
		(void)nanosleep(&pause, NULL);
	if (used != UINT64_MAX && used + HOST_SLACK > need)
		warnings_add(&u->notes->warnings,
			"linux.resources.memory: the guest has the new limit%s; the host's stays for now, since the virtual machine still uses %llu MiB",
			u->paused ? " when it is resumed" : "", (unsigned long long)(used / MIB));
	else if (limit_host_memory(u, u->memory, u->guest_bytes, &err) < 0)
		warnings_add(&u->notes->warnings, "the guest has the new limit; the host's stays: %s", err.msg);
}

/* Makes the limits true, in an order in which each step can fail alone. 0, or -errno with an error. */
static int apply(struct update *u, struct err *err)
{
	uint64_t guest_bytes = u->guest_bytes ? u->guest_bytes : u->state.vm_memory;
	uint64_t memory_bytes = u->state.vm_memory + u->state.vm_overhead;
	bool lower = u->memory && u->limit < u->old_limit;
	int r = cgroup_update(&u->state.cgroups, &u->parts, memory_bytes, &u->notes->warnings, err);

	if (r == 0 && u->memory && !lower)
		r = limit_host_memory(u, u->memory, guest_bytes, err);
	if (r == 0)
		r = limit_guest(u, &u->parts, u->memory, u->guest_bytes, err);
	if (r == 0 && lower)
		lower_host_memory(u);
	return r;
}

/* Takes back what apply() has done. What fails in here is a warning: the caller's error stands. */
static void undo(struct update *u)
{
	uint64_t memory_bytes = u->state.vm_memory + u->state.vm_overhead;
	struct err err = ERR_INIT;

	if (save(u, u->old_text, u->old_len, &err) < 0 ||
		cgroup_update(&u->state.cgroups, &u->old_parts, memory_bytes, &u->notes->warnings, &err) < 0 ||
		limit_host_memory(u, u->old_memory, u->state.vm_memory, &err) < 0 ||
		limit_guest(u, &u->old_parts, u->old_memory, u->guest_bytes ? u->state.vm_memory : 0, &err) < 0)
		warnings_add(&u->notes->warnings, "update: not all of it could be taken back: %s", err.msg);
}

int container_update(const struct settings *settings, const char *id, const char *json, size_t len,
	struct life_notes *notes, struct err *err)
{
	struct update u = { .notes = notes, .dir = STATEDIR_NONE, .text = BUF_INIT };
	int r = prepare(&u, settings, id, json, len, err);

	if (r == 0)
		r = save(&u, u.text.data, u.text.len, err);
	if (r == 0) {
		r = apply(&u, err);
		if (r < 0)
			undo(&u);
	}
	update_done(&u);
	return r;
}
