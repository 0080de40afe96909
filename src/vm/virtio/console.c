/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-console with two ports.
 *
 * Port 0 is the guest's hvc console: what the guest writes there goes to the log, and nothing is ever written to it.
 * Port 1 is the channel, a byte stream between a socket and /dev/vport*p1. Either side is held back without a buffer of
 * our own:
 *
 *   guest ─ tx ring ─> socket    when the socket is full, the chain stays in the ring, and tx_skip says how many of its
 *                                bytes have been sent; EPOLLOUT continues
 *   guest <─ rx ring ─ socket    when the guest has no buffer or has the port closed, the socket is not read; a kick or
 *                                PORT_OPEN continues
 *
 * Control messages for the guest are not queued. For each port a set of bits says which are due; they are sent in the
 * order of the bits as the guest offers buffers. A guest that asks again and again only sets the same bits again.
 *
 *   DEVICE_READY ─> PORT_ADD ─> (guest) PORT_READY ─> CONSOLE_PORT | PORT_NAME, PORT_OPEN
 *                                                     ─> (guest) PORT_OPEN: the channel flows
 *
 * When the socket's other end is gone, the guest gets PORT_OPEN(0), and what it still writes is dropped. All of this runs
 * on the loop's thread, but for reset, which runs on a vCPU's under the lock.
 */
#include "vm/virtio/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/virtio_console.h>

#include "base/fd.h"
#include "host/iov.h"

enum { QUEUE_RX0, QUEUE_TX0, QUEUE_CTRL_RX, QUEUE_CTRL_TX, QUEUE_RX1, QUEUE_TX1, QUEUES };
enum { PORT_CONSOLE, PORT_CHANNEL, PORTS };

/*
 * Linux fills every rx ring with pages at once. So there are 4 entries for the port that gets nothing, and 64 (256 KiB) for
 * the channel. Each of its writes has 32 KiB at most.
 */
static const uint16_t queue_sizes[QUEUES] = { 4, 16, 16, 16, 64, 64 };
#define CHAIN_MAX 64 /* entries of the largest of them */

/* The work of one turn is bounded, so that a guest or host that floods the channel leaves the loop to others. */
#define TURN_CHAINS 32
#define TURN_BYTES (256 * KIB)
#define LOG_PIECE 4096 /* bytes copied out of guest memory at a time, to the stack */

/* Control messages that the guest is to get; the lowest bit goes first. */
enum {
	DUE_ADD = 1 << 0,
	DUE_CONSOLE = 1 << 1,
	DUE_NAME = 1 << 2,
	DUE_OPEN = 1 << 3,
};

/* What a snapshot has to keep of a port. */
struct port_state {
	uint64_t tx_skip; /* how many bytes of the next tx chain have been sent or logged */
	uint32_t due;     /* DUE_* */
	bool guest_open;  /* the guest has the port open */
};

struct port {
	struct port_state s;
	const char *name; /* NULL: a console */
	bool host_open;   /* the socket has its other end */
};

struct virtio_console {
	struct virtio_dev dev;
	struct virtio_console_config config;
	struct port ports[PORTS];
	virtio_log_fn *log;
	void *log_arg;
	int fd;              /* the channel's socket, owned */
	struct watch *watch; /* of fd; NULL: not started, or the peer has hung up */
	bool want_in;        /* rx waits for the socket */
	bool want_out;       /* tx waits for the socket */
	struct iovec iov[CHAIN_MAX];
};

static struct virtio_console *console_of(struct virtio_dev *dev)
{
	return container_of(dev, struct virtio_console, dev);
}

/* ---- control ---- */

/* Builds the message of bit @due in @msg, which has @room bytes. How many bytes it has. */
static size_t control_build(const struct port *port, uint32_t id, uint32_t due, uint8_t *msg, size_t room)
{
	struct virtio_console_control ctrl = { .id = id, .value = 1 };
	size_t name_len = 0;

	switch (due) {
	case DUE_ADD:
		ctrl.event = VIRTIO_CONSOLE_PORT_ADD;
		break;
	case DUE_CONSOLE:
		ctrl.event = VIRTIO_CONSOLE_CONSOLE_PORT;
		break;
	case DUE_NAME:
		ctrl.event = VIRTIO_CONSOLE_PORT_NAME;
		name_len = MIN(strlen(port->name), room - sizeof(ctrl));
		break;
	default:
		ctrl.event = VIRTIO_CONSOLE_PORT_OPEN;
		ctrl.value = port->host_open;
		break;
	}
	memcpy(msg, &ctrl, sizeof(ctrl));
	if (name_len)
		memcpy(msg + sizeof(ctrl), port->name, name_len);
	return sizeof(ctrl) + name_len;
}

