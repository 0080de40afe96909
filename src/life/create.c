/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_create(): from a bundle to a monitor that says READY.
 *
 *   prepare()  what can be found wrong before anything has been made: bundle, namespaces, bind sources, translation
 *   reserve()  the state directory, which reserves the ID; engine, kernel and size of the VM; the plan of the cgroups
 *   launch()   birth_monitor(), in which settle() makes the cgroups; hooks; the monitor's READY
 *   undo()     whatever fails after the state directory was made takes everything back
 */
#include "life/life.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/filter_store.h"
#include "app/progress.h"
#include "base/clock.h"
#include "base/exit.h"
#include "base/fd.h"
#include "base/rootpath.h"
#include "cgroup/cgroup.h"
#include "container/bundle.h"
#include "container/hooks.h"
#include "guest/fds.h"
#include "guest/translate.h"
#include "host/privilege.h"
#include "jail/binds.h"
#include "jail/ns.h"
#include "jail/policy.h"
#include "jail/sockets.h"
#include "life/hierarchies.h"
#include "life/inside.h"
#include "life/interrupt.h"
#include "life/netplan.h"
#include "life/notify.h"
#include "life/plan.h"
#include "life/turn.h"
#include "monitor/birth.h"
#include "monitor/control.h"
#include "monitor/report.h"
#include "net/hostlink.h"
#include "net/localports.h"

#define VM_DIR "vm"
#define MOUNTINFO_MAX (16 * MIB)

/* Everything of one create; freed as a whole. */
struct creation {
	const struct settings *settings;
	const struct create_request *request;
	struct bundle bundle;
	struct ns_set ns;
	struct binds binds;
	struct sockets sockets;
	struct plan plan;
	struct netplan network;
	struct state state;
	struct statedir dir;
	struct guest_translation *translation;
	size_t notify_index; /* of the socket for sd_notify(3), in @sockets, if there is one */
	char *notify_env;    /* owned here; the translation points to it */
	struct fds fds;
	char listen_fds[32];                     /* LISTEN_FDS=N; the translation points to it */
	char *hook_state_head, *hook_state_tail; /* owned here; the translation points to them */
	int status_fd, listen_fd, log_fd;
	int signal_fd;
	int report;
	int64_t begin_ms; /* when create began, by clock_now_ms() */
	bool reserved;    /* the state directory is ours */
	bool hooks_ran;   /* hooks have begun to run: poststop is owed */
	struct life_notes *notes;
};

/* Frees what this process has of a container, made or not; the monitor has copies of what it needs. */
static void creation_done(struct creation *c)
{
	guest_translation_free(c->translation);
	free(c->hook_state_head);
	free(c->hook_state_tail);
	plan_done(&c->plan);
	fds_done(&c->fds);
	free(c->notify_env);
	sockets_done(&c->sockets);
	binds_done(&c->binds);
	ns_set_done(&c->ns);
	bundle_done(&c->bundle);
	state_done(&c->state);
	statedir_close(&c->dir);
	fd_close(c->status_fd);
	fd_close(c->listen_fd);
	fd_close(c->log_fd);
	fd_close(c->signal_fd);
	fd_close(c->report);
}

/* --- the state --- */

/* Fills in what the state says of this container; the monitor and the cgroups come later. */
static int fill_state(struct creation *c, struct err *err)
{
	const struct spec *spec = c->bundle.spec;
	struct state *s = &c->state;
	struct timespec now;
	struct tm tm;
	char text[64] = "";
	size_t len;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &tm)) {
		len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		(void)snprintf(text + len, sizeof(text) - len, ".%09ldZ", now.tv_nsec);
	}
	s->id = strdup(c->request->id);
	s->oci_version = strdup(spec->oci_version);
	s->bundle = strdup(c->bundle.path);
	s->rootfs = strdup(c->bundle.rootfs);
	s->created = strdup(text);
	s->engine = strdup(settings_engine_name(c->plan.vm.engine));
	s->owner = getuid();
	s->vm_memory = c->plan.vm.mem_bytes;
	s->vm_overhead = c->plan.host_bytes - c->plan.vm.mem_bytes;
	if (!s->id || !s->oci_version || !s->bundle || !s->rootfs || !s->created || !s->engine)
		return err_sys(err, ENOMEM, "cannot make the container's state");
	for (size_t i = 0; i < spec->annotations.n; i++) {
		if (state_annotate(s, spec->annotations.v[i].key, spec->annotations.v[i].value) < 0)
			return err_sys(err, ENOMEM, "cannot make the container's state");
	}
	return 0;
}

