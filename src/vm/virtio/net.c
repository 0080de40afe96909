/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net over a tap, or over a stream socket (netstream.h), where there are no offloads.
 *
 * Guest and tap have the same header before each packet (struct virtio_net_hdr_v1, 12 bytes), so a packet goes between
 * guest memory and tap with one readv or writev. Checksum and segmentation offloads are left to the host's kernel, which
 * is told with TUNSETOFFLOAD what the guest has negotiated.
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
#include "vm/virtio/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
/* these come before virtio_net.h, which defines what they only name */
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "base/fd.h"
#include "host/iov.h"
#include "vm/virtio/netstream.h"

enum { QUEUE_RX, QUEUE_TX, QUEUES };
#define NET_QUEUE 256
static const uint16_t queue_sizes[QUEUES] = { NET_QUEUE, NET_QUEUE };

#define HDR_BYTES sizeof(struct virtio_net_hdr_v1)
#define ETH_BYTES 18                               /* Ethernet's header with a VLAN tag */
#define PACKET_MAX (HDR_BYTES + ETH_BYTES + 65535) /* the largest segmentation-offload packet */

/* What one turn does at most. */
#define TURN_CHAINS 128
#define TURN_BYTES (512 * KIB)

/* Segmentation of UDP (virtio 1.3 §5.1.3), which the kernel has from 6.2 on, and older headers do not name. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef VIRTIO_NET_F_HOST_USO
#define VIRTIO_NET_F_GUEST_USO4 54
#define VIRTIO_NET_F_GUEST_USO6 55
#define VIRTIO_NET_F_HOST_USO 56
#endif
#define USO_OFFLOADS (TUN_F_USO4 | TUN_F_USO6) /* a tap takes both or none */
#define GUEST_USO (VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_USO6))
#define USO_FEATURES (GUEST_USO | VIRTIO_BIT(VIRTIO_NET_F_HOST_USO))

#define OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)
#define OFFLOAD_FEATURES                                                                                             \
	(VIRTIO_BIT(VIRTIO_NET_F_CSUM) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) | \
		VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_ECN) |                           \
		VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO6) |                            \
		VIRTIO_BIT(VIRTIO_NET_F_HOST_ECN))

struct virtio_net {
	struct virtio_dev dev;
	struct virtio_net_config config;
	struct virtio_net_counters counters;
	int fd; /* owned */
	bool is_tap;
	struct netstream *stream; /* NULL: the descriptor has a packet a call */
	bool dead;                /* the interface is gone: nothing is read until a reset */
	bool want_in, want_out;   /* receiving, sending wait for the tap */
	struct watch *watch;
	size_t kept; /* bytes of the packet in spill that waits for chains; 0: there is none */
	struct iovec iov[NET_QUEUE + 1];
	struct vring_used_elem taken[NET_QUEUE]; /* the chains of the packet in hand */
	uint8_t spill[PACKET_MAX];
};

static struct virtio_net *net_of(struct virtio_dev *dev)
{
	return container_of(dev, struct virtio_net, dev);
}

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
static int rx_spread(struct virtio_net *net, struct virtq *vq, unsigned int n, size_t from, size_t len, bool *ret_never)
{
	unsigned int max = virtio_has(&net->dev, VIRTIO_NET_F_MRG_RXBUF) ? vq->s.size : 1;
	struct virtq_chain chain;
	int r;

	while (from < len) {
		size_t put;

		r = n < max ? virtq_pop(vq, &chain, net->iov) : 0;
		if (r <= 0) {
			*ret_never = n == max;
			untake(vq, n);
			return r;
		}
		put = iov_write(chain.in, chain.in_len, 0, net->spill + from, len - from);
		net->taken[n++] = (struct vring_used_elem){ .id = chain.head, .len = (uint32_t)put };
		from += put;
	}
	return (int)n;
}

/* Takes the first chain for a packet: 1, 0 or -errno as virtq_pop(). */
static int rx_first(struct virtio_net *net, struct virtq *vq, struct virtq_chain *ret_chain)
{
	int r = virtq_pop(vq, ret_chain, net->iov);

	/* GUEST: a chain must have room for the header at least (§5.1.6.3.1 asks for far more) */
	if (r > 0 && ret_chain->in_bytes < HDR_BYTES) {
		virtq_unpop(vq);
		return -EINVAL;
	}
	return r;
}