/* Sends what is due as far as the guest has offered buffers. 0, or -errno if the guest has broken a rule. */
static int control_flush(struct virtio_console *c)
{
	struct virtq *vq = virtio_vq(&c->dev, QUEUE_CTRL_RX);
	struct virtq_chain chain;
	uint8_t msg[128];
	int r;

	for (uint32_t id = 0; id < PORTS; id++) {
		struct port *port = &c->ports[id];

		while (port->s.due) {
			uint32_t due = port->s.due & -port->s.due;
			size_t len = control_build(port, id, due, msg, sizeof(msg));

			r = virtq_pop(vq, &chain, c->iov, ARRAY_LEN(c->iov));
			if (r == 0 && virtq_kicks_on(vq))
				continue;
			if (r <= 0)
				return r;
			/* GUEST: the buffer may be smaller than the specification asks for */
			if (chain.in_bytes < len) {
				virtq_unpop(vq);
				return -EINVAL;
			}
			(void)iov_write(chain.in, chain.in_len, 0, msg, len); /* it fits: see above */
			virtio_give(&c->dev, QUEUE_CTRL_RX, chain.head, (uint32_t)len);
			port->s.due &= ~due;
		}
	}
	return 0;
}

/* Does what a message of the guest asks for; answers only become due. */
static void control_handle(struct virtio_console *c, const struct virtio_console_control *ctrl)
{
	struct port *port;

	if (ctrl->event == VIRTIO_CONSOLE_DEVICE_READY) {
		for (uint32_t id = 0; ctrl->value && id < PORTS; id++)
			c->ports[id].s.due |= DUE_ADD;
		return;
	}
	/* GUEST: it may name a port that does not exist. Other events than those below are not for a device. */
	if (ctrl->id >= PORTS)
		return;
	port = &c->ports[ctrl->id];
	if (ctrl->event == VIRTIO_CONSOLE_PORT_READY && ctrl->value)
		port->s.due |= DUE_OPEN | (port->name ? DUE_NAME : DUE_CONSOLE);
	else if (ctrl->event == VIRTIO_CONSOLE_PORT_OPEN)
		port->s.guest_open = ctrl->value;
}

static int rx_turn(struct virtio_console *c);

/* Handles the guest's messages within the budget, then sends the answers. As ops->kick. */
static int control_turn(struct virtio_console *c)
{
	struct virtq *vq = virtio_vq(&c->dev, QUEUE_CTRL_TX);
	int r, budget = TURN_CHAINS;

	virtq_kicks_off(vq);
	do {
		struct virtio_console_control ctrl;
		struct virtq_chain chain;

		while (budget > 0 && (r = virtq_pop(vq, &chain, c->iov, ARRAY_LEN(c->iov))) > 0) {
			budget--;
			/* GUEST: whatever is shorter is no message */
			if (iov_read(chain.out, chain.out_len, 0, &ctrl, sizeof(ctrl)) == sizeof(ctrl))
				control_handle(c, &ctrl);
			virtq_push(vq, chain.head, 0);
		}
		if (budget == 0)
			break;
		if (r < 0)
			return r;
	} while (virtq_kicks_on(vq));
	virtio_signal(&c->dev, QUEUE_CTRL_TX);
	r = control_flush(c);
	if (r == 0)
		r = rx_turn(c); /* the channel may have been opened */
	if (r < 0)
		return r;
	return r == VIRTIO_MORE || budget == 0 ? VIRTIO_MORE : VIRTIO_DONE;
}

/* ---- the console: guest to log ---- */

/* Logs at most @room bytes of the chain from byte @skip on. Returns how many. */
static size_t log_chain(struct virtio_console *c, const struct virtq_chain *chain, uint64_t skip, size_t room)
{
	uint8_t piece[LOG_PIECE];
	size_t done = 0, n;

	while (done < room &&
		(n = iov_read(chain->out, chain->out_len, skip + done, piece, MIN(sizeof(piece), room - done))) > 0) {
		c->log(c->log_arg, piece, n);
		done += n;
	}
	return done;
}

/* Logs what the guest has written to its console, within the budget. As ops->kick. */
static int log_turn(struct virtio_console *c)
{
	struct virtq *vq = virtio_vq(&c->dev, QUEUE_TX0);
	struct port_state *s = &c->ports[PORT_CONSOLE].s;
	struct virtq_chain chain;
	size_t room = TURN_BYTES;
	int r, budget = TURN_CHAINS;

	virtq_kicks_off(vq);
	do {
		while (budget > 0 && (r = virtq_pop(vq, &chain, c->iov, ARRAY_LEN(c->iov))) > 0) {
			size_t n = log_chain(c, &chain, s->tx_skip, room);

			budget--;
			room -= n;
			if (room == 0) {
				s->tx_skip += n;
				virtq_unpop(vq);
				budget = 0;
				break;
			}
			s->tx_skip = 0;
			virtq_push(vq, chain.head, 0);
		}
		if (budget == 0)
			break;
		if (r < 0)
			return r;
	} while (virtq_kicks_on(vq));
	virtio_signal(&c->dev, QUEUE_TX0);
	return budget == 0 ? VIRTIO_MORE : VIRTIO_DONE;
}

