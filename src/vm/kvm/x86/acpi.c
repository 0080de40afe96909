/* SPDX-License-Identifier: Apache-2.0 */
/* The ACPI tables. Chapters in the comments are those of ACPI 6.3. */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/wire.h"
#include "vm/kvm/x86/acpi.h"
#include "vm/machine/layout.h"

#define ACPI_OEM_ID "VMRUNC"
#define ACPI_OEM_TABLE_ID "VMRUNC  "
#define ACPI_CREATOR_ID "VMRC"
#define ACPI_REVISION 1

/* Offsets of the fields that are filled in late. */
#define ACPI_SDT_LENGTH 4
#define ACPI_SDT_CHECKSUM 9
#define ACPI_RSDP_CHECKSUM 8
#define ACPI_RSDP_V1_LEN 20 /* what the first checksum covers */
#define ACPI_RSDP_LEN 36
#define ACPI_RSDP_XCHECKSUM 32

/* ---- AML (§20): byte code of the DSDT ---- */

enum aml_op {
	AML_ZERO = 0x00,
	AML_ONE = 0x01,
	AML_NAME = 0x08,
	AML_BYTE = 0x0a,
	AML_DWORD = 0x0c,
	AML_STRING = 0x0d,
	AML_SCOPE = 0x10,
	AML_BUFFER = 0x11,
	AML_PACKAGE = 0x12,
	AML_EXT = 0x5b,
	AML_EXT_DEVICE = 0x82,
};

/* Puts the package length (§20.2.4), which counts its own 1 to 3 bytes and those of @body, and then the body. */
static void aml_put_body(struct buf *b, const struct buf *body)
{
	size_t len = body->len;

	if (len + 1 < 0x40) {
		wire_put_u8(b, (uint8_t)(len + 1));
	} else if (len + 2 < 0x1000) {
		len += 2;
		wire_put_u8(b, (uint8_t)(0x40 | (len & 0xf)));
		wire_put_u8(b, (uint8_t)(len >> 4));
	} else {
		len += 3;
		assert(len < 0x100000);
		wire_put_u8(b, (uint8_t)(0x80 | (len & 0xf)));
		wire_put_u8(b, (uint8_t)(len >> 4));
		wire_put_u8(b, (uint8_t)(len >> 12));
	}
	buf_put(b, body->data, body->len);
	if (buf_error(body))
		b->error = buf_error(body);
}

static void aml_put_name(struct buf *b, const char *name)
{
	wire_put_u8(b, AML_NAME);
	buf_put(b, name, 4);
}

static void aml_put_string(struct buf *b, const char *s)
{
	wire_put_u8(b, AML_STRING);
	buf_put(b, s, strlen(s) + 1);
}

static void aml_put_dword(struct buf *b, uint32_t v)
{
	wire_put_u8(b, AML_DWORD);
	wire_put_u32(b, v);
}

/* Puts the resources (§6.4), to which it adds their end tag, as the device's _CRS. */
static void aml_put_crs(struct buf *b, struct buf *resources)
{
	autobuf body = BUF_INIT;

	wire_put_u8(resources, 0x79); /* end tag */
	wire_put_u8(resources, 0);    /* checksum: 0 says that there is none */
	assert(resources->len < 0x100);
	wire_put_u8(&body, AML_BYTE);
	wire_put_u8(&body, (uint8_t)resources->len);
	buf_put(&body, resources->data, resources->len);
	if (buf_error(resources))
		body.error = buf_error(resources);
	aml_put_name(b, "_CRS");
	wire_put_u8(b, AML_BUFFER);
	aml_put_body(b, &body);
}

/* Puts an extended interrupt descriptor (§6.4.3.6): consumer, edge-triggered, active high, and shared or exclusive. */
static void aml_put_interrupt(struct buf *b, uint32_t gsi, bool shared)
{
	wire_put_u8(b, 0x89);
	wire_put_u16(b, 6);
	wire_put_u8(b, (uint8_t)(1 << 0 | 1 << 1 | shared << 3));
	wire_put_u8(b, 1);
	wire_put_u32(b, gsi);
}

static void aml_put_device(struct buf *b, const struct buf *body)
{
	wire_put_u8(b, AML_EXT);
	wire_put_u8(b, AML_EXT_DEVICE);
	aml_put_body(b, body);
}

/* Puts the virtio-mmio device in slot @index. */
static void aml_put_virtio(struct buf *b, unsigned int index, const struct acpi_device *d)
{
	autobuf body = BUF_INIT, crs = BUF_INIT;

	/* Memory32Fixed (§6.4.3.4), writable */
	wire_put_u8(&crs, 0x86);
	wire_put_u16(&crs, 9);
	wire_put_u8(&crs, 1);
	wire_put_u32(&crs, d->gpa);
	wire_put_u32(&crs, d->size);
	aml_put_interrupt(&crs, d->gsi, true);

	buf_printf(&body, "V%03u", index);
	aml_put_name(&body, "_HID");
	aml_put_string(&body, "LNRO0005");
	aml_put_name(&body, "_UID");
	aml_put_dword(&body, index);
	aml_put_name(&body, "_CCA"); /* DMA is coherent */
	wire_put_u8(&body, AML_ONE);
	aml_put_crs(&body, &crs);
	aml_put_device(b, &body);
}

