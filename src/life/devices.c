/* SPDX-License-Identifier: Apache-2.0 */
/* The devices of config.json and the virtual machine's: see devices.h. */
#include "life/devices.h"

#include <linux/capability.h>
#include <linux/major.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "vm/image/modules.h"

/* A privileged container has all devices of its host: some names are enough. */
#define NAMES_MAX 4

#define ANY UINT32_MAX
#define PTY_MAJORS 8 /* of UNIX 98 pseudo-terminals, from UNIX98_PTY_SLAVE_MAJOR on */

/* Linux, Documentation/admin-guide/devices.txt; its headers for programs do not have these. */
#define TTYS0_MINOR 64
#define HVC_MAJOR 229
#define HWRNG_MINOR 183
#define TUN_MINOR 200
#define FUSE_MINOR 229
#define LOOP_CTRL_MINOR 237

/* What a guest's kernel has, with the module that brings it. */
static const struct {
	char type;
	uint32_t major, minor; /* ANY: every one */
	unsigned int modules;  /* of enum modules_on_demand; 0: every guest has it */
} known[] = {
	{ 'c', MEM_MAJOR, ANY, 0 },
	{ 'c', TTY_MAJOR, TTYS0_MINOR, 0 },
	{ 'c', TTYAUX_MAJOR, ANY, 0 },
	{ 'c', HVC_MAJOR, ANY, 0 },
	{ 'c', MISC_MAJOR, HWRNG_MINOR, 0 },
	{ 'c', MISC_MAJOR, FUSE_MINOR, MODULES_FUSE },
	{ 'c', MISC_MAJOR, TUN_MINOR, MODULES_TUN },
	{ 'c', MISC_MAJOR, LOOP_CTRL_MINOR, MODULES_LOOP },
	{ 'b', LOOP_MAJOR, ANY, MODULES_LOOP },
};

/* Whether the virtual machine has @d, with the modules that bring it added to *@modules. */
static bool is_known(const struct spec_device *d, unsigned int *modules)
{
	if (d->type == 'p')
		return true;
	if (d->type == 'c' && d->major.v >= UNIX98_PTY_SLAVE_MAJOR && d->major.v < UNIX98_PTY_SLAVE_MAJOR + PTY_MAJORS)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (known[i].type == d->type && known[i].major == d->major.v &&
			(known[i].minor == ANY || known[i].minor == d->minor.v)) {
			*modules |= known[i].modules;
			return true;
		}
	}
	return false;
}

/*
 * Whether @m binds a device node of the host, with *@ret to name it. An engine without privilege has no other way to give
 * a device to a container; it is one of the guest's kernel, as a node of linux.devices is.
 */
static bool is_bound(const struct spec_mount *m, struct spec_device *ret)
{
	bool bind =
		spec_mount_has(m, "bind") || spec_mount_has(m, "rbind") || (m->type && strcmp(m->type, "bind") == 0);
	struct stat st;

	if (!bind || !m->source || stat(m->source, &st) < 0 || (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)))
		return false;
	*ret = (struct spec_device){ .path = m->destination,
		.type = S_ISCHR(st.st_mode) ? 'c' : 'b',
		.major = { .set = true, .v = major(st.st_rdev) },
		.minor = { .set = true, .v = minor(st.st_rdev) } };
	return true;
}

unsigned int devices_modules(const struct spec *spec)
{
	const struct spec_capabilities *caps = spec->process ? spec->process->capabilities : NULL;
	unsigned int modules = 0;

	for (size_t i = 0; spec->linux_ && i < spec->linux_->devices.n; i++)
		(void)is_known(&spec->linux_->devices.v[i], &modules);
	for (size_t i = 0; i < spec->mounts.n; i++) {
		struct spec_device bound;

		if (is_bound(&spec->mounts.v[i], &bound))
			(void)is_known(&bound, &modules);
		if (spec->mounts.v[i].type && strcmp(spec->mounts.v[i].type, "overlay") == 0)
			modules |= MODULES_OVERLAY;
	}
	if (caps && caps->bounding >> CAP_SYS_ADMIN & 1) /* it may mount, and other runtimes' containers do */
		modules |= MODULES_OVERLAY;
	return modules;
}

/* The devices that a warning names. */
struct missing {
	struct buf names;
	size_t n;
};

/* Adds @d to @to if the virtual machine does not have it. */
static void add_missing(const struct spec_device *d, struct missing *to)
{
	unsigned int modules = 0;

	if (!is_known(d, &modules) && to->n++ < NAMES_MAX)
		buf_printf(&to->names, "%s\"%s\" (%c %u:%u)", to->n > 1 ? ", " : "", d->path, d->type, d->major.v,
			d->minor.v);
}

/* Warns of what is in @m, if there is any, and empties it. */
static void warn_missing(const char *field, struct missing *m, struct warnings *warnings)
{
	if (m->n > NAMES_MAX)
		buf_printf(&m->names, " and %zu more", m->n - NAMES_MAX);
	if (m->n > 0)
		warnings_add(warnings,
			"%s: the virtual machine does not have %s: the container gets the node%s, which cannot be opened",
			field, m->names.data ? m->names.data : "some devices", m->n > 1 ? "s" : "");
	buf_done(&m->names);
}

void devices_warn(const struct spec *spec, struct warnings *warnings)
{
	struct missing devices = { .names = BUF_INIT }, bound = { .names = BUF_INIT };
	struct spec_device d;

	for (size_t i = 0; spec->linux_ && i < spec->linux_->devices.n; i++)
		add_missing(&spec->linux_->devices.v[i], &devices);
	warn_missing("linux.devices", &devices, warnings);
	for (size_t i = 0; i < spec->mounts.n; i++) {
		if (is_bound(&spec->mounts.v[i], &d))
			add_missing(&d, &bound);
	}
	warn_missing("mounts", &bound, warnings);
}