/* Delivers the kept packet. 1: it is delivered or dropped; 0: there are too few chains; or -errno. */
static int rx_kept(struct virtio_net *net, struct virtq *vq)
{
	struct iovec head[HDR_BYTES]; /* enough for a header, as each buffer has a byte or more */
	struct virtq_chain first;
	bool never = false;
	size_t put;
	int r = rx_first(net, vq, &first);

	if (r <= 0)
		return r;
	put = iov_write(first.in, first.in_len, 0, net->spill, net->kept);
	net->taken[0] = (struct vring_used_elem){ .id = first.head, .len = (uint32_t)put };
	first.in_len = MIN(first.in_len, ARRAY_LEN(head));
	memcpy(head, first.in, first.in_len * sizeof(*head));
	first.in = head; /* its copy, because rx_spread() uses net->iov */
	r = rx_spread(net, vq, 1, put, net->kept, &never);
	if (r < 0 || (r == 0 && !never))
		return r;
	if (r == 0)
		net->counters.rx_dropped++;
	else
		rx_publish(vq, net->taken, &first, (unsigned int)r);
	net->kept = 0;
	return 1;
}

/* A read has failed with errno. Returns 0; sets want_in if EPOLLIN will tell of the next packet, else dead. */
static int rx_failed(struct virtio_net *net)
{
	net->dead = errno == EBADFD || errno == EFAULT; /* the interface is gone */
	net->want_in = !net->dead;
	return 0;
}

/* As readv(2) of a tap, for whatever the descriptor is. */
static ssize_t net_readv(struct virtio_net *net, const struct iovec *iov, unsigned int iov_len)
{
	ssize_t n;

	if (!net->stream)
		return readv(net->fd, iov, (int)iov_len);
	n = netstream_read(net->stream, HDR_BYTES, iov, iov_len);
	if (n >= 0)
		return n;
	errno = n == -EPIPE ? EBADFD : (int)-n;
	return -1;
}

/* Reads one packet. 1: it is delivered or kept; 0: there is no chain, or nothing to read (want_in is set); or -errno. */
static int rx_read(struct virtio_net *net, struct virtq *vq, size_t *ret_len)
{
	struct virtq_chain first;
	unsigned int iov_len;
	ssize_t n;
	int r = rx_first(net, vq, &first);

	if (r <= 0)
		return r;
	iov_len = first.in_len;
	if (first.in_bytes < PACKET_MAX) { /* net->iov has one more entry than a chain can have */
		first.in[iov_len] = (struct iovec){ .iov_base = net->spill + first.in_bytes,
			.iov_len = PACKET_MAX - first.in_bytes };
		iov_len++;
	}
	n = net_readv(net, first.in, iov_len);
	if (n < 0) {
		virtq_unpop(vq);
		return rx_failed(net);
	}
	if (n <= (ssize_t)HDR_BYTES) {
		virtq_unpop(vq); /* it has no frame: the chain is used for the next packet */
		return 1;
	}
	*ret_len = (size_t)n;
	if ((uint64_t)n <= first.in_bytes) {
		net->taken[0] = (struct vring_used_elem){ .id = first.head, .len = (uint32_t)n };
		rx_publish(vq, net->taken, &first, 1);
		return 1;
	}
	/* Its start is copied back from the guest's chain; then it is a kept packet like any other. */
	(void)iov_read(first.in, first.in_len, 0, net->spill, first.in_bytes); /* < PACKET_MAX */
	virtq_unpop(vq);
	net->kept = (size_t)n;
	return 1;
}

/* Receives packets within the budget. As ops->kick. */
static int rx_turn(struct virtio_net *net)
{
	struct virtq *vq = virtio_vq(&net->dev, QUEUE_RX);
	size_t room = TURN_BYTES;

	net->want_in = false;
	virtq_kicks_off(vq);
	for (int budget = TURN_CHAINS; budget > 0 && room > 0; budget--) {
		size_t len = 0;
		int r = net->dead ? 0 : net->kept ? rx_kept(net, vq) : rx_read(net, vq, &len);

		if (r < 0)
			return r;
		if (r == 0 && (net->want_in || net->dead || !virtq_kicks_on(vq))) {
			virtio_signal(&net->dev, QUEUE_RX);
			return VIRTIO_DONE; /* EPOLLIN or a kick continues */
		}
		room -= MIN(room, len);
	}
	virtio_signal(&net->dev, QUEUE_RX);
	return VIRTIO_MORE;
}

