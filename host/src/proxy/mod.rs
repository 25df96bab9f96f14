//! Proxies of a host: tests of their configurations, kernel settings, and forwarders of moved ports.

pub(crate) mod configuration_test;
pub(crate) mod forwarder;
pub(crate) mod kernel_settings;
