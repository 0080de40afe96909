/* SPDX-License-Identifier: Apache-2.0 */
/* What all virtio devices have in common: see device.h. */
#include "vm/virtio/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"

const char *const virtio_syscalls[] = {
	"write", /* interrupts; kicks of our own */
	"futex", /* locks */
	NULL,
};

const char *const virtio_loop_syscalls[] = {
	"read",      /* kicks */
	"epoll_ctl", /* watches */
	"close",     /* kicks and interrupts, at the end */
	NULL,
};

int virtio_init(struct virtio_dev *dev, const struct virtio_ops *ops, const struct mem *mem, const uint16_t *sizes,
	unsigned int queues_len, struct err *err)
{
	dev->ops = ops;
	dev->mem = mem;
	dev->irq = (struct irq)IRQ_INIT;
	dev->features = VIRTIO_FEATURES_COMMON;
	pthread_mutex_init(&dev->lock, NULL);
	dev->queues = calloc(queues_len, sizeof(*dev->queues));
	if (!dev->queues)
		return err_sys(err, ENOMEM, "virtio %s", ops->name);
	for (; dev->queues_len < queues_len; dev->queues_len++) {
		struct virtio_queue *q = &dev->queues[dev->queues_len];

		q->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (q->kick_fd < 0)
			return err_sys(err, errno, "virtio %s: eventfd", ops->name);
		q->dev = dev;
		q->index = dev->queues_len;
		virtq_init(&q->vq, mem, sizes[q->index]);
	}
	return 0;
}

void virtio_done(struct virtio_dev *dev)
{
	if (!dev->ops)
		return;
	for (unsigned int i = 0; i < dev->queues_len; i++) {
		virtq_done(&dev->queues[i].vq);
		fd_close(dev->queues[i].kick_fd);
	}
	free(dev->queues);
	irq_done(&dev->irq);
	pthread_mutex_destroy(&dev->lock);
	dev->queues = NULL;
	dev->queues_len = 0;
	dev->ops = NULL;
}

void virtio_queue_poke(struct virtio_queue *q)
{
	const uint64_t one = 1;

	/* It may fail with EAGAIN when 2^64 - 2 kicks are pending; then the queue will be served anyhow. */
	ssize_t written unused = write(q->kick_fd, &one, sizeof(one));
}

void virtio_queue_turn(struct virtio_queue *q)
{
	struct virtio_dev *dev = q->dev;
	int r = VIRTIO_DONE;

	if (dev->ops->turn) {
		dev->ops->turn(dev, q->index);
		return;
	}
	pthread_mutex_lock(&dev->lock);
	if (virtio_live(dev) && q->vq.s.ready) {
		r = dev->ops->kick(dev, q->index);
		if (r < 0)
			virtio_break(dev);
	}
	pthread_mutex_unlock(&dev->lock);
	if (r == VIRTIO_MORE)
		virtio_queue_poke(q);
}

static void on_kick(void *arg, uint32_t events)
{
	struct virtio_queue *q = arg;
	uint64_t kicks;

	(void)events;
	if (read(q->kick_fd, &kicks, sizeof(kicks)) == (ssize_t)sizeof(kicks))
		virtio_queue_turn(q);
}

int virtio_queue_watch(struct virtio_queue *q, struct loop *loop)
{
	return watch_new(loop, q->kick_fd, EPOLLIN, on_kick, q, &q->watch);
}

int virtio_start(struct virtio_dev *dev, struct loop *loop, struct err *err)
{
	int r = 0;

	dev->started = true; /* also if it fails half-way, so that virtio_stop() cleans up */
	for (unsigned int i = 0; !dev->ops->threaded && i < dev->queues_len && r == 0; i++) {
		r = virtio_queue_watch(&dev->queues[i], loop);
		if (r < 0)
			err_sys(err, r, "virtio %s: watch queue %u", dev->ops->name, i);
	}
	if (r == 0 && dev->ops->start)
		r = dev->ops->start(dev, loop, err);
	if (r < 0)
		virtio_stop(dev);
	return r;
}

void virtio_stop(struct virtio_dev *dev)
{
	if (!dev->started)
		return;
	dev->started = false;
	if (dev->ops->stop)
		dev->ops->stop(dev);
	for (unsigned int i = 0; i < dev->queues_len; i++) {
		watch_free(dev->queues[i].watch);
		dev->queues[i].watch = NULL;
	}
	pthread_mutex_lock(&dev->lock);
	virtio_reset(dev);
	pthread_mutex_unlock(&dev->lock);
}

void virtio_free(struct virtio_dev *dev)
{
	const struct virtio_ops *ops;

	if (!dev)
		return;
	ops = dev->ops;
	virtio_stop(dev);
	pthread_mutex_lock(&dev->lock);
	virtio_reset(dev); /* once more: a device that was never started may have been set up by its driver */
	pthread_mutex_unlock(&dev->lock);
	virtio_done(dev);
	ops->free(dev);
}

/*
 * Raises the interrupt line only if @bit was clear. If it was set, the driver has not acknowledged it yet, and will look
 * at its rings when it has: it then sees what we have written before this exchange. So nothing is lost, and a busy guest
 * takes one interrupt for many answers.
 */
static void raise_bit(struct virtio_dev *dev, uint32_t bit)
{
	if (!(atomic_fetch_or(&dev->s.isr, bit) & bit))
		irq_raise(&dev->irq);
}

void virtio_signal(struct virtio_dev *dev, unsigned int queue)
{
	if (virtq_should_signal(virtio_vq(dev, queue)))
		raise_bit(dev, VIRTIO_MMIO_INT_VRING);
}

void virtio_give(struct virtio_dev *dev, unsigned int queue, uint16_t head, uint32_t written)
{
	virtq_push(virtio_vq(dev, queue), head, written);
	virtio_signal(dev, queue);
}

void virtio_config_changed(struct virtio_dev *dev)
{
	dev->s.config_generation++;
	if (dev->s.status & VIRTIO_CONFIG_S_DRIVER_OK)
		raise_bit(dev, VIRTIO_MMIO_INT_CONFIG);
}

void virtio_break(struct virtio_dev *dev)
{
	if (dev->s.status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	dev->s.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	virtio_config_changed(dev); /* §2.1.2: a driver that runs is told */
}

void virtio_reset(struct virtio_dev *dev)
{
	dev->s.status = 0; /* from here on no thread takes a chain */
	if (dev->ops->quiesce)
		dev->ops->quiesce(dev);
	for (unsigned int i = 0; i < dev->queues_len; i++)
		virtq_stop(virtio_vq(dev, i));
	if (dev->ops->reset)
		dev->ops->reset(dev);
	dev->s.driver_features = 0;
	dev->s.device_features_sel = 0;
	dev->s.driver_features_sel = 0;
	dev->s.queue_sel = 0;
	atomic_store(&dev->s.isr, 0);
}
