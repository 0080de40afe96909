/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pair of queues over a tap, or over a socket: see netpair.h.
 *
 * Guest and tap have the same header before each packet (struct virtio_net_hdr_v1, 12 bytes), so a packet goes between
 * guest memory and tap with one readv or writev. Checksum and segmentation offloads are left to the host's kernel.
 *
 * Receiving: the length of a packet is known only when it has been read. It is read into the next chain of the guest,
 * with a spill buffer of ours behind it:
 *
 *   it fits the chain            nothing is copied
 *   it does not, and MRG_RXBUF   the rest is copied into as many more chains as it takes
 *   there are too few chains     the packet is kept in the spill buffer until the guest offers more; if even a whole ring
 *                                is too small, it is dropped
 *
 * While a packet is kept the tap is not read, so that it is the tap's queue that fills up.
 * Sending: when the tap is full, the chain stays in the ring until EPOLLOUT.
 */
#include "vm/virtio/netpair.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/iov.h"
#include "vm/virtio/netstream.h"

/* What one turn does at most. */
#define TURN_CHAINS 128
#define TURN_BYTES (512 * KIB)

/* ---- receiving ---- */

static void untake(struct virtq *vq, unsigned int n)
{
	while (n--)
		virtq_unpop(vq);
}

/* Gives the guest a packet that is spread over the @n chains @taken, the first of which is @first. */
static void rx_publish(
	struct virtq *vq, const struct vring_used_elem *taken, const struct virtq_chain *first, unsigned int n)
{
	const __virtio16 num_buffers = (__virtio16)n;

	(void)iov_write(first->in, first->in_len, offsetof(struct virtio_net_hdr_v1, num_buffers), &num_buffers,
		sizeof(num_buffers)); /* it fits: the chain has room for a header */
	virtq_push_many(vq, taken, n);
}

/*
 * Copies the packet in the spill buffer, of @len bytes, from byte @from on to further chains; @n are taken already. The
 * number of all its chains; 0 if there are too few, when those taken are given up (*@ret_never: even a whole ring would be
 * too small); or -errno.
 */
static int rx_spread(struct netpair *p, struct virtq *vq, unsigned int n, size_t from, size_t len, bool *ret_never)
{
	unsigned int max = virtio_has(p->dev, VIRTIO_NET_F_MRG_RXBUF) ? vq->s.size : 1;
	struct virtq_chain chain;
	int r;

	while (from < len) {
		size_t put;

		r = n < max ? virtq_pop(vq, &chain, p->iov, NETPAIR_QUEUE) : 0;
		if (r <= 0) {
			*ret_never = n == max;
			untake(vq, n);
			return r;
		}
		put = iov_write(chain.in, chain.in_len, 0, p->spill + from, len - from);
		p->taken[n++] = (struct vring_used_elem){ .id = chain.head, .len = (uint32_t)put };
		from += put;
	}
	return (int)n;
}

/* Takes the first chain for a packet: 1, 0 or -errno as virtq_pop(). */
static int rx_first(struct netpair *p, struct virtq *vq, struct virtq_chain *ret_chain)
{
	int r = virtq_pop(vq, ret_chain, p->iov, NETPAIR_QUEUE);

	/* GUEST: a chain must have room for the header at least (§5.1.6.3.1 asks for far more) */
	if (r > 0 && ret_chain->in_bytes < NETPAIR_HDR_BYTES) {
		virtq_unpop(vq);
		return -EINVAL;
	}
	return r;
}

/* Delivers the kept packet. 1: it is delivered or dropped; 0: there are too few chains; or -errno. */
static int rx_kept(struct netpair *p, struct virtq *vq)
{
	struct iovec head[NETPAIR_HDR_BYTES]; /* enough for a header, as each buffer has a byte or more */
	struct virtq_chain first;
	bool never = false;
	size_t put;
	int r = rx_first(p, vq, &first);

	if (r <= 0)
		return r;
	put = iov_write(first.in, first.in_len, 0, p->spill, p->kept);
	p->taken[0] = (struct vring_used_elem){ .id = first.head, .len = (uint32_t)put };
	first.in_len = MIN(first.in_len, ARRAY_LEN(head));
	memcpy(head, first.in, first.in_len * sizeof(*head));
	first.in = head; /* its copy, because rx_spread() uses p->iov */
	r = rx_spread(p, vq, 1, put, p->kept, &never);
	if (r < 0 || (r == 0 && !never))
		return r;
	if (r == 0)
		p->rx_dropped++;
	else
		rx_publish(vq, p->taken, &first, (unsigned int)r);
	p->kept = 0;
	return 1;
}

