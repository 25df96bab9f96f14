//! Releases of an app on this host.

mod archive;
pub(crate) mod disk;
mod error;
mod hash;
mod incoming;
mod space;
mod store;

pub(crate) use error::Error;
pub(crate) use hash::sha256_of;
pub(crate) use space::check_space;
pub(crate) use store::Store;
