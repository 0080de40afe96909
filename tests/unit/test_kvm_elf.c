/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the kernel loader and of what a PVH kernel finds in memory: hostile files too. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "base/fd.h"
#include "vm/kvm/x86/pvh.h"
#include "vm/machine/elf.h"
#include "vm/machine/layout.h"

#define MEM_SIZE (64 * MIB)
#define LOAD_GPA (16 * MIB)
#define FILE_DATA 0x2000u /* bytes of the segment in the file; its second page is zero */
#define NOTE_OFFSET 0x800u
#define DATA_OFFSET 0x1000u

/* A small kernel: one segment (two pages in the file, three in memory), one note. */
struct kernel {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	uint8_t fill[NOTE_OFFSET - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
	struct {
		Elf64_Nhdr nh;
		char name[4];
		uint64_t entry;
	} note;
	uint8_t fill2[DATA_OFFSET - NOTE_OFFSET - 24];
	uint8_t data[FILE_DATA];
};

static void kernel_init(struct kernel *k)
{
	memset(k, 0, sizeof(*k));
	memcpy(k->eh.e_ident, ELFMAG, SELFMAG);
	k->eh.e_ident[EI_CLASS] = ELFCLASS64;
	k->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	k->eh.e_type = ET_EXEC;
	k->eh.e_machine = EM_X86_64;
	k->eh.e_phoff = offsetof(struct kernel, ph);
	k->eh.e_phentsize = sizeof(Elf64_Phdr);
	k->eh.e_phnum = 2;
	k->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
		.p_offset = DATA_OFFSET,
		.p_paddr = LOAD_GPA,
		.p_filesz = FILE_DATA,
		.p_memsz = 0x3000 };
	k->ph[1] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = NOTE_OFFSET, .p_filesz = 24 };
	k->note.nh = (Elf64_Nhdr){ .n_namesz = 4, .n_descsz = 8, .n_type = 18 };
	memcpy(k->note.name, "Xen", 4);
	k->note.entry = LOAD_GPA + 0x10;
	memset(k->data, 0x5a, 0x1000);
}

static int load_bytes(const void *data, size_t len, struct mem *mem, struct elf_image *image, struct err *err)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC), r;

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, data, len), 0);
	assert_int_equal(mem_init(mem, MEM_SIZE, err), 0);
	r = elf_load(mem, fd, "k", LAYOUT_HIGH_RAM, image, err);
	close(fd);
	return r;
}

static void a_kernel_is_loaded_and_its_zeros_are_not(void **state)
{
	struct elf_image image;
	struct err err = ERR_INIT;
	unsigned char resident[2];
	struct kernel k;
	struct mem mem;
	uint8_t *at;

	(void)state;
	kernel_init(&k);
	assert_int_equal(load_bytes(&k, sizeof(k), &mem, &image, &err), 0);
	assert_int_equal(image.start, LOAD_GPA);
	assert_int_equal(image.end, LOAD_GPA + 0x3000);
	assert_int_equal(image.pvh_entry, LOAD_GPA + 0x10);
	at = mem_at(&mem, LOAD_GPA, 0x3000);
	assert_memory_equal(at, k.data, FILE_DATA);
	/* A huge page would bring its neighbour with it; only without huge pages can it be seen that nothing touched it. */
	mem_done(&mem);
	assert_int_equal(mem_init(&mem, MEM_SIZE, &err), 0);
	(void)madvise(mem.base, mem.size, MADV_NOHUGEPAGE);
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	assert_int_equal(fd_write_full(fd, &k, sizeof(k)), 0);
	assert_int_equal(elf_load(&mem, fd, "k", LAYOUT_HIGH_RAM, &image, &err), 0);
	close(fd);
	assert_int_equal(mincore(mem_at(&mem, LOAD_GPA, 0x2000), 0x2000, resident), 0);
	assert_int_equal(resident[0] & 1, 1);
	assert_int_equal(resident[1] & 1, 0);
	mem_done(&mem);
}

#define BAD(name, code)                          \
	static void bad_##name(struct kernel *k) \
	{                                        \
		code;                            \
	}
