/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties of a transient unit: see systemd_props.h.
 *
 * systemd must be told each limit that it has a property for, although limit.c writes the files as well: systemd writes
 * them again from its own knowledge whenever it looks at the unit anew (daemon-reload, a change in the same slice).
 */
#include "config.h"

#ifdef HAVE_LIBSYSTEMD

#include "cgroup/systemd_props.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cpulist.h"
#include "base/fd.h"
#include "cgroup/devices.h"
#include "cgroup/unitname.h"
#include "cgroup/gvariant.h"

/* The first versions of systemd that have a property. */
#define VERSION_QUOTA_PERIOD 242
#define VERSION_ALLOWED_CPUS 244
#define VERSION_IDLE_WEIGHT 252

#define QUOTA_PERIOD_DEFAULT_US 100000u
#define SECOND_US 1000000u
/*
 * systemd counts CPU time in whole percents of a second. We round up: a quota below the container's would throttle it.
 */
#define QUOTA_GRAIN_US 10000u

#define ANNOTATION_PREFIX "org.systemd.property."

#define DEVICE_NODE_MAX 64 /* "/dev/block/" and two numbers */

/* Each put_NAME() below appends properties "(sv)" to the array in @m. It returns >= 0, or an error of sd-bus. */

static int put_u64(sd_bus_message *m, const char *name, uint64_t v)
{
	return sd_bus_message_append(m, "(sv)", name, "t", v);
}

/* systemd's "infinity" is the same number as our CGROUP_NO_LIMIT. */
static int put_limit(sd_bus_message *m, const char *name, const struct opt_u64 *v)
{
	return v->set ? put_u64(m, name, v->v) : 0;
}

static int put_bool(sd_bus_message *m, const char *name, bool v)
{
	return sd_bus_message_append(m, "(sv)", name, "b", (int)v);
}

/* What makes the unit ours, but for its limits. */
static int put_identity(sd_bus_message *m, const struct systemd_unit *u, bool is_slice)
{
	static const char *const accounting[] = { "MemoryAccounting", "CPUAccounting", "TasksAccounting" };
	int r = sd_bus_message_append(m, "(sv)", "Description", "s", u->description);

	if (r >= 0 && is_slice)
		r = sd_bus_message_append(m, "(sv)", "Wants", "as", 1, u->slice);
	else if (r >= 0)
		r = sd_bus_message_append(m, "(sv)(sv)(sv)", "Slice", "s", u->slice, "Delegate", "b", 1, "PIDs", "au",
			1, (uint32_t)u->pid);
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(accounting); i++)
		r = put_bool(m, accounting[i], true);
	if (r >= 0)
		r = put_bool(m, u->v2 ? "IOAccounting" : "BlockIOAccounting", true);
	/* with the defaults, the unit would wait for targets at its start and be stopped early in a shutdown */
	return r < 0 ? r : put_bool(m, "DefaultDependencies", false);
}

/* Limits of memory: in v1 systemd has a property for one of them only. */
static int put_memory(sd_bus_message *m, const struct systemd_unit *u)
{
	const struct cgroup_values *v = u->values;
	int r;

	if (!u->v2)
		return put_limit(m, "MemoryLimit", &v->memory);
	r = put_limit(m, "MemoryMax", &v->memory);
	if (r >= 0)
		r = put_limit(m, "MemoryHigh", &v->memory_high);
	if (r >= 0)
		r = put_limit(m, "MemoryLow", &v->memory_low);
	if (r >= 0)
		r = put_limit(m, "MemoryMin", &v->memory_min);
	return r < 0 ? r : put_limit(m, "MemorySwapMax", &v->swap);
}

/* The CPU time per second, in microseconds, that @v allows; CGROUP_NO_LIMIT: any. */
static uint64_t quota_per_second(const struct cgroup_values *v)
{
	uint64_t period = v->period.set ? v->period.v : QUOTA_PERIOD_DEFAULT_US, n;

	if (!v->quota.set || v->quota.v == CGROUP_NO_LIMIT || v->quota.v > UINT64_MAX / SECOND_US)
		return CGROUP_NO_LIMIT;
	n = v->quota.v * SECOND_US / period;
	return (n + QUOTA_GRAIN_US - 1) / QUOTA_GRAIN_US * QUOTA_GRAIN_US;
}

