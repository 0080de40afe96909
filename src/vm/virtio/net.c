/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net over a tap, or over a socket: what the driver negotiates and asks for; netpair.c has the way of a packet.
 *
 * A device with several pairs has them in the order of §5.1.2: receiving and sending queue of each, then the control queue. (A
 * driver that wants the control queue and one pair finds it behind that pair.) The first pair is in use from DRIVER_OK on; the
 * driver says how many more by VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET. A tap has a queue, with a descriptor of its own, for each pair, of
 * which those in use are attached: packets come to those alone.
 *
 * To attach or to detach takes a lock of the host's kernel that all of its networks share, and to detach waits for its processors.
 * So a driver that changes the number again and again is answered slowly: CHANGES_MAX times in CHANGES_MS.
 */
#include "vm/virtio/net.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "host/iov.h"
#include "vm/engine.h"
#include "vm/virtio/netpair.h"
#include "vm/virtio/netstream.h"
#include "vm/virtio/netthreads.h"

#define QUEUES_MAX (2 * VM_NIC_PAIRS_MAX + 1)
#define CONTROL_QUEUE 64  /* entries; Linux waits for the answer to each message before the next */
#define CONTROL_CHAINS 16 /* what one turn takes at most */

#define CHANGES_MAX 16
#define CHANGES_MS 1000

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
	bool is_tap;
	struct netthreads *threads; /* borrowed; NULL: the main loop serves all pairs */

	/* LOCK: the device's */
	unsigned int resets;  /* how often the driver has reset the device */
	unsigned int changes; /* of the number of pairs, since again was armed */
	struct watch *again;  /* a timer: the driver may change it again; NULL: not started, or one pair */
	/* of a message. The control queue may be a queue of a pair, which is the longer one: control_queue() */
	struct iovec control[MAX(CONTROL_QUEUE, NETPAIR_QUEUE)];

	unsigned int pairs_len;
	struct netpair pairs[];
};

static struct virtio_net *net_of(struct virtio_dev *dev)
{
	return container_of(dev, struct virtio_net, dev);
}

/* ---- pairs ---- */

/* Attaches the tap's queue of pair @p, or detaches it. 0 or -errno. */
static int tap_queue(const struct virtio_net *net, const struct netpair *p, bool attach)
{
	struct ifreq ifr;

	if (!net->is_tap)
		return 0;
	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_flags = attach ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
	return ioctl(p->fd, TUNSETQUEUE, &ifr) < 0 ? -errno : 0;
}

/* Takes the further pair @p into use or out of it, unless it is so already. 0 or -errno. The device's lock is held. */
static int pair_use(const struct virtio_net *net, struct netpair *p, bool use)
{
	int r;

	if (p->in_use == use)
		return 0;
	p->in_use = false;
	netpair_quiesce(p);
	r = tap_queue(net, p, use);
	if (r < 0)
		return r;
	p->in_use = use;
	virtio_queue_poke(&p->dev->queues[p->rx]); /* its thread serves what waits, or waits for nothing more */
	virtio_queue_poke(&p->dev->queues[p->tx]);
	return 0;
}

/* Takes the first @n pairs into use, and no others: 0, or -errno, when fewer are in use. The device's lock is held. */
static int pairs_use(struct virtio_net *net, unsigned int n)
{
	int first = 0;

	for (unsigned int i = 1; i < net->pairs_len; i++) {
		int r = pair_use(net, &net->pairs[i], i < n);

		first = first < 0 ? first : r;
	}
	return first;
}

static unsigned int pairs_in_use(const struct virtio_net *net)
{
	unsigned int n = 1;

	while (n < net->pairs_len && net->pairs[n].in_use)
		n++;
	return n;
}

/* ---- the control queue (§5.1.6.5) ---- */

/* The index of the control queue, which depends on what the driver has accepted; that of no queue if there is none. */
static unsigned int control_queue(const struct virtio_net *net)
{
	if (!virtio_has(&net->dev, VIRTIO_NET_F_CTRL_VQ))
		return QUEUES_MAX;
	return virtio_has(&net->dev, VIRTIO_NET_F_MQ) ? 2 * net->pairs_len : 2;
}

