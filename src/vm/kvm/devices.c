/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio devices of a machine: what every VM of the kvm engine has, and in which slot.
 *
 *   slot 0 console, with the port of the agent's channel
 *        1 9p "private", a file service and a 9P server behind it      2 9p "shared", likewise
 *        3 rng      4 balloon      5 and up: one net for each of the config's nics
 *
 * A slot is a window of registers and an interrupt line (layout.h). boot.c describes slots 0 to len - 1 to the guest by
 * ACPI, in this order, and the guest probes them in this order as well. So the order is what the guest sees: it numbers
 * the devices (eth0 is the net in the lowest slot), and the console comes first because it shows what goes wrong with
 * the others. A slot is taken whether or not the guest has a driver; one without stays silent. Saved VMs will depend on
 * the order, so a new device goes behind the last fixed one: in devices_add_fixed(), before the nics.
 *
 * A device is made before the jail, by devices_init(), with whatever only the host can give it. It serves the guest from
 * devices_start() on, on the main loop or on threads of its own, and makes only the system calls that it names in its
 * struct virtio_ops: devices_calls() hands those to the jail.
 *
 * What else knows the devices, all of which a new one must be added to:
 *
 *   src/vm/qemu/argv.c                        argv_devices(): the same devices, as QEMU has them
 *   src/vm/image/modules.c                    modules_needs[] (and its length, MODULES_NEEDS in modules.h): the
 *                                             modules that a stock kernel needs for the driver
 *   contrib/guest-kernel/guest-kernel.config  the driver in our own kernel
 *   tests/fuzz/fuzz_virtio.c                  device_new(): the devices that are fuzzed
 *   tests/virtio/init                         tries each device in a real guest
 *   docs/virtio.md, docs/vmm.md               tables of the devices, their slots and their numbers
 */
#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "fs/fs.h"
#include "p9/p9.h"
#include "vm/engine.h"
#include "vm/kvm/devices.h"
#include "vm/virtio/balloon.h"
#include "vm/virtio/console.h"
#include "vm/virtio/device.h"
#include "vm/virtio/mmio.h"
#include "vm/virtio/net.h"
#include "vm/virtio/netthreads.h"
#include "vm/virtio/p9dev.h"
#include "vm/virtio/rng.h"

/* A request takes milliseconds, or on a disk that is loaded seconds. */
#define DRAIN_MS 2000