/* ---- the channel ---- */

/* The socket's other end is gone for good: tells the guest. What it still writes is dropped. 0 or -errno. */
static int channel_lost(struct virtio_console *c)
{
	struct port *port = &c->ports[PORT_CHANNEL];

	c->want_in = c->want_out = false;
	if (!port->host_open)
		return 0;
	port->host_open = false;
	port->s.due |= DUE_OPEN;
	return virtio_live(&c->dev) ? control_flush(c) : 0;
}

/* Moves bytes from the socket to the guest as far as bytes, buffers and the budget go. As ops->kick. */
static int rx_turn(struct virtio_console *c)
{
	struct virtq *vq = virtio_vq(&c->dev, QUEUE_RX1);
	struct port *port = &c->ports[PORT_CHANNEL];
	size_t room = TURN_BYTES;
	struct virtq_chain chain;
	int r;

	c->want_in = false;
	if (!port->s.guest_open || !port->host_open)
		return VIRTIO_DONE;
	virtq_kicks_off(vq);
	for (int budget = TURN_CHAINS; budget > 0 && room > 0; budget--) {
		struct msghdr msg = { .msg_iov = NULL };
		ssize_t n;

		r = virtq_pop(vq, &chain, c->iov, ARRAY_LEN(c->iov));
		if (r == 0 && virtq_kicks_on(vq))
			continue;
		if (r == 0)
			virtio_signal(&c->dev, QUEUE_RX1);
		if (r <= 0)
			return r;
		/* GUEST: into a buffer of no bytes the socket would read as ended */
		if (chain.in_bytes == 0) {
			virtq_unpop(vq);
			return -EINVAL;
		}
		msg.msg_iov = chain.in;
		msg.msg_iovlen = chain.in_len;
		n = recvmsg(c->fd, &msg, MSG_DONTWAIT);
		if (n <= 0) {
			virtq_unpop(vq);
			virtio_signal(&c->dev, QUEUE_RX1);
			if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
				c->want_in = true;
				return VIRTIO_DONE;
			}
			return channel_lost(c);
		}
		room -= MIN(room, (size_t)n);
		virtq_push(vq, chain.head, (uint32_t)n);
	}
	virtio_signal(&c->dev, QUEUE_RX1);
	c->want_in = true;
	return VIRTIO_MORE;
}

/*
 * Sends the bytes of the chain from byte *@skip on, and moves *@skip. 1: all of it is sent; 0: the socket is full;
 * -errno: the other end is gone.
 */
static int send_chain(struct virtio_console *c, struct virtq_chain *chain, uint64_t *skip)
{
	struct iovec *iov = chain->out;
	struct msghdr msg = { .msg_iovlen = iov_skip(&iov, chain->out_len, *skip) };
	uint64_t left = 0;
	ssize_t n;

	for (size_t i = 0; i < msg.msg_iovlen; i++)
		left += iov[i].iov_len;
	if (left == 0)
		return 1;
	msg.msg_iov = iov;
	n = sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	*skip += (uint64_t)n;
	return (uint64_t)n == left;
}

/* Moves bytes from the guest to the socket as far as chains, the socket and the budget go. As ops->kick. */
static int tx_turn(struct virtio_console *c)
{
	struct virtq *vq = virtio_vq(&c->dev, QUEUE_TX1);
	struct port *port = &c->ports[PORT_CHANNEL];
	int r, sent, budget = TURN_CHAINS;
	struct virtq_chain chain;

	c->want_out = false;
	virtq_kicks_off(vq);
	do {
		while (budget > 0 && (r = virtq_pop(vq, &chain, c->iov, ARRAY_LEN(c->iov))) > 0) {
			budget--;
			sent = port->host_open ? send_chain(c, &chain, &port->s.tx_skip) : 1;
			if (sent == 0) {
				virtq_unpop(vq);
				virtio_signal(&c->dev, QUEUE_TX1);
				c->want_out = true;
				return VIRTIO_DONE;
			}
			port->s.tx_skip = 0;
			virtq_push(vq, chain.head, 0);
			if (sent < 0 && (r = channel_lost(c)) < 0)
				return r;
		}
		if (budget == 0)
			break;
		if (r < 0)
			return r;
	} while (virtq_kicks_on(vq));
	virtio_signal(&c->dev, QUEUE_TX1);
	return budget == 0 ? VIRTIO_MORE : VIRTIO_DONE;
}

