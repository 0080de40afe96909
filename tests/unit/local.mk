# cmocka tests: one program a module, named tests/unit/test_<module>; each layer's local.mk adds its own to unit_tests.
unit_tests =
unit_ldadd = $(CMOCKA_LIBS)
if HAVE_CMOCKA
unit_tests += tests/unit/test_base
check_PROGRAMS += $(unit_tests)
endif
tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_LDADD = libbase.a $(unit_ldadd)
