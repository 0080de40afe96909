/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc update`: gives a container other limits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/log.h"
#include "base/buf.h"
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/notes.h"
#include "json/gen.h"
#include "life/update.h"
#include "spec/spec.h"

struct update_options {
	const char *resources;
	const char *blkio_weight, *cpu_period, *cpu_quota, *cpu_burst, *cpu_rt_period, *cpu_rt_runtime, *cpu_share;
	const char *cpuset_cpus, *cpuset_mems, *cpu_idle;
	const char *memory, *memory_reservation, *memory_swap, *kernel_memory, *kernel_memory_tcp;
	const char *pids_limit, *l3, *membw;
};

/* How the value of an option is written. */
enum value_kind { VALUE_NUMBER, VALUE_BYTES, VALUE_LIST };

/* An option that is a member of a section of linux.resources. */
struct limit_option {
	size_t offset; /* in struct update_options */
	const char *name, *section, *member;
	enum value_kind kind;
};

#define LIMIT(field, name, section, member, kind)                                   \
	{                                                                           \
		offsetof(struct update_options, field), name, section, member, kind \
	}

/* Ordered by section. */
static const struct limit_option limits[] = {
	LIMIT(blkio_weight, "blkio-weight", "blockIO", "weight", VALUE_NUMBER),
	LIMIT(cpu_period, "cpu-period", "cpu", "period", VALUE_NUMBER),
	LIMIT(cpu_quota, "cpu-quota", "cpu", "quota", VALUE_NUMBER),
	LIMIT(cpu_burst, "cpu-burst", "cpu", "burst", VALUE_NUMBER),
	LIMIT(cpu_rt_period, "cpu-rt-period", "cpu", "realtimePeriod", VALUE_NUMBER),
	LIMIT(cpu_rt_runtime, "cpu-rt-runtime", "cpu", "realtimeRuntime", VALUE_NUMBER),
	LIMIT(cpu_share, "cpu-share", "cpu", "shares", VALUE_NUMBER),
	LIMIT(cpuset_cpus, "cpuset-cpus", "cpu", "cpus", VALUE_LIST),
	LIMIT(cpuset_mems, "cpuset-mems", "cpu", "mems", VALUE_LIST),
	LIMIT(cpu_idle, "cpu-idle", "cpu", "idle", VALUE_NUMBER),
	LIMIT(memory, "memory", "memory", "limit", VALUE_BYTES),
	LIMIT(memory_reservation, "memory-reservation", "memory", "reservation", VALUE_BYTES),
	LIMIT(memory_swap, "memory-swap", "memory", "swap", VALUE_BYTES),
	LIMIT(kernel_memory_tcp, "kernel-memory-tcp", "memory", "kernelTCP", VALUE_BYTES),
	LIMIT(pids_limit, "pids-limit", "pids", "limit", VALUE_NUMBER),
};

/* Reads a whole number, and for VALUE_BYTES a unit behind it, such as 64M or 1gb: false if it is none. */
static bool parse_number(const char *text, enum value_kind kind, int64_t *ret)
{
	static const char units[] = "kmgtp";
	const char *unit;
	int shift = 0;
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || end == text)
		return false;
	if (kind == VALUE_BYTES && *end && n >= 0) {
		unit = strchr(units, *end | 0x20);
		if (unit) {
			shift = 10 * (int)(unit - units + 1);
			end += end[1] == 'i' ? 2 : 1;
		}
		end += *end == 'b' || *end == 'B';
	}
	if (*end || n > (INT64_MAX >> shift))
		return false;
	*ret = (int64_t)((uint64_t)n << shift);
	return true;
}

/* Writes one member: 0, or -EINVAL with an error. */
static int put_limit(struct gen *g, const struct limit_option *l, const char *text, struct err *err)
{
	int64_t n;

	if (l->kind == VALUE_LIST) {
		gen_key_string(g, l->member, text);
		return 0;
	}
	if (!parse_number(text, l->kind, &n))
		return err_set(err, EINVAL, "invalid value for --%s: \"%s\" is not a %s", l->name, text,
			l->kind == VALUE_BYTES ? "size" : "number");
	gen_key_integer(g, l->member, n);
	return 0;
}

/* Writes what the single options ask for as linux.resources. 0, or -EINVAL or -ENOMEM with an error. */
static int put_limits(const struct update_options *o, struct buf *out, struct err *err)
{
	const char *section = NULL;
	struct gen g;

	gen_init(&g, out, GEN_COMPACT);
	gen_open_object(&g);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		const char *text = *(const char *const *)(const void *)((const char *)o + limits[i].offset);

		if (!text)
			continue;
		if (!section || strcmp(section, limits[i].section) != 0) {
			if (section)
				gen_close_object(&g);
			section = limits[i].section;
			gen_key_object(&g, section);
		}
		if (put_limit(&g, &limits[i], text, err) < 0)
			return -EINVAL;
	}
	if (section)
		gen_close_object(&g);
	gen_close_object(&g);
	return gen_finish(&g, err);
}

/* Appends what can be read from the file @name, "-" being standard input. 0, or -errno with an error. */
static int read_resources(const char *name, struct buf *out, struct err *err)
{
	bool standard = strcmp(name, "-") == 0;
	autoclose int own = standard ? -1 : open(name, O_RDONLY | O_CLOEXEC);
	char chunk[4096];
	ssize_t n;

	if (!standard && own < 0)
		return err_sys(err, errno, "--resources: \"%s\"", name);
	while ((n = fd_read_full(standard ? STDIN_FILENO : own, chunk, sizeof(chunk))) > 0 && out->len <= SPEC_FILE_MAX)
		buf_put(out, chunk, (size_t)n);
	if (n < 0)
		return err_sys(err, (int)n, "--resources: cannot read \"%s\"", name);
	return buf_error(out) < 0 ? err_sys(err, ENOMEM, "--resources") : 0;
}

/* Reads the limits from wherever the options say, and has them applied. */
static int update(struct call *call, struct err *err)
{
	const struct update_options *o = call->options;
	struct life_notes notes = LIFE_NOTES_INIT;
	autobuf json = BUF_INIT;
	struct settings settings;
	int r = global_settings(&call->global, &settings, err);

	if (r == 0 && (o->l3 || o->membw))
		r = err_set(err, EINVAL,
			"--%s: cache and memory bandwidth of the host's processor cannot be given to a virtual machine's container",
			o->l3 ? "l3-cache-schema" : "mem-bw-schema");
	if (r == 0 && o->kernel_memory)
		log_warning("--kernel-memory: ignored: kernels have no such limit any more");
	if (r == 0)
		r = o->resources ? read_resources(o->resources, &json, err) : put_limits(o, &json, err);
	if (r == 0)
		r = container_update(&settings, call->argv[0], json.data ? json.data : "", json.len, &notes, err);
	notes_say(&notes);
	return r;
}

#define LIMIT_OPTION(field, name, value, help) CLI_STRING_OPTION(struct update_options, field, name, 0, value, help)

static const struct cli_option update_options[] = {
	CLI_STRING_OPTION(struct update_options, resources, "resources", 'r', "FILE",
		"JSON as linux.resources; - is standard input; other options are ignored then"),
	LIMIT_OPTION(blkio_weight, "blkio-weight", "N", "weight of block I/O, 10 to 1000"),
	LIMIT_OPTION(cpu_period, "cpu-period", "US", "period of the CPU quota"),
	LIMIT_OPTION(cpu_quota, "cpu-quota", "US", "CPU time in a period; -1: no limit"),
	LIMIT_OPTION(cpu_burst, "cpu-burst", "US", "CPU time that may be saved up"),
	LIMIT_OPTION(cpu_rt_period, "cpu-rt-period", "US", "period of real-time CPU time (v1)"),
	LIMIT_OPTION(cpu_rt_runtime, "cpu-rt-runtime", "US", "real-time CPU time in it (v1)"),
	LIMIT_OPTION(cpu_share, "cpu-share", "N", "share of CPU time"),
	LIMIT_OPTION(cpuset_cpus, "cpuset-cpus", "LIST", "CPUs of the host"),
	LIMIT_OPTION(cpuset_mems, "cpuset-mems", "LIST", "memory nodes of the host"),
	LIMIT_OPTION(cpu_idle, "cpu-idle", "0|1", "run when nothing else does"),
	LIMIT_OPTION(memory, "memory", "BYTES", "limit of memory, at most what the VM has"),
	LIMIT_OPTION(memory_reservation, "memory-reservation", "BYTES", "memory that is taken last"),
	LIMIT_OPTION(memory_swap, "memory-swap", "BYTES", "limit of memory and swap together; -1: no limit"),
	LIMIT_OPTION(kernel_memory, "kernel-memory", "BYTES", "ignored: kernels have no such limit any more"),
	LIMIT_OPTION(kernel_memory_tcp, "kernel-memory-tcp", "BYTES", "limit of TCP buffers (v1)"),
	LIMIT_OPTION(pids_limit, "pids-limit", "N", "number of processes; -1: no limit"),
	LIMIT_OPTION(l3, "l3-cache-schema", "TEXT", "refused: needs the host's processor"),
	LIMIT_OPTION(membw, "mem-bw-schema", "TEXT", "refused: needs the host's processor"),
	CLI_OPTIONS_END,
};

const struct command command_update = {
	.name = "update",
	.args = "ID",
	.min_args = 1,
	.max_args = 1,
	.help = "change the limits of a container",
	.options = update_options,
	.options_size = sizeof(struct update_options),
	.run = update,
};
