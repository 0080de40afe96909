/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for what a config means, outside of `linux`: see validate.h. */
#include "spec/validate.h"

#include <errno.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "spec/mountopt.h"

/* The kernel's NGROUPS_MAX: setgroups(2) takes no more groups. */
#define GROUPS_MAX 65536
/* The kernel's __NEW_UTS_LEN. */
#define UTS_NAME_MAX 64
/* The spec lists this policy; the kernel has reserved its number and never implemented it. */
#define SCHED_ISO_NR 4

/* --- process --- */

/* No resource comes twice, and no soft limit is above its hard limit. */
static int validate_rlimits(struct validation *v, const struct spec_rlimits *rlimits)
{
	for (size_t i = 0; i < rlimits->n; i++) {
		const struct spec_rlimit *r = &rlimits->v[i];
		const char *name = spec_name_of(spec_rlimit_names, (uint32_t)r->resource);

		for (size_t k = 0; k < i; k++)
			if (rlimits->v[k].resource == r->resource)
				return rules_bad(
					v, rules_at(v, "process.rlimits[%zu].type", i), "%s is given twice", name);
		if (r->soft > r->hard)
			return rules_bad(v, rules_at(v, "process.rlimits[%zu].soft", i),
				"%s: %llu is above the hard limit %llu", name, (unsigned long long)r->soft,
				(unsigned long long)r->hard);
	}
	return 0;
}

/* The values belong to the policy (sched_setattr(2)). */
static int validate_scheduler(struct validation *v, const struct spec_scheduler *s)
{
	bool realtime, deadline;

	if (!s)
		return 0;
	realtime = s->policy == SCHED_FIFO || s->policy == SCHED_RR;
	deadline = s->policy == SCHED_DEADLINE;
	if (s->policy == SCHED_ISO_NR)
		return rules_bad(v, "process.scheduler.policy", "Linux has no SCHED_ISO");
	if (s->priority && !realtime)
		return rules_bad(v, "process.scheduler.priority", "only for SCHED_FIFO and SCHED_RR");
	if (realtime && !s->priority)
		return rules_bad(v, "process.scheduler.priority", "must be 1 to 99 with this policy");
	if ((s->runtime || s->deadline || s->period) && !deadline)
		return rules_bad(v, "process.scheduler", "runtime, deadline and period are only for SCHED_DEADLINE");
	return 0;
}

/* Ambient capabilities must be permitted and inheritable too: the others are dropped, with a warning. */
static void validate_ambient(struct validation *v, struct spec_capabilities *c)
{
	if (!c || !(c->ambient & ~(c->permitted & c->inheritable)))
		return;
	rules_warn(v, "process.capabilities.ambient",
		"those not also permitted and inheritable cannot be ambient, ignored");
	c->ambient &= c->permitted & c->inheritable;
}

/*
 * Leaves one entry for each name: of several, the last one stays, in its place, as with runc. With all of them, it
 * would be up to the program which value it takes.
 */
static int validate_env(struct validation *v, struct spec_strv *env)
{
	size_t n = 0;

	for (size_t i = 0; i < env->n; i++) {
		size_t name = strcspn(env->v[i], "=");
		bool again = false;

		if (name == 0)
			return rules_bad(v, rules_at(v, "process.env[%zu]", i), "\"%s\" has no name", env->v[i]);
		if (!env->v[i][name])
			rules_warn(v, rules_at(v, "process.env[%zu]", i), "\"%s\" has no '='", env->v[i]);
		for (size_t k = i + 1; k < env->n && !again && env->v[i][name]; k++)
			again = strncmp(env->v[k], env->v[i], name + 1) == 0;
		if (!again)
			env->v[n++] = env->v[i];
	}
	if (env->v)
		env->v[n] = NULL;
	env->n = n;
	return 0;
}