/* ---- sending ---- */

/* Sends one packet. 1: it is sent or dropped; 0: the tap is full. */
static int tx_packet(struct virtio_net *net, const struct virtq_chain *chain)
{
	/* GUEST: it may have no header or be longer than any packet. The kernel checks what is in the header. */
	if (chain->out_bytes <= HDR_BYTES || chain->out_bytes > PACKET_MAX) {
		net->counters.tx_dropped++;
		return 1;
	}
	if (net->stream) {
		bool dropped = false;
		int r = netstream_write(net->stream, HDR_BYTES, chain->out, chain->out_len, chain->out_bytes, &dropped);

		net->counters.tx_dropped += dropped;
		return r;
	}
	if (writev(net->fd, chain->out, (int)chain->out_len) >= 0)
		return 1;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	net->counters.tx_dropped++; /* the link is down, the header bad, memory short: a network may lose packets */
	return 1;
}

/* Sends packets within the budget. As ops->kick. */
static int tx_turn(struct virtio_net *net)
{
	struct virtq *vq = virtio_vq(&net->dev, QUEUE_TX);
	int r, budget = TURN_CHAINS;
	size_t room = TURN_BYTES;

	net->want_out = false;
	virtq_kicks_off(vq);
	do {
		struct virtq_chain chain;

		while (budget > 0 && room > 0 && (r = virtq_pop(vq, &chain, net->iov)) > 0) {
			budget--;
			room -= MIN(room, chain.out_bytes);
			if (tx_packet(net, &chain) == 0) {
				virtq_unpop(vq);
				virtio_signal(&net->dev, QUEUE_TX);
				net->want_out = true;
				return VIRTIO_DONE;
			}
			virtq_push(vq, chain.head, 0);
		}
		if (budget == 0 || room == 0)
			break;
		if (r < 0)
			return r;
	} while (virtq_kicks_on(vq));
	virtio_signal(&net->dev, QUEUE_TX);
	if (net->stream && netstream_flush(net->stream)) {
		net->want_out = true; /* the rest of a packet waits: on_tap() goes on */
		return VIRTIO_DONE;
	}
	return budget == 0 || room == 0 ? VIRTIO_MORE : VIRTIO_DONE;
}

/* ---- events ---- */

/* Lets the loop wait for what the two turns wait for. 0 or -errno. */
static int watch_adjust(struct virtio_net *net)
{
	if (!net->watch)
		return 0;
	return watch_set_events(net->watch, (net->want_in ? EPOLLIN : 0) | (net->want_out ? EPOLLOUT : 0));
}

static int net_kick(struct virtio_dev *dev, unsigned int queue)
{
	struct virtio_net *net = net_of(dev);
	int r = VIRTIO_DONE, w;

	if (queue == QUEUE_RX)
		r = rx_turn(net);
	else if (!net->want_out)
		r = tx_turn(net);
	w = watch_adjust(net);
	return r < 0 ? r : w < 0 ? w : r;
}

