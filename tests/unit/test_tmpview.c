/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's tmpfs for readers on the host: with the agent and the host's kernel at the two ends, and between a kernel
 * that asks and a guest that says what it likes.
 */
#include "monitor/tmpview.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_rig.h"
#include "base/fd.h"
#include "channel/mux.h"
#include "tests/unit/fuse_peer.h"

/* --- the agent, and the host's kernel --- */

struct shown {
	struct commands commands;
	struct tmpview *view;
	int fd;
	char at[128];
};

static struct shown shown = { .fd = -1 };
static bool own_mounts; /* of this process, so that nothing of a view is left when it ends, however it does */
static pid_t reader;

static void on_reader(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	loop_stop(rig.loop);
}

/* Runs the shell's @script in the directory of @s, while the loop serves it: its exit code, and its output in @out. */
static int run_reader(const struct shown *s, const char *script, char *out, size_t size)
{
	struct watch *watch;
	size_t len = 0;
	ssize_t n;
	int ends[2], status;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	reader = fork();
	assert_true(reader >= 0);
	if (reader == 0) {
		if (dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0 || chdir(s->at) < 0)
			_exit(99);
		(void)execl("/bin/sh", "sh", "-euc", script, NULL);
		_exit(98);
	}
	fd_close(ends[1]);
	assert_int_equal(fd_set_nonblock(ends[0], true), 0);
	assert_int_equal(watch_new(rig.loop, ends[0], EPOLLIN, on_reader, NULL, &watch), 0);
	for (;;) {
		assert_int_equal(timer_set(rig.timeout, 60000), 0);
		n = read(ends[0], out + len, size - 1 - len);
		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
		else
			assert_int_equal(loop_run(rig.loop), 0);
	}
	out[len] = '\0';
	watch_free(watch);
	fd_close(ends[0]);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Skips the test, in words, where this process may have no mounts of its own, or the host has no FUSE for it. */
static void need_fuse(void)
{
	int fd;

	rig_need_root();
	if (!own_mounts) {
		print_message("no mount namespace for the view: %s\n", strerror(EPERM));
		skip();
	}
	fd = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO || errno == EPERM || errno == EACCES)) {
		print_message("/dev/fuse: %s\n", strerror(errno));
		skip();
	}
	if (fd < 0)
		fail_msg("/dev/fuse: %s", strerror(errno));
	fd_close(fd);
}

/* Starts the container, whose tmpfs at /t is shown, in a user namespace if @users, and mounts its view. */
static void show(struct shown *s, const char *script, bool users)
{
	static struct guest_idmap map[] = { { 0, 100000, 65536 } };
	char options[128];

	box_init(&box, script);
	if (users) {
		box.c.ns[GUEST_NS_USER].mode = GUEST_NS_NEW;
		box.c.uids = box.c.gids = (struct guest_idmaps){ 1, map };
		rig_in_rootfs("chown -R 100000:100000 .");
	}
	box_mount(&box, (struct guest_mount){ .kind = GUEST_MOUNT_FS,
				.source = "tmpfs",
				.destination = "/t",
				.fstype = "tmpfs",
				.data = "mode=1777,size=8m",
				.shown = true });
	for (size_t i = 0; i < ARRAY_LEN(box.c.process.caps); i++)
		box.c.process.caps[i] |= 1ull << CAP_SYS_ADMIN;
	assert_int_equal(box_create(&box, true), 0);
	s->fd = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_true(s->fd >= 0);
	(void)snprintf(s->at, sizeof(s->at), "%s/view", rig.dir);
	assert_int_equal(mkdir(s->at, 0755), 0);
	(void)snprintf(options, sizeof(options),
		"fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions,max_read=65536", s->fd);
	assert_int_equal(mount("vmrunc", s->at, "fuse", MS_NOSUID | MS_NODEV | MS_NOEXEC, options), 0);
	s->commands = (struct commands){ .guest = rig.guest, .serving = true };
	assert_int_equal(
		tmpview_new(
			&(struct tmpview_config){
				.fds = &s->fd, .len = 1, .cid = box.c.cid, .commands = &s->commands, .loop = rig.loop },
			&s->view),
		0);
	box_start(&box);
}