/* The rules of `process` (config.md, "Process"). */
static int validate_process(struct validation *v)
{
	struct spec_process *p = v->spec->process;
	int rc;

	if (!p->args.n)
		return rules_bad(v, "process.args", "names no program");
	rc = rules_absolute(v, "process.cwd", p->cwd);
	if (!rc)
		rc = validate_rlimits(v, &p->rlimits);
	if (!rc)
		rc = validate_scheduler(v, p->scheduler);
	if (!rc && p->exec_cpu_affinity)
		rc = rules_list(v, "process.execCPUAffinity.initial", p->exec_cpu_affinity->initial);
	if (!rc && p->exec_cpu_affinity)
		rc = rules_list(v, "process.execCPUAffinity.final", p->exec_cpu_affinity->final);
	if (!rc && p->user.additional_gids.n > GROUPS_MAX)
		rc = rules_bad(v, "process.user.additionalGids", "more than %d groups", GROUPS_MAX);
	if (rc < 0)
		return rc;
	rc = validate_env(v, &p->env);
	if (rc < 0)
		return rc;
	validate_ambient(v, p->capabilities);
	rules_drop_empty(&p->apparmor_profile);
	rules_drop_empty(&p->selinux_label);
	return 0;
}

/* --- mounts --- */

/* Makes the destination of mount @i absolute. */
static int validate_destination(struct validation *v, size_t i, struct spec_mount *m)
{
	const char *path = rules_at(v, "mounts[%zu].destination", i);
	char *absolute;

	if (*m->destination == '/')
		return 0;
	if (!*m->destination)
		return rules_bad(v, path, "empty");
	rules_warn(v, path, "\"%s\" is relative (deprecated), taken as /%s", m->destination, m->destination);
	absolute = arena_alloc(v->d->arena, strlen(m->destination) + 2);
	if (!absolute)
		return decode_oom(v->d);
	*absolute = '/';
	memcpy(absolute + 1, m->destination, strlen(m->destination));
	m->destination = absolute;
	return 0;
}

/* Whether @path names the root whatever is in it: it is made of slashes, "." and ".." alone. */
static bool is_root(const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len > 2 || strncmp(path, "..", len) != 0)
			return false;
		path += len + (path[len] == '/');
	}
	return true;
}

static bool user_namespace_listed(const struct spec *s)
{
	return spec_namespace_find(s, SPEC_NS_USER);
}

/* Checks the ID mappings of mount @i against its options: only binds can be mapped. */
static int validate_mount_mappings(
	struct validation *v, size_t i, const struct spec_mount *m, const struct mountopts *o, bool bind)
{
	bool mapped = m->uid_mappings.n || m->gid_mappings.n;
	char path[RULES_PATH_MAX];
	int rc;

	(void)snprintf(path, sizeof(path), "mounts[%zu]", i);
	if (!m->uid_mappings.n != !m->gid_mappings.n)
		return rules_bad(v, path, "uidMappings and gidMappings come together or not at all");
	if ((mapped || o->idmap != MOUNTOPT_IDMAP_NONE) && !bind)
		return rules_bad(v, path, "only bind mounts can have id mappings");
	if (o->idmap != MOUNTOPT_IDMAP_NONE && !mapped && !user_namespace_listed(v->spec))
		return rules_bad(
			v, rules_at(v, "mounts[%zu].options", i), "idmap without mappings needs a user namespace");
	rc = rules_idmaps(v, rules_at(v, "mounts[%zu].uidMappings", i), &m->uid_mappings);
	if (!rc)
		rc = rules_idmaps(v, rules_at(v, "mounts[%zu].gidMappings", i), &m->gid_mappings);
	return rc;
}

/* What is behind the first option of @data (NULL: none), separated by commas, that begins with @word; NULL: none does. */
static const char *behind(const char *data, const char *word)
{
	const size_t len = strlen(word);

	while (data && strncmp(data, word, len) != 0) {
		data = strchr(data, ',');
		data = data ? data + 1 : NULL;
	}
	return data ? data + len : NULL;
}