/* Makes the files of the state directory; the monitor gets those that it writes, and the socket, as descriptors. */
static int make_files(struct creation *c, struct err *err)
{
	int r = fd_write_file_atomic(c->dir.fd, LIFE_CONFIG, c->bundle.config, c->bundle.config_len, 0600);

	if (r < 0)
		return err_sys(err, r, "cannot write \"%s/%s\"", c->dir.path, LIFE_CONFIG);
	c->status_fd = state_status_open(&c->dir);
	r = c->status_fd < 0 ? c->status_fd : state_status_write(c->status_fd, STATUS_CREATING);
	if (r < 0)
		return err_sys(err, r, "cannot write \"%s/status\"", c->dir.path);
	c->log_fd = openat(c->dir.fd, LIFE_LOG, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->log_fd < 0)
		return err_sys(err, errno, "cannot make \"%s/%s\"", c->dir.path, LIFE_LOG);
	c->listen_fd = control_listen(&c->dir, err);
	return c->listen_fd < 0 ? c->listen_fd : 0;
}

/* --- waiting, and being interrupted --- */

/* Waits until the monitor has something to say. -EINTR: a signal said to stop. */
static int wait_report(struct creation *c, struct err *err)
{
	struct pollfd p[] = {
		{ .fd = c->report, .events = POLLIN },
		{ .fd = c->signal_fd, .events = POLLIN },
	};
	int r;

	for (;;) {
		r = poll(p, ARRAY_LEN(p), -1);
		if (r < 0 && errno != EINTR)
			return err_sys(err, errno, "cannot wait for the monitor");
		if (r > 0 && p[1].revents && interrupt_take(c->signal_fd, err) < 0)
			return -EINTR;
		if (r > 0 && p[0].revents)
			return 0;
	}
}

/* Waits for the monitor's report of @kind. -EINTR: a signal said to stop. */
static int wait_kind(struct creation *c, enum report_kind kind, struct err *err)
{
	struct report report = { .kind = REPORT_WARNING };
	int r = 0;

	while (r == 0 && report.kind == REPORT_WARNING) {
		r = wait_report(c, err);
		if (r == 0)
			r = report_receive(c->report, &report, err);
		if (r == 0 && report.kind == REPORT_WARNING)
			warnings_add(&c->notes->warnings, "%s", report.err.msg);
	}
	if (r < 0 || report.kind == kind)
		return r;
	*err = report.err;
	return err->errnum ? -err->errnum : err_set(err, EIO, "the monitor failed without a word");
}

/* --- the whole --- */

/* Says of bind sources that are there in the guest and do not work: their other end is in the host's kernel. */
static void warn_of_ends(const struct creation *c)
{
	for (size_t i = 0; i < c->binds.n; i++) {
		const struct bind *bind = &c->binds.v[i];
		const char *source = c->bundle.spec->mounts.v[bind->mount].source;

		if (bind->type == S_IFIFO)
			warnings_add(&c->notes->warnings,
				"mounts[%zu].source: \"%s\" is a FIFO: it does not connect processes of the host with those of the container's virtual machine, which wait for each other for ever; use standard input or output, a file, or a network connection",
				bind->mount, source);
	}
}

