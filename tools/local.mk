# tools: programs that are not the product.
noinst_PROGRAMS += tools/vmrunc-9pd tools/vmrunc-boot
# The debug listener of the file service: tests/bats/15-9p-listener.bats.
tools_vmrunc_9pd_SOURCES = tools/9pd.c
# Boots a kernel with the kvm engine alone: see the file.
tools_vmrunc_boot_SOURCES = tools/vmrunc-boot.c

# docs/spec-support.md from the support table.
EXTRA_PROGRAMS += tools/print-support
tools_print_support_SOURCES = tools/print_support.c
spec-support: tools/print-support
	tools/print-support > $(srcdir)/docs/spec-support.md
.PHONY: spec-support
CLEANFILES += tools/print-support
