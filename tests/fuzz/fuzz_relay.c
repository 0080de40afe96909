/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a guest that uses the relays it was given, sockets of the host and descriptors of the caller, as it likes.
 *
 * The host has a container with two sockets of volumes, an address, and one descriptor of each kind. The input is a small
 * program: frames of the guest for any stream and records in them, connections it dials, answers and exits; between them
 * the host's peers connect, send, read and go away; the input's end may ask for faults of calls (kernel.h). What must hold: the channel closes at the end at the latest, each
 * request is answered once, and no descriptor is left open.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "channel/mux.h"
#include "guest/guest.h"
#include "tests/fuzz/host.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/replay.h"

#define OPS_MAX 96
#define VOLUME KERNEL_DIR "/volume"
#define PEERS 16   /* the host's ends of connections */
#define GIVEN 6    /* descriptors of the process */
#define REQUESTS 2 /* SANDBOX and CREATE */

const struct fuzz_target fuzz_target = { .corpus = "relay", .variants = 60 };

/* The host, what it has given to the guest, and who is at the other ends. */
struct host {
	struct fuzz_host at;
	int volume;                       /* the directory of the volume's sockets */
	int stream, dgram;                /* the sockets of the volume, which are bound and listening */
	struct sockaddr_un listener_addr; /* of the listening socket that the process got */
	socklen_t listener_addr_len;
	int given[GIVEN];
	int peers[PEERS]; /* -1: none */
	uint32_t port;    /* of guest_port_open(); 0: none */
};

/* --- what the host has --- */

static void add_peer(struct host *h, int fd)
{
	for (unsigned int i = 0; i < PEERS && fd >= 0; i++) {
		if (h->peers[i] < 0) {
			require(fd_set_nonblock(fd, 1) == 0, "O_NONBLOCK");
			h->peers[i] = fd;
			return;
		}
	}
	fd_close(fd);
}

/* One end of a pair of sockets of @type; the other becomes a peer. */
static int pair(struct host *h, int type)
{
	int sv[2];

	require(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == 0, "socketpair");
	add_peer(h, sv[1]);
	return sv[0];
}

static int piped(struct host *h, bool out)
{
	int fds[2];

	require(pipe2(fds, O_CLOEXEC) == 0, "pipe");
	add_peer(h, fds[out ? 0 : 1]);
	return fds[out ? 1 : 0];
}

/* A socket of @type with an address that the kernel chooses, which nothing of a file system is. */
static int bound(int type, struct sockaddr_un *addr, socklen_t *len)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*len = sizeof(*addr);
	require(fd >= 0 && bind(fd, (struct sockaddr *)addr, sizeof(sa_family_t)) == 0 &&
			getsockname(fd, (struct sockaddr *)addr, len) == 0,
		"bind");
	if (type != SOCK_DGRAM)
		require(listen(fd, 4) == 0, "listen");
	return fd;
}

/* A socket of @type whose name in the volume is @name. */
static int volume_socket(const char *name, int type)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), VOLUME "/%s", name);
	require(fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0, "a socket's name");
	return fd;
}

/* --- the container --- */

