//! Takes another host out of rotation on the proxies of this host, and returns it.

use super::super::site::Site;
use super::request::{Mode, Reply};
use crate::rotation;

/// Takes the host `out` out of rotation, and returns all others. An empty name returns all.
pub(super) async fn rotate(site: &Site, mode: Mode, out: &str) -> Result<Reply, String> {
    if mode == Mode::Check {
        return Ok(Reply::default());
    }
    let _turn = site.turn().await?;
    let out = Some(out).filter(|host| !host.is_empty());
    let reloaded = rotation::rotate(site.context(), out)
        .await
        .map_err(|f| f.to_string())?;
    // It ends with the run, so it is no change of the host.
    Ok(Reply {
        log: reloaded,
        ..Reply::default()
    })
}
