/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-rng: fills each chain from getrandom(2).
 *
 * A chain gets RNG_CHAIN_BYTES at most, even if it has room for more, which the specification allows. So the work of a
 * turn is bounded however large the guest's buffers are. The device has no state but its queue.
 */
#include "vm/virtio/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/fd.h"
#include "host/iov.h"

#define RNG_QUEUE 8
#define RNG_CHAIN_BYTES 4096 /* Linux asks for 64 bytes at a time */

struct virtio_rng {
	struct virtio_dev dev;
	struct iovec iov[RNG_QUEUE];
};

/* Fills the buffers of @chain up to the limit. How many bytes they got, or -errno. */
static ssize_t rng_fill(const struct virtq_chain *chain)
{
	uint8_t bytes[RNG_CHAIN_BYTES];
	size_t want = chain->in_bytes < sizeof(bytes) ? (size_t)chain->in_bytes : sizeof(bytes);
	size_t got = 0;

	while (got < want) {
		ssize_t n = getrandom(bytes + got, want - got, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			got += (size_t)n;
	}
	return (ssize_t)iov_write(chain->in, chain->in_len, 0, bytes, got);
}

/* ops->kick: RNG_QUEUE chains at most in one turn. */
static int rng_kick(struct virtio_dev *dev, unsigned int queue)
{
	struct virtio_rng *rng = container_of(dev, struct virtio_rng, dev);
	struct virtq *vq = virtio_vq(dev, queue);
	int r, budget = RNG_QUEUE;

	virtq_kicks_off(vq);
	do {
		struct virtq_chain chain;

		while (budget > 0 && (r = virtq_pop(vq, &chain, rng->iov, ARRAY_LEN(rng->iov))) > 0) {
			ssize_t n = rng_fill(&chain);

			budget--;
			virtq_push(vq, chain.head, n > 0 ? (uint32_t)n : 0);
			if (n < 0)
				return (int)n;
		}
		if (budget == 0)
			break;
		if (r < 0)
			return r;
	} while (virtq_kicks_on(vq));
	virtio_signal(dev, queue);
	return budget == 0 ? VIRTIO_MORE : VIRTIO_DONE;
}

static void rng_free(struct virtio_dev *dev)
{
	free(container_of(dev, struct virtio_rng, dev));
}

static const char *const rng_syscalls[] = { "getrandom", NULL };

static const struct virtio_ops rng_ops = {
	.name = "rng",
	.id = VIRTIO_ID_RNG,
	.calls = { .names = rng_syscalls },
	.kick = rng_kick,
	.free = rng_free,
};

int virtio_rng_new(const struct mem *mem, struct virtio_dev **ret_dev, struct err *err)
{
	static const uint16_t size = RNG_QUEUE;
	struct virtio_rng *rng = calloc(1, sizeof(*rng));
	int r;

	if (!rng)
		return err_sys(err, ENOMEM, "virtio rng");
	r = virtio_init(&rng->dev, &rng_ops, mem, &size, 1, err);
	if (r < 0) {
		virtio_done(&rng->dev);
		free(rng);
		return r;
	}
	*ret_dev = &rng->dev;
	return 0;
}