static void hide(struct shown *s)
{
	fd_close(box.in);
	box.in = -1;
	box_wait_exit(&box);
	box_read(&box);
	box_delete(&box);
	assert_int_equal(umount2(s->at, MNT_DETACH), 0);
	tmpview_free(s->view);
	fd_close(steal_fd(&s->fd));
	assert_int_equal(rmdir(s->at), 0);
}

/* A test that has failed leaves the mount, which nobody serves any more. */
static int end(void **state)
{
	if (shown.fd >= 0) {
		(void)umount2(shown.at, MNT_DETACH);
		fd_close(steal_fd(&shown.fd));
	}
	return rig_teardown(state);
}

static char out[65536];

static void expect(const struct shown *s, const char *script, const char *want)
{
	int code = run_reader(s, script, out, sizeof(out));

	if (code != 0 || strcmp(out, want) != 0)
		fail_msg("%s: exit code %d, got \"%s\", wanted \"%s\"", script, code, out, want);
}

static void both_sides_see_the_same_files(void **state)
{
	struct shown *s = &shown;

	(void)state;
	need_fuse();
	show(s,
		"cd /t; echo inside >a; ln -s a link; mkdir d; chmod 700 d; : >go; read x; "
		"cat b d/c; stat -c '%n %a %u:%g %F %s' * d/*; readlink l2; cat h",
		false);
	expect(s,
		"until rm go 2>/dev/null; do sleep 0.02; done; cat a link; readlink link; stat -c '%n %a %u:%g %F' . a d; ls -A | tr '\\n' ' '",
		"inside\ninside\na\n. 1777 0:0 directory\na 644 0:0 regular file\nd 700 0:0 directory\na d link ");
	expect(s,
		"echo from the host >b; umask 077; echo c >d/c; chown 5:6 d/c; chmod 4755 d/c; ln -s /etc/x l2; ln b h; "
		"mkdir e; mv e f; mkfifo p; printf more >>b; cat h; stat -c %h b; touch -d @1000.5 b; stat -c %.2Y b",
		"from the host\nmore2\n1000.50\n");
	expect(s, "cd d; pwd -P | sed 's,.*/,,'; mkdir -p x/y/z; cd x/y; ls -A; cd ../..; rm -r x; ls -A", "d\nz\nc\n");
	expect(s,
		"dd if=/dev/urandom of=big bs=1M count=3 status=none; cp big big2; cmp big big2; stat -c %s big2; "
		"truncate -s 100000 big2; stat -c %s big2; cmp -n 100000 big big2; rm big big2",
		"3145728\n100000\n");
	expect(s,
		"i=0; mkdir m; while [ $i -lt 1000 ]; do : >m/$i; i=$((i+1)); done; ls m | wc -l; tar cf - m | tar tf - | wc -l; "
		"rm -r m; ls -A | wc -l; df --output=fstype,size . | tail -1 | tr -s ' '",
		"1000\n1001\n8\nfuse 8192\n");
	/* a file without a name is there for as long as it is open */
	expect(s,
		"exec 3<>x; rm x; echo gone >&3; stat -L -c '%h %s' /dev/fd/3; truncate -s 3 /dev/fd/3; cat /dev/fd/3",
		"0 5\ngon");
	/* errors are the file system's own */
	assert_int_not_equal(run_reader(s,
				     "LC_ALL=C; export LC_ALL; ! mkdir a; ! rmdir d; ! cat nosuch; ! cat d; "
				     "dd if=/dev/zero of=full bs=1M count=20",
				     out, sizeof(out)),
		0);
	rig_expect_in(out, "'a': File exists");
	rig_expect_in(out, "'d': Directory not empty");
	rig_expect_in(out, "nosuch: No such file or directory");
	rig_expect_in(out, "d: Is a directory");
	rig_expect_in(out, "No space left on device");
	expect(s, "rm full", "");
	assert_int_equal(write(box.in, "\n", 1), 1);
	hide(s);
	rig_expect_in(box.text[0], "from the host\nmorec\n");
	rig_expect_in(box.text[0], "d/c 4755 5:6 regular file 2\n");
	rig_expect_in(box.text[0], "b 644 0:0 regular file 18\n");
	rig_expect_in(box.text[0], "p 600 0:0 fifo 0\n");
	rig_expect_in(box.text[0], "/etc/x\nfrom the host\nmore");
}

