/* SPDX-License-Identifier: Apache-2.0 */
/* Mount options: see mountopt.h. */
#include "spec/mountopt.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "base/buf.h"

/* Some kernel headers are older than these; the numbers are the kernel's ABI. */
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

enum mountopt_kind {
	OPT_SET,         /* the value, MS_*, is set in flags */
	OPT_CLEAR,       /* the value, MS_*, is taken out of flags */
	OPT_PROPAGATION, /* the value, MS_*, is appended to the list of propagations */
	OPT_REC_SET,     /* the value, MOUNT_ATTR_*, is set for the whole tree of mounts */
	OPT_REC_CLEAR,   /* the value, MOUNT_ATTR_*, is cleared for the whole tree */
	OPT_COPYUP,
	OPT_IDMAP, /* the value is an enum mountopt_idmap */
};

struct mountopt {
	const char *name;
	enum mountopt_kind kind;
	uint32_t value;
};

/* Sorted by name, for bsearch(). */
static const struct mountopt mountopt_table[] = {
	{ "acl", OPT_SET, MS_POSIXACL },
	{ "async", OPT_CLEAR, MS_SYNCHRONOUS },
	{ "atime", OPT_CLEAR, MS_NOATIME },
	{ "bind", OPT_SET, MS_BIND },
	{ "defaults", OPT_SET, 0 },
	{ "dev", OPT_CLEAR, MS_NODEV },
	{ "diratime", OPT_CLEAR, MS_NODIRATIME },
	{ "dirsync", OPT_SET, MS_DIRSYNC },
	{ "exec", OPT_CLEAR, MS_NOEXEC },
	{ "idmap", OPT_IDMAP, MOUNTOPT_IDMAP },
	{ "iversion", OPT_SET, MS_I_VERSION },
	{ "lazytime", OPT_SET, MS_LAZYTIME },
	{ "loud", OPT_CLEAR, MS_SILENT },
	{ "mand", OPT_SET, MS_MANDLOCK },
	{ "noacl", OPT_CLEAR, MS_POSIXACL },
	{ "noatime", OPT_SET, MS_NOATIME },
	{ "nodev", OPT_SET, MS_NODEV },
	{ "nodiratime", OPT_SET, MS_NODIRATIME },
	{ "noexec", OPT_SET, MS_NOEXEC },
	{ "noiversion", OPT_CLEAR, MS_I_VERSION },
	{ "nolazytime", OPT_CLEAR, MS_LAZYTIME },
	{ "nomand", OPT_CLEAR, MS_MANDLOCK },
	{ "norelatime", OPT_CLEAR, MS_RELATIME },
	{ "nostrictatime", OPT_CLEAR, MS_STRICTATIME },
	{ "nosuid", OPT_SET, MS_NOSUID },
	{ "nosymfollow", OPT_SET, MS_NOSYMFOLLOW },
	{ "private", OPT_PROPAGATION, MS_PRIVATE },
	{ "ratime", OPT_REC_CLEAR, MOUNT_ATTR_NOATIME },
	{ "rbind", OPT_SET, MS_BIND | MS_REC },
	{ "rdev", OPT_REC_CLEAR, MOUNT_ATTR_NODEV },
	{ "rdiratime", OPT_REC_CLEAR, MOUNT_ATTR_NODIRATIME },
	{ "relatime", OPT_SET, MS_RELATIME },
	{ "remount", OPT_SET, MS_REMOUNT },
	{ "rexec", OPT_REC_CLEAR, MOUNT_ATTR_NOEXEC },
	{ "ridmap", OPT_IDMAP, MOUNTOPT_RIDMAP },
	{ "rnoatime", OPT_REC_SET, MOUNT_ATTR_NOATIME },
	{ "rnodev", OPT_REC_SET, MOUNT_ATTR_NODEV },
	{ "rnodiratime", OPT_REC_SET, MOUNT_ATTR_NODIRATIME },
	{ "rnoexec", OPT_REC_SET, MOUNT_ATTR_NOEXEC },
	{ "rnorelatime", OPT_REC_CLEAR, MOUNT_ATTR_RELATIME },
	{ "rnostrictatime", OPT_REC_CLEAR, MOUNT_ATTR_STRICTATIME },
	{ "rnosuid", OPT_REC_SET, MOUNT_ATTR_NOSUID },
	{ "rnosymfollow", OPT_REC_SET, MOUNT_ATTR_NOSYMFOLLOW },
	{ "ro", OPT_SET, MS_RDONLY },
	{ "rprivate", OPT_PROPAGATION, MS_PRIVATE | MS_REC },
	{ "rrelatime", OPT_REC_SET, MOUNT_ATTR_RELATIME },
	{ "rro", OPT_REC_SET, MOUNT_ATTR_RDONLY },
	{ "rrw", OPT_REC_CLEAR, MOUNT_ATTR_RDONLY },
	{ "rshared", OPT_PROPAGATION, MS_SHARED | MS_REC },
	{ "rslave", OPT_PROPAGATION, MS_SLAVE | MS_REC },
	{ "rstrictatime", OPT_REC_SET, MOUNT_ATTR_STRICTATIME },
	{ "rsuid", OPT_REC_CLEAR, MOUNT_ATTR_NOSUID },
	{ "rsymfollow", OPT_REC_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "runbindable", OPT_PROPAGATION, MS_UNBINDABLE | MS_REC },
	{ "rw", OPT_CLEAR, MS_RDONLY },
	{ "shared", OPT_PROPAGATION, MS_SHARED },
	{ "silent", OPT_SET, MS_SILENT },
	{ "slave", OPT_PROPAGATION, MS_SLAVE },
	{ "strictatime", OPT_SET, MS_STRICTATIME },
	{ "suid", OPT_CLEAR, MS_NOSUID },
	{ "symfollow", OPT_CLEAR, MS_NOSYMFOLLOW },
	{ "sync", OPT_SET, MS_SYNCHRONOUS },
	{ "tmpcopyup", OPT_COPYUP, 0 },
	{ "unbindable", OPT_PROPAGATION, MS_UNBINDABLE },
};

