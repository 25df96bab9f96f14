//! The manual in `docs/`: its reference pages and captures are current, its commands run, its links resolve.

mod captures;
mod commands;
mod links;
mod pages;
mod reference;
