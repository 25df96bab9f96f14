//! Takes other hosts out of rotation on the proxies of this host, and returns them.

use super::super::site::Site;
use super::request::{Mode, Reply};
use crate::rotation;

/// Takes the hosts `out` out of rotation, and returns all others.
pub(super) async fn rotate(site: &Site, mode: Mode, out: &[String]) -> Result<Reply, String> {
    if mode == Mode::Check {
        return Ok(Reply::default());
    }
    let _turn = site.turn().await?;
    let reloaded = rotation::rotate(site.context(), out)
        .await
        .map_err(|f| f.to_string())?;
    // It ends with the run, so the host is not changed.
    Ok(Reply {
        log: reloaded,
        ..Reply::default()
    })
}
