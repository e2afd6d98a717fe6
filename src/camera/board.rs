//! What is known of each camera besides the lane's own word: since when, by what it was judged, the pictures, the commissioning view. Shared by the
//! camera tasks, the screens, the control socket and the link; every lock is held for moments.
//!
//! ```text
//! condition (bad) ──▶ its picture: evidence once an hour for each condition and camera ──▶ health, record, screens
//! somebody looks  ──▶ the worker's newest frame, in memory only ──▶ shown; accepted by its digest: the commissioning view
//! ```

use super::Supervisor;
use super::view::{VIEW_MAX_BYTES, ViewError, Views, digest_of};
use lane_core::input::Camera;
use lane_core::time::Mono;
use lane_link::camera::{CameraCondition, Measured};
use lane_link::view_api::{AcceptedView, CameraSight};
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// A picture of one condition is kept so often at most, each camera.
pub const PICTURE_EVERY_MS: u64 = 3_600_000;
/// A frame that was looked at can be accepted for so long.
pub const LOOK_VALID_MS: u64 = 300_000;
/// Frames remembered that somebody looked at, each camera.
const LOOKS_MAX: usize = 4;
/// A frame this young is shown to the next person who looks, too.
const LOOK_SHARED_MS: u64 = 1_000;
/// The worker sends a frame within this, or nobody sees one.
const LOOK_TIMEOUT_MS: u64 = 1_500;

/// A frame that somebody looks at.
#[derive(Debug, Clone)]
pub struct LookedAt {
    /// SHA-256, lower-case hex.
    pub digest: String,
    /// A JPEG file.
    pub jpeg: Arc<Vec<u8>>,
    /// When the frame was taken.
    pub at: Mono,
}

#[derive(Debug)]
struct Seat {
    supervisor: Option<Supervisor>,
    views: Views,
    condition: Option<CameraCondition>,
    since: Mono,
    measured: Option<Measured>,
    /// By condition: the picture that was kept, and when.
    kept: HashMap<CameraCondition, (String, Mono)>,
    looks: VecDeque<LookedAt>,
    newest: watch::Sender<u64>,
}

/// The board. Clones share it.
#[derive(Debug, Clone)]
pub struct Board(Arc<[Mutex<Seat>; 2]>);

impl Board {
    /// No cameras yet; the views of the state folder.
    #[must_use]
    pub fn new(state_dir: &Path) -> Self {
        let seat = |name| {
            Mutex::new(Seat {
                supervisor: None,
                views: Views::open(state_dir, name),
                condition: None,
                since: Mono(0),
                measured: None,
                kept: HashMap::new(),
                looks: VecDeque::new(),
                newest: watch::channel(0).0,
            })
        };
        Self(Arc::new([seat("front"), seat("rear")]))
    }

    fn seat(&self, which: Camera) -> MutexGuard<'_, Seat> {
        self.0[which as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A camera is there.
    pub fn fit(&self, which: Camera, supervisor: Supervisor) {
        self.seat(which).supervisor = Some(supervisor);
    }

    /// The current view's file.
    #[must_use]
    pub fn view_path(&self, which: Camera) -> Option<std::path::PathBuf> {
        self.seat(which).views.path()
    }

    /// The worker said what the camera is worth; `None`: the worker is down.
    pub fn condition(&self, which: Camera, condition: Option<CameraCondition>, measured: Option<Measured>, now: Mono) {
        let mut seat = self.seat(which);
        if seat.condition != condition {
            seat.condition = condition;
            seat.since = now;
        }
        seat.measured = measured;
    }

    /// The condition whose picture should be kept now; `None`: all is well, or one of it is young enough.
    #[must_use]
    pub fn picture_due(&self, which: Camera, now: Mono) -> Option<CameraCondition> {
        let seat = self.seat(which);
        let condition = seat.condition.filter(|condition| *condition != CameraCondition::Ok)?;
        let young = seat.kept.get(&condition).is_some_and(|(_, at)| now.since(*at) < PICTURE_EVERY_MS);
        (!young).then_some(condition)
    }

    /// The picture of a condition was kept as evidence.
    pub fn picture_kept(&self, which: Camera, condition: CameraCondition, digest: String, now: Mono) {
        self.seat(which).kept.insert(condition, (digest, now));
    }

    /// The worker sent a frame that somebody asked for.
    pub fn looked(&self, which: Camera, jpeg: Vec<u8>, at: Mono) {
        let mut seat = self.seat(which);
        if seat.looks.len() >= LOOKS_MAX {
            seat.looks.pop_front();
        }
        seat.looks.push_back(LookedAt { digest: digest_of(&jpeg), jpeg: Arc::new(jpeg), at });
        seat.newest.send_modify(|count| *count += 1);
    }

    /// The camera's newest frame; `None`: there is no camera, or it sends nothing.
    pub async fn look(&self, which: Camera, now: Mono) -> Option<LookedAt> {
        let mut changed = {
            let seat = self.seat(which);
            let newest = seat.looks.back().filter(|look| now.since(look.at) < LOOK_SHARED_MS);
            if let Some(newest) = newest {
                return Some(newest.clone());
            }
            if !seat.supervisor.as_ref()?.look() {
                return None;
            }
            seat.newest.subscribe()
        };
        tokio::time::timeout(Duration::from_millis(LOOK_TIMEOUT_MS), changed.changed()).await.ok()?.ok()?;
        self.seat(which).looks.back().cloned()
    }

    /// A frame somebody looked at a moment ago, by its digest.
    #[must_use]
    pub fn seen(&self, which: Camera, digest: &str, now: Mono) -> Option<LookedAt> {
        self.seat(which).looks.iter().find(|look| look.digest == digest && now.since(look.at) < LOOK_VALID_MS).cloned()
    }

    /// The commissioning view's picture.
    #[must_use]
    pub fn view(&self, which: Camera) -> Option<(AcceptedView, Vec<u8>)> {
        let views = self.seat(which).views.clone();
        let current = views.current()?.clone();
        match views.read(&current.picture) {
            Ok(jpeg) if jpeg.len() as u64 <= VIEW_MAX_BYTES => Some((current, jpeg)),
            Ok(_) => None,
            Err(error) => {
                tracing::error!(%error, "the commissioning view cannot be shown");
                None
            }
        }
    }

    /// Accepts a picture as the view and tells the worker.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn accept(&self, which: Camera, jpeg: &[u8], utc_ms: i64, by: Option<String>) -> Result<(), ViewError> {
        let mut seat = self.seat(which);
        seat.views.accept(jpeg, utc_ms, by)?;
        seat.tell_worker();
        Ok(())
    }

