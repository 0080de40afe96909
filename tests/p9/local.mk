# tests/p9: a 9P client for the unit tests, and a benchmark of the server.
p9_client = tests/p9/client.c tests/p9/client.h
# A driver of the file device, which may send anything.
p9_driver = tests/p9/driver.c tests/p9/driver.h

# What a request costs in the server alone; built on demand: make tests/p9/p9bench
EXTRA_PROGRAMS += tests/p9/p9bench
tests_p9_p9bench_SOURCES = tests/p9/bench.c
