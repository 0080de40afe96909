/* SPDX-License-Identifier: Apache-2.0 */
/* config.json for the agent, the mounts: see translation.h. */
#include "guest/translation.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

/* The export of mount number @mount, or NULL. */
static const struct guest_export *export_of(const struct guest_export_list *exports, size_t mount)
{
	for (size_t i = 0; exports && i < exports->n; i++) {
		if (exports->v[i].mount == mount)
			return &exports->v[i];
	}
	return NULL;
}

/* The relayed socket that is the source of mount number @mount, or NULL. */
static const struct guest_socket *socket_of(const struct guest_export_list *exports, size_t mount)
{
	for (size_t i = 0; exports && i < exports->sockets_len; i++) {
		if (exports->sockets[i].mount == mount && !exports->sockets[i].entry)
			return &exports->sockets[i];
	}
	return NULL;
}

/* Those flags of mount(2) that a mount has, not its file system, as mount_setattr(2) has them. */
static const struct {
	uint32_t flag;
	uint64_t attr;
} mount_attrs[] = {
	{ MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ MS_NODEV, MOUNT_ATTR_NODEV },
	{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
};

#define ATIME_MODES (MS_NOATIME | MS_STRICTATIME | MS_RELATIME)

static uint64_t attrs_of_flags(uint32_t flags)
{
	uint64_t attrs = 0;

	for (size_t i = 0; i < ARRAY_LEN(mount_attrs); i++) {
		if (flags & mount_attrs[i].flag)
			attrs |= mount_attrs[i].attr;
	}
	return attrs;
}

/* Sets the attributes of the mount itself to @flags, and takes back @clear. */
static void put_flags(uint32_t flags, uint32_t clear, struct guest_mount *to)
{
	to->attr_set = attrs_of_flags(flags);
	to->attr_clear = attrs_of_flags(clear);
	/* the modes of access times are one field, not bits */
	if (flags & ATIME_MODES) {
		to->attr_clear |= MOUNT_ATTR__ATIME;
		to->attr_set |= mountopts_atime(flags);
	}
}

/*
 * Sets the attributes of the mount itself, which do not depend on what is mounted; read-only is one of them. Those of a
 * bind of @export (NULL: it is none) have been found out with it.
 */
static void put_attrs(const struct mountopts *o, const struct guest_export *export, struct guest_mount *to)
{
	if (export && !export->inside)
		put_flags(export->flags, ~export->flags, to);
	else if (export && (o->flags_clear || (o->flags & ~(uint32_t)(MS_BIND | MS_REC)))) /* as in mountopts_bind() */
		put_flags(o->flags, ~o->flags & ~(uint32_t)(o->flags & ATIME_MODES ? 0 : MS_NODIRATIME), to);
	else
		put_flags(o->flags, o->flags_clear, to);
	to->rec_attr_set = o->rec_set;
	to->rec_attr_clear = o->rec_clear;
}

/* A bind of what @export names. */
static void put_bind(const struct mountopts *o, const struct guest_export *export, struct guest_mount *to)
{
	bool has_bind = o->flags & MS_BIND;

	to->kind = export->inside   ? GUEST_MOUNT_BIND_INSIDE
		   : export->shared ? GUEST_MOUNT_BIND_SHARED
				    : GUEST_MOUNT_BIND_PRIVATE;
	to->source = export->inside ? export->inside : export->name;
	/* type "bind" without a bind option is recursive */
	to->flags = has_bind ? o->flags & MS_REC : MS_REC;
	to->fstype = "";
	to->data = ""; /* options of a file system mean nothing for a bind; runc ignores them as well */
}

/* A new mount of a file system. */
static void put_fs(const struct mountopts *o, const struct spec_mount *m, struct guest_mount *to)
{
	const char *type = m->type ? m->type : "";

	to->kind = GUEST_MOUNT_FS;
	to->source = m->source ? m->source : type;
	to->flags = o->flags;
	to->fstype = type;
	to->data = o->data ? o->data : "";
	if (strcmp(type, "cgroup") == 0) { /* the guest has cgroup v2, whatever the host has */
		to->fstype = "cgroup2";
		to->data = "";
	}
}

/* A remount. Of a bind only the mount's own flags can be changed, not the file system's. */
static void put_remount(const struct mountopts *o, struct guest_mount *to)
{
	bool has_bind = o->flags & MS_BIND;

	to->kind = GUEST_MOUNT_REMOUNT;
	to->source = "";
	to->flags = has_bind ? 0 : o->flags;
	to->fstype = "";
	to->data = o->data && !has_bind ? o->data : "";
}

/* Fills @to from mount number @i, whose options are parsed in @o. 0 or -errno with @err set. */
static int put_mount(const struct spec *spec, size_t i, const struct mountopts *o,
	const struct guest_export_list *exports, struct guest_mount *to, struct err *err)
{
	const struct spec_mount *m = &spec->mounts.v[i];
	const struct guest_export *export = export_of(exports, i);

	to->destination = m->destination;
	if (export) {
		put_bind(o, export, to);
		if (socket_of(exports, i)) /* in the place of the file, which has its name */
			to->kind = GUEST_MOUNT_BIND_RELAY;
	} else if (o->flags & MS_REMOUNT)
		put_remount(o, to);
	else if (o->flags & MS_BIND)
		return err_set(err, EINVAL, "mounts[%zu].source: not exported to the VM", i);
	else if (!m->type || !*m->type)
		return err_set(err, EINVAL, "mounts[%zu].type: missing", i);
	else
		put_fs(o, m, to);
	put_attrs(o, export, to);
	to->propagation.at = (uint32_t *)(uintptr_t)o->propagation; /* owned by the mountopts; not changed */
	to->propagation.len = (uint32_t)o->n_propagation;
	to->tmpcopyup = o->tmpcopyup;
	return 0;
}

/*
 * Mounts the relays of sockets in directories, with the options of their directories, over what the directories have of
 * those names. They come last: no other mount is in the way, which sockets_find() has made sure of.
 */
static void put_entries(const struct spec *spec, const struct guest_export_list *exports, struct guest_translation *t)
{
	struct guest_mounts *to = &t->container.mounts;
	uint32_t n = (uint32_t)spec->mounts.n;

	for (size_t i = 0; exports && i < exports->sockets_len; i++) {
		const struct guest_socket *s = &exports->sockets[i];

		if (!s->entry)
			continue;
		to->at[n] = (struct guest_mount){ .kind = GUEST_MOUNT_BIND_ENTRY,
			.source = s->relay.name,
			.destination = s->destination,
			.fstype = "",
			.data = "" };
		if (s->mount == SOCKET_NO_MOUNT)
			to->at[n].kind = GUEST_MOUNT_BIND_RELAY;
		else
			put_attrs(&t->mountopts[s->mount], export_of(exports, s->mount), &to->at[n]);
		n++;
	}
	to->len = n;
}

/* Lists the relays. 0 or -errno with @err set. */
static int put_relays(const struct guest_export_list *exports, struct guest_relays *to, struct err *err)
{
	int r = translation_array(exports ? exports->sockets_len : 0, PROTO_RELAYS_MAX, sizeof(*to->at), "mounts",
		&to->at, &to->len, err);

	for (uint32_t i = 0; r == 0 && i < to->len; i++)
		to->at[i] = exports->sockets[i].relay;
	return r;
}

int guest_translation_put_mode(struct guest_translation *t, size_t mount, unsigned int mode)
{
	struct mountopts *o = &t->mountopts[mount];
	char *data;

	if (asprintf(&data, "mode=%o%s%s", mode, o->data ? "," : "", o->data ? o->data : "") < 0)
		return -ENOMEM;
	free(o->data);
	o->data = data;
	t->container.mounts.at[mount].data = data;
	return 0;
}

void guest_translation_show(struct guest_translation *t, size_t mount)
{
	t->container.mounts.at[mount].shown = true;
}

int translate_mounts(
	const struct spec *spec, const struct guest_export_list *exports, struct guest_translation *t, struct err *err)
{
	struct guest_mounts *to = &t->container.mounts;
	int r = translation_array(spec->mounts.n + (exports ? exports->sockets_len : 0), PROTO_MOUNTS_MAX,
		sizeof(*to->at), "mounts", &to->at, &to->len, err);

	if (r == 0)
		r = put_relays(exports, &t->container.relays, err);
	if (r < 0)
		return r;
	t->mountopts = calloc(spec->mounts.n + 1, sizeof(*t->mountopts));
	if (!t->mountopts)
		return err_sys(err, ENOMEM, "mounts");
	for (size_t i = 0; i < spec->mounts.n; i++) {
		const struct spec_mount *m = &spec->mounts.v[i];

		r = mountopts_parse(m->options.v, m->options.n, &t->mountopts[i], err);
		if (r < 0)
			return err_prefix(err, "mounts[%zu].options", i);
		t->n_mountopts = i + 1;
		r = put_mount(spec, i, &t->mountopts[i], exports, &to->at[i], err);
		if (r < 0)
			return r;
		if (export_of(exports, i) && strcmp(m->destination, "/dev") == 0)
			t->container.no_devices = true;
	}
	put_entries(spec, exports, t);
	return 0;
}