static void rights_are_those_of_who_asks(void **state)
{
	struct shown *s = &shown;

	(void)state;
	need_fuse();
	show(s, "cd /t; echo x >a; mkdir d; chmod 700 d; echo c >d/c; : >go; read x", false);
	expect(s, "until rm go 2>/dev/null; do sleep 0.02; done", "");
	/* who makes a file owns it, and may do what its owner may */
	expect(s,
		"setpriv --reuid=1000 --regid=1001 --clear-groups sh -euc 'umask 022; : >u; mkdir -m 2775 ud; ln -s x ul; "
		": >u; ! cat d/c 2>/dev/null; ! truncate -s 1 a 2>/dev/null; ! rm a 2>/dev/null; chmod 640 u'; chgrp 7 ud; chmod g+s ud; "
		"setpriv --reuid=1000 --regid=1001 --clear-groups sh -euc 'cd ud; : >v; mkdir w'; "
		"stat -c '%n %u:%g %a' u ud ul ud/v ud/w; rm -r u ud ul",
		"u 1000:1001 640\nud 1000:7 2775\nul 1000:1001 777\nud/v 1000:7 644\nud/w 1000:7 2755\n");
	/* attributes of a file, of those that are served, and what a write takes away */
	expect(s,
		"umask 000; : >x; chmod 6755 x; chmod o+w x; python3 -c 'import os, struct\n"
		"cap = struct.pack(\"<5I\", 0x02000001, 1 << 10, 0, 0, 0)\n"
		"os.setxattr(\"x\", \"security.capability\", cap)\n"
		"print(os.listxattr(\"x\"), os.getxattr(\"x\", \"security.capability\") == cap)\n"
		"try: os.setxattr(\"x\", \"trusted.x\", b\"v\")\n"
		"except OSError as e: print(e.strerror)\n"
		"try: os.getxattr(\"a\", \"security.capability\")\n"
		"except OSError as e: print(e.strerror)'; "
		"setpriv --reuid=1000 --regid=1001 --clear-groups dd if=/dev/null of=x conv=notrunc status=none; stat -c %a x; "
		"setpriv --reuid=1000 --regid=1001 --clear-groups sh -c 'echo 1 1<>x >&1'; stat -c %a x; "
		"python3 -c 'import os; print(os.listxattr(\"x\"))'; rm x",
		"['security.capability'] True\nOperation not supported\nNo data available\n6757\n757\n[]\n");
	assert_int_equal(write(box.in, "\n", 1), 1);
	hide(s);
}

/* What the container mounts and unmounts is not seen, and is not in the way. */
static void the_container_cannot_lead_the_reader_away(void **state)
{
	struct shown *s = &shown;

	(void)state;
	need_fuse();
	show(s,
		"cd /t; mkdir d; echo real >d/f; ln -s / root; busybox mount -t tmpfs x d; echo false >d/f; "
		"busybox mount -t tmpfs x /t; : >/t/false; cd /; busybox umount /t; busybox umount -l /t; "
		"[ -e /t/d ] || echo unmounted; : >/over; read x",
		false);
	expect(s,
		"until rm ../private/c/rootfs/over 2>/dev/null; do sleep 0.02; done; ls -A | tr '\\n' ' '; cat d/f; readlink root; "
		"echo new >d/g; ls d | tr '\\n' ' '",
		"d root real\n/\nf g ");
	assert_int_equal(write(box.in, "\n", 1), 1);
	hide(s);
	rig_expect_in(box.text[0], "unmounted\n");
}

