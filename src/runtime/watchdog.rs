//! systemd: ready after the first completed turn of the lane loop; the watchdog is fed by completed turns and by nothing else.

use std::time::Duration;
use tokio::sync::watch;

/// The watchdog is fed at most this often.
const FEED_EVERY_MS: u64 = 500;

/// Feeds until the lane loop is gone. Without a service manager nothing is sent.
pub async fn feed(mut turns: watch::Receiver<u64>) {
    if turns.wait_for(|turn| *turn > 0).await.is_err() {
        return;
    }
    notify(&[sd_notify::NotifyState::Ready]);
    loop {
        if turns.changed().await.is_err() {
            return;
        }
        notify(&[sd_notify::NotifyState::Watchdog]);
        tokio::time::sleep(Duration::from_millis(FEED_EVERY_MS)).await;
    }
}

/// Says that the stop was asked for.
pub fn stopping() {
    notify(&[sd_notify::NotifyState::Stopping]);
}

fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
