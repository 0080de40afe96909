/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the serial port, the guest's log behind it, and the machine's other ports. */
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

#include <sys/eventfd.h>

#include "base/fd.h"
#include "vm/guestlog.h"
#include "vm/kvm/serial.h"
#include "vm/kvm/x86/platform.h"
#include "vm/machine/end.h"
#include "vm/machine/layout.h"

struct fixture {
	struct guestlog *log;
	struct serial serial;
	struct irq irq;
	int read_fd, write_fd; /* the log's file; write_fd is the log's */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	assert_non_null(f);
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	f->read_fd = fds[0];
	f->write_fd = fds[1];
	f->irq.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(f->irq.fd >= 0);
	assert_int_equal(guestlog_new(f->write_fd, SIZE_MAX, &f->log), 0);
	serial_init(&f->serial, f->log, &f->irq);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	serial_done(&f->serial);
	guestlog_free(f->log);
	irq_done(&f->irq);
	close(f->read_fd);
	free(f);
	return 0;
}

static void out(struct fixture *f, unsigned int reg, uint8_t value)
{
	serial_ops.write(&f->serial, reg, 1, value);
}

static uint8_t in(struct fixture *f, unsigned int reg)
{
	return (uint8_t)serial_ops.read(&f->serial, reg, 1);
}

static unsigned int interrupts(struct fixture *f)
{
	uint64_t n = 0;

	return read(f->irq.fd, &n, sizeof(n)) == (ssize_t)sizeof(n) ? (unsigned int)n : 0;
}

static void expect_log(struct fixture *f, const char *want)
{
	char got[512];
	ssize_t n;

	guestlog_flush(f->log);
	n = read(f->read_fd, got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	assert_string_equal(got, want);
}

static void say(struct fixture *f, const char *text)
{
	for (; *text; text++)
		out(f, 0, (uint8_t)*text);
}

static void text_goes_into_the_log(void **state)
{
	struct fixture *f = *state;

	say(f, "hello world\r\nrest");
	expect_log(f, "hello world\nrest");
	assert_int_equal(in(f, 5), 0x60); /* always ready for more */
}

static void control_characters_do_not_reach_the_log(void **state)
{
	struct fixture *f = *state;

	say(f, "\033[2Ja\x01\x7f\tb\302\2332J\303\251\n");
	expect_log(f, "?[2Ja??\tb??2J??\n");
}

static void the_divisor_is_not_text(void **state)
{
	struct fixture *f = *state;

	out(f, 3, 0x80);
	out(f, 0, 'A');
	out(f, 1, 'B');
	assert_int_equal(in(f, 0), 'A');
	assert_int_equal(in(f, 1), 'B');
	out(f, 3, 0x03);
	assert_int_equal(in(f, 0), 0); /* nothing is ever received */
	assert_int_equal(in(f, 1), 0);
	expect_log(f, "");
}

static void drivers_find_a_16550a(void **state)
{
	struct fixture *f = *state;

	out(f, 1, 0xff); /* as autoconfig of Linux's 8250 driver does */
	assert_int_equal(in(f, 1), 0x0f);
	out(f, 1, 0);
	assert_int_equal(in(f, 1), 0);
	out(f, 7, 0x5a);
	assert_int_equal(in(f, 7), 0x5a);
	out(f, 4, 0x1a); /* loop: RTS, OUT2 */
	assert_int_equal(in(f, 6) & 0xf0, 0x90);
	say(f, "unheard\n");
	out(f, 4, 0x08);
	assert_int_equal(in(f, 6), 0xb0);
	assert_int_equal(in(f, 2) & 0xc0, 0);
	out(f, 2, 0x01);
	assert_int_equal(in(f, 2) & 0xc0, 0xc0);
	assert_int_equal(in(f, 9), 0xff);
	expect_log(f, "");
}

static void the_transmitter_interrupts_when_asked_to(void **state)
{
	struct fixture *f = *state;

	say(f, "a");
	assert_int_equal(interrupts(f), 0);
	out(f, 1, 0x02);
	assert_int_equal(interrupts(f), 1);
	assert_int_equal(in(f, 2) & 0x0f, 0x02);
	assert_int_equal(in(f, 2) & 0x0f, 0x01); /* reading it acknowledged it */
	say(f, "b");
	assert_int_equal(interrupts(f), 1);
	assert_int_equal(in(f, 2) & 0x0f, 0x02);
	out(f, 1, 0);
	say(f, "c");
	assert_int_equal(interrupts(f), 0);
	assert_int_equal(in(f, 2) & 0x0f, 0x01);
}

/* Writes once to one port. Returns how that ends the machine (enum vm_exit); -1: not at all. */
static void the_machine_ends_by_the_right_writes_only(void **state)
{
	static const struct {
		uint16_t port;
		uint8_t value;
		int how;
	} cases[] = {
		{ LAYOUT_SLEEP_CONTROL_PORT, 0x20 | 5 << 2, VM_EXIT_POWEROFF },
		{ LAYOUT_SLEEP_CONTROL_PORT, 5 << 2, -1 },        /* not enabled */
		{ LAYOUT_SLEEP_CONTROL_PORT, 0x20 | 3 << 2, -1 }, /* S3 */
		{ LAYOUT_SLEEP_CONTROL_PORT, 0, -1 },
		{ LAYOUT_SLEEP_STATUS_PORT, 0x20 | 5 << 2, -1 },
		{ LAYOUT_RESET_PORT, LAYOUT_RESET_VALUE, VM_EXIT_RESET },
		{ LAYOUT_RESET_PORT, 0, -1 },
		{ 0x64, 0xfe, VM_EXIT_RESET },
		{ 0x64, 0xd1, -1 },
		{ 0x60, 0xfe, -1 },
		{ 0x71, 0xff, -1 },
	};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t value = cases[i].value;
		char detail[END_DETAIL_MAX];
		enum vm_exit how = VM_EXIT_FAILED;
		struct bus bus;
		struct end end;
		bool ended;

		bus_init(&bus);
		assert_int_equal(end_init(&end, &err), 0);
		assert_int_equal(platform_add_ports(&bus, &end, &err), 0);
		bus_freeze(&bus);
		bus_pio(&bus, cases[i].port, &value, 1, true);
		ended = end_get(&end, &how, detail);
		if (ended != (cases[i].how >= 0) || (ended && (int)how != cases[i].how))
			fail_msg("case %zu: wanted %d, got %d", i, cases[i].how, ended ? (int)how : -1);
		end_done(&end);
	}
}