/* Whether something is mounted below the directory @path, which may be relative to @bundle. */
static bool has_mounts_below(const char *bundle, const char *path)
{
	autofree char *joined = NULL, *real = NULL, *text = NULL;
	char *save = NULL;
	bool found = false;

	if (asprintf(&joined, "%s/%s", *path == '/' ? "" : bundle, path) < 0) {
		joined = NULL;
		return false;
	}
	real = realpath(joined, NULL);
	if (!real || fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL) < 0)
		return false;
	for (char *line = strtok_r(text, "\n", &save); line && !found; line = strtok_r(NULL, "\n", &save)) {
		char at[PATH_MAX];
		const char *below = sscanf(line, "%*s %*s %*s %*s %4095s", at) == 1 ? rootpath_inside(at, real) : NULL;

		found = below && *below;
	}
	return found;
}

/* Says of binds whose "ro" goes further than the host's, where it leaves what is mounted below the source as it is. */
static void warn_of_depth(const struct creation *c)
{
	for (size_t i = 0; i < c->binds.n; i++) {
		const struct bind *bind = &c->binds.v[i];
		const struct spec_mount *m = &c->bundle.spec->mounts.v[bind->mount];
		bool recursive = !spec_mount_has(m, "bind") || spec_mount_has(m, "rbind");

		if (bind->dir && !bind->inside && recursive && spec_mount_has(m, "ro") && !spec_mount_has(m, "rro") &&
			has_mounts_below(c->bundle.path, m->source))
			warnings_add(&c->notes->warnings,
				"mounts[%zu].options: \"ro\" counts for all that is mounted below \"%s\", as \"rro\" would: give what is to be written a mount of its own",
				bind->mount, m->source);
	}
}

/* Says of namespaces that a config means to be common to the container and others what that comes to in a machine. */
static void warn_of_shared(const struct creation *c)
{
	static const struct {
		enum spec_ns type;
		const char *comes_to;
	} all[] = {
		{ SPEC_NS_PID,
			"pid: it is the host's, or that of others, whose processes and the container's do not see each other: they run in different kernels" },
		{ SPEC_NS_IPC,
			"ipc: it is the host's, or that of others, whose System V objects and message queues are not the container's: they belong to different kernels; use a socket, or a file of a volume" },
		{ SPEC_NS_UTS,
			"uts: it is the host's, or that of others; the container has its name as it is now, and does not see it change" },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct spec_namespace *ns = spec_namespace_find(c->bundle.spec, all[i].type);

		/* of a name that is set without a namespace the config's reader has said enough */
		if (ns ? ns->path != NULL : all[i].type != SPEC_NS_UTS || !c->bundle.spec->hostname)
			warnings_add(&c->notes->warnings, "linux.namespaces: %s", all[i].comes_to);
	}
}

/* Describes the caller's descriptors, before anything is made. 0, or -errno with an error. */
static int take_given(struct creation *c, struct err *err)
{
	size_t n = c->request->given.n;
	autofree int *fds = calloc(n + 1, sizeof(*fds));

	if (!fds)
		return err_sys(err, ENOMEM, "descriptors");
	for (size_t i = 0; i < n; i++)
		fds[i] = GIVEN_FDS_FIRST + (int)i;
	return fds_take(fds, n, &c->fds, err);
}

/* Gives the process the caller's descriptors, and tells it of those of socket activation, in runc's words. */
static int put_given(struct creation *c, struct err *err)
{
	size_t listening = c->request->given.listening;
	int r = 0;

	guest_translation_container(c->translation)->process.fds = c->fds.list;
	if (listening == 0)
		return 0;
	(void)snprintf(c->listen_fds, sizeof(c->listen_fds), "LISTEN_FDS=%zu", listening);
	r = guest_translation_put_env(c->translation, c->listen_fds);
	if (r == 0)
		r = guest_translation_put_env(c->translation, "LISTEN_PID=1");
	return r < 0 ? err_sys(err, r, "process.env") : 0;
}

