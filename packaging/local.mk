# packaging: Debian packages, built of what `make dist` packs. DEB_FLAGS: see packaging/build-deb.
.PHONY: deb
deb: dist
	$(srcdir)/packaging/build-deb $(DEB_FLAGS) $(distdir).tar.xz deb

# What tells engines of vmrunc, for those who install it from a package.
dist_pkgdata_SCRIPTS = contrib/install-engine
enginesdir = $(pkgdatadir)/engines
dist_engines_DATA = contrib/engines/containerd.toml contrib/engines/crio.conf contrib/engines/podman.conf contrib/engines/runtimeclass.yaml
