/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-balloon with free-page reporting.
 *
 * Reporting: the guest names ranges of its free memory as buffers for us to write. They are dropped with MADV_DONTNEED,
 * and the guest may use them again (they then read 0) as soon as it has the chain back. Inflation does the same with
 * arrays of page numbers. Deflation takes no work, since a page is there again when the guest touches it.
 *
 * The reporting queue has number 2 because Linux numbers the queues of the features negotiated without gaps, and neither
 * statistics nor hinting is offered.
 *
 * Memory is only ever dropped inside one region of guest RAM, so the worst that a guest can do here is to wipe its own
 * memory.
 */
#include "vm/virtio/balloon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/virtio_balloon.h>

#include "host/iov.h"

#define PAGE_BYTES (1ull << VIRTIO_BALLOON_PFN_SHIFT)

enum { QUEUE_INFLATE, QUEUE_DEFLATE, QUEUE_REPORT, QUEUES };

/* Linux reports up to 32 ranges at once, and has one chain at a time in each of the other queues. */
static const uint16_t queue_sizes[QUEUES] = { 16, 16, 32 };
#define CHAIN_MAX 32

#define TURN_CHAINS 32 /* one turn's work */
#define PFNS_MAX 1024  /* page numbers that a chain may have; Linux sends 256 */

struct virtio_balloon {
	struct virtio_dev dev;
	struct virtio_balloon_config config;
	struct iovec iov[CHAIN_MAX];
};

static struct virtio_balloon *balloon_of(struct virtio_dev *dev)
{
	return container_of(dev, struct virtio_balloon, dev);
}

/* Drops the whole pages inside [hva, hva + len). */
static void balloon_drop(uint8_t *hva, uint64_t len)
{
	uintptr_t start = ((uintptr_t)hva + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);
	uintptr_t end = ((uintptr_t)hva + len) & ~(uintptr_t)(PAGE_BYTES - 1);

	/* The kernel may refuse it (locked memory), which costs memory but does no harm. */
	if (start < end)
		(void)madvise((void *)start, end - start, MADV_DONTNEED);
}

static void balloon_report(const struct virtq_chain *chain)
{
	for (unsigned int i = 0; i < chain->in_len; i++)
		balloon_drop(chain->in[i].iov_base, chain->in[i].iov_len);
}

/* Drops the pages [@first, @first + @count), which are a run in the guest's list. */
static void balloon_drop_pfns(const struct mem *mem, uint64_t first, uint64_t count)
{
	/* GUEST: if not all of them are RAM, those that are not are left out one by one */
	uint8_t *hva = mem_at(mem, first * PAGE_BYTES, count * PAGE_BYTES);

	if (hva) {
		balloon_drop(hva, count * PAGE_BYTES);
		return;
	}
	for (uint64_t i = 0; count > 1 && i < count; i++)
		balloon_drop_pfns(mem, first + i, 1);
}

/* Drops the pages that the chain lists. */
static int balloon_inflate(struct virtio_balloon *b, const struct virtq_chain *chain)
{
	uint32_t pfns[PFNS_MAX];
	size_t n;

	/* GUEST: an array of 32-bit numbers, which must have a sensible length */
	if (chain->out_bytes > sizeof(pfns))
		return -EINVAL;
	n = iov_read(chain->out, chain->out_len, 0, pfns, sizeof(pfns)) / sizeof(*pfns);
	for (size_t i = 0, run; i < n; i += run) {
		/* Linux lists the pages of a block in falling or rising order: one call drops a run */
		uint64_t low = pfns[i];

		run = 1;
		while (i + run < n && pfns[i + run] == (uint64_t)pfns[i] + run)
			run++;
		if (run == 1) {
			while (i + run < n && (uint64_t)pfns[i + run] + run == pfns[i])
				run++;
			low = (uint64_t)pfns[i] + 1 - run;
		}
		balloon_drop_pfns(b->dev.mem, low, run);
	}
	return 0;
}

/* ops->kick: TURN_CHAINS at most in one turn. */
static int balloon_kick(struct virtio_dev *dev, unsigned int queue)
{
	struct virtio_balloon *b = balloon_of(dev);
	struct virtq *vq = virtio_vq(dev, queue);
	int r, budget = TURN_CHAINS;

	virtq_kicks_off(vq);
	do {
		struct virtq_chain chain;

		while (budget > 0 && (r = virtq_pop(vq, &chain, b->iov, ARRAY_LEN(b->iov))) > 0) {
			int bad = 0;

			budget--;
			if (queue == QUEUE_INFLATE)
				bad = balloon_inflate(b, &chain);
			else if (queue == QUEUE_REPORT)
				balloon_report(&chain);
			virtq_push(vq, chain.head, 0);
			if (bad < 0)
				return bad;
		}
		if (budget == 0)
			break;
		if (r < 0)
			return r;
	} while (virtq_kicks_on(vq));
	virtio_signal(dev, queue);
	return budget == 0 ? VIRTIO_MORE : VIRTIO_DONE;
}

static void balloon_config_write(struct virtio_dev *dev, unsigned int offset, const void *data, unsigned int len)
{
	struct virtio_balloon *b = balloon_of(dev);

	/* GUEST: `actual` is all that a driver may write; we only show it */
	if (offset == offsetof(struct virtio_balloon_config, actual) && len == sizeof(b->config.actual))
		memcpy(&b->config.actual, data, len);
}

static void balloon_reset(struct virtio_dev *dev)
{
	balloon_of(dev)->config.actual = 0;
}

static void balloon_free(struct virtio_dev *dev)
{
	free(balloon_of(dev));
}

static const char *const balloon_syscalls[] = { "madvise", NULL };

static const struct virtio_ops balloon_ops = {
	.name = "balloon",
	.id = VIRTIO_ID_BALLOON,
	.calls = { .names = balloon_syscalls },
	.config_write = balloon_config_write,
	.kick = balloon_kick,
	.reset = balloon_reset,
	.free = balloon_free,
};

int virtio_balloon_new(const struct mem *mem, struct virtio_dev **ret_dev, struct err *err)
{
	struct virtio_balloon *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return err_sys(err, ENOMEM, "virtio balloon");
	r = virtio_init(&b->dev, &balloon_ops, mem, queue_sizes, QUEUES, err);
	if (r < 0) {
		virtio_done(&b->dev);
		free(b);
		return r;
	}
	b->dev.features |= VIRTIO_BIT(VIRTIO_BALLOON_F_REPORTING) | VIRTIO_BIT(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	b->dev.config = (uint8_t *)&b->config;
	b->dev.config_len = offsetof(struct virtio_balloon_config, free_page_hint_cmd_id);
	*ret_dev = &b->dev;
	return 0;
}

void virtio_balloon_set_target(struct virtio_dev *dev, uint32_t pages)
{
	struct virtio_balloon *b = balloon_of(dev);

	pthread_mutex_lock(&dev->lock);
	if (b->config.num_pages != pages) {
		b->config.num_pages = pages;
		virtio_config_changed(dev);
	}
	pthread_mutex_unlock(&dev->lock);
}

uint32_t virtio_balloon_actual(struct virtio_dev *dev)
{
	uint32_t actual;

	pthread_mutex_lock(&dev->lock);
	actual = balloon_of(dev)->config.actual;
	pthread_mutex_unlock(&dev->lock);
	return actual;
}
