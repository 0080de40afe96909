# packaging: Debian packages, built of what `make dist` packs. DEB_FLAGS: see packaging/build-deb.
.PHONY: deb
deb: dist
	$(srcdir)/packaging/build-deb $(DEB_FLAGS) $(distdir).tar.xz deb