/* CPU weight and CPU time. */
static int put_cpu(sd_bus_message *m, const struct systemd_unit *u, unsigned int version)
{
	const struct cgroup_values *v = u->values;
	bool idle = v->idle.set && v->idle.v && u->v2 && version >= VERSION_IDLE_WEIGHT;
	int r = 0;

	if (idle) /* a weight of 0 is how systemd says cpu.idle */
		r = put_u64(m, "CPUWeight", 0);
	else if (u->v2)
		r = put_limit(m, "CPUWeight", &v->weight);
	else
		r = put_limit(m, "CPUShares", &v->shares);
	if (r >= 0 && v->period.set && version >= VERSION_QUOTA_PERIOD)
		r = put_u64(m, "CPUQuotaPeriodUSec", v->period.v);
	if (r >= 0 && (v->quota.set || v->period.set))
		r = put_u64(m, "CPUQuotaPerSecUSec", quota_per_second(v));
	return r;
}

/* A list of CPUs or memory nodes. systemd wants a bitmap, lowest byte first, without zeros at its end. */
static int put_list(sd_bus_message *m, const char *name, const char *text)
{
	uint8_t bytes[CPULIST_BITS / 8] = { 0 };
	struct cpulist list;
	size_t len = 0;
	int r;

	if (!text)
		return 0;
	if (cpulist_parse(text, &list) < 0) /* from `unified`: the kernel will say what is wrong with it */
		return 0;
	for (unsigned int i = 0; i < CPULIST_BITS; i++) {
		if (cpulist_has(&list, i)) {
			bytes[i / 8] |= (uint8_t)(1u << (i % 8));
			len = i / 8 + 1;
		}
	}
	r = sd_bus_message_open_container(m, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", name);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "ay");
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', bytes, len);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

/* --- devices (v1) --- */

/*
 * Writes to @name the name that /proc/devices has for all devices of @major, such as "pts". Returns false if there is
 * none.
 */
static bool major_name(char type, int64_t major, char *name, size_t len)
{
	const char *head = type == 'b' ? "Block devices:" : "Character devices:";
	autofree char *text = NULL;
	char *save = NULL, *section;
	long long n;
	int used;

	if (fd_read_file(AT_FDCWD, "/proc/devices", 64 * KIB, &text, NULL) < 0)
		return false;
	section = strstr(text, head);
	section = section ? strchr(section, '\n') : NULL;
	for (char *line = section ? strtok_r(section, "\n", &save) : NULL; line && !strchr(line, ':');
		line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%lld %n", &n, &used) == 1 && n == major)
			return snprintf(name, len, "%s", line + used) < (int)len;
	}
	return false;
}

/*
 * One entry of DeviceAllow. systemd names one device by its path below /dev, or all devices of a name or type. Any
 * other rule cannot be expressed as an entry, and is left out: limit.c writes it to the cgroup's file.
 */
static int put_device(sd_bus_message *m, const struct spec_device_rule *rule, char type)
{
	const char *kind = type == 'b' ? "block" : "char";
	char node[DEVICE_NODE_MAX], name[DEVICE_NODE_MAX / 2], access[4];

	(void)snprintf(access, sizeof(access), "%s%s%s", rule->access & SPEC_DEVICE_READ ? "r" : "",
		rule->access & SPEC_DEVICE_WRITE ? "w" : "", rule->access & SPEC_DEVICE_MKNOD ? "m" : "");
	if (rule->major.set && rule->major.v >= 0 && rule->minor.set && rule->minor.v >= 0)
		(void)snprintf(node, sizeof(node), "/dev/%s/%lld:%lld", kind, (long long)rule->major.v,
			(long long)rule->minor.v);
	else if (!(rule->major.set && rule->major.v >= 0))
		(void)snprintf(node, sizeof(node), "%s-*", kind);
	else if (!(rule->minor.set && rule->minor.v >= 0) && major_name(type, rule->major.v, name, sizeof(name)))
		(void)snprintf(node, sizeof(node), "%s-%s", kind, name);
	else
		return 0;
	return sd_bus_message_append(m, "(ss)", node, access);
}

/* Entries of DeviceAllow for those of the @n @rules that allow something. */
static int put_device_list(sd_bus_message *m, const struct spec_device_rule *rules, size_t n)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct spec_device_rule *rule = &rules[i];

		if (rule->allow && rule->type != 'b')
			r = put_device(m, rule, 'c');
		if (r >= 0 && rule->allow && rule->type != 'c')
			r = put_device(m, rule, 'b');
	}
	return r;
}