BAD(magic, k->eh.e_ident[0] = 'M')
BAD(class32, k->eh.e_ident[EI_CLASS] = ELFCLASS32)
BAD(big_endian, k->eh.e_ident[EI_DATA] = ELFDATA2MSB)
BAD(machine, k->eh.e_machine = EM_AARCH64)
BAD(relocatable, k->eh.e_type = ET_REL)
BAD(core, k->eh.e_type = ET_CORE)
BAD(phentsize, k->eh.e_phentsize = 32)
BAD(phnum_none, k->eh.e_phnum = 0)
BAD(phnum_many, k->eh.e_phnum = 65535)
BAD(phoff_far, k->eh.e_phoff = UINT64_MAX)
BAD(phoff_end, k->eh.e_phoff = sizeof(*k) - 1)
BAD(filesz_above_memsz, k->ph[0].p_filesz = 0x3001)
BAD(offset_wraps, k->ph[0].p_offset = UINT64_MAX - 0x100)
BAD(offset_behind, k->ph[0].p_offset = sizeof(*k))
BAD(cut, k->ph[0].p_offset = DATA_OFFSET + 1)
BAD(no_load, k->ph[0].p_type = PT_NULL)
BAD(empty_load, (k->ph[0].p_memsz = 0, k->ph[0].p_filesz = 0))
BAD(below_1m, k->ph[0].p_paddr = 0x1000)
BAD(note_huge, k->ph[1].p_filesz = 1 << 30)
BAD(note_behind, k->ph[1].p_offset = UINT64_MAX - 8)
BAD(no_note, k->ph[1].p_type = PT_NULL)
BAD(note_type, k->note.nh.n_type = 17)
BAD(note_name, k->note.name[0] = 'x')
BAD(note_name_len, k->note.nh.n_namesz = UINT32_MAX)
BAD(note_name_len2, k->note.nh.n_namesz = UINT32_MAX - 2)
BAD(note_desc_len, k->note.nh.n_descsz = UINT32_MAX)
BAD(note_desc_odd, k->note.nh.n_descsz = 3)
BAD(entry_none, k->note.entry = 0)
BAD(entry_before, k->note.entry = LOAD_GPA - 1)
BAD(entry_behind, k->note.entry = LOAD_GPA + 0x3000)
BAD(entry_high, k->note.entry = LOAD_GPA | 1ull << 32)
/* not in RAM */
BAD(in_the_hole, k->ph[0].p_paddr = LAYOUT_HOLE_START)
BAD(above_ram, k->ph[0].p_paddr = MEM_SIZE)
BAD(over_the_end, k->ph[0].p_paddr = MEM_SIZE - 0x1000)
BAD(paddr_wraps, k->ph[0].p_paddr = UINT64_MAX - 0x100)
BAD(memsz_huge, k->ph[0].p_memsz = UINT64_MAX)

#define CASE(name, error)                \
	{                                \
#name, bad_##name, error \
	}
static const struct {
	const char *name;
	void (*spoil)(struct kernel *k);
	int want;
} hostile[] = {
	CASE(magic, -ENOEXEC),
	CASE(class32, -ENOEXEC),
	CASE(big_endian, -ENOEXEC),
	CASE(machine, -ENOEXEC),
	CASE(relocatable, -ENOEXEC),
	CASE(core, -ENOEXEC),
	CASE(phentsize, -ENOEXEC),
	CASE(phnum_none, -ENOEXEC),
	CASE(phnum_many, -ENOEXEC),
	CASE(phoff_far, -ENOEXEC),
	CASE(phoff_end, -ENOEXEC),
	CASE(filesz_above_memsz, -ENOEXEC),
	CASE(offset_wraps, -ENOEXEC),
	CASE(offset_behind, -ENOEXEC),
	CASE(cut, -ENOEXEC),
	CASE(no_load, -ENOEXEC),
	CASE(empty_load, -ENOEXEC),
	CASE(below_1m, -ENOEXEC),
	CASE(note_huge, -ENOEXEC),
	CASE(note_behind, -ENOEXEC),
	CASE(no_note, -ENOEXEC),
	CASE(note_type, -ENOEXEC),
	CASE(note_name, -ENOEXEC),
	CASE(note_name_len, -ENOEXEC),
	CASE(note_name_len2, -ENOEXEC),
	CASE(note_desc_len, -ENOEXEC),
	CASE(note_desc_odd, -ENOEXEC),
	CASE(entry_none, -ENOEXEC),
	CASE(entry_before, -ENOEXEC),
	CASE(entry_behind, -ENOEXEC),
	CASE(entry_high, -ENOEXEC),
	CASE(in_the_hole, -ENOMEM),
	CASE(above_ram, -ENOMEM),
	CASE(over_the_end, -ENOMEM),
	CASE(paddr_wraps, -ENOMEM),
	CASE(memsz_huge, -ENOMEM),
};

