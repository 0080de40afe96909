/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-mmio transport, version 2: see mmio.h.
 *
 * The driver goes through the status bits in this order (§3.1.1), and what it may do grows with them:
 *
 *   0 ─> ACKNOWLEDGE ─> DRIVER ──────────> FEATURES_OK ─────────> DRIVER_OK      NEEDS_RESET or FAILED end only by 0
 *                       features may be    queues may be          queues
 *                       written            made ready             are served
 *
 * A status out of order is ignored; the driver sees it when it reads the status back, as it must. Only a write of 0 takes
 * bits away.
 */
#include "vm/virtio/mmio.h"

#include <errno.h>
#include <string.h>

#include "vm/machine/layout.h"

#define MMIO_MAGIC 0x74726976u  /* "virt" */
#define MMIO_VERSION 2u         /* no legacy interface */
#define MMIO_VENDOR 0x52434d56u /* "VMCR": may be anything, since drivers only show it */

#define STATUS_ALL                                                                          \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK | \
		VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED)

/* The queue that the driver has selected, or NULL. */
static struct virtq *selected(struct virtio_dev *dev)
{
	/* GUEST: the selector may name no queue */
	return dev->s.queue_sel < dev->queues_len ? virtio_vq(dev, dev->s.queue_sel) : NULL;
}

/* The half of a 64-bit feature set that @sel names; above 1 it names bits that nothing has. */
static uint32_t features_half(uint64_t features, uint32_t sel)
{
	return sel > 1 ? 0 : (uint32_t)(features >> (32 * sel));
}

/* Reads a register; the lock is held. */
static uint32_t reg_read(struct virtio_dev *dev, uint64_t offset)
{
	struct virtq *vq = selected(dev);

	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MMIO_MAGIC;
	case VIRTIO_MMIO_VERSION:
		return MMIO_VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return dev->ops->id;
	case VIRTIO_MMIO_VENDOR_ID:
		return MMIO_VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return features_half(dev->features, dev->s.device_features_sel);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return vq ? vq->size_max : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return vq ? vq->s.ready : 0;
	case VIRTIO_MMIO_STATUS:
		return dev->s.status;
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return UINT32_MAX; /* §4.2.2: no such region */
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return dev->s.config_generation;
	default:
		return 0;
	}
}

static uint64_t config_read(struct virtio_dev *dev, uint64_t offset, unsigned int len)
{
	uint64_t value = 0;

	/* GUEST: whatever lies behind the device's own fields reads 0 */
	if (offset < dev->config_len)
		memcpy(&value, dev->config + offset, MIN(len, dev->config_len - (unsigned int)offset));
	return value;
}

uint64_t virtio_mmio_read(struct virtio_dev *dev, uint64_t offset, unsigned int len)
{
	uint64_t value;

	/* GUEST: only whole registers can be read (§4.2.2.2) */
	if (offset < VIRTIO_MMIO_CONFIG && (len != 4 || offset % 4))
		return 0;
	if (offset == VIRTIO_MMIO_INTERRUPT_STATUS) /* without the lock, because every interrupt reads it */
		return atomic_load(&dev->s.isr);
	if (len > sizeof(value))
		return 0;
	pthread_mutex_lock(&dev->lock);
	value = offset < VIRTIO_MMIO_CONFIG ? reg_read(dev, offset)
					    : config_read(dev, offset - VIRTIO_MMIO_CONFIG, len);
	pthread_mutex_unlock(&dev->lock);
	return value;
}

static void config_write(struct virtio_dev *dev, uint64_t offset, unsigned int len, uint64_t value)
{
	/* GUEST: only fields that there are can be written, and only by a driver that has said that it is one */
	if (!dev->ops->config_write || len > sizeof(value) || offset >= dev->config_len ||
		len > dev->config_len - offset || !(dev->s.status & VIRTIO_CONFIG_S_DRIVER))
		return;
	dev->ops->config_write(dev, (unsigned int)offset, &value, len);
}

static void features_write(struct virtio_dev *dev, uint32_t value)
{
	const uint32_t sel = dev->s.driver_features_sel;
	const uint64_t half = 0xffffffffull;

	/* GUEST: features can be written only until FEATURES_OK; @sel may be anything */
	if (!(dev->s.status & VIRTIO_CONFIG_S_DRIVER) || (dev->s.status & VIRTIO_CONFIG_S_FEATURES_OK) || sel > 1)
		return;
	dev->s.driver_features = (dev->s.driver_features & ~(half << (32 * sel))) | (uint64_t)value << (32 * sel);
}

static bool features_ok(const struct virtio_dev *dev)
{
	const uint64_t f = dev->s.driver_features;

	/* GUEST: the driver may accept what was offered, and must not be a legacy one */
	if ((f & ~dev->features) || !(f & VIRTIO_BIT(VIRTIO_F_VERSION_1)))
		return false;
	return !dev->ops->features_ok || dev->ops->features_ok(dev, f);
}

static void kick_all(struct virtio_dev *dev)
{
	for (unsigned int i = 0; i < dev->queues_len; i++)
		virtio_queue_poke(&dev->queues[i]);
}

