/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's command line: see argv.h. */
#include "vm/qemu/argv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/*
 * QEMU's working directory is the tree of the stage, so the paths of the shares are their tags. remap: a share holds
 * several file systems of the host, which may use the same inode numbers.
 */
#define FSDEV(tag) "local,id=" tag ",path=" tag ",security_model=passthrough,multidevs=remap"
#define DEVICE_9P(tag) "virtio-9p-device,fsdev=" tag ",mount_tag=" tag

/*
 * The PIT and the RTC are left in: a kernel under TCG has no other clock to start from, and waits a second for an RTC
 * that is not there.
 */
#define MACHINE "microvm,acpi=on,usb=off,pcie=off,graphics=off,auto-kernel-cmdline=off,mem-merge=off"

/*
 * QEMU's own filter denies what a 9P server that passes through as root does not need: QEMU dies on such a call. Its
 * capabilities were bounded already before it was started.
 */
#define SANDBOX "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

/*
 * The arguments are collected end to end, each with its NUL; pointers are made when the buffer does not move any more.
 */
#define arg(b, ...)                         \
	do {                                \
		buf_printf(b, __VA_ARGS__); \
		buf_put(b, "", 1);          \
	} while (0)

/* The machine without its devices. */
static void argv_machine(struct buf *b, const struct qemu_plan *plan)
{
	const struct vm_config *cfg = plan->cfg;

	arg(b, "-no-user-config");
	arg(b, "-nodefaults");
	arg(b, "-no-reboot");
	arg(b, "-S");
	arg(b, "-display");
	arg(b, "none");
	arg(b, "-sandbox");
	arg(b, "%s", SANDBOX);
	arg(b, "-M");
	arg(b, "%s", MACHINE);
	arg(b, "-accel");
	arg(b, "%s", plan->kvm ? "kvm" : "tcg");
	arg(b, "-cpu");
	arg(b, "%s", plan->kvm ? "host" : "max");
	arg(b, "-smp");
	arg(b, "%u", cfg->vcpus);
	arg(b, "-m");
	arg(b, "%lluK", (unsigned long long)(cfg->mem_bytes / KIB));
	arg(b, "-global");
	arg(b, "virtio-mmio.force-legacy=off");
}

/* Kernel, initramfs and the kernel's command line. */
static void argv_boot(struct buf *b, const struct qemu_plan *plan)
{
	arg(b, "-kernel");
	arg(b, "/proc/self/fd/%d", plan->kernel_fd);
	arg(b, "-initrd");
	arg(b, "/proc/self/fd/%d", plan->initrd_fd);
	arg(b, "-append");
	/*
	 * console: without it a kernel that has virtual terminals writes to those alone.
	 * reboot=t: a triple fault is the only way out of a microvm that every kernel has, and it takes effect at once.
	 * no_timer_check: on a busy host an emulated CPU gets too few ticks while the kernel checks its timer, and the
	 * kernel panics.
	 * tsc=reliable: the counter is the host's own, whose frequency we give; a kernel that checks it does so by counting
	 * ticks, of which a busy host loses many, takes the ticks for its clock then, and runs behind by a tenth and more.
	 */
	buf_printf(b, "console=ttyS0 reboot=t %s", plan->cfg->cmdline);
	if (!plan->kvm)
		buf_puts(b, " no_timer_check");
	if (!plan->kvm && plan->tsc_khz)
		buf_printf(b, " tsc_early_khz=%u tsc=reliable", plan->tsc_khz);
	buf_put(b, "", 1);
}

/* The sockets that lead to us, and the virtio devices but for the interfaces. */
static void argv_devices(struct buf *b, const struct qemu_plan *plan)
{
	static const char *const fixed[] = {
		"-device",
		"virtio-serial-device,max_ports=4",
		"-device",
		"virtserialport,chardev=agent,name=" TAG_PORT,
		"-fsdev",
		FSDEV(TAG_PRIVATE),
		"-device",
		DEVICE_9P(TAG_PRIVATE),
		"-fsdev",
		FSDEV(TAG_SHARED),
		"-device",
		DEVICE_9P(TAG_SHARED),
		"-device",
		"virtio-rng-device",
		"-device",
		"virtio-balloon-device,free-page-reporting=on",
	};

	arg(b, "-chardev");
	arg(b, "socket,id=qmp,fd=%d", plan->qmp_fd);
	arg(b, "-mon");
	arg(b, "chardev=qmp,mode=control");
	arg(b, "-chardev");
	arg(b, "socket,id=agent,fd=%d", plan->agent_fd);
	arg(b, "-chardev");
	arg(b, "socket,id=serial,fd=%d", plan->serial_fd);
	arg(b, "-serial");
	arg(b, "chardev:serial");
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		arg(b, "%s", fixed[i]);
}

/* The network interfaces. */
static void argv_nics(struct buf *b, const struct vm_config *cfg)
{
	for (unsigned int i = 0; i < cfg->nics_len; i++) {
		const struct vm_nic *nic = &cfg->nics[i];
		const uint8_t *m = nic->mac;

		arg(b, "-netdev");
		buf_printf(b, "%s,id=net%u,%s=%d", nic->stream ? "socket" : "tap", i, nic->pairs > 1 ? "fds" : "fd",
			nic->fds[0]);
		for (unsigned int k = 1; k < nic->pairs; k++)
			buf_printf(b, ":%d", nic->fds[k]);
		buf_put(b, "", 1);
		arg(b, "-device");
		buf_printf(b, "virtio-net-device,netdev=net%u,mac=%02x:%02x:%02x:%02x:%02x:%02x", i, m[0], m[1], m[2],
			m[3], m[4], m[5]);
		if (nic->pairs > 1)
			buf_puts(b, ",mq=on");
		if (nic->mtu)
			buf_printf(b, ",host_mtu=%u", nic->mtu);
		buf_put(b, "", 1);
	}
}

char **qemu_argv_make(const struct qemu_plan *plan)
{
	autobuf text = BUF_INIT;
	size_t count = 0, table;
	char **argv, *at;

	arg(&text, "%s", plan->program);
	argv_machine(&text, plan);
	argv_boot(&text, plan);
	argv_devices(&text, plan);
	argv_nics(&text, plan->cfg);
	if (buf_error(&text))
		return NULL;
	for (size_t i = 0; i < text.len; i++)
		count += text.data[i] == '\0';
	table = (count + 1) * sizeof(*argv);
	argv = malloc(table + text.len);
	if (!argv)
		return NULL;
	at = (char *)argv + table;
	memcpy(at, text.data, text.len);
	for (size_t i = 0; i < count; i++) {
		argv[i] = at;
		at += strlen(at) + 1;
	}
	argv[count] = NULL;
	return argv;
}