/* Puts the serial port: without it ttyS0 would have no interrupt in a hardware-reduced machine. */
static void aml_put_serial(struct buf *b)
{
	autobuf body = BUF_INIT, crs = BUF_INIT;

	wire_put_u8(&crs, 0x47); /* I/O port descriptor (§6.4.2.5) */
	wire_put_u8(&crs, 1);    /* decodes 16 bits */
	wire_put_u16(&crs, LAYOUT_SERIAL_PORT);
	wire_put_u16(&crs, LAYOUT_SERIAL_PORT);
	wire_put_u8(&crs, 1);
	wire_put_u8(&crs, LAYOUT_SERIAL_PORTS);
	aml_put_interrupt(&crs, LAYOUT_SERIAL_GSI, false);

	buf_puts(&body, "COM1");
	aml_put_name(&body, "_HID");
	aml_put_dword(&body, 0x0105d041); /* EISA id PNP0501 (§19.6.36) */
	aml_put_name(&body, "_UID");
	wire_put_u8(&body, AML_ONE);
	aml_put_crs(&body, &crs);
	aml_put_device(b, &body);
}

/* Puts Name (_S5, Package (1) { n }), the only sleep state. A guest writes n to the sleep control register. */
static void aml_put_s5(struct buf *b)
{
	autobuf body = BUF_INIT;

	wire_put_u8(&body, 1);
	wire_put_u8(&body, AML_BYTE);
	wire_put_u8(&body, LAYOUT_SLP_TYP_S5);
	aml_put_name(b, "_S5_");
	wire_put_u8(b, AML_PACKAGE);
	aml_put_body(b, &body);
}

static void aml_put_system_bus(struct buf *b, const struct acpi_platform *p)
{
	autobuf body = BUF_INIT;

	buf_puts(&body, "\\_SB_");
	for (unsigned int i = 0; i < p->devices_len; i++)
		aml_put_virtio(&body, i, &p->devices[i]);
	aml_put_serial(&body);
	wire_put_u8(b, AML_SCOPE);
	aml_put_body(b, &body);
}

/* ---- tables ---- */

static uint8_t acpi_checksum(const char *data, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + (uint8_t)data[i]);
	return (uint8_t)-sum;
}

/* Starts a table with its header (§5.2.6) at a multiple of 16 bytes. Returns its offset. */
static size_t sdt_begin(struct buf *b, const char *signature, uint8_t revision)
{
	size_t start;

	(void)buf_extend(b, -b->len & 15); /* the error is sticky */
	start = b->len;
	buf_put(b, signature, 4);
	wire_put_u32(b, 0); /* length: sdt_end() */
	wire_put_u8(b, revision);
	wire_put_u8(b, 0); /* checksum: sdt_end() */
	buf_puts(b, ACPI_OEM_ID);
	buf_puts(b, ACPI_OEM_TABLE_ID);
	wire_put_u32(b, ACPI_REVISION);
	buf_puts(b, ACPI_CREATOR_ID);
	wire_put_u32(b, ACPI_REVISION);
	return start;
}

/* Fills in the length and the checksum of the table that began at @start. */
static void sdt_end(struct buf *b, size_t start)
{
	uint32_t len = (uint32_t)(b->len - start);

	if (buf_error(b))
		return;
	memcpy(b->data + start + ACPI_SDT_LENGTH, &len, sizeof(len));
	b->data[start + ACPI_SDT_CHECKSUM] = (char)acpi_checksum(b->data + start, len);
}

static size_t acpi_put_dsdt(struct buf *b, const struct acpi_platform *p)
{
	size_t start = sdt_begin(b, "DSDT", 2);

	aml_put_system_bus(b, p);
	aml_put_s5(b);
	sdt_end(b, start);
	return start;
}

/* Puts the table of interrupt controllers: a LAPIC for each vCPU, and the IOAPIC. Returns its offset. */
static size_t acpi_put_madt(struct buf *b, const struct acpi_platform *p)
{
	size_t start = sdt_begin(b, "APIC", 4);

	wire_put_u32(b, LAYOUT_LAPIC);
	wire_put_u32(b, 0); /* flags: no 8259 */
	for (unsigned int i = 0; i < p->vcpus; i++) {
		wire_put_u8(b, 0); /* processor local APIC (§5.2.12.2) */
		wire_put_u8(b, 8);
		wire_put_u8(b, (uint8_t)i);
		wire_put_u8(b, (uint8_t)i);
		wire_put_u32(b, 1); /* enabled */
	}
	wire_put_u8(b, 1); /* I/O APIC (§5.2.12.3) */
	wire_put_u8(b, 12);
	wire_put_u16(b, 0);
	wire_put_u32(b, LAYOUT_IOAPIC);
	wire_put_u32(b, 0); /* first GSI */
	sdt_end(b, start);
	return start;
}