/* The host sees the numbers of users that it knows, and who has none in the container makes nothing there. */
static void users_have_their_numbers_on_the_host(void **state)
{
	struct shown *s = &shown;

	(void)state;
	need_fuse();
	show(s, "cd /t; echo x >a; chown 5:6 a; : >go; read x; busybox stat -c '%n %u:%g' b d l", true);
	expect(s,
		"until rm go 2>/dev/null; do sleep 0.02; done; stat -c '%n %u:%g' a; { echo no >b; } 2>&1 | grep -o 'too large'; "
		"setpriv --reuid=100007 --regid=100008 --clear-groups sh -euc 'echo y >b; mkdir d; ln -s b l'; "
		"chown -h 100009 l; stat -c '%n %u:%g' b d l",
		"a 100005:100006\ntoo large\nb 100007:100008\nd 100007:100008\nl 100009:100008\n");
	assert_int_equal(write(box.in, "\n", 1), 1);
	hide(s);
	box_expect_out(&box, "b 7:8\nd 7:8\nl 9:8\n");
}

/* --- a guest that lies --- */

struct liar {
	struct loop *loop;
	struct guest *guest;
	struct mux *agent;
	struct commands commands;
	struct tmpview *view;
	struct fuse_peer kernel;
	int channel[2];
	struct proto_file answer; /* to each FILE */
	uint32_t errnum;          /* unless this is set */
	bool silent;
	uint32_t kept_seq; /* of the one that has no answer yet */
	int questions;
	struct guest_file asked;
	char name[64], to[64];
	uint64_t closed; /* the last handle that was */
};

static void answer(struct liar *l, uint32_t seq)
{
	struct proto_result result = { .seq = seq, .errnum = l->errnum, .msg = "" };
	autobuf payload = BUF_INIT, message = BUF_INIT;

	proto_put_file(&payload, &l->answer);
	result.payload = payload.data;
	result.payload_len = l->errnum ? 0 : payload.len;
	proto_put_result(&message, &result);
	assert_int_equal(mux_send(l->agent, message.data, message.len), 0);
}

static int on_message(void *arg, const void *msg, size_t len)
{
	struct proto_arena arena = { 0 };
	struct liar *l = arg;
	struct proto_request request;

	if (proto_type(msg, len) == PROTO_HELLO)
		return 0;
	assert_int_equal(proto_get_request(msg, len, &arena, &request), 0);
	assert_string_equal(request.cid, "c");
	proto_arena_done(&arena);
	if (request.type == PROTO_FILE_CLOSE) {
		l->closed = request.file_handle;
		loop_stop(l->loop);
		return 0;
	}
	assert_int_equal(request.type, PROTO_FILE);
	l->questions++;
	l->asked = request.file_op;
	(void)snprintf(l->name, sizeof(l->name), "%s", request.file_op.name);
	(void)snprintf(l->to, sizeof(l->to), "%s", request.file_op.to);
	l->kept_seq = request.seq;
	if (!l->silent)
		answer(l, request.seq);
	else
		loop_stop(l->loop);
	return 0;
}

static void on_agent_closed(void *arg, int error)
{
	(void)arg;
	(void)error;
}

static void on_guest_ready(void *arg, const struct proto_hello *hello)
{
	(void)arg;
	(void)hello;
}

static void on_guest_closed(void *arg, int error, const char *detail)
{
	(void)arg;
	fail_msg("the channel closed: %d, %s", error, detail);
}