/* A read has failed with errno. Returns 0; sets want_in if EPOLLIN will tell of the next packet, else dead. */
static int rx_failed(struct netpair *p)
{
	p->dead = errno == EBADFD || errno == EFAULT; /* the interface is gone */
	p->want_in = !p->dead;
	return 0;
}

/* As readv(2) of a tap, for whatever the descriptor is. */
static ssize_t pair_readv(struct netpair *p, const struct iovec *iov, unsigned int iov_len)
{
	ssize_t n;

	if (!p->stream)
		return readv(p->fd, iov, (int)iov_len);
	n = netstream_read(p->stream, NETPAIR_HDR_BYTES, iov, iov_len);
	if (n >= 0)
		return n;
	errno = n == -EPIPE ? EBADFD : (int)-n;
	return -1;
}

/* Reads one packet. 1: it is delivered or kept; 0: there is no chain, or nothing to read (want_in is set); or -errno. */
static int rx_read(struct netpair *p, struct virtq *vq, size_t *ret_len)
{
	struct virtq_chain first;
	unsigned int iov_len;
	ssize_t n;
	int r = rx_first(p, vq, &first);

	if (r <= 0)
		return r;
	iov_len = first.in_len;
	if (first.in_bytes < NETPAIR_PACKET_MAX) { /* p->iov has one more entry than a chain can have */
		first.in[iov_len] = (struct iovec){ .iov_base = p->spill + first.in_bytes,
			.iov_len = NETPAIR_PACKET_MAX - first.in_bytes };
		iov_len++;
	}
	n = pair_readv(p, first.in, iov_len);
	if (n < 0) {
		virtq_unpop(vq);
		return rx_failed(p);
	}
	if (n <= (ssize_t)NETPAIR_HDR_BYTES) {
		virtq_unpop(vq); /* it has no frame: the chain is used for the next packet */
		return 1;
	}
	*ret_len = (size_t)n;
	if ((uint64_t)n <= first.in_bytes) {
		p->taken[0] = (struct vring_used_elem){ .id = first.head, .len = (uint32_t)n };
		rx_publish(vq, p->taken, &first, 1);
		return 1;
	}
	/* Its start is copied back from the guest's chain; then it is a kept packet like any other. */
	(void)iov_read(first.in, first.in_len, 0, p->spill, first.in_bytes); /* < NETPAIR_PACKET_MAX */
	virtq_unpop(vq);
	p->kept = (size_t)n;
	return 1;
}

int netpair_receive(struct netpair *p)
{
	struct virtq *vq = virtio_vq(p->dev, p->rx);
	size_t room = TURN_BYTES;

	p->want_in = false;
	virtq_kicks_off(vq);
	for (int budget = TURN_CHAINS; budget > 0 && room > 0; budget--) {
		size_t len = 0;
		int r = p->dead ? 0 : p->kept ? rx_kept(p, vq) : rx_read(p, vq, &len);

		if (r < 0)
			return r;
		if (r == 0 && (p->want_in || p->dead || !virtq_kicks_on(vq))) {
			virtio_signal(p->dev, p->rx);
			return VIRTIO_DONE; /* EPOLLIN or a kick continues */
		}
		room -= MIN(room, len);
	}
	virtio_signal(p->dev, p->rx);
	return VIRTIO_MORE;
}

/* ---- sending ---- */