/* How many pairs the message in @chain asks for; 0: it asks for something else, or for what there is not. */
static unsigned int asked_pairs(const struct virtio_net *net, const struct virtq_chain *chain)
{
	struct {
		struct virtio_net_ctrl_hdr hdr;
		__virtio16 pairs;
	} __attribute__((packed)) message;

	/* GUEST: any bytes, cut into any buffers */
	if (chain->out_bytes != sizeof(message) ||
		iov_read(chain->out, chain->out_len, 0, &message, sizeof(message)) != sizeof(message))
		return 0;
	if (message.hdr.class != VIRTIO_NET_CTRL_MQ || message.hdr.cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
		!virtio_has(&net->dev, VIRTIO_NET_F_MQ) || message.pairs > net->pairs_len)
		return 0;
	return message.pairs;
}

/* Whether the number of pairs may be changed now; if not, the timer will kick the control queue. */
static bool may_change(struct virtio_net *net)
{
	if (net->changes >= CHANGES_MAX)
		return false;
	/* no change is counted for which no timer would be there to forget it */
	if (net->again && (net->changes > 0 || timer_set(net->again, CHANGES_MS) == 0))
		net->changes++;
	return true;
}

/* The loop's callback. */
static void on_again(void *arg)
{
	struct virtio_net *net = arg;

	pthread_mutex_lock(&net->dev.lock);
	net->changes = 0;
	pthread_mutex_unlock(&net->dev.lock);
	virtio_queue_poke(&net->dev.queues[2 * net->pairs_len]);
}

/* Answers the message in @chain: 1; 0: not yet; or -EINVAL. The device's lock is held. */
static int control_answer(struct virtio_net *net, struct virtq *vq, const struct virtq_chain *chain)
{
	unsigned int pairs = asked_pairs(net, chain), now = pairs_in_use(net);
	virtio_net_ctrl_ack ack = VIRTIO_NET_OK;

	/* GUEST: there may be no room for the answer */
	if (chain->in_bytes < sizeof(ack))
		return -EINVAL;
	if (pairs && pairs != now && !may_change(net))
		return 0;
	if (!pairs || pairs_use(net, pairs) < 0) {
		ack = VIRTIO_NET_ERR;
		if (pairs && pairs_use(net, MIN(now, pairs)) < 0)
			return -EIO; /* the host has no memory: the driver must begin anew */
	}
	virtq_push(vq, chain->head, (uint32_t)iov_write(chain->in, chain->in_len, 0, &ack, sizeof(ack)));
	return 1;
}

/* Answers messages within the budget: enum virtio_more, or -errno. The device's lock is held. */
static int control_turn(struct virtio_net *net, unsigned int queue)
{
	struct virtq *vq = virtio_vq(&net->dev, queue);
	int r, budget = CONTROL_CHAINS;
	struct virtq_chain chain;

	virtq_kicks_off(vq);
	do {
		while ((r = virtq_pop(vq, &chain, net->control, ARRAY_LEN(net->control))) > 0) {
			r = budget-- > 0 ? control_answer(net, vq, &chain) : 0;
			if (r <= 0) {
				virtq_unpop(vq);
				virtio_signal(&net->dev, queue);
				return r < 0 ? r : budget < 0 ? VIRTIO_MORE : VIRTIO_DONE;
			}
		}
	} while (r == 0 && virtq_kicks_on(vq));
	virtio_signal(&net->dev, queue);
	return r;
}

/* ---- events ---- */

/* After a turn, without locks: the guest has broken a rule (@r < 0), unless it has reset the device since it had @resets. */
static void turn_failed(struct virtio_net *net, unsigned int resets)
{
	pthread_mutex_lock(&net->dev.lock);
	if (net->resets == resets)
		virtio_break(&net->dev);
	pthread_mutex_unlock(&net->dev.lock);
}