/* The loop's callback: the tap is readable, writable or gone. */
static void on_tap(void *arg, uint32_t events)
{
	struct virtio_net *net = arg;
	int r = 0;

	pthread_mutex_lock(&net->dev.lock);
	if (!virtio_live(&net->dev)) {
		net->want_in = net->want_out = false; /* the driver's kicks will set them again */
	} else {
		if (net->want_out && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
			r = tx_turn(net);
		if (r == VIRTIO_MORE)
			virtio_queue_poke(&net->dev.queues[QUEUE_TX]);
		if (r >= 0 && net->want_in && events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
			r = rx_turn(net);
			if (r == VIRTIO_MORE) /* nothing else goes on: rx_turn() waits for no event */
				virtio_queue_poke(&net->dev.queues[QUEUE_RX]);
		}
	}
	if (events & (EPOLLERR | EPOLLHUP)) {
		/* The interface was deleted. The loop would report it again and again. */
		watch_free(net->watch);
		net->watch = NULL;
		net->dead = true;
		net->want_in = net->want_out = false;
		virtio_queue_poke(&net->dev.queues[QUEUE_TX]); /* so that what waits there is dropped */
	}
	if (r >= 0)
		r = watch_adjust(net);
	if (r < 0)
		virtio_break(&net->dev);
	pthread_mutex_unlock(&net->dev.lock);
}

/* ---- negotiation ---- */

/* ops->features_ok: offloads that need others (§5.1.3.1). */
static bool net_features_ok(const struct virtio_dev *dev, uint64_t f)
{
	static const struct {
		uint64_t has, needs_one_of;
	} rules[] = {
		{ VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4), VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM) },
		{ VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6), VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM) },
		{ VIRTIO_BIT(VIRTIO_NET_F_GUEST_ECN),
			VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6) },
		{ VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4), VIRTIO_BIT(VIRTIO_NET_F_CSUM) },
		{ VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO6), VIRTIO_BIT(VIRTIO_NET_F_CSUM) },
		{ VIRTIO_BIT(VIRTIO_NET_F_HOST_ECN),
			VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO6) },
		{ GUEST_USO, VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM) },
		{ VIRTIO_BIT(VIRTIO_NET_F_HOST_USO), VIRTIO_BIT(VIRTIO_NET_F_CSUM) },
	};

	(void)dev;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if ((f & rules[i].has) && !(f & rules[i].needs_one_of))
			return false;
	return true;
}

static unsigned int tun_offloads(const struct virtio_dev *dev)
{
	return (virtio_has(dev, VIRTIO_NET_F_GUEST_CSUM) ? TUN_F_CSUM : 0) |
	       (virtio_has(dev, VIRTIO_NET_F_GUEST_TSO4) ? TUN_F_TSO4 : 0) |
	       (virtio_has(dev, VIRTIO_NET_F_GUEST_TSO6) ? TUN_F_TSO6 : 0) |
	       (virtio_has(dev, VIRTIO_NET_F_GUEST_ECN) ? TUN_F_TSO_ECN : 0) |
	       (virtio_has(dev, VIRTIO_NET_F_GUEST_USO4) && virtio_has(dev, VIRTIO_NET_F_GUEST_USO6) ? USO_OFFLOADS
												     : 0);
}

static void net_activate(struct virtio_dev *dev)
{
	struct virtio_net *net = net_of(dev);

	/* If this fails, the guest would get packets that it cannot read. */
	if (net->is_tap && ioctl(net->fd, TUNSETOFFLOAD, tun_offloads(dev)) < 0)
		virtio_break(dev);
}

static void net_reset(struct virtio_dev *dev)
{
	struct virtio_net *net = net_of(dev);

	/* want_in and want_out belong to the loop's thread, where the next event or kick puts them right */
	net->kept = 0;
	net->dead = false;
}

/* ---- life ---- */

static int net_start(struct virtio_dev *dev, struct loop *loop, struct err *err)
{
	struct virtio_net *net = net_of(dev);
	int r = watch_new(loop, net->fd, 0, on_tap, net, &net->watch);

	return r < 0 ? err_sys(err, r, "watch the tap") : 0;
}

static void net_stop(struct virtio_dev *dev)
{
	struct virtio_net *net = net_of(dev);

	watch_free(net->watch);
	net->watch = NULL;
}

static void net_free(struct virtio_dev *dev)
{
	struct virtio_net *net = net_of(dev);

	netstream_free(net->stream);
	fd_close(net->fd);
	free(net);
}

static const char *const net_syscalls[] = { "readv", "writev", NULL }; /* the tap */
static const char *const net_vcpu_syscalls[] = { NULL };
static const unsigned long net_ioctls[] = { TUNSETOFFLOAD, 0 }; /* net_activate() */

static const struct virtio_ops net_ops = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.calls = { .names = net_syscalls },
	.vcpu_calls = { .names = net_vcpu_syscalls, .ioctls = net_ioctls },
	.features_ok = net_features_ok,
	.activate = net_activate,
	.kick = net_kick,
	.reset = net_reset,
	.start = net_start,
	.stop = net_stop,
	.free = net_free,
};