/* Writes the status register, as far as the order at the top of this file allows. */
static void status_write(struct virtio_dev *dev, uint32_t value)
{
	const uint32_t old = dev->s.status & STATUS_ALL;
	uint32_t added;

	if (value == 0) {
		virtio_reset(dev);
		kick_all(dev);
		return;
	}
	/* GUEST: unknown bits are dropped; bits cannot be taken away one by one */
	value &= STATUS_ALL;
	if ((value & old) != old)
		return;
	added = value & ~old;
	/* GUEST: the bits come in the order of §3.1.1 */
	if ((added & VIRTIO_CONFIG_S_DRIVER) && !(value & VIRTIO_CONFIG_S_ACKNOWLEDGE))
		return;
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) && !(old & VIRTIO_CONFIG_S_DRIVER))
		return;
	if ((added & VIRTIO_CONFIG_S_DRIVER_OK) && !(old & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	if ((added & VIRTIO_CONFIG_S_FEATURES_OK) && !features_ok(dev))
		added &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK; /* the driver reads it back as clear (§3.1.1 step 6) */
	dev->s.status |= added;
	if (added & VIRTIO_CONFIG_S_DRIVER_OK) {
		if (dev->ops->activate)
			dev->ops->activate(dev);
		kick_all(dev);
	}
}

/* Takes a queue into use or out of it. */
static void queue_ready_write(struct virtio_dev *dev, struct virtq *vq, uint32_t value)
{
	if (value == 0) {
		if (!vq->s.ready)
			return;
		if (dev->ops->quiesce)
			dev->ops->quiesce(dev);
		virtq_stop(vq); /* no thread takes a chain meanwhile, because we hold the lock */
		return;
	}
	/* GUEST: only after FEATURES_OK, and not while it runs. Rings that make no sense break the device. */
	if (vq->s.ready || !(dev->s.status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	if (virtq_start(vq, virtio_has(dev, VIRTIO_RING_F_EVENT_IDX)) < 0)
		virtio_break(dev);
}

static void set_half(uint64_t *gpa, uint32_t value, bool high)
{
	if (high)
		*gpa = (*gpa & 0xffffffffull) | (uint64_t)value << 32;
	else
		*gpa = (*gpa & ~0xffffffffull) | value;
}

/* Writes a register of the selected queue. While the queue runs only QueueReady can be written (§4.2.2.2). */
static void queue_write(struct virtio_dev *dev, uint64_t offset, uint32_t value)
{
	struct virtq *vq = selected(dev);

	if (!vq)
		return;
	if (offset == VIRTIO_MMIO_QUEUE_READY) {
		queue_ready_write(dev, vq, value);
		return;
	}
	if (vq->s.ready)
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		/* GUEST: any size that fits the type is kept; virtq_start() refuses bad ones */
		vq->s.size = value > UINT16_MAX ? 0 : (uint16_t)value;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_half(&vq->s.desc_gpa, value, offset == VIRTIO_MMIO_QUEUE_DESC_HIGH);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_half(&vq->s.avail_gpa, value, offset == VIRTIO_MMIO_QUEUE_AVAIL_HIGH);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_half(&vq->s.used_gpa, value, offset == VIRTIO_MMIO_QUEUE_USED_HIGH);
		break;
	default:
		break;
	}
}

/* Writes a register; the lock is held. */
static void reg_write(struct virtio_dev *dev, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		dev->s.device_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		dev->s.driver_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		features_write(dev, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		dev->s.queue_sel = value;
		break;
	case VIRTIO_MMIO_STATUS:
		status_write(dev, value);
		break;
	default:
		queue_write(dev, offset, value);
		break;
	}
}

void virtio_mmio_write(struct virtio_dev *dev, uint64_t offset, unsigned int len, uint64_t value)
{
	/* GUEST: only whole registers can be written. The two that a running driver writes need no lock. */
	if (offset < VIRTIO_MMIO_CONFIG && (len != 4 || offset % 4))
		return;
	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY) {
		if ((uint32_t)value < dev->queues_len)
			virtio_queue_poke(&dev->queues[(uint32_t)value]);
		return;
	}
	if (offset == VIRTIO_MMIO_INTERRUPT_ACK) {
		atomic_fetch_and(&dev->s.isr, ~(uint32_t)value);
		return;
	}
	pthread_mutex_lock(&dev->lock);
	if (offset < VIRTIO_MMIO_CONFIG)
		reg_write(dev, offset, (uint32_t)value);
	else
		config_write(dev, offset - VIRTIO_MMIO_CONFIG, len, value);
	pthread_mutex_unlock(&dev->lock);
}

static uint64_t mmio_bus_read(void *arg, uint64_t offset, unsigned int len)
{
	return virtio_mmio_read(arg, offset, len);
}

static void mmio_bus_write(void *arg, uint64_t offset, unsigned int len, uint64_t value)
{
	virtio_mmio_write(arg, offset, len, value);
}

static const struct bus_ops mmio_bus_ops = { .read = mmio_bus_read, .write = mmio_bus_write };

int virtio_mmio_attach(struct virtio_dev *dev, struct machine *machine, unsigned int slot, struct err *err)
{
	const uint64_t gpa = LAYOUT_VIRTIO_GPA(slot);
	int r;

	if (slot >= LAYOUT_VIRTIO_MAX)
		return err_set(err, ENOSPC, "virtio %s: no slot left", dev->ops->name);
	r = irq_init(&dev->irq, machine, LAYOUT_VIRTIO_GSI(slot), err);
	if (r == 0)
		r = bus_add_mmio(&machine->bus, gpa, LAYOUT_VIRTIO_SIZE, &mmio_bus_ops, dev, err);
	for (unsigned int i = 0; r == 0 && i < dev->queues_len; i++)
		r = machine_ioeventfd(machine, gpa + VIRTIO_MMIO_QUEUE_NOTIFY, 4, i, dev->queues[i].kick_fd, err);
	return r < 0 ? err_prefix(err, "virtio %s", dev->ops->name) : 0;
}