/* ops->turn: a kick of @queue. */
static void net_turn(struct virtio_dev *dev, unsigned int queue)
{
	struct virtio_net *net = net_of(dev);
	struct netpair *p = &net->pairs[queue / 2];
	unsigned int resets;
	int r = VIRTIO_DONE, adjusted;

	pthread_mutex_lock(&dev->lock);
	resets = net->resets;
	if (!virtio_live(dev) || !virtio_vq(dev, queue)->s.ready) {
		pthread_mutex_unlock(&dev->lock);
		return;
	}
	if (queue == control_queue(net)) {
		r = control_turn(net, queue);
		pthread_mutex_unlock(&dev->lock);
	} else if (queue / 2 < net->pairs_len && p->in_use) {
		pthread_mutex_lock(&p->lock);
		pthread_mutex_unlock(&dev->lock);
		r = queue == p->rx ? netpair_receive(p) : netpair_send(p);
		adjusted = netpair_adjust(p);
		pthread_mutex_unlock(&p->lock);
		r = r < 0 || adjusted == 0 ? r : adjusted;
	} else {
		pthread_mutex_unlock(&dev->lock);
	}
	if (r < 0)
		turn_failed(net, resets);
	else if (r == VIRTIO_MORE)
		virtio_queue_poke(&dev->queues[queue]);
}

/* The callback of the loop that serves the pair: its descriptor is readable, writable or gone. */
static void on_tap(void *arg, uint32_t events)
{
	struct netpair *p = arg;
	struct virtio_dev *dev = p->dev;
	struct virtio_net *net = net_of(dev);
	bool serve, rx_ready, tx_ready;
	unsigned int resets;
	int r;

	pthread_mutex_lock(&dev->lock);
	resets = net->resets;
	serve = virtio_live(dev) && p->in_use;
	rx_ready = serve && virtio_vq(dev, p->rx)->s.ready;
	tx_ready = serve && virtio_vq(dev, p->tx)->s.ready;
	pthread_mutex_lock(&p->lock);
	pthread_mutex_unlock(&dev->lock);
	r = netpair_event(p, events, rx_ready, tx_ready);
	pthread_mutex_unlock(&p->lock);
	if (r < 0)
		turn_failed(net, resets);
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
		{ VIRTIO_BIT(VIRTIO_NET_F_MQ), VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) },
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
	if (net->is_tap && ioctl(net->pairs[0].fd, TUNSETOFFLOAD, tun_offloads(dev)) < 0)
		virtio_break(dev);
}

static void net_quiesce(struct virtio_dev *dev)
{
	struct virtio_net *net = net_of(dev);

	for (unsigned int i = 0; i < net->pairs_len; i++)
		netpair_quiesce(&net->pairs[i]);
}

static void net_reset(struct virtio_dev *dev)
{
	struct virtio_net *net = net_of(dev);

	net->resets++;
	for (unsigned int i = 0; i < net->pairs_len; i++)
		netpair_reset(&net->pairs[i]);
	(void)pairs_use(net, 1); /* what cannot be detached is the queue of an interface that has gone */
}

/* ---- life ---- */

/* The loop that serves pair @pair, where @loop is the main one. */
static struct loop *loop_of(const struct virtio_net *net, unsigned int pair, struct loop *loop)
{
	return pair > 0 && net->threads ? netthreads_loop(net->threads, pair) : loop;
}

/* ops->start: watches kicks and descriptors of each pair on the loop that serves it. */
static int net_start(struct virtio_dev *dev, struct loop *loop, struct err *err)
{
	struct virtio_net *net = net_of(dev);
	int r = 0;

	for (unsigned int i = 0; i < net->pairs_len && r == 0; i++) {
		struct netpair *p = &net->pairs[i];
		struct loop *own = loop_of(net, i, loop);

		r = watch_new(own, p->fd, 0, on_tap, p, &p->watch);
		if (r == 0)
			r = virtio_queue_watch(&dev->queues[p->rx], own);
		if (r == 0)
			r = virtio_queue_watch(&dev->queues[p->tx], own);
	}
	if (r == 0 && net->pairs_len > 1)
		r = virtio_queue_watch(&dev->queues[2 * net->pairs_len], loop);
	if (r == 0 && net->pairs_len > 1)
		r = timer_new(loop, 0, on_again, net, &net->again);
	return r < 0 ? err_sys(err, r, "watch the tap") : 0;
}

