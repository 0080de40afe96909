# cmocka tests: one program a module, named tests/unit/test_<module>, without a virtual machine.
EXTRA_DIST += tests/unit/complete.zsh
unit_tests =
unit_ldadd = $(LDADD) $(CMOCKA_LIBS)
if HAVE_CMOCKA
unit_tests += \
	tests/unit/test_agent \
	tests/unit/test_agent_birth \
	tests/unit/test_agent_process \
	tests/unit/test_newcomers \
	tests/unit/test_relay \
	tests/unit/test_share \
	tests/unit/test_view \
	tests/unit/test_ports \
	tests/unit/test_base \
	tests/unit/test_cgroup \
	tests/unit/test_choose \
	tests/unit/test_cli \
	tests/unit/test_cli_docs \
	tests/unit/test_commands \
	tests/unit/test_control \
	tests/unit/test_copyup \
	tests/unit/test_filter_store \
	tests/unit/test_fs \
	tests/unit/test_fs_id \
	tests/unit/test_fs_owners \
	tests/unit/test_fs_policy \
	tests/unit/test_fs_watch \
	tests/unit/test_fuse \
	tests/unit/test_guest \
	tests/unit/test_guest_relay \
	tests/unit/test_guestlog \
	tests/unit/test_hierarchies \
	tests/unit/test_host \
	tests/unit/test_image_bzimage \
	tests/unit/test_image_cache \
	tests/unit/test_image_cpio \
	tests/unit/test_image_kernel \
	tests/unit/test_image_modules \
	tests/unit/test_jail_drop \
	tests/unit/test_jail_tmpfs \
	tests/unit/test_hook \
	tests/unit/test_json \
	tests/unit/test_kernel \
	tests/unit/test_kvm_acpi \
	tests/unit/test_kvm_bus \
	tests/unit/test_kvm_elf \
	tests/unit/test_kvm_guards \
	tests/unit/test_kvm_mem \
	tests/unit/test_kvm_serial \
	tests/unit/test_kvm_stale \
	tests/unit/test_kvm_vcpu \
	tests/unit/test_landlock \
	tests/unit/test_thread \
	tests/unit/test_member \
	tests/unit/test_merge \
	tests/unit/test_mux \
	tests/unit/test_p9 \
	tests/unit/test_privilege \
	tests/unit/test_rtnl \
	tests/unit/test_rtnl_answers \
	tests/unit/test_network \
	tests/unit/test_notify \
	tests/unit/test_p9_fid \
	tests/unit/test_p9_hostile \
	tests/unit/test_p9_lock \
	tests/unit/test_p9_parallel \
	tests/unit/test_p9_stress \
	tests/unit/test_procview \
	tests/unit/test_tmpview \
	tests/unit/test_tmpview_lies \
	tests/unit/test_points \
	tests/unit/test_proto \
	tests/unit/test_ps \
	tests/unit/test_pump \
	tests/unit/test_qemu \
	tests/unit/test_qemu_filter \
	tests/unit/test_qemu_late \
	tests/unit/test_qemu_qmp \
	tests/unit/test_query \
	tests/unit/test_report \
	tests/unit/test_seccomp \
	tests/unit/test_size \
	tests/unit/test_sock \
	tests/unit/test_spec \
	tests/unit/test_spec_docs \
	tests/unit/test_spec_exec \
	tests/unit/test_spec_rules \
	tests/unit/test_spec_seccomp \
	tests/unit/test_spec_text \
	tests/unit/test_spec_words \
	tests/unit/test_standin \
	tests/unit/test_state \
	tests/unit/test_stats \
	tests/unit/test_translate \
	tests/unit/test_virtio_console \
	tests/unit/test_virtio_devices \
	tests/unit/test_virtio_mmio \
	tests/unit/test_usermode \
	tests/unit/test_virtio_net \
	tests/unit/test_virtio_net_pairs \
	tests/unit/test_virtio_net_stress \
	tests/unit/test_virtio_p9 \
	tests/unit/test_virtq
check_PROGRAMS += $(unit_tests)
endif