/*
 * Where the container has the socket for sd_notify(3): in runc's place, but in a root that is read-only, where no
 * directory can be made, in /dev.
 */
static const char *notify_path(const struct spec *spec)
{
	bool writable = !spec->root->readonly;

	for (size_t i = 0; i < spec->mounts.n; i++)
		writable |= strcmp(spec->mounts.v[i].destination, "/run") == 0;
	return writable ? "/run/notify/" NOTIFY_NAME : "/dev/" NOTIFY_NAME;
}

/* Tells the process of that socket. 0, or -errno with an error. */
static int put_notify(struct creation *c, struct err *err)
{
	int r;

	if (asprintf(&c->notify_env, NOTIFY_ENV "=%s", notify_path(c->bundle.spec)) < 0)
		c->notify_env = NULL;
	r = c->notify_env ? guest_translation_put_env(c->translation, c->notify_env) : -ENOMEM;
	return r < 0 ? err_sys(err, r, "process.env") : 0;
}

/* Makes the directory in which `start` will listen for the container's messages. 0, or -errno with an error. */
static int make_notify(struct creation *c, struct err *err)
{
	int fd;

	if (!notify_wanted())
		return 0;
	if (mkdirat(c->dir.fd, NOTIFY_DIR, 0700) < 0)
		return err_sys(err, errno, "cannot make \"%s/" NOTIFY_DIR "\"", c->dir.path);
	fd = openat(c->dir.fd, NOTIFY_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "cannot open \"%s/" NOTIFY_DIR "\"", c->dir.path);
	c->sockets.fd[c->notify_index] = fd;
	return 0;
}

/* Reads and translates everything, and finds what is wrong, before anything is made. */
static int prepare(struct creation *c, struct err *err)
{
	const struct seccomp_store store = filter_store(c->settings->cache_dir);
	struct guest_joins joins = { .uids = &c->ns.uids, .gids = &c->ns.gids };
	struct guest_export_list exports;
	const struct spec *spec;
	int r = bundle_load(c->request->bundle, &c->bundle, &c->notes->warnings, err);

	if (r < 0)
		return r;
	r = take_given(c, err);
	if (r < 0)
		return r;
	r = hierarchies_to_guest(c->bundle.spec, &c->notes->warnings, err);
	if (r < 0)
		return r;
	spec = c->bundle.spec;
	if (spec->process->terminal && c->request->console_fd < 0)
		return err_set(err, EINVAL,
			"cannot allocate tty if vmrunc will detach without setting console socket: process.terminal is true, so --console-socket is needed");
	if (!spec->process->terminal && c->request->console_fd >= 0 && !c->request->console_optional)
		return err_set(err, EINVAL,
			"cannot use console socket if vmrunc will not detach or allocate tty: process.terminal is false");
	r = ns_open(spec, &c->ns, err);
	if (r == 0)
		r = binds_open(spec, c->bundle.path, c->bundle.rootfs, c->request->id, &c->binds, err);
	if (r < 0)
		return r;
	warn_of_ends(c);
	warn_of_depth(c);
	warn_of_shared(c);
	r = netplan_make(spec, c->ns.fd[SPEC_NS_NETWORK], &c->notes->warnings, &c->network, err);
	if (r < 0)
		return r;
	r = sockets_find(spec, &c->ns, &c->binds, c->request->id, &c->notes->warnings, &c->sockets, err);
	if (r < 0)
		return r;
	if (notify_wanted())
		r = sockets_add(&c->sockets, c->request->id, NOTIFY_NAME, notify_path(spec), &c->notify_index, err);
	if (r < 0)
		return r;
	exports = binds_exports(&c->binds);
	exports.sockets_len = c->sockets.n;
	exports.sockets = c->sockets.sockets;
	r = guest_translate(spec, c->request->id, c->binds.root_name, &exports, &joins, &store, &c->notes->warnings,
		&c->translation, err);
	if (r == 0)
		guest_translation_container(c->translation)->process.lf_only = c->request->terminal_lf;
	if (r == 0 && notify_wanted())
		r = put_notify(c, err);
	/* what it sends has its own ports there, too (net/share.h) */
	if (r == 0 && c->network.usermode && c->network.shared &&
		(r = guest_translation_put_sysctl(c->translation, LOCALPORTS_KEY, LOCALPORTS_SHARED)) < 0)
		(void)err_sys(err, r, "network");
	return r < 0 ? r : put_given(c, err);
}

