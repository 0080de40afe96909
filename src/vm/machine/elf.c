/* SPDX-License-Identifier: Apache-2.0 */
/* Loads an uncompressed kernel into guest memory: see elf.h. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "vm/machine/elf.h"

#define ELF_PHDRS_MAX 64         /* kernels have 4 to 6 */
#define ELF_NOTES_MAX (64 * KIB) /* kernels have some 500 bytes */
#define ELF_CHUNK (256 * KIB)    /* of the file at a time, through a buffer that stays in the CPU's cache */
#define ELF_PAGE 4096
#define ELF_NOTE_PVH 18 /* XEN_ELFNOTE_PHYS32_ENTRY */

struct elf_file {
	int fd;
	const char *name;
	uint64_t size;
};

static int elf_bad(const struct elf_file *f, struct err *err, const char *why)
{
	return err_set(err, ENOEXEC, "kernel '%s': %s", f->name, why);
}

/* Reads all @len bytes at @offset of the file, which may have shrunk since it was opened. */
static int elf_read(const struct elf_file *f, uint64_t offset, void *data, size_t len, struct err *err)
{
	size_t done = 0;

	if (offset > f->size || len > f->size - offset)
		return elf_bad(f, err, "the file is cut short");
	while (done < len) {
		ssize_t n = pread(f->fd, (char *)data + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read kernel '%s'", f->name);
		if (n == 0)
			return elf_bad(f, err, "the file is cut short");
		done += (size_t)n;
	}
	return 0;
}

/* Reads the ELF header and refuses whatever is not an executable for 64-bit x86. Sets f->size. */
static int elf_read_header(struct elf_file *f, Elf64_Ehdr *eh, struct err *err)
{
	struct stat st;
	int r;

	if (fstat(f->fd, &st) < 0)
		return err_sys(err, errno, "stat kernel '%s'", f->name);
	if (!S_ISREG(st.st_mode))
		return elf_bad(f, err, "not a regular file");
	f->size = (uint64_t)st.st_size;
	if (f->size < sizeof(*eh))
		return elf_bad(f, err, "too small for an ELF file");
	if ((r = elf_read(f, 0, eh, sizeof(*eh), err)) < 0)
		return r;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
		return elf_bad(f, err, "not an ELF file (an uncompressed vmlinux is needed)");
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB || eh->e_machine != EM_X86_64)
		return elf_bad(f, err, "not for x86_64");
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return elf_bad(f, err, "not an executable ELF file");
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0 || eh->e_phnum > ELF_PHDRS_MAX)
		return elf_bad(f, err, "its program headers make no sense");
	return 0;
}

/* Copies without the pages that are all zeros, because writing them would only take memory. */
static void elf_copy_sparse(uint8_t *to, const uint8_t *from, size_t len)
{
	static const uint8_t zero[ELF_PAGE];

	while (len > 0) {
		/* up to the next page border of the guest */
		size_t n = MIN(len, ELF_PAGE - ((uintptr_t)to & (ELF_PAGE - 1)));

		if (memcmp(from, zero, n) != 0)
			memcpy(to, from, n);
		to += n;
		from += n;
		len -= n;
	}
}

/* Checks one PT_LOAD segment and copies it to its place; @bounce has ELF_CHUNK bytes. */
static int elf_load_segment(const struct elf_file *f, const Elf64_Phdr *ph, const struct mem *mem, uint64_t min_gpa,
	uint8_t *bounce, struct err *err)
{
	uint8_t *to = mem_at(mem, ph->p_paddr, ph->p_memsz);
	int r;

	if (ph->p_filesz > ph->p_memsz)
		return elf_bad(f, err, "a segment is larger in the file than in memory");
	if (ph->p_paddr < min_gpa)
		return elf_bad(f, err, "a segment lies below 1 MiB");
	if (!to)
		return err_set(err, ENOMEM,
			"kernel '%s': a segment of %llu KiB at 0x%llx does not fit into %llu MiB of guest memory",
			f->name, ph->p_memsz / KIB, (unsigned long long)ph->p_paddr, mem->size / MIB);
	for (uint64_t done = 0; done < ph->p_filesz;) {
		size_t n = MIN(ELF_CHUNK, ph->p_filesz - done);

		if (ph->p_offset > f->size) /* so that the sum below does not wrap */
			return elf_bad(f, err, "the file is cut short");
		if ((r = elf_read(f, ph->p_offset + done, bounce, n, err)) < 0)
			return r;
		elf_copy_sparse(to + done, bounce, n);
		done += n;
	}
	return 0;
}