static int begin_lies(void **state)
{
	static const struct mux_limits limits = { .control_in_max = 1 << 20, .control_out_max = 1 << 20 };
	const struct proto_hello hello = { .version = PROTO_VERSION, .build = "b", .kernel = "k" };
	struct liar *l = calloc(1, sizeof(*l));
	const struct guest_events guest_events = { .on_ready = on_guest_ready, .on_closed = on_guest_closed, .arg = l };
	const struct mux_events mux_events = { .on_message = on_message, .on_closed = on_agent_closed, .arg = l };
	struct err err = ERR_INIT;
	autobuf message = BUF_INIT;

	assert_non_null(l);
	assert_int_equal(loop_new(&l->loop), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, l->channel), 0);
	assert_int_equal(guest_new(l->loop, l->channel[0], &guest_events, &l->guest, &err), 0);
	assert_int_equal(mux_new(l->loop, l->channel[1], &limits, &mux_events, &l->agent), 0);
	proto_put_hello(&message, &hello);
	assert_int_equal(mux_send(l->agent, message.data, message.len), 0);
	fuse_peer_begin(&l->kernel, l->loop);
	l->commands = (struct commands){ .guest = l->guest, .serving = true };
	*state = l;
	return 0;
}

/* Serves the view; readers wait at most @answer_ms for the guest. */
static struct liar *serve(void **state, unsigned int answer_ms)
{
	struct liar *l = *state;
	const struct tmpview_config config = { .fds = &l->kernel.service,
		.len = 1,
		.cid = "c",
		.commands = &l->commands,
		.loop = l->loop,
		.answer_ms = answer_ms };

	assert_int_equal(tmpview_new(&config, &l->view), 0);
	return l;
}

static int end_lies(void **state)
{
	struct liar *l = *state;

	l->commands.serving = false;
	guest_free(l->guest);
	tmpview_free(l->view);
	mux_free(l->agent);
	fuse_peer_end(&l->kernel);
	fd_close(l->channel[0]);
	fd_close(l->channel[1]);
	loop_free(l->loop);
	free(l);
	return 0;
}

/* The loop stops for a question, too, that is not answered. */
static int look_up(struct liar *l)
{
	uint64_t unique = l->kernel.sent + 1;

	fuse_peer_send(&l->kernel, FUSE_LOOKUP, FUSE_ROOT_ID, "f", 2);
	while (l->kernel.header.unique != unique)
		assert_int_equal(loop_run(l->loop), 0);
	return l->kernel.header.error;
}

