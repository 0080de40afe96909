# src/vm/virtio: the device half of virtio 1.2, over MMIO.
noinst_LIBRARIES += libvirtio.a
libvirtio_a_SOURCES = \
	src/vm/virtio/balloon.c src/vm/virtio/balloon.h \
	src/vm/virtio/console.c src/vm/virtio/console.h \
	src/vm/virtio/device.c src/vm/virtio/device.h \
	src/vm/virtio/mmio.c src/vm/virtio/mmio.h \
	src/vm/virtio/net.c src/vm/virtio/net.h \
	src/vm/virtio/netpair.c src/vm/virtio/netpair.h \
	src/vm/virtio/netstream.c src/vm/virtio/netstream.h \
	src/vm/virtio/netthreads.c src/vm/virtio/netthreads.h \
	src/vm/virtio/p9dev.c src/vm/virtio/p9dev.h \
	src/vm/virtio/rng.c src/vm/virtio/rng.h \
	src/vm/virtio/virtq.c src/vm/virtio/virtq.h
