//! `genconf man`: the manual page.

use std::io;

use clap::CommandFactory as _;

use crate::cli::{Cli, Exit, Streams};

/// Prints genconf(1) as roff: `genconf man | man -l -`.
pub fn run(streams: &mut Streams<'_>) -> io::Result<Exit> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    streams.out.write_all(&page)?;
    Ok(Exit::Fine)
}