/* Gives @dev, which it takes, the next slot. */
static int devices_add(struct devices *d, struct machine *m, struct virtio_dev *dev, struct err *err)
{
	if (d->len == LAYOUT_VIRTIO_MAX) {
		virtio_free(dev);
		return err_set(err, ENOSPC, "more than %u virtio devices", LAYOUT_VIRTIO_MAX);
	}
	d->list[d->len] = dev;
	return virtio_mmio_attach(dev, m, d->len++, err);
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

/*
 * Makes a file service for the owners of @cfg, with a copy of its proc_fd, or with the path that it stands for if there is
 * none (vm.h).
 */
static int devices_new_fs(const struct vm_config *cfg, struct fs **ret, struct err *err)
{
	int proc_fd = cfg->proc_fd, own = proc_fd > 0 ? fcntl(proc_fd, F_DUPFD_CLOEXEC, 3) : -1, r;

	if (proc_fd > 0 && own < 0)
		return err_sys(err, errno, "file service");
	r = fs_new(own, ret, err);
	if (r < 0)
		fd_close(own); /* fs_new() takes it only on success */
	else
		fs_set_owners(*ret, cfg->owners);
	return r;
}

/* Adds the file service, the 9P server and the device of one share. */
static int devices_add_share(struct devices *d, struct machine *m, enum vm_share share, const char *tag,
	const struct vm_config *cfg, struct err *err)
{
	static const struct p9_limits limits; /* the defaults */
	struct virtio_dev *dev;
	int r;

	if ((r = devices_new_fs(cfg, &d->fs[share], err)) < 0 ||
		(r = p9_server_new(d->fs[share], &limits, &d->p9[share], err)) < 0 ||
		(r = virtio_p9dev_new(&m->mem, d->p9[share], tag, &dev, err)) < 0)
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

	if (r == 0)
		r = devices_add(d, m, dev, err);
	if (r == 0)
		d->balloon = dev;
	return r;
}

static int devices_add_nic(struct devices *d, struct machine *m, const struct vm_nic *nic, struct err *err)
{
	struct virtio_dev *dev;
	int r = virtio_net_new(&m->mem, nic, d->netthreads, &dev, err);

	return r < 0 ? r : devices_add(d, m, dev, err);
}

/* Makes the threads that serve the further pairs of the nics of @cfg, if one has any. */
static int devices_add_netthreads(struct devices *d, const struct vm_config *cfg, struct err *err)
{
	unsigned int pairs = 1;

	for (unsigned int i = 0; i < cfg->nics_len; i++)
		pairs = MAX(pairs, cfg->nics[i].pairs);
	return pairs > 1 ? netthreads_new(pairs, &d->netthreads, err) : 0;
}

/* Adds all devices but the nics, in the order of their slots: see the top of this file. */
static int devices_add_fixed(struct devices *d, struct machine *m, int channel_fd, const struct vm_config *cfg,
	struct guestlog *log, struct err *err)
{
	int r = devices_add_console(d, m, channel_fd, log, err);

	if (r == 0)
		r = devices_add_share(d, m, VM_SHARE_PRIVATE, TAG_PRIVATE, cfg, err);
	if (r == 0)
		r = devices_add_share(d, m, VM_SHARE_SHARED, TAG_SHARED, cfg, err);
	if (r == 0)
		r = devices_add_rng(d, m, err);
	if (r == 0)
		r = devices_add_balloon(d, m, err);
	return r;
}

int devices_init(struct devices *d, struct machine *m, const struct vm_config *cfg, int channel_fd,
	struct guestlog *log, struct err *err)
{
	int r = stale_new(&d->stale, cfg->files_bytes, err);

	if (r == 0)
		r = devices_add_fixed(d, m, channel_fd, cfg, log, err);
	if (r == 0)
		stale_init(&d->stale, d->fs, log);
	if (r == 0)
		r = devices_add_netthreads(d, cfg, err);
	for (unsigned int i = 0; i < cfg->nics_len; i++) {
		if (r == 0)
			r = devices_add_nic(d, m, &cfg->nics[i], err); /* it takes the tap, also on failure */
		else
			vm_nic_close_fds(&cfg->nics[i]);
	}
	return r;
}

size_t devices_calls(const struct devices *d, struct vm_calls *ret_calls)
{
	size_t n = 0;

	for (unsigned int i = 0; i < d->len; i++) {
		const struct virtio_ops *ops = d->list[i]->ops;
		const struct {
			const struct vm_calls *calls;
			unsigned int roles;
		} lists[] = { { &ops->calls, VM_CALLS_LOOP }, { &ops->vcpu_calls, VM_CALLS_VCPU },
			{ &ops->thread_calls, VM_CALLS_FILES } };

		for (size_t j = 0; j < ARRAY_LEN(lists); j++) {
			if (!lists[j].calls->names)
				continue;
			ret_calls[n] = *lists[j].calls;
			ret_calls[n++].roles = lists[j].roles;
		}
	}
	return n;
}

int devices_start(struct devices *d, struct loop *loop, struct err *err)
{
	for (unsigned int i = 0; i < d->len; i++) {
		int r = virtio_start(d->list[i], loop, err);

		if (r < 0)
			return r;
	}
	return d->netthreads ? netthreads_start(d->netthreads, err) : 0;
}

bool devices_drain(struct devices *d)
{
	for (unsigned int i = 0; i < VM_SHARES; i++) {
		if (d->p9[i] && !p9_server_drain(d->p9[i], DRAIN_MS))
			return false;
	}
	return true;
}

void devices_done(struct devices *d)
{
	stale_stop(&d->stale);
	if (d->netthreads)
		netthreads_stop(d->netthreads); /* the devices' watches are ended from this thread */
	while (d->len > 0)
		virtio_free(d->list[--d->len]);
	for (unsigned int i = 0; i < VM_SHARES; i++) {
		if (d->p9[i])
			p9_server_free(d->p9[i]);
		fs_free(d->fs[i]);
		d->p9[i] = NULL;
		d->fs[i] = NULL;
	}
	netthreads_free(d->netthreads);
	d->netthreads = NULL;
	stale_done(&d->stale);
}