static void requests_have_what_the_kernel_asks(void **state)
{
	struct liar *l = serve(state, 0);
	struct {
		struct fuse_mknod_in in;
		char name[3];
	} mknod = { { .mode = S_IFIFO | 0640, .rdev = 7 }, "ab" };
	struct {
		struct fuse_rename2_in in;
		char names[5];
	} rename = { { .newdir = 77, .flags = 1 }, "a\0bc" };
	struct {
		struct fuse_link_in in;
		char name[2];
	} link = { { .oldnodeid = 55 }, "n" };
	struct fuse_setattr_in set = { .valid = FATTR_MODE | FATTR_SIZE | FATTR_MTIME | FATTR_MTIME_NOW | FATTR_FH,
		.fh = 3,
		.mode = 0600,
		.size = 12 };
	uint32_t init[16] = { FUSE_KERNEL_VERSION, FUSE_KERNEL_MINOR_VERSION, 0, UINT32_MAX };

	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_INIT, 0, init, sizeof(init)), 0);
	assert_int_equal(((struct fuse_init_out *)l->kernel.body)->max_write, PROTO_FILE_DATA_MAX);
	l->answer = (struct proto_file){ .node = 9, .mode = S_IFIFO | 0640, .ino = 4, .bytes = 5 };
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_MKNOD, 33, &mknod, sizeof(mknod.in) + 3), 0);
	assert_int_equal(l->asked.op, GUEST_FILE_MKNOD);
	assert_int_equal(l->asked.node, 33);
	assert_int_equal(l->asked.mode, S_IFIFO | 0640);
	assert_int_equal(l->asked.rdev, 7);
	assert_string_equal(l->name, "ab");
	assert_int_equal(((struct fuse_entry_out *)l->kernel.body)->nodeid, 9);
	assert_int_equal(((struct fuse_entry_out *)l->kernel.body)->attr.size, 5);
	assert_int_equal(((struct fuse_entry_out *)l->kernel.body)->entry_valid, 0);
	assert_int_equal(((struct fuse_entry_out *)l->kernel.body)->attr_valid, 0);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_RENAME2, 33, &rename, sizeof(rename.in) + 5), 0);
	assert_int_equal(l->asked.other, 77);
	assert_int_equal(l->asked.flags, 1);
	assert_string_equal(l->name, "a");
	assert_string_equal(l->to, "bc");
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_LINK, 33, &link, sizeof(link.in) + 2), 0);
	assert_int_equal(l->asked.node, 55);
	assert_int_equal(l->asked.other, 33);
	assert_string_equal(l->to, "n");
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_SETATTR, 33, &set, sizeof(set)), 0);
	assert_int_equal(l->asked.set, GUEST_FILE_SET_MODE | GUEST_FILE_SET_SIZE | GUEST_FILE_SET_MTIME);
	assert_int_equal(l->asked.offset, 12);
	assert_int_equal(l->asked.handle, 3);
	assert_int_equal(l->asked.mtime_ns, UTIME_NOW);
	l->errnum = EACCES;
	assert_int_equal(look_up(l), -EACCES);
	/* what is no request, or none of ours, does not reach the guest */
	l->questions = 0;
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_LOOKUP, 1, "f", 1), -EINVAL);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_MKNOD, 1, &mknod, sizeof(mknod.in) - 1), -EINVAL);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_RENAME2, 1, &rename, sizeof(rename.in) + 2), -EINVAL);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_FLUSH, 1, init, sizeof(init)), -ENOSYS);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_IOCTL, 1, init, sizeof(init)), -ENOSYS);
	assert_int_equal(fuse_peer_ask(&l->kernel, 4000, 1, init, sizeof(init)), -ENOSYS);
	assert_int_equal(l->questions, 0);
}

/* An answer that cannot be one is -EIO for the reader, and the next one is as good as ever. */
static void lies_are_errors(void **state)
{
	static const struct proto_file good = { .node = 9, .mode = S_IFREG | 0644, .data = { .at = "", .len = 0 } };
	struct liar *l = serve(state, 0);
	const struct fuse_getattr_in get = { .getattr_flags = 0 };
	struct {
		struct fuse_mkdir_in in;
		char name[2];
	} mkdir = { { .mode = 0755 }, "d" };
	static const struct lie {
		uint64_t node, bytes;
		uint32_t mode, ns;
	} entries[] = {
		{ 0, 1, S_IFREG, 0 },              /* no node */
		{ 1, 1, S_IFDIR, 0 },              /* the root */
		{ 9, 1, 0, 0 },                    /* no type */
		{ 9, 1, S_IFMT, 0 },               /* one that there is not */
		{ 9, 1ull << 63, S_IFREG, 0 },     /* longer than a file can be */
		{ 9, 1, S_IFREG, 1000 * 1000000 }, /* no nanoseconds */
	};
	static const uint32_t errnums[] = { 512, 1000, 4095, ENOSYS, ECONNRESET };

	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		l->answer = (struct proto_file){ .node = entries[i].node,
			.bytes = entries[i].bytes,
			.mode = entries[i].mode,
			.mtime_ns = entries[i].ns };
		if (look_up(l) != -EIO)
			fail_msg("entry %zu is taken", i);
	}
	l->answer = good;
	assert_int_equal(look_up(l), 0);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_GETATTR, FUSE_ROOT_ID, &get, sizeof(get)), -EIO);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_MKDIR, 1, &mkdir, sizeof(mkdir.in) + 2), -EIO);
	for (size_t i = 0; i < ARRAY_LEN(errnums); i++) {
		l->errnum = errnums[i];
		assert_int_equal(look_up(l), -EIO);
	}
}

