//! Booted systemd hosts on one machine, for tests.