static struct cgroup_request cgroup_request(const struct creation *c)
{
	return (struct cgroup_request){
		.manager = c->request->cgroups,
		.id = c->request->id,
		.spec = c->bundle.spec,
		.memory_bytes = c->plan.host_bytes,
	};
}

/* Makes the state directory with all that the monitor needs, and plans the VM and the cgroups. */
static int reserve(struct creation *c, struct err *err)
{
	const struct spec *spec = c->bundle.spec;
	struct cgroup_request cgroups;
	char vm_dir[PATH_MAX];
	int r = statedir_create(c->settings->root, c->request->id, &c->dir, err);

	if (r < 0)
		return r;
	c->reserved = true;
	if (mkdirat(c->dir.fd, VM_DIR, 0700) < 0)
		return err_sys(err, errno, "cannot make \"%s/%s\"", c->dir.path, VM_DIR);
	if (snprintf(vm_dir, sizeof(vm_dir), "%s/%s", c->dir.path, VM_DIR) >= (int)sizeof(vm_dir))
		return err_set(err, ENAMETOOLONG, "\"%s\": path too long", c->dir.path);
	r = make_files(c, err);
	if (r == 0)
		r = make_notify(c, err);
	cgroups = cgroup_request(c);
	if (r == 0)
		r = cgroup_plan(&cgroups, &c->state.cgroups, err);
	if (r == 0)
		r = plan_make(
			c->settings, spec, vm_dir, cgroup_memory_room(&c->state.cgroups), &c->plan, c->notes, err);
	c->plan.files = policy_of(spec, &c->ns);
	/* QEMU's file server opens whatever it is asked to, its own memory in a procfs too. */
	if (c->plan.vm.engine == VM_ENGINE_QEMU)
		c->plan.files.kernel_files = false;
	c->plan.vm.files = &c->plan.files;
	if (r == 0)
		r = fill_state(c, err);
	return r < 0 ? r : state_save(&c->dir, &c->state, err);
}

/*
 * Makes the cgroups. The monitor's parent, @pid, waits for this and joins them then; systemd makes no scope without a
 * process, so that one is the scope's first.
 */
