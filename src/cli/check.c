/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc check`: says in words or JSON what this machine has and lacks to run containers. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/buf.h"
#include "base/fd.h"
#include "cgroup/systemd.h"
#include "cli/commands.h"
#include "host/privilege.h"
#include "json/gen.h"
#include "life/plan.h"
#include "vm/choose/choose.h"
#include "vm/image/image.h"
#include "vm/qemu/program.h"
#include "vm/vm.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define QEMU_REMEDY "install QEMU (Debian: qemu-system-x86, Fedora: qemu-system-x86-core)"

struct check_options {
	const char *format;
};

/* Everything that check finds out. */
struct check {
	struct settings settings;
	struct vm_verdict kvm;
	char qemu[PATH_MAX];          /* the program; "": it cannot be run, and qemu_why says why */
	char qemu_why[PATH_MAX + 64]; /* "": it can be run */
	bool has_engine;              /* there is an engine for a container, @engine */
	enum vm_engine engine;
	char engine_why[ERR_MSG_MAX];
	const char *cgroups;       /* "v1", "hybrid", "v2" or "none" */
	struct image_report image; /* of the guest's kernel */
	struct buf remedies;       /* what to do, a line each: for the engine first, then for the kernel */
	bool root;                 /* vmrunc runs as root */
	bool allowed;              /* the caller may make the namespaces and mounts of a container */
	struct err refused;        /* why not */
	bool usable;               /* containers can run here */
};

static bool has_magic(const char *path, __fsword_t magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == magic;
}

/* The kind of cgroup hierarchies in which the monitor can be limited. */
static const char *cgroup_mode(void)
{
	static const char *const v1[] = { CGROUP_ROOT "/memory", CGROUP_ROOT "/cpu", CGROUP_ROOT "/pids" };

	if (has_magic(CGROUP_ROOT, CGROUP2_SUPER_MAGIC))
		return "v2";
	for (size_t i = 0; i < ARRAY_LEN(v1); i++) {
		if (has_magic(v1[i], CGROUP_SUPER_MAGIC))
			return has_magic(CGROUP_ROOT "/unified", CGROUP2_SUPER_MAGIC) ? "hybrid" : "v1";
	}
	return "none";
}

/* Whether --systemd-cgroup can be used here. */
static const char *systemd_word(void)
{
	if (!systemd_built_in())
		return "not built in";
	return systemd_runs() ? "usable" : "systemd does not manage this host";
}

/* Finds the QEMU program, or why it cannot be run. */
static void find_qemu(struct check *c)
{
	const char *wanted = *c->settings.qemu ? c->settings.qemu : NULL;
	int r = qemu_program_find(wanted, c->qemu, sizeof(c->qemu));

	if (r == 0)
		return;
	c->qemu[0] = '\0';
	(void)snprintf(
		c->qemu_why, sizeof(c->qemu_why), "%s: %s", wanted ? wanted : "qemu-system-x86_64", strerror(-r));
}

/* Finds the engine as `create` would: the one that the settings name, or the one that vm_choose_engine() chooses. */
static void find_engine(struct check *c)
{
	struct err none = ERR_INIT;

	c->engine = c->settings.engine;
	if (c->engine == VM_ENGINE_AUTO) {
		c->has_engine = vm_choose_engine(c->settings.cache_dir, *c->settings.qemu ? c->settings.qemu : NULL,
					&c->engine, c->engine_why, sizeof(c->engine_why), &none) == 0;
		if (!c->has_engine)
			(void)snprintf(c->engine_why, sizeof(c->engine_why), "%s", none.msg);
	} else {
		c->has_engine = c->engine == VM_ENGINE_KVM ? c->kvm.usable : *c->qemu != '\0';
		(void)snprintf(c->engine_why, sizeof(c->engine_why), "%s is asked for%s%.*s",
			settings_engine_name(c->engine), c->has_engine ? "" : ": ", (int)(ERR_MSG_MAX / 2),
			c->has_engine                ? ""
			: c->engine == VM_ENGINE_KVM ? c->kvm.why
						     : c->qemu_why);
	}
}

/* Says for each thing that is missing what to do about it. */
static void find_remedies(struct check *c)
{
	if (!c->allowed)
		buf_printf(&c->remedies, "%s\n", c->refused.msg);
	if (!c->has_engine && !*c->qemu)
		buf_puts(&c->remedies, QEMU_REMEDY "\n");
	if (!c->kvm.usable && access("/dev/kvm", F_OK) < 0)
		buf_puts(&c->remedies,
			"for speed: a host with /dev/kvm (modules kvm_intel or kvm_amd; in a VM: nested virtualization)\n");
	if (c->image.remedy.data)
		buf_puts(&c->remedies, c->image.remedy.data);
}

/* Finds out everything, each part by the code that `create` uses for it. */
static int gather(struct check *c, struct err *err)
{
	const struct kernel_wish wishes[] = {
		{ c->settings.kernel_forced ? c->settings.kernel : NULL, "--kernel" },
		{ !c->settings.kernel_forced && *c->settings.kernel ? c->settings.kernel : NULL, "the settings file" },
	};
	struct image_request request = {
		.kernels = wishes,
		.kernels_len = ARRAY_LEN(wishes),
		.cache_dir = c->settings.cache_dir,
	};
	int r;

	request.agent = plan_agent(&request.agent_len);
	vm_kvm_verdict(c->settings.cache_dir, &c->kvm);
	find_qemu(c);
	find_engine(c);
	c->cgroups = cgroup_mode();
	r = image_report(&request, &c->image);
	if (r < 0)
		return err_sys(err, r, "check");
	c->root = geteuid() == 0;
	c->allowed = privilege_try(&c->refused) == 0;
	c->usable = c->has_engine && c->image.usable && c->allowed;
	find_remedies(c);
	return buf_error(&c->remedies) < 0 ? err_sys(err, ENOMEM, "check") : 0;
}

static void print_remedies(const char *lines)
{
	(void)printf("what to do:\n");
	for (size_t n; *lines; lines += n) {
		n = strcspn(lines, "\n");
		(void)printf("  %.*s\n", (int)n, lines);
		n += lines[n] == '\n';
	}
}

static void print_text(const struct check *c)
{
	(void)printf("KVM: %s: %s%s\n", c->kvm.usable ? "usable" : "not usable", c->kvm.why,
		c->kvm.cached ? " (found out earlier since the host booted)" : "");
	(void)printf("QEMU: %s\n", *c->qemu ? c->qemu : c->qemu_why);
	(void)printf("engine: %s: %s\n", c->has_engine ? settings_engine_name(c->engine) : "none", c->engine_why);
	(void)fputs(c->image.text.data ? c->image.text.data : "", stdout);
	(void)printf("host cgroups: %s%s\n", c->cgroups,
		strcmp(c->cgroups, "none") == 0 ? ": limits are enforced in the guest only" : "");
	(void)printf("--systemd-cgroup: %s\n", systemd_word());
	if (c->remedies.len)
		print_remedies(c->remedies.data);
	(void)printf("%s\n", c->usable ? "containers can run here" : "containers cannot run here");
}

/* The lines of @text (NULL: none) as an array. */
static void gen_lines(struct gen *g, const char *key, const char *text)
{
	gen_key_array(g, key);
	while (text && *text) {
		size_t len = strcspn(text, "\n");

		if (len)
			gen_string_len(g, text, len);
		text += len + (text[len] == '\n');
	}
	gen_close_array(g);
}

/* The guest's kernel, and for each driver that it needs whether it has it. */
static void gen_kernel(struct gen *g, const struct image_report *image)
{
	gen_key_object(g, "kernel");
	gen_key_bool(g, "usable", image->usable);
	gen_key_string(g, "path", image->kernel_path);
	gen_key_string(g, "release", image->release);
	gen_key_string(g, "why", image->why);
	gen_key_string(g, "problem", image->usable ? "" : image->problem.msg);
	gen_key_string(g, "modulesDir", image->modules_dir);
	gen_key_object(g, "drivers");
	for (size_t i = 0; *image->kernel_path && i < MODULES_NEEDS; i++)
		gen_key_string(g, modules_needs[i].module, image_module_state_name(image->states[i]));
	gen_close_object(g);
	gen_lines(g, "passedOver", image->passed_over.data);
	gen_close_object(g);
}

/* What is known of KVM and of QEMU, and which of them a container would get. */
static void gen_engines(struct gen *g, const struct check *c)
{
	gen_key_object(g, "kvm");
	gen_key_bool(g, "usable", c->kvm.usable);
	gen_key_string(g, "why", c->kvm.why);
	gen_key_bool(g, "cached", c->kvm.cached);
	gen_close_object(g);
	gen_key_object(g, "qemu");
	gen_key_bool(g, "usable", *c->qemu != '\0');
	gen_key_string(g, "path", c->qemu);
	gen_key_string(g, "problem", c->qemu_why);
	gen_close_object(g);
	gen_key_object(g, "engine");
	gen_key_string(g, "name", c->has_engine ? settings_engine_name(c->engine) : "");
	gen_key_string(g, "why", c->engine_why);
	gen_close_object(g);
}

/* Prints everything as one JSON object. */
static int print_json(const struct check *c, struct err *err)
{
	autobuf text = BUF_INIT;
	struct gen g;

	gen_init(&g, &text, GEN_INDENT_4);
	gen_open_object(&g);
	gen_key_bool(&g, "usable", c->usable);
	gen_key_bool(&g, "root", c->root);
	gen_engines(&g, c);
	gen_kernel(&g, &c->image);
	gen_key_string(&g, "cgroups", c->cgroups);
	gen_key_string(&g, "systemdCgroup", systemd_word());
	gen_key_string(&g, "cache", c->image.cache_path);
	gen_lines(&g, "remedies", c->remedies.data);
	gen_close_object(&g);
	if (gen_finish(&g, err) < 0)
		return err_prefix(err, "check");
	(void)fwrite(text.data, 1, text.len, stdout);
	return 0;
}

/* Prints what has been found out. The exit status is 1 if no container can run here. */
static int check(struct call *call, struct err *err)
{
	const struct check_options *options = call->options;
	bool json = options->format && strcmp(options->format, "json") == 0;
	autofree struct check *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_sys(err, ENOMEM, "check");
	if (options->format && !json && strcmp(options->format, "text") != 0)
		return err_set(err, EINVAL, "--format: \"%s\" is neither text nor json", options->format);
	r = global_settings(&call->global, &c->settings, err);
	if (r == 0)
		r = gather(c, err);
	if (r == 0 && json)
		r = print_json(c, err);
	else if (r == 0)
		print_text(c);
	image_report_done(&c->image);
	buf_done(&c->remedies);
	call->exit_status = c->usable ? 0 : 1;
	return r;
}

static const struct cli_option check_options[] = {
	CLI_STRING_OPTION(struct check_options, format, "format", 'f', "text|json", "how to print"),
	CLI_OPTIONS_END,
};

const struct command command_check = {
	.name = "check",
	.args = "",
	.help = "say whether this machine can run containers, and what is missing",
	.options = check_options,
	.options_size = sizeof(struct check_options),
	.run = check,
};