static void net_stop(struct virtio_dev *dev)
{
	struct virtio_net *net = net_of(dev);

	for (unsigned int i = 0; i < net->pairs_len; i++) {
		watch_free(net->pairs[i].watch);
		net->pairs[i].watch = NULL;
	}
	watch_free(net->again);
	net->again = NULL;
}

static void net_free(struct virtio_dev *dev)
{
	struct virtio_net *net = net_of(dev);

	for (unsigned int i = 0; i < net->pairs_len; i++)
		netpair_done(&net->pairs[i]);
	free(net);
}

static const char *const net_syscalls[] = { "readv", "writev", NULL }; /* the tap */
static const char *const net_vcpu_syscalls[] = { NULL };
static const unsigned long net_ioctls[] = { TUNSETOFFLOAD, 0 }; /* net_activate() */

const unsigned long virtio_net_pairs_ioctls[] = { TUNSETQUEUE, 0 }; /* net_reset(), control_turn() */

static const struct virtio_ops net_ops = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.threaded = true,
	.calls = { .names = net_syscalls },
	.vcpu_calls = { .names = net_vcpu_syscalls, .ioctls = net_ioctls },
	.features_ok = net_features_ok,
	.activate = net_activate,
	.turn = net_turn,
	.quiesce = net_quiesce,
	.reset = net_reset,
	.start = net_start,
	.stop = net_stop,
	.free = net_free,
};

/* Checks that the descriptor of each pair is a queue of one and the same tap, of the right kind. 0 or -errno with a message. */
static int tap_check(const struct virtio_net *net, struct err *err)
{
	const int wanted = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (net->pairs_len > 1 ? IFF_MULTI_QUEUE : 0);
	struct ifreq first, ifr;

	memset(&first, 0, sizeof(first));
	memset(&ifr, 0, sizeof(ifr));
	for (unsigned int i = 0; i < net->pairs_len; i++) {
		if (ioctl(net->pairs[i].fd, TUNGETIFF, &ifr) < 0)
			return err_sys(err, errno, "not a tap");
		if ((ifr.ifr_flags & wanted) != wanted)
			return err_set(err, EINVAL,
				"tap '%.*s' was not made with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR%s", IFNAMSIZ,
				ifr.ifr_name, net->pairs_len > 1 ? " and IFF_MULTI_QUEUE" : "");
		if (i == 0)
			first = ifr;
		if (strncmp(ifr.ifr_name, first.ifr_name, IFNAMSIZ) != 0)
			return err_set(err, EINVAL, "'%.*s' is another tap than '%.*s'", IFNAMSIZ, ifr.ifr_name,
				IFNAMSIZ, first.ifr_name);
	}
	return 0;
}

/* Checks the tap, finds out whether it has offloads, and detaches all queues but the first. 0 or -errno with a message. */
static int tap_setup(struct virtio_net *net, struct err *err)
{
	int fd = net->pairs[0].fd, hdr = NETPAIR_HDR_BYTES, r = tap_check(net, err);

	if (r < 0)
		return r;
	if (ioctl(fd, TUNSETVNETHDRSZ, &hdr) < 0)
		return err_sys(err, errno, "tap: header size");
	net->is_tap = true;
	if (ioctl(fd, TUNSETOFFLOAD, OFFLOADS) == 0)
		net->dev.features |= OFFLOAD_FEATURES;
	if (ioctl(fd, TUNSETOFFLOAD, OFFLOADS | USO_OFFLOADS) == 0)
		net->dev.features |= USO_FEATURES;
	if (ioctl(fd, TUNSETOFFLOAD, 0) < 0)
		net->dev.features &= ~(OFFLOAD_FEATURES | USO_FEATURES);
	for (unsigned int i = 1; i < net->pairs_len && r == 0; i++)
		r = tap_queue(net, &net->pairs[i], false);
	return r < 0 ? err_sys(err, r, "tap: cannot detach a queue") : 0;
}