const char *mountopt_name(size_t index)
{
	return index < ARRAY_LEN(mountopt_table) ? mountopt_table[index].name : NULL;
}

static int mountopt_cmp(const void *key, const void *entry)
{
	return strcmp(key, ((const struct mountopt *)entry)->name);
}

/*
 * Applies a word for the whole tree of mounts. The atime modes are one field of mount_setattr(2), not bits: to set or
 * to take back any of them, the whole field has to be cleared.
 */
static void mountopts_recursive(struct mountopts *o, const struct mountopt *opt)
{
	bool atime = opt->value == MOUNT_ATTR_RELATIME || (opt->value & MOUNT_ATTR__ATIME);

	if (atime) {
		o->rec_clear |= MOUNT_ATTR__ATIME;
		o->rec_set &= ~(uint64_t)MOUNT_ATTR__ATIME;
	}
	if (opt->kind == OPT_REC_SET) {
		o->rec_set |= opt->value;
		if (!atime)
			o->rec_clear &= ~(uint64_t)opt->value;
	} else if (!atime) {
		o->rec_clear |= opt->value;
		o->rec_set &= ~(uint64_t)opt->value;
	}
}

/* Applies the word @opt to @o, over what earlier words have said. */
static int mountopts_apply(struct mountopts *o, const struct mountopt *opt, struct err *err)
{
	switch (opt->kind) {
	case OPT_SET:
		o->flags |= opt->value;
		o->flags_clear &= ~opt->value;
		return 0;
	case OPT_CLEAR:
		o->flags &= ~opt->value;
		o->flags_clear |= opt->value;
		return 0;
	case OPT_PROPAGATION:
		if (o->n_propagation == MOUNTOPT_PROPAGATIONS_MAX)
			return err_set(err, EINVAL, "more than %d propagation options", MOUNTOPT_PROPAGATIONS_MAX);
		o->propagation[o->n_propagation++] = opt->value;
		return 0;
	case OPT_REC_SET:
	case OPT_REC_CLEAR:
		mountopts_recursive(o, opt);
		return 0;
	case OPT_COPYUP:
		o->tmpcopyup = true;
		return 0;
	case OPT_IDMAP:
		o->idmap = (enum mountopt_idmap)opt->value;
		return 0;
	}
	return 0;
}