/* DevicePolicy and DeviceAllow, which exist for v1. */
static int put_devices(sd_bus_message *m, const struct spec_device_rules *rules)
{
	size_t n_own;
	const struct spec_device_rule *own = cgroup_devices_own(&n_own);
	size_t first = 0;
	bool denied = false;
	int r;

	for (size_t i = 0; i < rules->n; i++) { /* a rule for all devices overrides those before it */
		const struct spec_device_rule *rule = &rules->v[i];

		if (rule->type == 'a' && !rule->major.set && !rule->minor.set && rule->access == 7) {
			first = i + 1;
			denied = !rule->allow;
		}
	}
	if (!denied) /* systemd can only list what is allowed, not what is denied */
		return sd_bus_message_append(m, "(sv)", "DevicePolicy", "s", "auto");
	r = sd_bus_message_append(m, "(sv)", "DevicePolicy", "s", "strict");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", "DeviceAllow");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "a(ss)");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "(ss)");
	if (r >= 0)
		r = put_device_list(m, rules->v + first, rules->n - first);
	if (r >= 0)
		r = put_device_list(m, own, n_own);
	for (int i = 0; r >= 0 && i < 3; i++)
		r = sd_bus_message_close_container(m);
	return r;
}

/* --- annotations --- */

/* The properties that annotations name. Returns 0, or -errno with an error. */
static int put_annotations(sd_bus_message *m, const struct spec_map *annotations, struct err *err)
{
	for (size_t i = 0; annotations && i < annotations->n; i++) {
		const char *key = annotations->v[i].key;
		int r;

		if (strncmp(key, ANNOTATION_PREFIX, strlen(ANNOTATION_PREFIX)) != 0)
			continue;
		r = gvariant_append_property(m, key + strlen(ANNOTATION_PREFIX), annotations->v[i].value);
		if (r < 0)
			return err_sys(err, r, "annotation \"%s\": \"%s\" is not a value of a systemd property", key,
				annotations->v[i].value);
	}
	return 0;
}

/* The limits, but for those of devices. */
static int put_limits(sd_bus_message *m, const struct systemd_unit *u, unsigned int version)
{
	int r = put_memory(m, u);

	if (r >= 0)
		r = put_cpu(m, u, version);
	if (r >= 0)
		r = put_limit(m, "TasksMax", &u->values->pids);
	if (r >= 0 && u->v2 && version >= VERSION_ALLOWED_CPUS)
		r = put_list(m, "AllowedCPUs", u->values->cpus);
	if (r >= 0 && u->v2 && version >= VERSION_ALLOWED_CPUS)
		r = put_list(m, "AllowedMemoryNodes", u->values->mems);
	return r;
}

int systemd_props_append_limits(sd_bus_message *m, const struct systemd_unit *u, unsigned int version, struct err *err)
{
	int r = sd_bus_message_open_container(m, 'a', "(sv)");

	if (r >= 0)
		r = put_limits(m, u, version);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? err_sys(err, r, "systemd: the properties of \"%s\"", u->name) : 0;
}

int systemd_props_append(sd_bus_message *m, const struct systemd_unit *u, unsigned int version, struct err *err)
{
	int r = sd_bus_message_open_container(m, 'a', "(sv)"), r_annotations = 0;

	if (r >= 0)
		r = put_identity(m, u, unitname_is_slice(u->name));
	if (r >= 0)
		r = put_limits(m, u, version);
	if (r >= 0 && !u->v2 && u->devices && u->devices->n)
		r = put_devices(m, u->devices);
	if (r >= 0)
		r_annotations = put_annotations(m, u->annotations, err);
	if (r_annotations < 0)
		return r_annotations;
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? err_sys(err, r, "systemd: the properties of \"%s\"", u->name) : 0;
}

#endif
