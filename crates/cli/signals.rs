//! Ctrl-C and the stop request of a service manager.
//!
//! The first lets calls in flight finish, the second leaves them to the next
//! run's recovery. Both leave a usable state.

use tenantctl_core::ops::Cancel;

use crate::output::Output;

const FIRST: &str = "\nStopping: no new calls are made, those in flight are awaited.\n\
                     Press Ctrl-C again to leave them to the next run.\n";
const SECOND: &str = "\nStopping now. The next run finds out what became of calls in flight.\n";

/// Listens from now on.
pub(crate) fn listen(cancel: Cancel, output: Output) {
    tokio::spawn(async move {
        let Ok(mut requests) = Requests::new() else { return };
        while requests.next().await {
            let words = if cancel.is_draining() { SECOND } else { FIRST };
            cancel.request();
            output.error_text(words);
        }
    });
}

#[cfg(unix)]
struct Requests(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl Requests {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Requests(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    async fn next(&mut self) -> bool {
        tokio::select! {
            pressed = self.0.recv() => pressed.is_some(),
            asked = self.1.recv() => asked.is_some(),
        }
    }
}

#[cfg(not(unix))]
struct Requests;

#[cfg(not(unix))]
impl Requests {
    fn new() -> std::io::Result<Self> {
        Ok(Requests)
    }

    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}