static void ports_that_would_be_traps_read_zero(void **state)
{
	static const struct {
		uint16_t port;
		uint8_t want;
	} cases[] = { { 0x64, 0 }, { 0x71, 0 }, { 0x601, 0 }, { 0x60, 0xff }, { 0x42, 0xff }, { 0xcf8, 0xff },
		{ 0xffff, 0xff } };
	struct err err = ERR_INIT;
	struct bus bus;
	struct end end;

	(void)state;
	bus_init(&bus);
	assert_int_equal(end_init(&end, &err), 0);
	assert_int_equal(platform_add_ports(&bus, &end, &err), 0);
	bus_freeze(&bus);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t value = 0x55;

		bus_pio(&bus, cases[i].port, &value, 1, false);
		if (value != cases[i].want)
			fail_msg("port 0x%x: wanted 0x%x, got 0x%x", cases[i].port, cases[i].want, value);
	}
	end_done(&end);
}

static void the_first_end_counts(void **state)
{
	struct err err = ERR_INIT;
	char detail[END_DETAIL_MAX];
	enum vm_exit how;
	struct end end;
	uint64_t n = 0;

	(void)state;
	assert_int_equal(end_init(&end, &err), 0);
	assert_false(end_get(&end, &how, detail));
	end_report(&end, VM_EXIT_POWEROFF, "first %d", 1);
	end_report(&end, VM_EXIT_FAILED, "second");
	assert_true(end_get(&end, &how, detail));
	assert_int_equal(how, VM_EXIT_POWEROFF);
	assert_string_equal(detail, "first 1");
	assert_int_equal(read(end.fd, &n, sizeof(n)), sizeof(n));
	assert_int_equal(n, 1);
	end_done(&end);
	end_done(&end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(text_goes_into_the_log, setup, teardown),
		cmocka_unit_test_setup_teardown(control_characters_do_not_reach_the_log, setup, teardown),
		cmocka_unit_test_setup_teardown(the_divisor_is_not_text, setup, teardown),
		cmocka_unit_test_setup_teardown(drivers_find_a_16550a, setup, teardown),
		cmocka_unit_test_setup_teardown(the_transmitter_interrupts_when_asked_to, setup, teardown),
		cmocka_unit_test(the_machine_ends_by_the_right_writes_only),
		cmocka_unit_test(ports_that_would_be_traps_read_zero),
		cmocka_unit_test(the_first_end_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