    /// Takes the view before this one back and tells the worker.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn take_back(&self, which: Camera) -> Result<(), ViewError> {
        let mut seat = self.seat(which);
        seat.views.take_back()?;
        seat.tell_worker();
        Ok(())
    }

    /// The view that counts.
    #[must_use]
    pub fn current_view(&self, which: Camera) -> Option<AcceptedView> {
        self.seat(which).views.current().cloned()
    }

    /// May a view be taken back?
    #[must_use]
    pub fn has_previous(&self, which: Camera) -> bool {
        self.seat(which).views.has_previous()
    }

    /// What screens and centre are shown.
    #[must_use]
    pub fn sights(&self, now: Mono) -> [CameraSight; 2] {
        [Camera::Front, Camera::Rear].map(|which| {
            let seat = self.seat(which);
            CameraSight {
                since_ms: seat.condition.map(|_| now.since(seat.since)),
                measured: seat.measured,
                picture: seat.condition.and_then(|condition| seat.kept.get(&condition)).map(|(digest, _)| digest.clone()),
                accepted: seat.views.current().cloned(),
                has_previous: seat.views.has_previous(),
            }
        })
    }
}

impl Seat {
    fn tell_worker(&self) {
        if let Some(supervisor) = &self.supervisor {
            supervisor.view(self.views.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_picture_of_each_condition_an_hour_and_none_while_all_is_well() {
        let dir = tempfile::tempdir().unwrap();
        let board = Board::new(dir.path());
        let say = |condition, now| board.condition(Camera::Rear, Some(condition), None, Mono(now));
        say(CameraCondition::Ok, 0);
        assert_eq!(board.picture_due(Camera::Rear, Mono(0)), None);
        say(CameraCondition::Covered, 10);
        assert_eq!(board.picture_due(Camera::Rear, Mono(10)), Some(CameraCondition::Covered));
        board.picture_kept(Camera::Rear, CameraCondition::Covered, "aa".into(), Mono(10));
        assert_eq!(board.sights(Mono(30))[1].picture.as_deref(), Some("aa"));
        say(CameraCondition::Ok, 20);
        assert_eq!(board.sights(Mono(30))[1].picture, None, "all is well: nothing is shown");
        say(CameraCondition::Covered, 40);
        assert_eq!(board.picture_due(Camera::Rear, Mono(50)), None, "it flaps: one an hour");
        assert_eq!(board.sights(Mono(50))[1].picture.as_deref(), Some("aa"));
        say(CameraCondition::Moved, 60);
        assert_eq!(board.picture_due(Camera::Rear, Mono(60)), Some(CameraCondition::Moved), "another condition is another picture");
        say(CameraCondition::Covered, 70);
        assert_eq!(board.picture_due(Camera::Rear, Mono(10 + PICTURE_EVERY_MS)), Some(CameraCondition::Covered));
    }

    #[tokio::test]
    async fn what_is_accepted_is_what_was_looked_at_and_not_long_ago() {
        let dir = tempfile::tempdir().unwrap();
        let board = Board::new(dir.path());
        assert!(board.look(Camera::Front, Mono(5)).await.is_none(), "no camera");
        let jpeg = vec![0xff, 0xd8, 0xff, 1];
        board.looked(Camera::Front, jpeg.clone(), Mono(10));
        let look = board.look(Camera::Front, Mono(20)).await.unwrap();
        assert!(board.seen(Camera::Front, &look.digest, Mono(9 + LOOK_VALID_MS)).is_some());
        assert!(board.seen(Camera::Front, &look.digest, Mono(10 + LOOK_VALID_MS)).is_none());
        assert!(board.seen(Camera::Rear, &look.digest, Mono(20)).is_none());
        for n in 2..20 {
            board.looked(Camera::Front, vec![0xff, 0xd8, 0xff, n], Mono(30));
        }
        assert!(board.seen(Camera::Front, &look.digest, Mono(30)).is_none(), "only the last few");
    }
}
