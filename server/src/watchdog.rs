//! The ping that means something: sent only after the runtime has run a task
//! and the process has answered itself through its own routes.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::Request;
use tokio::time::{MissedTickBehavior, interval};

use crate::notify::Supervisor;
use crate::routes::{Bodiless, Route, Routes};

/// Tells the supervisor `alive` each `period`, as long as that is true.
pub(crate) async fn ping(supervisor: Arc<Supervisor>, routes: &'static Routes, period: Duration) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A task of its own: a runtime that starts no more tasks is stuck.
        let answer = tokio::spawn(async { routes.answer(Route::of("/health"), health()) });
        if let Ok(response) = answer.await
            && response.status().is_success()
        {
            supervisor.alive();
        }
    }
}

fn health() -> Bodiless {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = hyper::Uri::from_static("/health");
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Read};
    use std::os::unix::net::UnixStream;
    use std::thread::sleep;

    use crate::app::App;
    use crate::identity::{Identity, Role};
    use crate::log::Log;
    use crate::settings::LogForm;

    const PERIOD: Duration = Duration::from_millis(2);

    #[test]
    fn stuck_runtime_stops_pinging() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let app = App::new(Identity::discover(Role::Alone), Log::start(LogForm::Text));
        let (mut hearer, channel) = UnixStream::pair().expect("a channel");
        let supervisor = Arc::new(Supervisor::Master(channel.into()));
        runtime.spawn(ping(supervisor, Routes::new(app), PERIOD));
        let mut three = [0; 18];
        runtime.block_on(async {
            while has_less_than(&hearer, three.len()) {
                tokio::time::sleep(PERIOD).await;
            }
        });
        hearer.read_exact(&mut three).expect("pings");
        assert_eq!(&three, b"alive\nalive\nalive\n");
        // Nobody drives the runtime now, as if a task had never returned.
        hearer.set_nonblocking(true).expect("a mode");
        while hearer.read(&mut three).is_ok() {}
        sleep(PERIOD * 20);
        let silence = hearer.read(&mut three).expect_err("silence");
        assert_eq!(silence.kind(), ErrorKind::WouldBlock);
    }

    fn has_less_than(hearer: &UnixStream, size: usize) -> bool {
        use rustix::net::{RecvFlags, recv};
        let mut buffer = [0; 64];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        recv(hearer, &mut buffer, flags).map_or(0, |(_, read)| read) < size
    }
}