/* Nor is there more in an answer than the reader has asked for. */
static void answers_have_what_was_asked_for(void **state)
{
	struct liar *l = serve(state, 0);
	const struct fuse_read_in read = { .fh = 1, .size = 4 };
	struct {
		struct fuse_write_in in;
		char data[3];
	} write = { { .fh = 1, .size = 3 }, "xyz" };

	l->answer = (struct proto_file){ .node = 9, .mode = S_IFREG | 0644, .data = { 5, "12345" } };
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READ, 9, &read, sizeof(read)), -EIO);
	l->answer.data.len = 4;
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READ, 9, &read, sizeof(read)), 0);
	assert_int_equal(l->kernel.len, 4);
	assert_int_equal(look_up(l), -EIO); /* data that nobody has asked for */
	l->answer.data.len = 0;
	l->answer.size = 4;
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_WRITE, 9, &write, sizeof(write.in) + 3), -EIO);
	l->answer.size = 3;
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_WRITE, 9, &write, sizeof(write.in) + 3), 0);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READLINK, 9, NULL, 0), -EIO); /* to nowhere */
	l->answer.data = (struct guest_blob){ 3, "a\0b" };
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READLINK, 9, NULL, 0), -EIO);
	l->answer.data = (struct guest_blob){ 3, "abc" };
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READLINK, 9, NULL, 0), 0);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_STATFS, 1, NULL, 0), -EIO);
}

static int list(struct liar *l, const char *name, uint32_t size)
{
	const struct fuse_read_in in = { .fh = 1, .size = size };
	autobuf data = BUF_INIT;
	int error;

	for (int i = 0; i < 2; i++)
		proto_file_put_entry(&data,
			&(struct proto_file_entry){ .ino = 5, .next = (uint64_t)i + 1, .type = 8, .name = name });
	l->answer.data = (struct guest_blob){ data.len, data.data };
	error = fuse_peer_ask(&l->kernel, FUSE_READDIR, 1, &in, sizeof(in));
	l->answer.data = (struct guest_blob){ 0, NULL };
	return error;
}

static void entries_of_a_directory_are_checked(void **state)
{
	struct liar *l = serve(state, 0);
	char name[300];

	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	assert_int_equal(list(l, "ab", 4096), 0);
	assert_int_equal(l->kernel.len, 64);
	assert_int_equal(list(l, "ab", 64), 0);
	assert_int_equal(list(l, "ab", 63), -EIO);
	assert_int_equal(list(l, "", 4096), -EIO);
	assert_int_equal(list(l, "a/b", 4096), -EIO);
	assert_int_equal(list(l, name, 4096), -EIO);
	name[255] = '\0';
	assert_int_equal(list(l, name, 4096), 0);
	l->answer.data = (struct guest_blob){ 9, "123456789" };
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READDIR, 1, &(struct fuse_read_in){ .size = 4096 },
				 sizeof(struct fuse_read_in)),
		-EIO);
}

/* Nobody waits for ever, and what an answer that comes too late has opened is closed. */
static void a_silent_guest_is_an_error(void **state)
{
	struct liar *l = serve(state, 20);
	const struct fuse_open_in open = { .flags = O_RDONLY };

	l->silent = true;
	fuse_peer_send(&l->kernel, FUSE_OPEN, 9, &open, sizeof(open));
	while (l->kernel.header.unique != l->kernel.sent)
		assert_int_equal(loop_run(l->loop), 0);
	assert_int_equal(l->kernel.header.error, -EIO);
	l->answer.handle = 42;
	answer(l, l->kept_seq);
	assert_int_equal(loop_run(l->loop), 0);
	assert_int_equal(l->closed, 42);
	/* as many as may be held, and one more, which is told at once: the guest is not asked */
	for (int i = 0; i < TMPVIEW_HELD_MAX; i++)
		assert_int_equal(look_up(l), -EIO);
	assert_int_equal(l->questions, TMPVIEW_HELD_MAX + 1);
	assert_int_equal(look_up(l), -EIO);
	assert_int_equal(l->questions, TMPVIEW_HELD_MAX + 1);
}