static int settle(void *arg, pid_t pid, struct err *err)
{
	struct creation *c = arg;
	const struct cgroup_request cgroups = cgroup_request(c);
	int r = cgroup_start_unit(&cgroups, pid, c->signal_fd, &c->state.cgroups, err);
	struct err ignored = ERR_INIT;
	struct signalfd_siginfo info;

	if (r == -EINTR && read(c->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		err->exit_status = exit_of_signal((int)info.ssi_signo);
	if (r > 0)
		r = state_save(&c->dir, &c->state, err);
	else if (r == -EEXIST && state_save(&c->dir, &c->state, &ignored) < 0)
		warnings_add(
			&c->notes->warnings, "%s", ignored.msg); /* undo() has the state in memory and needs no file */
	if (r == 0)
		r = cgroup_make(&cgroups, &c->state.cgroups, &c->notes->warnings, err);
	return r;
}

/* Writes the state that startContainer hooks get in the guest. They run during start, so its status is "created". */
static int put_hook_state(struct creation *c, struct err *err)
{
	struct guest_container *to = guest_translation_container(c->translation);
	int r;

	if (to->start_hooks.len == 0)
		return 0;
	r = state_json_without_pid(&c->state, STATUS_CREATED, &c->hook_state_head, &c->hook_state_tail, err);
	to->hook_state_head = c->hook_state_head;
	to->hook_state_tail = c->hook_state_tail;
	return r;
}

/* Runs the hooks that come before the monitor enters the container's root; then the monitor goes on with its own. */
static int run_hooks(struct creation *c, struct err *err)
{
	const struct spec_hooks *hooks = c->bundle.spec->hooks;
	const struct hook_place place = { .dir = c->bundle.path, .mount_ns = -1, .cancel_fd = c->signal_fd };
	int r = wait_kind(c, REPORT_BUILT, err);

	if (r < 0)
		return r;
	c->hooks_ran = true;
	progress_say("running the hooks of the config");
	/* prestart hooks once ran at start, and those that read the state expect the status that they saw then. */
	r = hooks_run(&hooks->prestart, "prestart", &c->state, STATUS_CREATED, &place, err);
	if (r == 0)
		r = hooks_run(&hooks->create_runtime, "createRuntime", &c->state, STATUS_CREATING, &place, err);
	progress_say("booting the virtual machine");
	/* Ctrl-C at a terminal is the hook's as well, which may have ended of it before we look */
	if (r < 0 && interrupt_take(c->signal_fd, err) < 0)
		r = -EINTR;
	if (r == 0 && report_go(c->report) < 0)
		warnings_add(&c->notes->details, "the monitor has ended before its hooks"); /* its report says why */
	return r;
}

/* Moves the interfaces of the host that the config names to where the monitor is, and the container will be. */
static int move_interfaces(struct creation *c, struct err *err)
{
	const struct spec_linux *l = c->bundle.spec->linux_;
	size_t n = l ? l->net_devices.n : 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct spec_net_device *d = &l->net_devices.v[i];

		r = hostlink_move(c->state.pid, d->host_name, d->name ? d->name : d->host_name, err);
	}
	return r;
}

/* Starts the monitor and waits until the container stands ready in the guest. */
static int launch(struct creation *c, struct err *err)
{
	bool own_network = ns_own_network(c->bundle.spec, c->ns.fd[SPEC_NS_NETWORK]);
	struct monitor_job job = {
		.id = c->request->id,
		.rootfs = c->bundle.rootfs,
		.spec = c->bundle.spec,
		.state = &c->state,
		.settle = { .fn = settle, .arg = c },
		.ns = &c->ns,
		.binds = &c->binds,
		.sockets = &c->sockets,
		.vm = &c->plan.vm,
		.translation = c->translation,
		.timeline = c->request->timeline,
		.boot_ms = turn_boot_ms(clock_now_ms() - c->begin_ms),
		.own_network = own_network,
		.spare_interfaces = (unsigned int)c->plan.spare_interfaces,
		.inner_ports = own_network && !privilege_is_root(),
		.usermode = c->network.usermode,
		.status_fd = c->status_fd,
		.listen_fd = c->listen_fd,
		.log_fd = c->log_fd,
		.log_max = (size_t)c->settings->guest_log_kib * KIB,
		.console_fd = c->request->console_fd,
		.view_fd = -1,
		.given = &c->fds.list,
		.cancel_fd = c->signal_fd,
	};
	int r = put_hook_state(c, err);

	for (size_t i = 0; i < ARRAY_LEN(job.tmpfs_fds); i++)
		job.tmpfs_fds[i] = -1;
	if (r == 0)
		r = birth_monitor(&job, &c->state.pid, &c->report, err);
	if (r == -EINTR)
		(void)!interrupt_take(c->signal_fd, err);
	if (r < 0)
		return r;
	c->state.pid_start = state_pid_start(c->state.pid);
	r = state_save(&c->dir, &c->state, err);
	if (r == 0)
		r = move_interfaces(c, err);
	if (r == 0 && hooks_at_create(c->bundle.spec))
		r = run_hooks(c, err);
	if (r == 0)
		r = wait_kind(c, REPORT_READY, err);
	if (r == 0)
		r = cgroup_throttle(&c->state.cgroups, c->bundle.spec, true, err);
	if (r == 0 && c->request->pid_file)
		r = life_write_pid_file(c->request->pid_file, c->state.pid, err);
	if (r == 0 && c->request->pidfd_socket)
		r = life_send_pidfd(c->request->pidfd_socket, c->state.pid, err);
	return r;
}

/*
 * Ends what there is of the container and removes all of it. What fails in here is a warning: the caller's error
 * stands.
 */
static void undo(struct creation *c)
{
	struct err ignored = ERR_INIT;

	if (life_kill_monitor(&c->state, 0, &ignored) < 0)
		warnings_add(&c->notes->warnings, "%s", ignored.msg);
	if (c->state.pid > 0)
		(void)waitpid(c->state.pid, NULL, WNOHANG); /* it is our child only where we are the subreaper */
	if (!c->reserved)
		return;
	if (cgroup_remove(&c->state.cgroups, c->request->id, &c->notes->warnings, &ignored) < 0 ||
		statedir_remove(&c->dir, &ignored) < 0)
		warnings_add(&c->notes->warnings, "%s", ignored.msg);
	/* What the hooks have made is taken back as after any other end (runtime.md, "Lifecycle", 3 to 5). */
	if (c->hooks_ran)
		hooks_run_all(
			&c->bundle.spec->hooks->poststop, "poststop", &c->state, STATUS_STOPPED, &c->notes->warnings);
}

/* Waits for the machine's turn to boot, if a processor is emulated for it. 0 with *@ret (-1: none), or -EINTR with an error. */
static int take_turn(struct creation *c, int *ret, struct err *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (c->plan.vm.engine != VM_ENGINE_QEMU)
		return 0;
	*ret = turn_take(c->settings->cache_dir, TURNS_PER_CPU * (size_t)(cpus > 0 ? cpus : 1), c->signal_fd);
	return *ret == -EINTR ? interrupt_take(c->signal_fd, err) : 0;
}

int container_create(const struct settings *settings, const struct create_request *request, struct created *ret,
	struct life_notes *notes, struct err *err)
{
	struct creation c = {
		.settings = settings,
		.request = request,
		.notes = notes,
		.bundle = BUNDLE_NONE,
		.binds = BINDS_NONE,
		.sockets = SOCKETS_NONE,
		.fds = FDS_NONE,
		.plan = PLAN_NONE,
		.dir = STATEDIR_NONE,
		.network = NETPLAN_NONE,
		.status_fd = -1,
		.listen_fd = -1,
		.log_fd = -1,
		.signal_fd = -1,
		.report = -1,
		.begin_ms = clock_now_ms(),
	};
	int r = statedir_check_id(request->id, err), turn = -1;

	ns_set_init(&c.ns);
	if (r == 0 && (c.signal_fd = interrupt_open(err)) < 0)
		r = c.signal_fd;
	if (r == 0)
		r = prepare(&c, err);
	progress_say("preparing the virtual machine and its kernel");
	if (r == 0)
		r = reserve(&c, err);
	if (r == 0)
		r = take_turn(&c, &turn, err);
	progress_say("booting the virtual machine");
	if (r == 0)
		r = launch(&c, err);
	progress_end();
	fd_close(steal_fd(&turn));
	progress_hold(r == 0); /* what the terminal shows next may be the container's */
	if (r < 0) {
		undo(&c);
	} else {
		ret->pid = c.state.pid;
		ret->report = steal_fd(&c.report);
		ret->terminal = c.bundle.spec->process->terminal;
		for (size_t i = 0; i < request->given.n; i++)
			fd_close(GIVEN_FDS_FIRST + (int)i);
	}
	creation_done(&c);
	return r;
}