static bool is_mapped(const struct spec_idmaps *maps, unsigned long id)
{
	for (size_t i = 0; i < maps->n; i++)
		if (id >= maps->v[i].container_id && id - maps->v[i].container_id < maps->v[i].size)
			return true;
	return maps->n == 0;
}

/* Checks that the owner which the option @word ("uid=" or "gid=") in @data gives to the files of mount @i is one of @maps. */
static int validate_owner(
	struct validation *v, size_t i, const char *data, const char *word, const struct spec_idmaps *maps)
{
	const char *value = behind(data, word);
	char *end;
	unsigned long id;

	if (!value)
		return 0;
	id = strtoul(value, &end, 10);
	if (end == value || is_mapped(maps, id))
		return 0;
	return rules_bad(
		v, rules_at(v, "mounts[%zu].options", i), "\"%s%lu\" is not in linux.%.3sMappings", word, id, word);
}

/*
 * The owners of a new file system are ids of the container, for which the kernel has no words. Of a user namespace by path
 * the mappings are its own, whatever the config says.
 */
static int validate_owners(struct validation *v, size_t i, const struct spec_mount *m, const char *data)
{
	const struct spec_namespace *user = spec_namespace_find(v->spec, SPEC_NS_USER);
	const struct spec_linux *l = v->spec->linux_;
	int rc;

	if (!user || user->path || !data || !m->type ||
		(strcmp(m->type, "tmpfs") != 0 && strcmp(m->type, "devpts") != 0))
		return 0;
	rc = validate_owner(v, i, data, "uid=", &l->uid_mappings);
	return rc ? rc : validate_owner(v, i, data, "gid=", &l->gid_mappings);
}

/* The rules of mount @i (config.md, "Mounts"). */
static int validate_mount(struct validation *v, size_t i, struct spec_mount *m)
{
	struct mountopts o;
	struct err err = ERR_INIT;
	bool bind;
	int rc = validate_destination(v, i, m);

	if (rc < 0)
		return rc;
	rules_drop_empty(&m->type);
	rules_drop_empty(&m->source);
	if (mountopts_parse(m->options.v, m->options.n, &o, &err) < 0)
		return rules_bad(v, rules_at(v, "mounts[%zu].options", i), "%s", err.msg);
	bind = (o.flags & MS_BIND) || (m->type && strcmp(m->type, "bind") == 0);
	if (o.data && (bind || (m->type && strcmp(m->type, "cgroup") == 0)))
		rules_warn(v, rules_at(v, "mounts[%zu].options", i), "\"%s\" means nothing on a %s mount, ignored",
			o.data, bind ? "bind" : "cgroup");
	if (is_root(m->destination) && !(o.flags & MS_REMOUNT))
		rc = rules_bad(v, rules_at(v, "mounts[%zu].destination", i),
			"\"%s\" is the root itself: what is to be there is root.path", m->destination);
	else if (bind && !m->source && !(o.flags & MS_REMOUNT))
		rc = rules_bad(v, rules_at(v, "mounts[%zu].source", i), "missing for a bind mount");
	else if (!bind && !m->type && !(o.flags & MS_REMOUNT))
		rc = rules_bad(v, rules_at(v, "mounts[%zu].type", i), "missing, and the mount is no bind mount");
	else if (m->type && strcmp(m->type, "overlay") == 0 && !behind(o.data, "lowerdir"))
		rc = rules_bad(v, rules_at(v, "mounts[%zu].options", i), "an overlay needs lowerdir=DIRECTORIES");
	else
		rc = validate_mount_mappings(v, i, m, &o, bind);
	if (!rc && !bind)
		rc = validate_owners(v, i, m, o.data);
	mountopts_done(&o);
	return rc;
}

/* --- hooks --- */