/* The PVH entry point in the notes [@at, @at + @len), 0 if no note has one. */
static uint64_t elf_find_pvh(const uint8_t *at, size_t len)
{
	Elf64_Nhdr nh;

	while (len >= sizeof(nh)) {
		size_t name_len, desc_len;
		const uint8_t *name, *desc;
		uint64_t entry = 0;

		memcpy(&nh, at, sizeof(nh));
		at += sizeof(nh);
		len -= sizeof(nh);
		name_len = ((size_t)nh.n_namesz + 3) & ~(size_t)3;
		desc_len = ((size_t)nh.n_descsz + 3) & ~(size_t)3;
		if (name_len > len || desc_len > len - name_len)
			return 0;
		name = at;
		desc = at + name_len;
		if (nh.n_type == ELF_NOTE_PVH && nh.n_namesz == sizeof("Xen") &&
			memcmp(name, "Xen", sizeof("Xen")) == 0 &&
			(nh.n_descsz == sizeof(uint32_t) || nh.n_descsz == sizeof(uint64_t))) {
			memcpy(&entry, desc, nh.n_descsz);
			return entry;
		}
		at += name_len + desc_len;
		len -= name_len + desc_len;
	}
	return 0;
}

/* Looks for the PVH entry point in one PT_NOTE segment, unless an earlier one had it. */
static int elf_read_notes(const struct elf_file *f, const Elf64_Phdr *ph, uint64_t *entry, struct err *err)
{
	autofree uint8_t *notes = NULL;
	int r;

	if (*entry != 0 || ph->p_filesz == 0)
		return 0;
	if (ph->p_filesz > ELF_NOTES_MAX)
		return elf_bad(f, err, "its notes are too large");
	notes = malloc(ph->p_filesz);
	if (!notes)
		return err_sys(err, ENOMEM, "read kernel '%s'", f->name);
	if ((r = elf_read(f, ph->p_offset, notes, ph->p_filesz, err)) < 0)
		return r;
	*entry = elf_find_pvh(notes, ph->p_filesz);
	return 0;
}

static int elf_check_entry(const struct elf_file *f, const struct elf_image *image, uint64_t entry, struct err *err)
{
	if (image->end == 0)
		return elf_bad(f, err, "it has no segments to load");
	if (entry == 0)
		return elf_bad(f, err, "no PVH entry point (CONFIG_PVH is not set)");
	if (entry < image->start || entry >= image->end || entry > UINT32_MAX)
		return elf_bad(f, err, "its PVH entry point lies outside of its segments");
	return 0;
}

int elf_load(
	const struct mem *mem, int fd, const char *name, uint64_t min_gpa, struct elf_image *ret_image, struct err *err)
{
	struct elf_file f = { .fd = fd, .name = name };
	struct elf_image image = { .start = UINT64_MAX };
	Elf64_Phdr phdrs[ELF_PHDRS_MAX];
	autofree uint8_t *bounce = malloc(ELF_CHUNK);
	uint64_t entry = 0;
	Elf64_Ehdr eh;
	int r;

	if (!bounce)
		return err_sys(err, ENOMEM, "read kernel '%s'", name);
	if ((r = elf_read_header(&f, &eh, err)) < 0 ||
		(r = elf_read(&f, eh.e_phoff, phdrs, eh.e_phnum * sizeof(phdrs[0]), err)) < 0)
		return r;
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &phdrs[i];

		if (ph->p_type == PT_NOTE && (r = elf_read_notes(&f, ph, &entry, err)) < 0)
			return r;
		if (ph->p_type != PT_LOAD || ph->p_memsz == 0)
			continue;
		if ((r = elf_load_segment(&f, ph, mem, min_gpa, bounce, err)) < 0)
			return r;
		/* the sum does not wrap: the segment lies in RAM */
		image.start = MIN(image.start, ph->p_paddr);
		image.end = MAX(image.end, ph->p_paddr + ph->p_memsz);
	}
	if ((r = elf_check_entry(&f, &image, entry, err)) < 0)
		return r;
	image.pvh_entry = (uint32_t)entry;
	*ret_image = image;
	return 0;
}