# A driver's side of virtio, and files of kernels and modules, that several of them share.
EXTRA_DIST += tests/unit/group.h tests/unit/openfds.h tests/unit/tempdir.h
virtio_guest = tests/unit/test_virtio_guest.c tests/unit/test_virtio_guest.h
# The threads that serve files run under the lists of system calls of src/fs and src/p9.
filter = tests/unit/filter.c tests/unit/filter.h
filter_ldflags = $(AM_LDFLAGS) -Wl,--wrap=fs_thread_init
guest_peer = tests/unit/guest_peer.c tests/unit/guest_peer.h
qemu_bench = tests/unit/qemu_bench.c tests/unit/qemu_bench.h
fuse_peer = tests/unit/fuse_peer.c tests/unit/fuse_peer.h
agent_rig = tests/unit/agent_rig.c tests/unit/agent_rig.h
stress = tests/unit/stress.c tests/unit/stress.h
tap_fixture = tests/unit/tap_fixture.c tests/unit/tap_fixture.h
image_fixture = tests/unit/image_fixture.c tests/unit/image_fixture.h

tests_unit_test_agent_SOURCES = tests/unit/test_agent.c $(agent_rig)
tests_unit_test_agent_LDADD = $(unit_ldadd)
tests_unit_test_agent_birth_SOURCES = tests/unit/test_agent_birth.c $(agent_rig)
tests_unit_test_agent_birth_LDADD = $(unit_ldadd)
tests_unit_test_agent_process_SOURCES = tests/unit/test_agent_process.c $(agent_rig)
tests_unit_test_share_SOURCES = tests/unit/test_share.c
tests_unit_test_share_LDADD = $(unit_ldadd)
tests_unit_test_view_SOURCES = tests/unit/test_view.c
tests_unit_test_view_LDADD = $(unit_ldadd)
tests_unit_test_newcomers_SOURCES = tests/unit/test_newcomers.c
tests_unit_test_newcomers_LDADD = $(unit_ldadd)
tests_unit_test_points_SOURCES = tests/unit/test_points.c
tests_unit_test_points_LDADD = $(unit_ldadd)
tests_unit_test_points_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=mknodat -Wl,--wrap=mkdirat -Wl,--wrap=fchownat
tests_unit_test_ports_SOURCES = tests/unit/test_ports.c $(agent_rig)
tests_unit_test_ports_LDADD = $(unit_ldadd)
tests_unit_test_relay_SOURCES = tests/unit/test_relay.c $(agent_rig)
tests_unit_test_relay_LDADD = $(unit_ldadd)
tests_unit_test_agent_process_LDADD = $(unit_ldadd)
tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_LDADD = $(unit_ldadd)
tests_unit_test_cgroup_SOURCES = tests/unit/test_cgroup.c
tests_unit_test_cgroup_LDADD = $(unit_ldadd)
tests_unit_test_choose_SOURCES = tests/unit/test_choose.c
tests_unit_test_choose_LDADD = $(unit_ldadd)
tests_unit_test_cli_SOURCES = tests/unit/test_cli.c
tests_unit_test_cli_LDADD = $(unit_ldadd)
tests_unit_test_cli_docs_SOURCES = tests/unit/test_cli_docs.c
tests_unit_test_cli_docs_LDADD = $(unit_ldadd)
tests_unit_test_commands_SOURCES = tests/unit/test_commands.c
tests_unit_test_commands_LDADD = $(unit_ldadd)
tests_unit_test_control_SOURCES = tests/unit/test_control.c
tests_unit_test_control_LDADD = $(unit_ldadd)
# a file of the agent, which is compiled for the host here
tests_unit_test_copyup_SOURCES = tests/unit/test_copyup.c agent/launch/copyup.c
tests_unit_test_copyup_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(srcdir)/agent
tests_unit_test_copyup_LDADD = $(unit_ldadd)
tests_unit_test_copyup_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fstat -Wl,--wrap=fstatat -Wl,--wrap=readdir
tests_unit_test_filter_store_SOURCES = tests/unit/test_filter_store.c
tests_unit_test_filter_store_LDADD = $(unit_ldadd)
tests_unit_test_fs_id_SOURCES = tests/unit/test_fs_id.c
tests_unit_test_fs_id_LDADD = $(unit_ldadd)
tests_unit_test_fs_owners_SOURCES = tests/unit/test_fs_owners.c
tests_unit_test_fs_owners_LDADD = $(unit_ldadd)
tests_unit_test_fs_policy_SOURCES = tests/unit/test_fs_policy.c
tests_unit_test_fs_policy_LDADD = $(unit_ldadd)
tests_unit_test_fs_watch_SOURCES = tests/unit/test_fs_watch.c $(filter)
tests_unit_test_fs_watch_LDADD = $(unit_ldadd)
tests_unit_test_fs_watch_LDFLAGS = $(filter_ldflags)
tests_unit_test_fs_SOURCES = tests/unit/test_fs.c $(filter)
tests_unit_test_fs_LDADD = $(unit_ldadd)
tests_unit_test_fs_LDFLAGS = $(filter_ldflags)
tests_unit_test_fuse_SOURCES = tests/unit/test_fuse.c $(fuse_peer)
tests_unit_test_fuse_LDADD = $(unit_ldadd)
tests_unit_test_guest_relay_SOURCES = tests/unit/test_guest_relay.c
tests_unit_test_guest_relay_LDADD = $(unit_ldadd)
tests_unit_test_guest_SOURCES = tests/unit/test_guest.c
tests_unit_test_guest_LDADD = $(unit_ldadd)
tests_unit_test_guestlog_SOURCES = tests/unit/test_guestlog.c
tests_unit_test_guestlog_LDADD = $(unit_ldadd)
tests_unit_test_report_SOURCES = tests/unit/test_report.c
tests_unit_test_report_LDADD = $(unit_ldadd)
tests_unit_test_rtnl_SOURCES = tests/unit/test_rtnl.c
tests_unit_test_rtnl_LDADD = $(unit_ldadd)
tests_unit_test_network_SOURCES = tests/unit/test_network.c
tests_unit_test_network_LDADD = $(unit_ldadd)
tests_unit_test_network_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=tap_make -Wl,--wrap=guest_net -Wl,--wrap=guest_relay_inet \
	-Wl,--wrap=view_read -Wl,--wrap=timer_set