/* Checks that fd is a tap of the right kind, and finds out whether it has offloads. 0 or -errno with a message. */
static int tap_setup(struct virtio_net *net, struct err *err)
{
	int hdr = HDR_BYTES;
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	if (ioctl(net->fd, TUNGETIFF, &ifr) < 0)
		return err_sys(err, errno, "not a tap");
	if ((ifr.ifr_flags & (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)) != (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
		return err_set(err, EINVAL, "tap '%.*s' was not made with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR",
			IFNAMSIZ, ifr.ifr_name);
	if (ioctl(net->fd, TUNSETVNETHDRSZ, &hdr) < 0)
		return err_sys(err, errno, "tap '%.*s': header size", IFNAMSIZ, ifr.ifr_name);
	net->is_tap = true;
	if (ioctl(net->fd, TUNSETOFFLOAD, OFFLOADS) == 0)
		net->dev.features |= OFFLOAD_FEATURES;
	if (ioctl(net->fd, TUNSETOFFLOAD, OFFLOADS | USO_OFFLOADS) == 0)
		net->dev.features |= USO_FEATURES;
	if (ioctl(net->fd, TUNSETOFFLOAD, 0) < 0)
		net->dev.features &= ~(OFFLOAD_FEATURES | USO_FEATURES);
	return 0;
}

/* Finds out what kind of socket it is: one of datagrams is read and written as a tap. 0 or -errno with a message. */
static int socket_setup(struct virtio_net *net, struct err *err)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(net->fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return err_sys(err, errno, "socket");
	if (type != SOCK_STREAM)
		return 0;
	net->stream = netstream_new(net->fd);
	return net->stream ? 0 : err_sys(err, ENOMEM, "socket");
}

/* Sets up the common part and fd, which may be a socket instead of a tap. 0 or -errno with a message. */
static int net_setup(struct virtio_net *net, const struct mem *mem, struct err *err)
{
	struct stat st;
	int r = virtio_init(&net->dev, &net_ops, mem, queue_sizes, QUEUES, err);

	if (r < 0)
		return r;
	if (fstat(net->fd, &st) < 0)
		return err_sys(err, errno, "virtio net");
	if ((S_ISSOCK(st.st_mode) ? socket_setup(net, err) : tap_setup(net, err)) < 0)
		return err_prefix(err, "virtio net");
	r = fd_set_nonblock(net->fd, 1);
	return r < 0 ? err_sys(err, r, "virtio net") : 0;
}

int virtio_net_new(
	const struct mem *mem, int fd, const uint8_t mac[6], uint16_t mtu, struct virtio_dev **ret_dev, struct err *err)
{
	struct virtio_net *net = calloc(1, sizeof(*net));
	int r;

	if (!net) {
		fd_close(fd);
		return err_sys(err, ENOMEM, "virtio net");
	}
	net->fd = fd;
	r = net_setup(net, mem, err);
	if (r < 0) {
		virtio_done(&net->dev);
		net_free(&net->dev);
		return r;
	}
	net->dev.features |= VIRTIO_BIT(VIRTIO_NET_F_MAC) | VIRTIO_BIT(VIRTIO_NET_F_STATUS) |
			     VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF) | (mtu ? VIRTIO_BIT(VIRTIO_NET_F_MTU) : 0);
	memcpy(net->config.mac, mac, sizeof(net->config.mac));
	net->config.status = VIRTIO_NET_S_LINK_UP;
	net->config.max_virtqueue_pairs = 1;
	net->config.mtu = mtu;
	net->dev.config = (uint8_t *)&net->config;
	net->dev.config_len = offsetof(struct virtio_net_config, speed);
	*ret_dev = &net->dev;
	return 0;
}

void virtio_net_set_link(struct virtio_dev *dev, bool up)
{
	struct virtio_net *net = net_of(dev);
	uint16_t status = up ? VIRTIO_NET_S_LINK_UP : 0;

	pthread_mutex_lock(&dev->lock);
	if (net->config.status != status) {
		net->config.status = status;
		virtio_config_changed(dev);
	}
	pthread_mutex_unlock(&dev->lock);
}

void virtio_net_get_counters(struct virtio_dev *dev, struct virtio_net_counters *ret)
{
	pthread_mutex_lock(&dev->lock);
	*ret = net_of(dev)->counters;
	pthread_mutex_unlock(&dev->lock);
}