/* Lets the loop wait for what the two turns wait for. 0 or -errno. */
static int watch_adjust(struct virtio_console *c)
{
	if (!c->watch)
		return 0;
	return watch_set_events(c->watch, (c->want_in ? EPOLLIN : 0) | (c->want_out ? EPOLLOUT : 0));
}

/* ops->kick. */
static int console_kick(struct virtio_dev *dev, unsigned int queue)
{
	struct virtio_console *c = console_of(dev);
	int r = VIRTIO_DONE, w;

	switch (queue) {
	case QUEUE_TX0:
		return log_turn(c);
	case QUEUE_CTRL_RX:
		r = control_flush(c);
		break;
	case QUEUE_CTRL_TX:
		r = control_turn(c);
		break;
	case QUEUE_RX1:
		r = rx_turn(c);
		break;
	case QUEUE_TX1:
		if (!c->want_out)
			r = tx_turn(c);
		break;
	default: /* QUEUE_RX0: nothing is ever written to the console */
		break;
	}
	w = watch_adjust(c);
	return r < 0 ? r : w < 0 ? w : r;
}

/* The loop's callback: the socket is readable, writable or has lost its other end. */
static void on_channel(void *arg, uint32_t events)
{
	struct virtio_console *c = arg;
	int r = 0;

	pthread_mutex_lock(&c->dev.lock);
	if (!virtio_live(&c->dev)) {
		c->want_in = c->want_out = false; /* the driver's kicks will set them again */
	} else {
		if (c->want_out && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
			r = tx_turn(c);
		if (r == VIRTIO_MORE) /* (rx needs no kick: EPOLLIN comes again) */
			virtio_queue_poke(&c->dev.queues[QUEUE_TX1]);
		if (r >= 0 && c->want_in && events & (EPOLLIN | EPOLLERR | EPOLLHUP))
			r = rx_turn(c);
	}
	if (events & (EPOLLERR | EPOLLHUP)) {
		/* The loop would report it again and again. What is still in the socket is read when the guest kicks. */
		watch_free(c->watch);
		c->watch = NULL;
		virtio_queue_poke(&c->dev.queues[QUEUE_RX1]);
		virtio_queue_poke(&c->dev.queues[QUEUE_TX1]);
		c->want_out = false;
	}
	if (r >= 0)
		r = watch_adjust(c);
	if (r < 0)
		virtio_break(&c->dev);
	pthread_mutex_unlock(&c->dev.lock);
}

/* ---- life ---- */

static void console_reset(struct virtio_dev *dev)
{
	struct virtio_console *c = console_of(dev);

	/* want_in and want_out belong to the loop's thread, where the next event or kick puts them right */
	for (unsigned int i = 0; i < PORTS; i++)
		c->ports[i].s = (struct port_state){ .due = 0 };
}

static int console_start(struct virtio_dev *dev, struct loop *loop, struct err *err)
{
	struct virtio_console *c = console_of(dev);
	int r = watch_new(loop, c->fd, 0, on_channel, c, &c->watch);

	return r < 0 ? err_sys(err, r, "watch the channel's socket") : 0;
}

static void console_stop(struct virtio_dev *dev)
{
	struct virtio_console *c = console_of(dev);

	watch_free(c->watch);
	c->watch = NULL;
}

static void console_free(struct virtio_dev *dev)
{
	struct virtio_console *c = console_of(dev);

	fd_close(c->fd);
	free(c);
}

static const char *const console_syscalls[] = { "recvmsg", "sendmsg", NULL }; /* the channel */

static const struct virtio_ops console_ops = {
	.name = "console",
	.id = VIRTIO_ID_CONSOLE,
	.calls = { .names = console_syscalls },
	.kick = console_kick,
	.reset = console_reset,
	.start = console_start,
	.stop = console_stop,
	.free = console_free,
};

int virtio_console_new(const struct mem *mem, int channel_fd, const char *channel_name, virtio_log_fn *log,
	void *log_arg, struct virtio_dev **ret_dev, struct err *err)
{
	struct virtio_console *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		fd_close(channel_fd);
		return err_sys(err, ENOMEM, "virtio console");
	}
	c->fd = channel_fd;
	c->log = log;
	c->log_arg = log_arg;
	c->ports[PORT_CONSOLE].host_open = true;
	c->ports[PORT_CHANNEL].host_open = true;
	c->ports[PORT_CHANNEL].name = channel_name;
	r = virtio_init(&c->dev, &console_ops, mem, queue_sizes, QUEUES, err);
	if (r < 0) {
		virtio_done(&c->dev);
		console_free(&c->dev);
		return r;
	}
	c->dev.features |= VIRTIO_BIT(VIRTIO_CONSOLE_F_MULTIPORT);
	c->config.max_nr_ports = PORTS;
	c->dev.config = (uint8_t *)&c->config;
	c->dev.config_len = sizeof(c->config);
	*ret_dev = &c->dev;
	return 0;
}