/* What is more than the guest is asked at a time waits in the kernel, and comes when there is room. */
static void many_readers_wait_their_turn(void **state)
{
	struct liar *l = serve(state, 0);
	uint32_t first;

	l->silent = true;
	for (int i = 0; i < TMPVIEW_HELD_MAX + 3; i++)
		fuse_peer_send(&l->kernel, FUSE_LOOKUP, 1, "f", 2);
	while (l->questions < TMPVIEW_HELD_MAX)
		assert_int_equal(loop_run(l->loop), 0);
	first = l->kept_seq - TMPVIEW_HELD_MAX + 1;
	l->errnum = ENOENT;
	for (uint32_t i = 0; i < TMPVIEW_HELD_MAX + 3; i++) {
		answer(l, first + i);
		assert_int_equal(fuse_peer_reply(&l->kernel), -ENOENT);
		while (l->questions < TMPVIEW_HELD_MAX + (i < 3 ? (int)i + 1 : 3))
			assert_int_equal(loop_run(l->loop), 0);
		assert_true(l->questions <= TMPVIEW_HELD_MAX + (int)i + 1);
	}
	assert_int_equal(l->questions, TMPVIEW_HELD_MAX + 3);
}

static void a_guest_that_is_paused_or_gone_is_not_asked(void **state)
{
	struct liar *l = serve(state, 0);
	const struct fuse_release_in in = { .fh = 6 };

	l->commands.paused = true;
	assert_int_equal(look_up(l), -EIO);
	l->commands = (struct commands){ .guest = l->guest, .serving = false };
	assert_int_equal(look_up(l), -EIO);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_RELEASE, 9, &in, sizeof(in)), 0);
	assert_int_equal(l->questions, 0);
	l->commands.serving = true;
	l->silent = true; /* and goes while it is asked */
	fuse_peer_send(&l->kernel, FUSE_LOOKUP, 1, "f", 2);
	fuse_peer_send(&l->kernel, FUSE_RELEASE, 9, &in, sizeof(in));
	while (l->closed != 6 || l->kernel.header.unique != l->kernel.sent)
		assert_int_equal(loop_run(l->loop), 0);
	assert_int_equal(l->kernel.header.error, 0);
	assert_int_equal(l->questions, 1);
	l->commands.serving = false;
	guest_free(l->guest);
	l->guest = NULL;
	assert_int_equal(fuse_peer_reply(&l->kernel), -EIO);
}

#define with_lies(test) cmocka_unit_test_setup_teardown(test, begin_lies, end_lies)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_sides_see_the_same_files, rig_setup, end),
		cmocka_unit_test_setup_teardown(rights_are_those_of_who_asks, rig_setup, end),
		cmocka_unit_test_setup_teardown(the_container_cannot_lead_the_reader_away, rig_setup, end),
		cmocka_unit_test_setup_teardown(users_have_their_numbers_on_the_host, rig_setup, end),
		with_lies(requests_have_what_the_kernel_asks),
		with_lies(lies_are_errors),
		with_lies(answers_have_what_was_asked_for),
		with_lies(entries_of_a_directory_are_checked),
		with_lies(a_silent_guest_is_an_error),
		with_lies(many_readers_wait_their_turn),
		with_lies(a_guest_that_is_paused_or_gone_is_not_asked),
	};

	own_mounts = unshare(CLONE_NEWNS) == 0;
	if (own_mounts ? mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 : errno != EPERM) {
		perror("cannot keep mounts to this process");
		return 1;
	}
	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