static int validate_hook_list(struct validation *v, const char *name, const struct spec_hook_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		int rc = rules_absolute(v, rules_at(v, "hooks.%s[%zu].path", name, i), list->v[i].path);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* All hooks are named by an absolute path (config.md, "POSIX-platform Hooks"). */
static int validate_hooks(struct validation *v, const struct spec_hooks *h)
{
	const struct {
		const char *name;
		const struct spec_hook_list *list;
	} lists[] = {
		{ "prestart", &h->prestart },
		{ "createRuntime", &h->create_runtime },
		{ "createContainer", &h->create_container },
		{ "startContainer", &h->start_container },
		{ "poststart", &h->poststart },
		{ "poststop", &h->poststop },
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(lists); i++)
		rc = validate_hook_list(v, lists[i].name, lists[i].list);
	return rc;
}

/* --- vm --- */

static int validate_vm(struct validation *v, const struct spec_vm *vm)
{
	int rc = 0;

	if (vm->hypervisor)
		rc = rules_absolute(v, "vm.hypervisor.path", vm->hypervisor->path);
	if (!rc && vm->kernel)
		rc = rules_absolute(v, "vm.kernel.path", vm->kernel->path);
	if (!rc && vm->kernel)
		rc = rules_absolute(v, "vm.kernel.initrd", vm->kernel->initrd);
	if (!rc && vm->image)
		rc = rules_absolute(v, "vm.image.path", vm->image->path);
	return rc;
}

/* --- the whole --- */

/* The place behind the digits at @p; NULL if there are none. */
static const char *skip_digits(const char *p)
{
	size_t n = strspn(p, "0123456789");

	return n ? p + n : NULL;
}

/* The version is one of SemVer, "MAJOR.MINOR.PATCH[-pre][+build]". Any 1.x will do: the spec keeps them compatible. */
static int validate_version(struct validation *v, const char *version)
{
	const char *end = skip_digits(version);

	for (int i = 0; end && i < 2; i++)
		end = *end == '.' ? skip_digits(end + 1) : NULL;
	if (!end || !strchr("-+", *end))
		return rules_bad(v, "ociVersion", "\"%s\" is not a version like \"1.2.0\"", version);
	if (strncmp(version, "1.", 2) != 0)
		return rules_bad(v, "ociVersion", "version %s is not supported, 1.x is", version);
	return 0;
}

static int validate_uts_name(struct validation *v, const char *path, const char *name)
{
	if (!name)
		return 0;
	if (strlen(name) > UTS_NAME_MAX)
		return rules_bad(v, path, "longer than %d bytes", UTS_NAME_MAX);
	if (!spec_namespace_find(v->spec, SPEC_NS_UTS))
		rules_warn(v, path, "no uts namespace is listed: set for the whole VM, not on the host");
	return 0;
}

int validate_config(struct decode *d, const struct json *root, struct spec *spec)
{
	struct validation v = { .d = d, .root = root, .spec = spec };
	int rc = validate_version(&v, spec->oci_version);

	if (!rc && !*spec->root->path)
		rc = rules_bad(&v, "root.path", "empty");
	if (!rc && spec->linux_)
		rc = validate_linux(&v);
	rules_drop_empty(&spec->hostname);
	rules_drop_empty(&spec->domainname);
	if (!rc)
		rc = validate_uts_name(&v, "hostname", spec->hostname);
	if (!rc)
		rc = validate_uts_name(&v, "domainname", spec->domainname);
	if (!rc && spec->process)
		rc = validate_process(&v);
	for (size_t i = 0; !rc && i < spec->mounts.n; i++)
		rc = validate_mount(&v, i, &spec->mounts.v[i]);
	if (!rc && spec->hooks)
		rc = validate_hooks(&v, spec->hooks);
	if (!rc && spec->vm)
		rc = validate_vm(&v, spec->vm);
	return rc;
}

int validate_process_only(struct decode *d, const struct json *root, struct spec *spec)
{
	struct validation v = { .d = d, .root = root, .spec = spec };

	return validate_process(&v);
}

int validate_resources_only(struct decode *d, const struct json *root, struct spec *spec)
{
	struct validation v = { .d = d, .root = root, .spec = spec };

	return validate_resources(&v);
}
