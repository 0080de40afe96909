/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel entered by the PVH protocol finds in memory: see pvh.h. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm/kvm/x86/pvh.h"
#include "vm/machine/layout.h"

/* The PVH boot ABI (Xen's public/arch-x86/hvm/start_info.h), version 1. */
#define PVH_MAGIC 0x336ec578u
#define PVH_VERSION 1u

struct pvh_start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist_paddr;
	uint64_t cmdline_paddr;
	uint64_t rsdp_paddr;
	uint64_t memmap_paddr;
	uint32_t memmap_entries;
	uint32_t reserved;
};

struct pvh_module {
	uint64_t paddr;
	uint64_t size;
	uint64_t cmdline_paddr;
	uint64_t reserved;
};

enum pvh_memmap_type { PVH_RAM = 1, PVH_RESERVED = 2 };

struct pvh_memmap_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

/* All of these as they lie in memory, at LAYOUT_START_INFO. */
struct pvh_page {
	struct pvh_start_info info;
	struct pvh_module initrd;
	struct pvh_memmap_entry memmap[4];
};

#define PVH_PAGE 4096ull

/* Reads the initrd to the top of low RAM and describes it in @module. */
static int pvh_read_initrd(
	const struct mem *mem, const struct pvh_boot *boot, struct pvh_module *module, struct err *err)
{
	uint64_t low_end = MIN(mem->size, LAYOUT_HOLE_START), size, gpa, done = 0;
	struct stat st;
	uint8_t *to;

	if (fstat(boot->initrd_fd, &st) < 0)
		return err_sys(err, errno, "stat initrd '%s'", boot->initrd_name);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(err, EINVAL, "initrd '%s' is not a regular file, or it is empty", boot->initrd_name);
	size = (uint64_t)st.st_size;
	if (size > low_end || ((low_end - size) & ~(PVH_PAGE - 1)) < boot->kernel_end)
		return err_set(err, ENOMEM,
			"initrd '%s' (%llu KiB) and the kernel do not fit into %llu MiB of guest memory",
			boot->initrd_name, (unsigned long long)(size / KIB), (unsigned long long)(mem->size / MIB));
	gpa = (low_end - size) & ~(PVH_PAGE - 1);
	to = mem_at(mem, gpa, size);
	while (done < size) {
		ssize_t n = pread(boot->initrd_fd, to + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, n < 0 ? errno : EIO, "read initrd '%s'", boot->initrd_name);
		done += (uint64_t)n;
	}
	*module = (struct pvh_module){ .paddr = gpa, .size = size };
	return 0;
}

/* Fills in the memory map. Returns how many entries it has. */
static uint32_t pvh_fill_memmap(const struct mem *mem, struct pvh_memmap_entry *e)
{
	uint64_t low_end = MIN(mem->size, LAYOUT_HOLE_START);
	uint32_t n = 0;

	e[n++] = (struct pvh_memmap_entry){ 0, LAYOUT_LOW_RAM_END, PVH_RAM, 0 };
	e[n++] = (struct pvh_memmap_entry){ LAYOUT_LOW_RAM_END, LAYOUT_HIGH_RAM - LAYOUT_LOW_RAM_END, PVH_RESERVED, 0 };
	e[n++] = (struct pvh_memmap_entry){ LAYOUT_HIGH_RAM, low_end - LAYOUT_HIGH_RAM, PVH_RAM, 0 };
	if (mem->size > low_end)
		e[n++] = (struct pvh_memmap_entry){ LAYOUT_HOLE_END, mem->size - low_end, PVH_RAM, 0 };
	return n;
}

int pvh_load(const struct mem *mem, const struct pvh_boot *boot, uint32_t *ret_start_info, struct err *err)
{
	size_t cmdline_len = strlen(boot->cmdline);
	struct pvh_page page = {
		.info = {
			.magic = PVH_MAGIC,
			.version = PVH_VERSION,
			.cmdline_paddr = LAYOUT_CMDLINE,
			.rsdp_paddr = boot->rsdp_gpa,
			.memmap_paddr = LAYOUT_START_INFO + offsetof(struct pvh_page, memmap),
		},
	};
	int r;

	if (cmdline_len > LAYOUT_CMDLINE_MAX)
		return err_set(
			err, E2BIG, "kernel command line of %zu bytes: at most %u", cmdline_len, LAYOUT_CMDLINE_MAX);
	if (boot->initrd_fd >= 0) {
		if ((r = pvh_read_initrd(mem, boot, &page.initrd, err)) < 0)
			return r;
		page.info.nr_modules = 1;
		page.info.modlist_paddr = LAYOUT_START_INFO + offsetof(struct pvh_page, initrd);
	}
	page.info.memmap_entries = pvh_fill_memmap(mem, page.memmap);
	/* Both addresses are in RAM, of which there is at least VM_MEM_MIN. */
	memcpy(mem_at(mem, LAYOUT_CMDLINE, cmdline_len + 1), boot->cmdline, cmdline_len + 1);
	memcpy(mem_at(mem, LAYOUT_START_INFO, sizeof(page)), &page, sizeof(page));
	*ret_start_info = LAYOUT_START_INFO;
	return 0;
}
