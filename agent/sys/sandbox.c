/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shares and the VM's name: see sandbox.h.
 *
 * The cache modes of v9fs (Linux 6.1), and why each share has the one it has:
 *
 * private: loose. Only this VM uses the share, so that pages, attributes and negative lookups may stay cached: a
 * program that is run again costs no request. But the kernel would keep dirty pages for 30 seconds, and write nothing
 * at close(2). So it is told to write back whatever is dirty each 10 ms (vm.dirty_* in boot.c), which costs nothing
 * while nothing is dirty; and before EXITED is told or a SYNC is answered, syncfs(2) of both shares has returned
 * (sync.c). So a closed file is on the host some milliseconds later, and when a command of the runtime has answered,
 * everything is.
 *
 * shared: mmap. Reads and writes go to the host each time, attributes are asked for again at each lookup, nothing is
 * kept when a file is closed: the share is as coherent with the host as 9P can be. Only the pages of a mapping are
 * cached while it lasts; "none" would refuse shared writable mappings.
 */
#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define PRIVATE_CACHE "loose"
#define SHARED_CACHE "mmap"

/* An msize of 512000 bytes is the most that the virtio transport of v9fs takes. */
#define SHARE_OPTIONS "trans=virtio,version=9p2000.L,msize=512000,access=client"

/* Whose a lock is, the client of vmrunc's own kernel says with this option. Others take no notice of it, or refuse it. */
#define LOCK_OPTION ",lockkinds"

/* Mounts the share @tag at its directory, with cache mode @cache. 0 or -errno with @err set. */
static int sandbox_mount_share(
	const struct agent *agent, const char *tag, const char *cache, bool lock_kinds, struct err *err)
{
	char path[256], options[256];

	(void)snprintf(path, sizeof(path), "%s/%s", agent->shares, tag); /* shares is short */
	if ((size_t)snprintf(options, sizeof(options), "%s,cache=%s%s", SHARE_OPTIONS, cache,
		    lock_kinds ? LOCK_OPTION : "") >= sizeof(options))
		return err_set(err, EINVAL, "the cache mode of the share \"%s\" is too long", tag);
	if (mount(tag, path, "9p", 0, options) == 0)
		return 0;
	if (errno == EINVAL && lock_kinds)
		return sandbox_mount_share(agent, tag, cache, false, err);
	return err_sys(err, errno, "cannot mount the share \"%s\" (%s)", tag, options);
}

/* Writes the path of sysctl @key below /proc/sys to @ret. False if @key is no name, or is too long. */
static bool sysctl_path(const char *key, char *ret, size_t size)
{
	if (strlen(key) >= size || strstr(key, "..") || *key == '/')
		return false;
	strcpy(ret, key);
	/* as in sysctl(8): if a dot comes before any slash, dots separate, and a slash stands for a dot in a name */
	if (strcspn(key, ".") < strcspn(key, "/")) {
		for (char *p = ret; *p; p++)
			*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	}
	return true;
}

/* What the sysctl at @path below /proc/sys belongs to. */
static enum sysctl_scope sysctl_scope_of(const char *path)
{
	static const char *const namespaced[] = { "kernel/msg", "kernel/sem", "kernel/shm", "kernel/hostname",
		"kernel/domainname", "kernel/auto_msgmni", "fs/mqueue/", "user/" };

	for (size_t i = 0; i < ARRAY_LEN(namespaced); i++) {
		if (strncmp(path, namespaced[i], strlen(namespaced[i])) == 0)
			return SYSCTL_CONTAINER;
	}
	return strncmp(path, "net/", strlen("net/")) == 0 ? SYSCTL_NET : SYSCTL_VM;
}

int sysctl_write_all(const struct guest_values *values, unsigned int scopes, struct err *err)
{
	autoclose int dir = -1;

	if (values->len == 0)
		return 0;
	dir = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, errno, "cannot open /proc/sys");
	for (uint32_t i = 0; i < values->len; i++) {
		const struct guest_value *v = &values->at[i];
		char path[512];
		int r;

		if (!sysctl_path(v->key, path, sizeof(path)))
			return err_set(err, EINVAL, "sysctl \"%s\": not a name", v->key);
		if (!(sysctl_scope_of(path) & scopes))
			continue;
		r = fd_write_existing(dir, path, v->value);
		if (r == -ENOENT)
			return err_set(err, ENOENT, "linux.sysctl: the guest's kernel has no \"%s\"", v->key);
		if (r < 0)
			return err_sys(err, r, "linux.sysctl: cannot set \"%s\" to \"%s\"", v->key, v->value);
	}
	return 0;
}

int sandbox_setup(struct agent *agent, const struct guest_sandbox *s, struct err *err)
{
	int r;

	if (agent->shares_mounted)
		return err_set(err, EALREADY, "the sandbox is set up already");
	if (!agent->native) {
		r = sandbox_mount_share(agent, SANDBOX_PRIVATE, *s->private_cache ? s->private_cache : PRIVATE_CACHE,
			s->lock_kinds, err);
		if (r == 0)
			r = sandbox_mount_share(agent, SANDBOX_SHARED,
				*s->shared_cache ? s->shared_cache : SHARED_CACHE, s->lock_kinds, err);
		if (r < 0)
			return r;
	}
	agent->shares_mounted = true;
	if (*s->hostname && sethostname(s->hostname, strlen(s->hostname)) < 0)
		return err_sys(err, errno, "cannot set the VM's host name to \"%s\"", s->hostname);
	return sysctl_write_all(&s->sysctl, SYSCTL_VM | SYSCTL_NET | SYSCTL_CONTAINER, err);
}

int sandbox_stage_sysfs(const struct agent *agent, struct err *err)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/" SANDBOX_SYSFS, agent->shares); /* shares is short */
	/* EBUSY: it is mounted already */
	if (mount("sysfs", path, "sysfs", 0, NULL) < 0 && errno != EBUSY)
		return err_sys(err, errno, "cannot mount a sysfs for user namespaces");
	return 0;
}
