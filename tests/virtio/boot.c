/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boots a guest with the kvm engine and every device, for tests/virtio/run:
 *
 *   boot [-c VCPUS] [-m MIB] [-p DIR] [-s DIR] [-t TAP] KERNEL INITRD CMDLINE
 *
 * The DIR of -p is exported as "root" in the private share, that of -s in the shared one. TAP is made, and brought up with
 * the address 10.0.99.1/24; it has a queue for each of the VCPUS, which are named before it. The guest's log goes to stdout. The other end of the channel answers each line that it gets:
 *
 *   rss         "rss KIB": resident memory of this process
 *   echo N      the N bytes that follow, sent back
 *   sink N      "ok" after the N bytes that follow
 *   source N    N bytes of zeros
 *
 * The exit status is 0 after a poweroff, and 1 otherwise.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_tun.h>

#include "base/fd.h"
#include "vm/engine.h"
#include "vm/guestlog.h"

static const uint8_t mac[6] = { 0x02, 0, 0, 0, 0x99, 2 };

struct boot {
	struct loop *loop;
	struct vm_config cfg;
	const char *share_dir[VM_SHARES];
	int status;
	int fd; /* the channel, for the thread that answers */
};

/* ---- the other end of the channel: a thread that may block ---- */

static ssize_t wait_io(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	return errno == EAGAIN ? poll(&pfd, 1, -1) : -1;
}

static bool get(int fd, void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = read(fd, (char *)data + done, len - done);

		if (n == 0 || (n < 0 && wait_io(fd, POLLIN) < 0))
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static bool put(int fd, const void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = send(fd, (const char *)data + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && wait_io(fd, POLLOUT) < 0)
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static bool get_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && get(fd, &line[n], 1) && line[n] != '\n')
		n++;
	line[n] = '\0';
	return n > 0;
}

static long rss_kib(void)
{
	char text[4096];
	const char *at;
	FILE *f = fopen("/proc/self/status", "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	at = strstr(text, "VmRSS:");
	return at ? strtol(at + 6, NULL, 10) : -1;
}

static bool answer(int fd, const char *line)
{
	static char bytes[65536];
	unsigned long left = strtoul(strchr(line, ' ') ? strchr(line, ' ') : "0", NULL, 10);
	bool in = !strncmp(line, "echo ", 5) || !strncmp(line, "sink ", 5);
	bool out = !strncmp(line, "echo ", 5) || !strncmp(line, "source ", 7);

	if (!strcmp(line, "rss"))
		return put(fd, bytes, (size_t)snprintf(bytes, sizeof(bytes), "rss %ld\n", rss_kib()));
	if (out && !in)
		memset(bytes, 0, sizeof(bytes));
	while (left > 0) {
		size_t n = MIN(left, sizeof(bytes));

		if ((in && !get(fd, bytes, n)) || (out && !put(fd, bytes, n)))
			return false;
		left -= n;
	}
	return out || put(fd, "ok\n", 3);
}

static void *channel(void *arg)
{
	struct boot *b = arg;
	char line[64];

	while (get_line(b->fd, line, sizeof(line)) && answer(b->fd, line))
		;
	return NULL;
}

/* ---- the machine ---- */

static void on_exit_vm(void *arg, enum vm_exit how, const char *detail)
{
	struct boot *b = arg;

	fprintf(stderr, "boot: %s\n", detail);
	b->status = how != VM_EXIT_POWEROFF;
	loop_stop(b->loop);
}

static int tap_make(const char *name, unsigned int queues, int fds[])
{
	autoclose int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a006301) };
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	for (unsigned int i = 0; i < queues; i++) {
		ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0);
		fds[i] = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
		if (fds[i] < 0 || ioctl(fds[i], TUNSETIFF, &ifr) < 0)
			return -1;
	}
	memcpy(&ifr.ifr_addr, &in, sizeof(in));
	if (s < 0 || ioctl(s, SIOCSIFADDR, &ifr) < 0)
		return -1;
	in.sin_addr.s_addr = htonl(0xffffff00);
	memcpy(&ifr.ifr_netmask, &in, sizeof(in));
	if (ioctl(s, SIOCSIFNETMASK, &ifr) < 0 || ioctl(s, SIOCGIFFLAGS, &ifr) < 0)
		return -1;
	ifr.ifr_flags |= IFF_UP;
	return ioctl(s, SIOCSIFFLAGS, &ifr);
}

static int run(struct boot *b, struct err *err)
{
	struct vm_events events = { .on_exit = on_exit_vm, .arg = b };
	struct vm *vm = NULL;
	pthread_t thread;
	int r = kvm_vm_ops.new(&b->cfg, &vm, err);

	for (int s = 0; r == 0 && s < VM_SHARES; s++) {
		int fd = b->share_dir[s] ? open(b->share_dir[s], O_DIRECTORY | O_CLOEXEC) : -1;

		if (fd >= 0)
			r = kvm_vm_ops.share_add(vm, (enum vm_share)s, "root", fd, 0, err);
	}
	if (r == 0)
		r = kvm_vm_ops.start(vm, b->loop, &events, err);
	if (r == 0) {
		b->fd = kvm_vm_ops.channel_fd(vm);
		if (pthread_create(&thread, NULL, channel, b) || loop_run(b->loop) < 0)
			r = err_set(err, EIO, "thread or loop");
	}
	if (r == 0) {
		shutdown(b->fd, SHUT_RDWR); /* ends the thread */
		pthread_join(thread, NULL);
	}
	if (vm)
		kvm_vm_ops.free(vm);
	return r;
}

int main(int argc, char **argv)
{
	struct boot b = { .status = 1, .cfg = { .engine = VM_ENGINE_KVM, .vcpus = 1, .mem_bytes = 512 * MIB } };
	struct err err = ERR_INIT;
	int opt;

	while ((opt = getopt(argc, argv, "c:m:p:s:t:")) != -1) {
		if (opt == 'c')
			b.cfg.vcpus = (unsigned int)strtoul(optarg, NULL, 10);
		else if (opt == 'm')
			b.cfg.mem_bytes = strtoul(optarg, NULL, 10) * MIB;
		else if (opt == 'p')
			b.share_dir[VM_SHARE_PRIVATE] = optarg;
		else if (opt == 's')
			b.share_dir[VM_SHARE_SHARED] = optarg;
		else if (opt == 't') {
			struct vm_nic *nic = &b.cfg.nics[b.cfg.nics_len++];

			nic->pairs = MIN(b.cfg.vcpus, VM_NIC_PAIRS_MAX);
			nic->mtu = 1500;
			memcpy(nic->mac, mac, sizeof(mac));
			if (tap_make(optarg, nic->pairs, nic->fds) < 0) {
				perror(optarg);
				return 1;
			}
		} else {
			return 2;
		}
	}
	if (argc - optind != 3) {
		fprintf(stderr, "usage: boot [options] KERNEL INITRD CMDLINE\n");
		return 2;
	}
	b.cfg.kernel_path = argv[optind];
	b.cfg.initrd_path = argv[optind + 1];
	b.cfg.cmdline = argv[optind + 2];
	if (loop_new(&b.loop) < 0 || guestlog_new(dup(STDOUT_FILENO), SIZE_MAX, &b.cfg.log) < 0 ||
		guestlog_watch(b.cfg.log, b.loop) < 0)
		return 1;
	if (run(&b, &err) < 0) {
		fprintf(stderr, "boot: %s\n", err.msg);
		b.status = 1;
	}
	guestlog_free(b.cfg.log);
	loop_free(b.loop);
	return b.status;
}
