/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a kernel, its initrd and the description of the machine into memory: see boot.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "vm/kvm/x86/acpi.h"
#include "vm/kvm/x86/boot.h"
#include "vm/kvm/x86/cpu.h"
#include "vm/kvm/x86/pvh.h"
#include "vm/machine/elf.h"
#include "vm/machine/layout.h"

/*
 * pci=off: otherwise a stock kernel looks for a PCI bus with 33000 accesses to ports, each of which is an exit.
 * reboot=acpi: on a hardware-reduced machine Linux would try EFI, then a BIOS, and hang because there is neither.
 */
static const char boot_cmdline[] = "console=ttyS0 8250.nr_uarts=1 pci=off reboot=acpi ";

static int boot_open(const char *path, const char *what, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : err_sys(err, errno, "open %s '%s'", what, path);
}

static int boot_load_kernel(const struct machine *m, const char *path, struct elf_image *image, struct err *err)
{
	autoclose int fd = boot_open(path, "kernel", err);

	return fd < 0 ? fd : elf_load(&m->mem, fd, path, LAYOUT_HIGH_RAM, image, err);
}

/* Writes the ACPI tables for so many vCPUs, and for the virtio devices in the first @devices slots. */
static int boot_write_acpi(const struct machine *m, unsigned int vcpus, unsigned int devices, struct err *err)
{
	struct acpi_device list[LAYOUT_VIRTIO_MAX];
	struct acpi_platform platform = {
		.vcpus = vcpus,
		.devices = list,
		.devices_len = devices,
	};
	autobuf tables = BUF_INIT;
	int r;

	for (unsigned int i = 0; i < devices; i++)
		list[i] = (struct acpi_device){
			.gpa = (uint32_t)LAYOUT_VIRTIO_GPA(i),
			.size = LAYOUT_VIRTIO_SIZE,
			.gsi = LAYOUT_VIRTIO_GSI(i),
		};
	r = acpi_build(&platform, LAYOUT_ACPI, &tables);
	if (r < 0)
		return err_sys(err, r, "ACPI tables");
	if (tables.len > LAYOUT_HIGH_RAM - LAYOUT_ACPI)
		return err_set(err, E2BIG, "ACPI tables of %zu bytes are too large", tables.len);
	memcpy(mem_at(&m->mem, LAYOUT_ACPI, tables.len), tables.data, tables.len);
	return 0;
}

/* Writes what PVH hands to the kernel; *@start_info is its address. */
static int boot_write_info(const struct machine *m, const struct vm_config *cfg, const struct elf_image *image,
	uint32_t *start_info, struct err *err)
{
	struct pvh_boot boot = {
		.initrd_fd = -1,
		.initrd_name = cfg->initrd_path,
		.kernel_end = image->end,
		.rsdp_gpa = LAYOUT_ACPI,
	};
	autoclose int initrd_fd = boot_open(cfg->initrd_path, "initrd", err);
	autobuf cmdline = BUF_INIT;

	if (initrd_fd < 0)
		return initrd_fd;
	boot.initrd_fd = initrd_fd;
	buf_puts(&cmdline, boot_cmdline);
	buf_puts(&cmdline, cfg->cmdline);
	if (buf_error(&cmdline))
		return err_sys(err, buf_error(&cmdline), "kernel command line");
	boot.cmdline = cmdline.data;
	return pvh_load(&m->mem, &boot, start_info, err);
}

int boot_load(const struct machine *m, const struct vm_config *cfg, unsigned int devices, int vcpu_fd, struct err *err)
{
	struct elf_image image;
	uint32_t start_info;
	int r;

	if ((r = boot_load_kernel(m, cfg->kernel_path, &image, err)) < 0 ||
		(r = boot_write_acpi(m, cfg->vcpus, devices, err)) < 0 ||
		(r = boot_write_info(m, cfg, &image, &start_info, err)) < 0)
		return r;
	return cpu_enter_pvh(vcpu_fd, image.pvh_entry, start_info, err);
}
