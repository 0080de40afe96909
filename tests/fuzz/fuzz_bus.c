/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a guest's accesses to ports and to memory-mapped registers, and what it writes to its serial console.
 *
 * The input is a small program: first the regions of the bus, then accesses. What must hold: a device gets an access only
 * if all of it lies in the device's region, where nobody takes an access a read gives all ones, the log's file keeps its
 * limit, and what the log quotes has only bytes that a terminal may get.
 */
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/replay.h"
#include "vm/guestlog.h"
#include "vm/kvm/serial.h"
#include "vm/machine/bus.h"
#include "vm/machine/layout.h"

#define REGIONS 48 /* more than a bus has room for */
#define OPS_MAX 512
#define QUOTE 300
#define CONSOLE_BYTES 512 /* of one run of text that go through the port; the rest is put into the log */
#define LOG_BYTES (GUESTLOG_FILE_MIN + GUESTLOG_KEEP / 2) /* of an input at most: enough that the file begins again */
#define LOG_BYTES_FEW 6000u /* of most inputs: more than a chunk of the file, and than a tail */
#define MOST 8              /* one input in so many has LOG_BYTES, as its length says: they take ten times as long */

const struct fuzz_target fuzz_target = { .corpus = "bus", .variants = 100 };

struct region {
	uint64_t size;
};

static struct region regions[REGIONS];
static bool taken;      /* a device of ours has seen the access in hand */
static size_t log_left; /* bytes that the input may still put into the log */

static void check_access(const struct region *r, uint64_t offset, unsigned int len)
{
	require(len >= 1 && len <= 8 && offset < r->size && len <= r->size - offset, "an access outside of its region");
	taken = true;
}

static uint64_t on_read(void *arg, uint64_t offset, unsigned int len)
{
	check_access(arg, offset, len);
	return 0x0102030405060708ull;
}

static void on_write(void *arg, uint64_t offset, unsigned int len, uint64_t value)
{
	check_access(arg, offset, len);
	require(len == 8 || value >> (8 * len) == 0, "a value wider than its access");
}

/* Adds regions as the input says; a bus refuses those that do not fit, and never takes two that overlap. */
static void regions_add(struct bus *bus, struct input *in)
{
	static const struct bus_ops all = { on_read, on_write }, none = { NULL, NULL };
	unsigned int n = (unsigned int)input_take(in, 1) % (REGIONS + 1);
	struct err err;

	for (unsigned int i = 0; i < n; i++) {
		uint8_t kind = (uint8_t)input_take(in, 1);
		uint64_t at = input_take(in, 4);

		regions[i].size = input_take(in, 2);
		if (kind & 1)
			(void)!bus_add_pio(bus, (uint16_t)at, (uint16_t)regions[i].size, kind & 2 ? &none : &all,
				&regions[i], &err);
		else
			(void)!bus_add_mmio(bus, LAYOUT_HOLE_START + at, regions[i].size << (kind >> 2 & 31),
				kind & 2 ? &none : &all, &regions[i], &err);
		if (!(kind & 1))
			regions[i].size <<= kind >> 2 & 31;
	}
	for (unsigned int i = 1; i < bus->mmio.regions_len; i++)
		require(bus->mmio.regions[i - 1].end <= bus->mmio.regions[i].start, "regions overlap");
	for (unsigned int i = 1; i < bus->pio.regions_len; i++)
		require(bus->pio.regions[i - 1].end <= bus->pio.regions[i].start, "ports overlap");
}

static void one_access(const struct bus *bus, struct input *in)
{
	uint8_t op = (uint8_t)input_take(in, 1);
	unsigned int len = 1 + (op >> 2) % (op & 1 ? 4 : 8);
	uint8_t data[8] = { 0 };

	if (op & 2) {
		uint64_t value = input_take(in, len);

		memcpy(data, &value, len);
	}
	taken = false;
	if (op & 0x80) /* the serial port, which mutated bytes would seldom find */
		bus_pio(bus, (uint16_t)(LAYOUT_SERIAL_PORT + input_take(in, 1) % 10 - 1), data, 1, op & 2);
	else if (op & 1)
		bus_pio(bus, (uint16_t)input_take(in, 2), data, len, op & 2);
	else
		bus_mmio(bus, op & 0x40 ? LAYOUT_HOLE_START + input_take(in, 4) : input_take(in, 8), data, len, op & 2);
	for (unsigned int i = len; i < sizeof(data); i++)
		require(data[i] == 0, "bytes behind an access");
}

static void check_quote(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	require(len < size, "a quotation without an end");
	for (size_t i = 0; i < len; i++)
		require((text[i] >= ' ' && text[i] <= '~') || text[i] == '\t', "a control character in a quotation");
}

/* A run of text on the console, as a chatty guest writes it: what the port has shown often enough, the log gets at once. */
static void console_write(const struct bus *bus, struct guestlog *log, struct input *in)
{
	size_t len, times = 1 + input_take(in, 2) % 2048, sent = 0;
	const uint8_t *text = input_bytes(in, input_take(in, 1), &len);

	for (size_t i = 0; i < times && len <= log_left; i++, sent += len, log_left -= len) {
		if (sent >= CONSOLE_BYTES)
			guestlog_put(log, text, len);
		for (size_t k = 0; k < len && sent < CONSOLE_BYTES; k++) {
			uint8_t byte = text[k];

			bus_pio(bus, LAYOUT_SERIAL_PORT, &byte, 1, true);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct irq irq = { .gsi = LAYOUT_SERIAL_GSI };
	char line[QUOTE];
	struct guestlog *log;
	struct serial serial;
	struct stat st;
	struct bus bus;
	struct err err;
	int file, watched;

	kernel_begin();
	irq.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	file = memfd_create("guest.log", MFD_CLOEXEC);
	watched = dup(file);
	require(irq.fd >= 0 && file >= 0 && watched >= 0, "descriptors");
	require(guestlog_new(file, GUESTLOG_FILE_MIN, &log) == 0, "guestlog_new");
	serial_init(&serial, log, &irq);
	bus_init(&bus);
	require(bus_add_pio(&bus, LAYOUT_SERIAL_PORT, LAYOUT_SERIAL_PORTS, &serial_ops, &serial, &err) == 0, "serial");
	log_left = size % MOST == 0 ? LOG_BYTES : LOG_BYTES_FEW;
	regions_add(&bus, &in);
	bus_freeze(&bus);
	for (int i = 0; i < OPS_MAX && in.at < in.end; i++) {
		if (*in.at == 0xff) {
			in.at++;
			console_write(&bus, log, &in);
			guestlog_flush(log);
			require(fstat(watched, &st) == 0 && (uint64_t)st.st_size <= GUESTLOG_FILE_MIN,
				"the log's limit");
		} else {
			one_access(&bus, &in);
		}
	}
	if (guestlog_find(log, "", line, sizeof(line)))
		check_quote(line, sizeof(line));
	guestlog_last(log, 20, line, sizeof(line));
	check_quote(line, sizeof(line));
	strcpy(line, "reset");
	guestlog_explain_reset(log, line, sizeof(line));
	check_quote(line, sizeof(line));
	serial_done(&serial);
	guestlog_free(log);
	fd_close(irq.fd);
	fd_close(watched);
	kernel_end();
	return 0;
}