int mountopts_parse(char *const *options, size_t n, struct mountopts *ret, struct err *err)
{
	struct mountopts o = { .flags = 0 };
	autobuf data = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		const struct mountopt *opt =
			bsearch(options[i], mountopt_table, ARRAY_LEN(mountopt_table), sizeof(*opt), mountopt_cmp);
		int rc = opt ? mountopts_apply(&o, opt, err) : 0;

		if (rc < 0)
			return rc;
		/* crun's own form has the mapping in the option */
		if (strncmp(options[i], "idmap=", 6) == 0 || strncmp(options[i], "ridmap=", 7) == 0)
			return err_set(
				err, EINVAL, "\"%s\": mappings belong into uidMappings and gidMappings", options[i]);
		if (opt || !*options[i])
			continue;
		if (data.len)
			buf_put(&data, ",", 1);
		buf_puts(&data, options[i]);
	}
	if (buf_error(&data))
		return err_set(err, ENOMEM, "out of memory");
	if (data.len > MOUNTOPT_DATA_MAX)
		return err_set(err, E2BIG, "the file system's options are longer than %d bytes", MOUNTOPT_DATA_MAX);
	if (data.len) {
		o.data = buf_steal(&data);
		if (!o.data)
			return err_set(err, ENOMEM, "out of memory");
	}
	*ret = o;
	return 0;
}

/* The flags that a mount has itself: one mode of access times, and bits. Those of the second list a user namespace can lock. */
#define ATIME_MODES (MS_NOATIME | MS_RELATIME | MS_STRICTATIME)
#define ATIME_FLAGS (ATIME_MODES | MS_NODIRATIME)
#define LOCKABLE_BITS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define MOUNT_BITS (LOCKABLE_BITS | MS_NOSYMFOLLOW)

/* <linux/statfs.h> has it, which cannot be included beside <sys/statvfs.h>. */
#ifndef ST_NOSYMFOLLOW
#define ST_NOSYMFOLLOW 0x2000
#endif

uint32_t mountopts_of_statfs(unsigned long words)
{
	static const struct {
		unsigned long word;
		uint32_t flag;
	} names[] = {
		{ ST_RDONLY, MS_RDONLY },
		{ ST_NOSUID, MS_NOSUID },
		{ ST_NODEV, MS_NODEV },
		{ ST_NOEXEC, MS_NOEXEC },
		{ ST_NOATIME, MS_NOATIME },
		{ ST_NODIRATIME, MS_NODIRATIME },
		{ ST_RELATIME, MS_RELATIME },
		{ ST_NOSYMFOLLOW, MS_NOSYMFOLLOW },
	};
	uint32_t flags = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (words & names[i].word)
			flags |= names[i].flag;
	}
	if (flags & MS_NOATIME)
		flags &= ~(uint32_t)MS_RELATIME;
	return flags & ATIME_MODES ? flags : flags | MS_STRICTATIME;
}

uint64_t mountopts_atime(uint32_t flags)
{
	if (flags & MS_NOATIME)
		return MOUNT_ATTR_NOATIME;
	return flags & MS_STRICTATIME ? MOUNT_ATTR_STRICTATIME : MOUNT_ATTR_RELATIME;
}

/* What mount(2) with MS_REMOUNT | MS_BIND | @flags makes of a mount with the flags @source. */
static uint32_t remounted(uint32_t flags, uint32_t source)
{
	uint32_t ret = flags & MOUNT_BITS;

	if (!(flags & ATIME_FLAGS))
		return ret | (source & ATIME_FLAGS);
	ret |= flags & MS_NODIRATIME;
	if (flags & MS_STRICTATIME)
		return ret | MS_STRICTATIME;
	return ret | (flags & MS_NOATIME ? MS_NOATIME : MS_RELATIME);
}

/* Whether the kernel refuses to change the flags @source to @flags where they are locked. */
static bool refused(uint32_t flags, uint32_t source)
{
	return ((flags ^ source) & ATIME_FLAGS) || (source & ~flags & LOCKABLE_BITS);
}

int mountopts_bind(const struct mountopts *o, uint32_t source, bool locked, uint32_t *ret, struct err *err)
{
	uint32_t flags = o->flags & ~(uint32_t)(MS_BIND | MS_REC | MS_REMOUNT);

	if (!flags && !o->flags_clear) {
		*ret = source;
		return 0;
	}
	*ret = remounted(flags, source);
	if (!locked || !refused(*ret, source))
		return 0;
	if ((source & o->flags_clear & (LOCKABLE_BITS | ATIME_FLAGS)) ||
		((flags & ATIME_FLAGS) && (flags & ATIME_FLAGS) != (source & ATIME_FLAGS)))
		return err_set(err, EPERM,
			"the mount of the source has flags that cannot be changed in a user namespace: operation not permitted");
	*ret = remounted(flags | (source & (LOCKABLE_BITS | ATIME_FLAGS)), source);
	return 0;
}

void mountopts_done(struct mountopts *o)
{
	free(o->data);
	*o = (struct mountopts){ .flags = 0 };
}