static void hostile_kernels_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		struct elf_image image = { .start = 42 };
		struct err err = ERR_INIT;
		struct kernel k;
		struct mem mem;
		int r;

		kernel_init(&k);
		hostile[i].spoil(&k);
		r = load_bytes(&k, sizeof(k), &mem, &image, &err);
		if (r != hostile[i].want || err.msg[0] == '\0')
			fail_msg("%s: wanted %d, got %d (%s)", hostile[i].name, hostile[i].want, r, err.msg);
		assert_int_equal(image.start, 42); /* written only on success */
		mem_done(&mem);
	}
}

static void kernels_cut_anywhere_are_refused(void **state)
{
	struct elf_image image;
	struct err err = ERR_INIT;
	struct kernel k;
	struct mem mem;

	(void)state;
	kernel_init(&k);
	for (size_t len = 0; len < sizeof(k); len += len < 300 ? 1 : 509) {
		assert_int_equal(load_bytes(&k, len, &mem, &image, &err), -ENOEXEC);
		mem_done(&mem);
	}
}

static void a_directory_is_no_kernel(void **state)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct elf_image image;
	struct err err = ERR_INIT;
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, MEM_SIZE, &err), 0);
	assert_int_equal(elf_load(&mem, fd, "/", LAYOUT_HIGH_RAM, &image, &err), -ENOEXEC);
	mem_done(&mem);
	close(fd);
}

/* ---- PVH ---- */

static uint64_t get(const struct mem *mem, uint64_t gpa, unsigned int len)
{
	const uint8_t *at = mem_at(mem, gpa, len);
	uint64_t v = 0;

	assert_non_null(at);
	memcpy(&v, at, len);
	return v;
}