/* Puts a port, one byte wide, as a generic address structure (§5.2.3.2). */
static void acpi_put_port(struct buf *b, uint16_t port)
{
	wire_put_u8(b, 1);
	wire_put_u8(b, 8);
	wire_put_u8(b, 0);
	wire_put_u8(b, 1);
	wire_put_u64(b, port);
}

enum fadt_flags {
	FADT_WBINVD = 1 << 0,
	FADT_NO_POWER_BUTTON = 1 << 4,
	FADT_NO_SLEEP_BUTTON = 1 << 5,
	FADT_RESET_REG = 1 << 10,
	FADT_HW_REDUCED = 1 << 20,
};

enum fadt_boot_arch {
	FADT_NO_VGA = 1 << 2,
	FADT_NO_CMOS_RTC = 1 << 5,
};

/* Puts zeros up to @offset of the table, for fields that a hardware-reduced machine does not have. */
static void fadt_skip_to(struct buf *b, size_t start, size_t offset)
{
	(void)buf_extend(b, offset - (b->len - start)); /* the error is sticky */
}

/* Puts the fixed description: hardware-reduced, and by which ports a guest ends its machine. Returns its offset. */
static size_t acpi_put_fadt(struct buf *b, uint32_t dsdt_gpa)
{
	size_t start = sdt_begin(b, "FACP", 6);

	if (buf_error(b))
		return start;
	fadt_skip_to(b, start, 40);
	wire_put_u32(b, dsdt_gpa);
	fadt_skip_to(b, start, 109);
	wire_put_u16(b, FADT_NO_VGA | FADT_NO_CMOS_RTC); /* and neither 8042 nor legacy devices */
	fadt_skip_to(b, start, 112);
	wire_put_u32(b, FADT_WBINVD | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON | FADT_RESET_REG | FADT_HW_REDUCED);
	acpi_put_port(b, LAYOUT_RESET_PORT);
	wire_put_u8(b, LAYOUT_RESET_VALUE);
	fadt_skip_to(b, start, 131);
	wire_put_u8(b, 3); /* minor version */
	fadt_skip_to(b, start, 140);
	wire_put_u64(b, dsdt_gpa);
	fadt_skip_to(b, start, 244);
	acpi_put_port(b, LAYOUT_SLEEP_CONTROL_PORT);
	acpi_put_port(b, LAYOUT_SLEEP_STATUS_PORT);
	buf_put(b, "VMRUNC\0", 8); /* hypervisor vendor */
	sdt_end(b, start);
	return start;
}

static size_t acpi_put_xsdt(struct buf *b, uint32_t fadt_gpa, uint32_t madt_gpa)
{
	size_t start = sdt_begin(b, "XSDT", 1);

	wire_put_u64(b, fadt_gpa);
	wire_put_u64(b, madt_gpa);
	sdt_end(b, start);
	return start;
}

/* Fills in the root pointer (§5.2.5.3) at the start of @b, where room was left for it. */
static void acpi_fill_rsdp(struct buf *b, uint64_t xsdt_gpa)
{
	const uint32_t len = ACPI_RSDP_LEN;
	char *r = b->data;

	memcpy(r, "RSD PTR ", 8);
	memcpy(r + 9, ACPI_OEM_ID, 6);
	r[15] = 2; /* revision: ACPI 2.0 and later */
	memcpy(r + 20, &len, sizeof(len));
	memcpy(r + 24, &xsdt_gpa, sizeof(xsdt_gpa));
	r[ACPI_RSDP_CHECKSUM] = (char)acpi_checksum(r, ACPI_RSDP_V1_LEN);
	r[ACPI_RSDP_XCHECKSUM] = (char)acpi_checksum(r, ACPI_RSDP_LEN);
}

int acpi_build(const struct acpi_platform *p, uint32_t gpa, struct buf *tables)
{
	size_t dsdt, madt, fadt, xsdt;

	assert(tables->len == 0 && p->devices_len <= 1000);
	(void)buf_extend(tables, ACPI_RSDP_LEN); /* the error is sticky */
	dsdt = acpi_put_dsdt(tables, p);
	madt = acpi_put_madt(tables, p);
	fadt = acpi_put_fadt(tables, gpa + (uint32_t)dsdt);
	xsdt = acpi_put_xsdt(tables, gpa + (uint32_t)fadt, gpa + (uint32_t)madt);
	if (buf_error(tables))
		return buf_error(tables);
	acpi_fill_rsdp(tables, gpa + xsdt);
	return 0;
}