/* Sends one packet. 1: it is sent or dropped; 0: the tap is full. */
static int tx_packet(struct netpair *p, const struct virtq_chain *chain)
{
	/* GUEST: it may have no header or be longer than any packet. The kernel checks what is in the header. */
	if (chain->out_bytes <= NETPAIR_HDR_BYTES || chain->out_bytes > NETPAIR_PACKET_MAX) {
		p->tx_dropped++;
		return 1;
	}
	if (p->stream) {
		bool dropped = false;
		int r = netstream_write(
			p->stream, NETPAIR_HDR_BYTES, chain->out, chain->out_len, chain->out_bytes, &dropped);

		p->tx_dropped += dropped;
		return r;
	}
	if (writev(p->fd, chain->out, (int)chain->out_len) >= 0)
		return 1;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	p->tx_dropped++; /* the link is down, the header bad, memory short: a network may lose packets */
	return 1;
}

int netpair_send(struct netpair *p)
{
	struct virtq *vq = virtio_vq(p->dev, p->tx);
	int r, budget = TURN_CHAINS;
	size_t room = TURN_BYTES;

	if (p->want_out)
		return VIRTIO_DONE;
	virtq_kicks_off(vq);
	do {
		struct virtq_chain chain;

		while (budget > 0 && room > 0 && (r = virtq_pop(vq, &chain, p->iov, NETPAIR_QUEUE)) > 0) {
			budget--;
			room -= MIN(room, chain.out_bytes);
			if (tx_packet(p, &chain) == 0) {
				virtq_unpop(vq);
				virtio_signal(p->dev, p->tx);
				p->want_out = true;
				return VIRTIO_DONE;
			}
			virtq_push(vq, chain.head, 0);
		}
		if (budget == 0 || room == 0)
			break;
		if (r < 0)
			return r;
	} while (virtq_kicks_on(vq));
	virtio_signal(p->dev, p->tx);
	if (p->stream && netstream_flush(p->stream)) {
		p->want_out = true; /* the rest of a packet waits: netpair_event() goes on */
		return VIRTIO_DONE;
	}
	return budget == 0 || room == 0 ? VIRTIO_MORE : VIRTIO_DONE;
}

/* ---- events ---- */

int netpair_adjust(struct netpair *p)
{
	if (!p->watch)
		return 0;
	return watch_set_events(p->watch, (p->want_in ? EPOLLIN : 0) | (p->want_out ? EPOLLOUT : 0));
}

int netpair_event(struct netpair *p, uint32_t events, bool rx_ready, bool tx_ready)
{
	int r = 0;

	p->want_in = p->want_in && rx_ready;
	p->want_out = p->want_out && tx_ready;
	if (p->want_out && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
		p->want_out = false;
		r = netpair_send(p);
	}
	if (r == VIRTIO_MORE)
		virtio_queue_poke(&p->dev->queues[p->tx]);
	if (r >= 0 && p->want_in && events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
		r = netpair_receive(p);
		if (r == VIRTIO_MORE) /* nothing else goes on: receiving waits for no event */
			virtio_queue_poke(&p->dev->queues[p->rx]);
	}
	if (events & (EPOLLERR | EPOLLHUP)) {
		/* The interface was deleted. The loop would report it again and again. */
		watch_free(p->watch);
		p->watch = NULL;
		p->dead = true;
		p->want_in = p->want_out = false;
		virtio_queue_poke(&p->dev->queues[p->tx]); /* so that what waits there is dropped */
	}
	return r < 0 ? r : netpair_adjust(p);
}

void netpair_quiesce(struct netpair *p)
{
	pthread_mutex_lock(&p->lock);
	pthread_mutex_unlock(&p->lock);
}

void netpair_reset(struct netpair *p)
{
	/* want_in and want_out belong to the thread that serves it, where the next event or kick puts them right */
	p->kept = 0;
	p->dead = false;
}

/* ---- life ---- */

void netpair_init(struct netpair *p, struct virtio_dev *dev, unsigned int rx, int fd)
{
	p->dev = dev;
	p->rx = rx;
	p->tx = rx + 1;
	p->fd = fd;
	pthread_mutex_init(&p->lock, NULL);
}

void netpair_done(struct netpair *p)
{
	netstream_free(p->stream);
	fd_close(p->fd);
	pthread_mutex_destroy(&p->lock);
}