static int file_of(size_t len)
{
	int fd = memfd_create("initrd", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	assert_true(len == 0 || pwrite(fd, "070701", 6, 0) == 6);
	return fd;
}

static void a_pvh_kernel_finds_its_boot_information(void **state)
{
	struct pvh_boot boot = {
		.cmdline = "quiet x=1", .initrd_name = "i", .kernel_end = 32 * MIB, .rsdp_gpa = LAYOUT_ACPI
	};
	struct err err = ERR_INIT;
	uint64_t module, memmap;
	uint32_t info;
	struct mem mem;

	(void)state;
	boot.initrd_fd = file_of(5000);
	assert_int_equal(mem_init(&mem, MEM_SIZE, &err), 0);
	assert_int_equal(pvh_load(&mem, &boot, &info, &err), 0);
	assert_int_equal(get(&mem, info, 4), 0x336ec578);
	assert_int_equal(get(&mem, info + 4, 4), 1);
	assert_int_equal(get(&mem, info + 12, 4), 1);
	module = get(&mem, info + 16, 8);
	assert_string_equal(mem_at(&mem, get(&mem, info + 24, 8), 10), "quiet x=1");
	assert_int_equal(get(&mem, info + 32, 8), LAYOUT_ACPI);
	memmap = get(&mem, info + 40, 8);
	assert_int_equal(get(&mem, info + 48, 4), 3);
	assert_int_equal(get(&mem, module, 8), MEM_SIZE - 8192); /* at the top, on a page */
	assert_int_equal(get(&mem, module + 8, 8), 5000);
	assert_memory_equal(mem_at(&mem, MEM_SIZE - 8192, 6), "070701", 6);
	for (unsigned int i = 0; i < 3; i++) { /* without a gap from 0 to the end of RAM */
		static const uint64_t starts[] = { 0, LAYOUT_LOW_RAM_END, LAYOUT_HIGH_RAM, MEM_SIZE };
		static const uint32_t types[] = { 1, 2, 1 };

		assert_int_equal(get(&mem, memmap + i * 24, 8), starts[i]);
		assert_int_equal(get(&mem, memmap + i * 24 + 8, 8), starts[i + 1] - starts[i]);
		assert_int_equal(get(&mem, memmap + i * 24 + 16, 4), types[i]);
	}
	close(boot.initrd_fd);
	mem_done(&mem);
}

static void ram_above_the_hole_is_in_the_map(void **state)
{
	struct pvh_boot boot = { .cmdline = "", .initrd_name = "i", .kernel_end = 32 * MIB };
	struct err err = ERR_INIT;
	uint64_t memmap;
	uint32_t info;
	struct mem mem;

	(void)state;
	boot.initrd_fd = file_of(4096);
	assert_int_equal(mem_init(&mem, 8 * GIB, &err), 0);
	assert_int_equal(pvh_load(&mem, &boot, &info, &err), 0);
	assert_int_equal(get(&mem, get(&mem, info + 16, 8), 8), LAYOUT_HOLE_START - 4096);
	memmap = get(&mem, info + 40, 8);
	assert_int_equal(get(&mem, info + 48, 4), 4);
	assert_true(get(&mem, memmap + 48 + 8, 8) == LAYOUT_HOLE_START - LAYOUT_HIGH_RAM);
	assert_true(get(&mem, memmap + 72, 8) == LAYOUT_HOLE_END);
	assert_true(get(&mem, memmap + 80, 8) == 8 * GIB - LAYOUT_HOLE_START);
	close(boot.initrd_fd);
	mem_done(&mem);
}

static void boot_information_that_does_not_fit(void **state)
{
	struct pvh_boot boot = { .cmdline = "", .initrd_name = "i", .kernel_end = 32 * MIB };
	char cmdline[LAYOUT_CMDLINE_MAX + 2];
	struct err err = ERR_INIT;
	uint32_t info;
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, MEM_SIZE, &err), 0);
	boot.initrd_fd = file_of(0); /* empty */
	assert_int_equal(pvh_load(&mem, &boot, &info, &err), -EINVAL);
	assert_int_equal(ftruncate(boot.initrd_fd, 32 * MIB + 1), 0); /* into the kernel */
	assert_int_equal(pvh_load(&mem, &boot, &info, &err), -ENOMEM);
	assert_int_equal(ftruncate(boot.initrd_fd, 65 * MIB), 0); /* larger than RAM */
	assert_int_equal(pvh_load(&mem, &boot, &info, &err), -ENOMEM);
	assert_int_equal(ftruncate(boot.initrd_fd, 32 * MIB), 0);
	assert_int_equal(pvh_load(&mem, &boot, &info, &err), 0);

	memset(cmdline, 'x', sizeof(cmdline));
	cmdline[LAYOUT_CMDLINE_MAX + 1] = '\0';
	boot.cmdline = cmdline;
	assert_int_equal(pvh_load(&mem, &boot, &info, &err), -E2BIG);
	cmdline[LAYOUT_CMDLINE_MAX] = '\0';
	assert_int_equal(pvh_load(&mem, &boot, &info, &err), 0);
	close(boot.initrd_fd);
	mem_done(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_is_loaded_and_its_zeros_are_not),
		cmocka_unit_test(hostile_kernels_are_refused),
		cmocka_unit_test(kernels_cut_anywhere_are_refused),
		cmocka_unit_test(a_directory_is_no_kernel),
		cmocka_unit_test(a_pvh_kernel_finds_its_boot_information),
		cmocka_unit_test(ram_above_the_hole_is_in_the_map),
		cmocka_unit_test(boot_information_that_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
