# tests/virtio: every device in a real guest: tests/virtio/run, where KVM works.
noinst_PROGRAMS += tests/virtio/boot
tests_virtio_boot_SOURCES = tests/virtio/boot.c
EXTRA_DIST += tests/virtio/init tests/virtio/run
