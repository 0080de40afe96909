/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio devices of a machine. */
#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "fs/fs.h"
#include "p9/p9.h"
#include "vm/kvm/devices.h"
#include "vm/virtio/balloon.h"
#include "vm/virtio/console.h"
#include "vm/virtio/device.h"
#include "vm/virtio/mmio.h"
#include "vm/virtio/net.h"
#include "vm/virtio/p9dev.h"
#include "vm/virtio/rng.h"

/* The device was made (r == 0, @dev owned): gives it the next slot. */
static int devices_add(struct devices *d, struct machine *m, struct virtio_dev *dev, struct err *err)
{
	if (d->len == LAYOUT_VIRTIO_MAX) {
		virtio_free(dev);
		return err_set(err, ENOSPC, "more than %u virtio devices", LAYOUT_VIRTIO_MAX);
	}
	d->list[d->len] = dev;
	return virtio_attach(dev, m, d->len++, err);
}

static void devices_log(void *arg, const void *data, size_t len)
{
	guestlog_put(arg, data, len);
}

static int devices_add_console(
	struct devices *d, struct machine *m, int channel_fd, struct guestlog *log, struct err *err)
{
	struct virtio_dev *dev;
	int r = virtio_console_new(&m->mem, channel_fd, TAG_PORT, devices_log, log, &dev, err);

	return r < 0 ? r : devices_add(d, m, dev, err);
}

/* A file service with a way of its own to @proc_fd, or to the path that it stands for. */
static int devices_new_fs(int proc_fd, struct fs **ret, struct err *err)
{
	int own = proc_fd > 0 ? fcntl(proc_fd, F_DUPFD_CLOEXEC, 3) : -1, r;

	if (proc_fd > 0 && own < 0)
		return err_sys(err, errno, "file service");
	r = fs_new(own, ret, err);
	if (r < 0)
		fd_close(own); /* not taken */
	return r;
}

static int devices_add_share(
	struct devices *d, struct machine *m, enum vm_share share, const char *tag, int proc_fd, struct err *err)
{
	static const struct p9_limits limits; /* the defaults */
	struct virtio_dev *dev;
	int r;

	if ((r = devices_new_fs(proc_fd, &d->fs[share], err)) < 0 ||
		(r = p9_server_new(d->fs[share], &limits, &d->p9[share], err)) < 0 ||
		(r = virtio_p9_new(&m->mem, d->p9[share], tag, &dev, err)) < 0)
		return r;
	return devices_add(d, m, dev, err);
}

static int devices_add_rng(struct devices *d, struct machine *m, struct err *err)
{
	struct virtio_dev *dev;
	int r = virtio_rng_new(&m->mem, &dev, err);

	return r < 0 ? r : devices_add(d, m, dev, err);
}

static int devices_add_balloon(struct devices *d, struct machine *m, struct err *err)
{
	struct virtio_dev *dev;
	int r = virtio_balloon_new(&m->mem, &dev, err);

	return r < 0 ? r : devices_add(d, m, dev, err);
}

static int devices_add_nic(struct devices *d, struct machine *m, const struct vm_nic *nic, struct err *err)
{
	struct virtio_dev *dev;
	int r = virtio_net_new(&m->mem, nic->tap_fd, nic->mac, nic->mtu, &dev, err);

	return r < 0 ? r : devices_add(d, m, dev, err);
}

/* All but the nics, in the order of their slots. */
static int devices_add_fixed(
	struct devices *d, struct machine *m, int channel_fd, int proc_fd, struct guestlog *log, struct err *err)
{
	int r = devices_add_console(d, m, channel_fd, log, err);

	if (r == 0)
		r = devices_add_share(d, m, VM_SHARE_PRIVATE, TAG_PRIVATE, proc_fd, err);
	if (r == 0)
		r = devices_add_share(d, m, VM_SHARE_SHARED, TAG_SHARED, proc_fd, err);
	if (r == 0)
		r = devices_add_rng(d, m, err);
	if (r == 0)
		r = devices_add_balloon(d, m, err);
	return r;
}

int devices_init(struct devices *d, struct machine *m, const struct vm_config *cfg, int channel_fd,
	struct guestlog *log, struct err *err)
{
	int r = devices_add_fixed(d, m, channel_fd, cfg->proc_fd, log, err);

	for (unsigned int i = 0; i < cfg->nics_len; i++) {
		if (r == 0)
			r = devices_add_nic(d, m, &cfg->nics[i], err); /* takes the tap in any case */
		else
			fd_close(cfg->nics[i].tap_fd);
	}
	return r;
}

void devices_calls(const struct devices *d, struct vm_calls *ret_calls)
{
	for (unsigned int i = 0; i < d->len; i++)
		ret_calls[i] = d->list[i]->ops->calls;
}

int devices_start(struct devices *d, struct loop *loop, struct err *err)
{
	for (unsigned int i = 0; i < d->len; i++) {
		int r = virtio_start(d->list[i], loop, err);

		if (r < 0)
			return r;
	}
	return 0;
}

void devices_done(struct devices *d)
{
	while (d->len > 0)
		virtio_free(d->list[--d->len]);
	for (unsigned int i = 0; i < VM_SHARES; i++) {
		if (d->p9[i])
			p9_server_free(d->p9[i]);
		fs_free(d->fs[i]);
		d->p9[i] = NULL;
		d->fs[i] = NULL;
	}
}