/* Asks for a container that has one of each. */
static void ask(struct host *h)
{
	static const uint8_t kinds[GIVEN] = { GUEST_FD_IN, GUEST_FD_OUT, GUEST_FD_CONN, GUEST_FD_LISTENER,
		GUEST_FD_DGRAM, GUEST_FD_PACKETS };
	const struct sockaddr_in nobody = {
		.sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	struct guest_relay relays[] = { { .name = "c/0/stream", .type = SOCK_STREAM },
		{ .name = "c/0/dgram", .type = SOCK_DGRAM } };
	static const char *args[] = { "x" };
	struct guest_fd fds[GIVEN];
	struct guest_container c = { .cid = "c",
		.rootfs = "r",
		.relays = { 2, relays },
		.process = { .args = { 1, args }, .fds = { GIVEN, fds } } };
	const struct guest_sandbox sandbox = { .hostname = "" };
	int stdio[3] = { -1, -1, -1 };
	uint32_t inet;

	h->given[0] = piped(h, false);
	h->given[1] = piped(h, true);
	h->given[2] = pair(h, SOCK_STREAM);
	h->given[3] = bound(SOCK_STREAM, &h->listener_addr, &h->listener_addr_len);
	h->given[4] = pair(h, SOCK_DGRAM);
	h->given[5] = pair(h, SOCK_SEQPACKET);
	for (int i = 0; i < GIVEN; i++)
		fds[i] = (struct guest_fd){ .kind = kinds[i], .fd = h->given[i] };
	require(guest_sandbox(h->at.guest, &sandbox, fuzz_host_answered, &h->at, NULL) == 0, "SANDBOX");
	require(guest_relay_new(h->at.guest, h->volume, "stream", SOCK_STREAM, &relays[0].id) == 0, "a relay");
	require(guest_relay_new(h->at.guest, h->volume, "dgram", SOCK_DGRAM, &relays[1].id) == 0, "a relay");
	c.process.id = guest_next_process(h->at.guest);
	require(guest_create(h->at.guest, &c, stdio, fuzz_host_answered, &h->at, NULL) == 0, "CREATE");
	require(guest_relay_inet(h->at.guest, c.process.id, &nobody, &inet) == 0, "an address");
}

/* --- the guest --- */

/* A record in a stream, of equal bytes, with a length that may be a lie. */
static void record(struct host *h, uint32_t stream, struct input *in)
{
	static uint8_t bytes[4 + UINT16_MAX];
	size_t len = MIN(input_take(in, 2), (uint64_t)MUX_PAYLOAD_MAX - 4);
	uint32_t said = (uint32_t)input_take(in, 3);

	memset(bytes + 4, (int)said, len);
	said = htole32(said & 1 ? said : (uint32_t)len);
	memcpy(bytes, &said, 4);
	fuzz_host_frame(&h->at, MUX_DATA, stream, bytes, 4 + len);
}

/* A run of bytes, longer than an input would be. */
static void flood(struct host *h, uint32_t stream, struct input *in)
{
	static uint8_t bytes[MUX_PAYLOAD_MAX];
	size_t len = input_take(in, 2);

	memset(bytes, (int)input_take(in, 1), len);
	fuzz_host_frame(&h->at, MUX_DATA, stream, bytes, len);
}

static void guest_speaks(struct host *h, uint8_t op, struct input *in)
{
	uint32_t stream = (uint32_t)input_take(in, 1), grant;
	struct proto_dial dial = { .relay = stream, .token = op };
	struct proto_result result = { .seq = stream };
	struct proto_exited exited = { .process = stream };
	struct buf b = BUF_INIT;
	const uint8_t *bytes;
	size_t n;

	switch (op % 8) {
	case 0:
		bytes = input_bytes(in, input_take(in, 1), &n);
		fuzz_host_frame(&h->at, MUX_DATA, stream, bytes, n);
		break;
	case 1:
		record(h, stream, in);
		break;
	case 2:
		flood(h, stream, in);
		break;
	case 3:
		grant = htole32((uint32_t)input_take(in, 3));
		fuzz_host_frame(&h->at, MUX_CREDIT, stream, &grant, sizeof(grant));
		break;
	case 4:
		fuzz_host_frame(&h->at, MUX_EOF, stream, NULL, 0);
		break;
	case 5:
		grant = htole32((uint32_t)input_take(in, 1));
		fuzz_host_frame(&h->at, MUX_RESET, stream, &grant, sizeof(grant));
		break;
	case 6:
		proto_put_dial(&b, &dial);
		fuzz_host_message(&h->at, &b);
		break;
	default:
		if (op & 8)
			proto_put_result(&b, &result);
		else if (op & 16)
			proto_put_ask_time(&b, stream);
		else
			proto_put_exited(&b, &exited);
		fuzz_host_message(&h->at, &b);
		break;
	}
}

/* --- the host's peers --- */

/* Connects to @addr as a peer, if that can be done at once. */
static void peer_connect(struct host *h, const struct sockaddr_un *addr, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	require(fd >= 0, "socket");
	if (connect(fd, (const struct sockaddr *)addr, len) == 0)
		add_peer(h, fd);
	else
		fd_close(fd);
}

/* Opens a port of the guest's, or closes it again. */
static void port(struct host *h, uint8_t how)
{
	const struct proto_port to = { .version = how & 1 ? 4 : 6, .port = 80 };
	struct sockaddr_un addr;
	socklen_t len;
	int fd;

	if (h->port) {
		guest_port_close(h->at.guest, h->port);
		h->port = 0;
		return;
	}
	fd = bound(SOCK_STREAM, &addr, &len);
	if (guest_port_open(h->at.guest, 1, fd, &to, &h->port) < 0)
		h->port = 0;
	else
		peer_connect(h, &addr, len);
}

static void host_acts(struct host *h, uint8_t op, struct input *in)
{
	int *peer = &h->peers[input_take(in, 1) % PEERS];
	static uint8_t bytes[65536];
	size_t len = input_take(in, 2);

	kernel_faults(false); /* these calls are not the product's */
	switch (op % 8) {
	case 0:
		if (*peer >= 0)
			(void)!send(*peer, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case 1:
		if (*peer >= 0)
			(void)!read(*peer, bytes, sizeof(bytes));
		break;
	case 2:
		fd_close(*peer);
		*peer = -1;
		break;
	case 3:
		if (*peer >= 0)
			(void)shutdown(*peer, op & 8 ? SHUT_WR : SHUT_RD);
		break;
	case 4:
		peer_connect(h, &h->listener_addr, h->listener_addr_len);
		break;
	case 5:
		add_peer(h, accept4(h->stream, NULL, NULL, SOCK_CLOEXEC));
		break;
	case 6:
		if (!h->at.closed)
			port(h, op >> 3);
		break;
	default:
		if (op & 8)
			(void)unlinkat(h->volume, op & 16 ? "stream" : "dgram", 0);
		else
			(void)!recv(h->dgram, bytes, sizeof(bytes), MSG_DONTWAIT);
		break;
	}
	kernel_faults(true);
	fuzz_host_turns(&h->at);
}

/* --- a run --- */

static void run(struct host *h, struct input *in)
{
	kernel_take_faults(in);
	kernel_faults(true);
	fuzz_host_greet(&h->at);
	for (int i = 0; i < OPS_MAX && in->at < in->end && !h->at.closed; i++) {
		uint8_t op = (uint8_t)input_take(in, 1);

		if (op & 0x80)
			host_acts(h, op, in);
		else
			guest_speaks(h, op, in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct host h = { .port = 0 };

	kernel_begin();
	h.volume = open(VOLUME, O_PATH | O_DIRECTORY | O_CLOEXEC);
	memset(h.peers, -1, sizeof(h.peers));
	fuzz_host_begin(&h.at, 1);
	h.stream = volume_socket("stream", SOCK_STREAM);
	h.dgram = volume_socket("dgram", SOCK_DGRAM);
	require(listen(h.stream, 2) == 0, "listen");
	ask(&h);
	for (int i = 0; i < GIVEN; i++)
		fd_close(h.given[i]); /* they were borrowed */
	run(&h, &in);
	fuzz_host_end(&h.at, REQUESTS);
	fd_close(h.stream);
	fd_close(h.dgram);
	for (unsigned int i = 0; i < PEERS; i++)
		fd_close(h.peers[i]);
	fuzz_host_free(&h.at);
	fd_close(h.volume);
	kernel_end();
	return 0;
}