/*
 * Finds out what kind of sockets they are: those of datagrams are read and written as a tap, and may be several; a stream
 * is alone. 0 or -errno with a message.
 */
static int socket_setup(struct virtio_net *net, struct err *err)
{
	struct netpair *p = &net->pairs[0];
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(p->fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return err_sys(err, errno, "socket");
	if (type != SOCK_STREAM)
		return 0;
	if (net->pairs_len > 1)
		return err_set(err, EINVAL, "a stream has one pair of queues");
	p->stream = netstream_new(p->fd);
	return p->stream ? 0 : err_sys(err, ENOMEM, "socket");
}

/* Sets up the common part and the pairs, behind which may be sockets instead of a tap. 0 or -errno with a message. */
static int net_setup(struct virtio_net *net, const struct mem *mem, struct err *err)
{
	unsigned int queues = 2 * net->pairs_len;
	uint16_t sizes[QUEUES_MAX];
	struct stat st;
	int r;

	for (unsigned int i = 0; i < queues; i++)
		sizes[i] = NETPAIR_QUEUE;
	if (net->pairs_len > 1)
		sizes[queues++] = CONTROL_QUEUE;
	r = virtio_init(&net->dev, &net_ops, mem, sizes, queues, err);
	if (r < 0)
		return r;
	if (fstat(net->pairs[0].fd, &st) < 0)
		return err_sys(err, errno, "virtio net");
	if ((S_ISSOCK(st.st_mode) ? socket_setup(net, err) : tap_setup(net, err)) < 0)
		return err_prefix(err, "virtio net");
	for (unsigned int i = 0; i < net->pairs_len && r == 0; i++)
		r = fd_set_nonblock(net->pairs[i].fd, 1);
	return r < 0 ? err_sys(err, r, "virtio net") : 0;
}

int virtio_net_new(const struct mem *mem, const struct vm_nic *nic, struct netthreads *threads,
	struct virtio_dev **ret_dev, struct err *err)
{
	const uint64_t pairs_features = VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) | VIRTIO_BIT(VIRTIO_NET_F_MQ);
	struct virtio_net *net;
	int r;

	assert(nic->pairs >= 1 && nic->pairs <= VM_NIC_PAIRS_MAX);
	net = calloc(1, sizeof(*net) + nic->pairs * sizeof(net->pairs[0]));
	if (!net) {
		vm_nic_close_fds(nic);
		return err_sys(err, ENOMEM, "virtio net");
	}
	net->threads = threads;
	for (; net->pairs_len < nic->pairs; net->pairs_len++)
		netpair_init(&net->pairs[net->pairs_len], &net->dev, 2 * net->pairs_len, nic->fds[net->pairs_len]);
	net->pairs[0].in_use = true;
	r = net_setup(net, mem, err);
	if (r < 0) {
		virtio_done(&net->dev);
		net_free(&net->dev);
		return r;
	}
	net->dev.features |= VIRTIO_BIT(VIRTIO_NET_F_MAC) | VIRTIO_BIT(VIRTIO_NET_F_STATUS) |
			     VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF) | (nic->mtu ? VIRTIO_BIT(VIRTIO_NET_F_MTU) : 0) |
			     (nic->pairs > 1 ? pairs_features : 0);
	memcpy(net->config.mac, nic->mac, sizeof(net->config.mac));
	net->config.status = VIRTIO_NET_S_LINK_UP;
	net->config.max_virtqueue_pairs = (uint16_t)nic->pairs;
	net->config.mtu = nic->mtu;
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
	struct virtio_net *net = net_of(dev);

	*ret = (struct virtio_net_counters){ .rx_dropped = 0 };
	for (unsigned int i = 0; i < net->pairs_len; i++) {
		struct netpair *p = &net->pairs[i];

		pthread_mutex_lock(&p->lock);
		ret->rx_dropped += p->rx_dropped;
		ret->tx_dropped += p->tx_dropped;
		pthread_mutex_unlock(&p->lock);
	}
}