tests_unit_test_notify_SOURCES = tests/unit/test_notify.c
tests_unit_test_notify_LDADD = $(unit_ldadd)
tests_unit_test_notify_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=container_load -Wl,--wrap=statedir_open -Wl,--wrap=recv -Wl,--wrap=poll
tests_unit_test_rtnl_answers_SOURCES = tests/unit/test_rtnl_answers.c
tests_unit_test_rtnl_answers_LDADD = $(unit_ldadd)
tests_unit_test_rtnl_answers_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=mnl_socket_sendto -Wl,--wrap=mnl_socket_recvfrom -Wl,--wrap=recvmsg
tests_unit_test_privilege_SOURCES = tests/unit/test_privilege.c
tests_unit_test_privilege_LDADD = $(unit_ldadd)
tests_unit_test_hierarchies_SOURCES = tests/unit/test_hierarchies.c
tests_unit_test_hierarchies_LDADD = $(unit_ldadd)
tests_unit_test_host_SOURCES = tests/unit/test_host.c
tests_unit_test_host_LDADD = $(unit_ldadd)
tests_unit_test_image_bzimage_SOURCES = tests/unit/test_image_bzimage.c $(image_fixture)
tests_unit_test_image_bzimage_LDADD = $(unit_ldadd)
tests_unit_test_image_cache_SOURCES = tests/unit/test_image_cache.c $(image_fixture)
tests_unit_test_image_cache_LDADD = $(unit_ldadd)
tests_unit_test_image_cache_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime -Wl,--wrap=nanosleep
tests_unit_test_image_cpio_SOURCES = tests/unit/test_image_cpio.c $(image_fixture)
tests_unit_test_image_cpio_LDADD = $(unit_ldadd)
tests_unit_test_image_kernel_SOURCES = tests/unit/test_image_kernel.c $(image_fixture)
tests_unit_test_image_kernel_LDADD = $(unit_ldadd)
tests_unit_test_image_modules_SOURCES = tests/unit/test_image_modules.c $(image_fixture)
tests_unit_test_image_modules_LDADD = $(unit_ldadd)
tests_unit_test_jail_drop_SOURCES = tests/unit/test_jail_drop.c
tests_unit_test_jail_drop_LDADD = $(unit_ldadd)
tests_unit_test_jail_tmpfs_SOURCES = tests/unit/test_jail_tmpfs.c
tests_unit_test_jail_tmpfs_LDADD = $(unit_ldadd)
tests_unit_test_json_SOURCES = tests/unit/test_json.c
tests_unit_test_json_LDADD = $(unit_ldadd)
tests_unit_test_kernel_SOURCES = tests/unit/test_kernel.c tests/fuzz/input.c tests/fuzz/replay.h
tests_unit_test_kernel_LDFLAGS = $(AM_LDFLAGS) $(KERNEL_WRAP)
tests_unit_test_kernel_LDADD = tests/fuzz/libkernel.a $(unit_ldadd)
tests_unit_test_kvm_acpi_SOURCES = tests/unit/test_kvm_acpi.c
tests_unit_test_kvm_acpi_LDADD = $(unit_ldadd)
tests_unit_test_kvm_bus_SOURCES = tests/unit/test_kvm_bus.c
tests_unit_test_kvm_bus_LDADD = $(unit_ldadd)
tests_unit_test_kvm_elf_SOURCES = tests/unit/test_kvm_elf.c
tests_unit_test_kvm_elf_LDADD = $(unit_ldadd)
tests_unit_test_kvm_guards_SOURCES = tests/unit/test_kvm_guards.c
tests_unit_test_kvm_guards_LDADD = $(unit_ldadd)
tests_unit_test_kvm_guards_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=open -Wl,--wrap=ioctl
tests_unit_test_kvm_mem_SOURCES = tests/unit/test_kvm_mem.c
tests_unit_test_kvm_mem_LDADD = $(unit_ldadd)
tests_unit_test_kvm_stale_SOURCES = tests/unit/test_kvm_stale.c
tests_unit_test_kvm_stale_LDADD = $(unit_ldadd)
tests_unit_test_kvm_serial_SOURCES = tests/unit/test_kvm_serial.c
tests_unit_test_kvm_serial_LDADD = $(unit_ldadd)
tests_unit_test_member_SOURCES = tests/unit/test_member.c
tests_unit_test_member_LDADD = $(unit_ldadd)
tests_unit_test_merge_SOURCES = tests/unit/test_merge.c
tests_unit_test_merge_LDADD = $(unit_ldadd)
tests_unit_test_mux_SOURCES = tests/unit/test_mux.c
tests_unit_test_mux_LDADD = $(unit_ldadd)
tests_unit_test_p9_SOURCES = tests/unit/test_p9.c $(p9_client) $(filter)
tests_unit_test_p9_LDADD = $(unit_ldadd)
tests_unit_test_p9_LDFLAGS = $(filter_ldflags)
tests_unit_test_p9_fid_SOURCES = tests/unit/test_p9_fid.c $(p9_client) $(filter)
tests_unit_test_p9_fid_LDADD = $(unit_ldadd)
tests_unit_test_p9_fid_LDFLAGS = $(filter_ldflags)
tests_unit_test_p9_hostile_SOURCES = tests/unit/test_p9_hostile.c $(p9_client) $(filter)
tests_unit_test_p9_hostile_LDADD = $(unit_ldadd)
tests_unit_test_p9_hostile_LDFLAGS = $(filter_ldflags) -Wl,--wrap=fs_getxattr
tests_unit_test_p9_lock_SOURCES = tests/unit/test_p9_lock.c $(p9_client) $(filter)
tests_unit_test_p9_lock_LDADD = $(unit_ldadd)
tests_unit_test_p9_lock_LDFLAGS = $(filter_ldflags)
tests_unit_test_p9_parallel_SOURCES = tests/unit/test_p9_parallel.c $(p9_client) $(filter)
tests_unit_test_p9_parallel_LDADD = $(unit_ldadd)
tests_unit_test_p9_parallel_LDFLAGS = $(filter_ldflags)
tests_unit_test_p9_stress_SOURCES = tests/unit/test_p9_stress.c $(stress) $(p9_client) $(p9_driver) tests/fuzz/input.c tests/fuzz/tree.c tests/fuzz/tree.h
tests_unit_test_p9_stress_LDADD = $(unit_ldadd)
tests_unit_test_proto_SOURCES = tests/unit/test_proto.c
tests_unit_test_proto_LDADD = $(unit_ldadd)
tests_unit_test_procview_SOURCES = tests/unit/test_procview.c $(fuse_peer) $(guest_peer)
tests_unit_test_procview_LDADD = $(unit_ldadd)
tests_unit_test_tmpview_SOURCES = tests/unit/test_tmpview.c $(agent_rig)
tests_unit_test_tmpview_LDADD = $(unit_ldadd)
tests_unit_test_tmpview_lies_SOURCES = tests/unit/test_tmpview_lies.c $(fuse_peer) $(guest_peer)
tests_unit_test_tmpview_lies_LDADD = $(unit_ldadd)
tests_unit_test_hook_SOURCES = tests/unit/test_hook.c
tests_unit_test_hook_LDADD = $(unit_ldadd)
tests_unit_test_hook_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=poll -Wl,--wrap=read
tests_unit_test_stats_SOURCES = tests/unit/test_stats.c
tests_unit_test_stats_LDADD = $(unit_ldadd)
tests_unit_test_stats_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=life_open -Wl,--wrap=query_ask
tests_unit_test_ps_SOURCES = tests/unit/test_ps.c
tests_unit_test_ps_LDADD = $(unit_ldadd)

tests_unit_test_pump_SOURCES = tests/unit/test_pump.c
tests_unit_test_pump_LDADD = $(unit_ldadd)
tests_unit_test_pump_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=buf_put -Wl,--wrap=buf_consume
tests_unit_test_qemu_SOURCES = tests/unit/test_qemu.c $(qemu_bench)
tests_unit_test_qemu_LDADD = $(unit_ldadd)
tests_unit_test_qemu_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=recv -Wl,--wrap=poll
tests_unit_test_qemu_late_SOURCES = tests/unit/test_qemu_late.c $(qemu_bench)
tests_unit_test_qemu_late_LDADD = $(unit_ldadd)
tests_unit_test_qemu_late_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=syscall
tests_unit_test_qemu_filter_SOURCES = tests/unit/test_qemu_filter.c
tests_unit_test_qemu_filter_LDADD = $(unit_ldadd)
tests_unit_test_qemu_qmp_SOURCES = tests/unit/test_qemu_qmp.c
tests_unit_test_qemu_qmp_LDADD = $(unit_ldadd)
tests_unit_test_query_SOURCES = tests/unit/test_query.c $(guest_peer)
tests_unit_test_query_LDADD = $(unit_ldadd)
tests_unit_test_kvm_vcpu_SOURCES = tests/unit/test_kvm_vcpu.c
tests_unit_test_kvm_vcpu_LDADD = $(unit_ldadd)
tests_unit_test_kvm_vcpu_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ioctl
tests_unit_test_landlock_SOURCES = tests/unit/test_landlock.c
tests_unit_test_landlock_LDADD = $(unit_ldadd)
tests_unit_test_thread_SOURCES = tests/unit/test_thread.c
tests_unit_test_thread_LDADD = $(unit_ldadd)
tests_unit_test_seccomp_SOURCES = tests/unit/test_seccomp.c
tests_unit_test_seccomp_LDADD = $(unit_ldadd)
tests_unit_test_size_SOURCES = tests/unit/test_size.c
tests_unit_test_size_LDADD = $(unit_ldadd)
tests_unit_test_sock_SOURCES = tests/unit/test_sock.c
tests_unit_test_sock_LDADD = $(unit_ldadd)
tests_unit_test_spec_SOURCES = tests/unit/test_spec.c
tests_unit_test_spec_LDADD = $(unit_ldadd)
tests_unit_test_spec_docs_SOURCES = tests/unit/test_spec_docs.c
tests_unit_test_spec_docs_LDADD = $(unit_ldadd)
tests_unit_test_spec_rules_SOURCES = tests/unit/test_spec_rules.c
tests_unit_test_spec_rules_LDADD = $(unit_ldadd)
tests_unit_test_spec_seccomp_SOURCES = tests/unit/test_spec_seccomp.c
tests_unit_test_spec_seccomp_LDADD = $(unit_ldadd)
tests_unit_test_spec_text_SOURCES = tests/unit/test_spec_text.c
tests_unit_test_spec_text_LDADD = $(unit_ldadd)
tests_unit_test_spec_exec_SOURCES = tests/unit/test_spec_exec.c
tests_unit_test_spec_exec_LDADD = $(unit_ldadd)
tests_unit_test_spec_words_SOURCES = tests/unit/test_spec_words.c
tests_unit_test_spec_words_LDADD = $(unit_ldadd)
tests_unit_test_standin_SOURCES = tests/unit/test_standin.c
tests_unit_test_standin_LDADD = $(unit_ldadd)

tests_unit_test_state_SOURCES = tests/unit/test_state.c
tests_unit_test_state_LDADD = $(unit_ldadd)
tests_unit_test_translate_SOURCES = tests/unit/test_translate.c
tests_unit_test_translate_LDADD = $(unit_ldadd)
tests_unit_test_virtio_console_SOURCES = tests/unit/test_virtio_console.c $(virtio_guest)
tests_unit_test_virtio_console_LDADD = $(unit_ldadd)
tests_unit_test_virtio_devices_SOURCES = tests/unit/test_virtio_devices.c $(virtio_guest)
tests_unit_test_virtio_devices_LDADD = $(unit_ldadd)
tests_unit_test_virtio_mmio_SOURCES = tests/unit/test_virtio_mmio.c $(virtio_guest)
tests_unit_test_virtio_mmio_LDADD = $(unit_ldadd)
tests_unit_test_usermode_SOURCES = tests/unit/test_usermode.c
tests_unit_test_usermode_LDADD = $(unit_ldadd)
tests_unit_test_virtio_net_SOURCES = tests/unit/test_virtio_net.c $(tap_fixture) $(virtio_guest)
tests_unit_test_virtio_net_LDADD = $(unit_ldadd)
tests_unit_test_virtio_net_pairs_SOURCES = tests/unit/test_virtio_net_pairs.c $(tap_fixture) $(virtio_guest)
tests_unit_test_virtio_net_pairs_LDADD = $(unit_ldadd)
tests_unit_test_virtio_net_stress_SOURCES = tests/unit/test_virtio_net_stress.c $(stress) $(tap_fixture) $(virtio_guest) tests/fuzz/input.c
tests_unit_test_virtio_net_stress_LDADD = $(unit_ldadd)
tests_unit_test_virtio_p9_SOURCES = tests/unit/test_virtio_p9.c $(virtio_guest) $(p9_client)
tests_unit_test_virtio_p9_LDADD = $(unit_ldadd)
tests_unit_test_virtq_SOURCES = tests/unit/test_virtq.c $(virtio_guest)
tests_unit_test_virtq_LDADD = $(unit_ldadd)
tests_unit_test_agent_DEPENDENCIES = agent/agent $(room_libs)
tests_unit_test_agent_birth_DEPENDENCIES = agent/agent $(room_libs)
tests_unit_test_agent_process_DEPENDENCIES = agent/agent $(room_libs)
tests_unit_test_tmpview_DEPENDENCIES = agent/agent $(room_libs)
tests_unit_test_ports_DEPENDENCIES = agent/agent $(room_libs)
tests_unit_test_relay_DEPENDENCIES = agent/agent tests/sockets/peer $(room_libs)
