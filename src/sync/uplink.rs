//! The uplink as a pure machine: which record to read next, what is on its way, when to go back.
//!
//! ```text
//!        acknowledged            sent              last
//!  ───────────┼───── batches ─────┼──── waiting ────┼
//!             ▲ centre's signed ack                 ▲ ledger
//! ```
//! `sent` runs ahead of the acknowledged place by at most `batches_max` batches. Every doubt (connection lost, no progress in time, the
//! centre says resend, the broker refuses) moves `sent` back; only the store's cursor, moved by signed acknowledgements, is kept.

use lane_link::hex_bytes::Hex32;
use std::collections::VecDeque;

/// Limits of an uplink.
#[derive(Debug, Clone, Copy)]
pub struct UplinkLimits {
    /// Batches without acknowledgement.
    pub batches_max: usize,
    /// First patience.
    pub ack_timeout_ms: u64,
    /// Longest patience.
    pub ack_timeout_max_ms: u64,
    /// A picture's patience.
    pub evidence_timeout_ms: u64,
}

/// Pictures on their way, or refused, that are not offered again.
pub const EVIDENCE_MAX: usize = 64;
/// The centre's "resend" is followed at most this often.
const RESEND_EVERY_MS: u64 = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Batch {
    token: u64,
    first_seq: u64,
    last_seq: u64,
}

/// The machine. Times are monotonic milliseconds.
#[derive(Debug)]
pub struct Uplink {
    limits: UplinkLimits,
    up: bool,
    /// Sent up to here in this attempt; `None`: begin after the store's cursor.
    sent: Option<u64>,
    batches: VecDeque<Batch>,
    last_progress_ms: u64,
    patience_ms: u64,
    last_rewind_ms: Option<u64>,
    resend_wanted: Option<u64>,
    /// A record too large for the broker: nothing is sent until the next connection.
    blocked: bool,
    picture: Option<(u64, Hex32)>,
    pictures_sent: VecDeque<(Hex32, u64)>,
    pictures_refused: VecDeque<Hex32>,
}

/// What became of a message of the uplink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Was {
    /// A batch that begins with this record.
    Batch(u64),
    /// A picture.
    Picture,
    /// Nothing of the uplink.
    Unknown,
}

impl Uplink {
    /// A new machine: not connected, nothing known.
    #[must_use]
    pub const fn new(limits: UplinkLimits) -> Self {
        Self {
            patience_ms: limits.ack_timeout_ms,
            limits,
            up: false,
            sent: None,
            batches: VecDeque::new(),
            last_progress_ms: 0,
            last_rewind_ms: None,
            resend_wanted: None,
            blocked: false,
            picture: None,
            pictures_sent: VecDeque::new(),
            pictures_refused: VecDeque::new(),
        }
    }

    /// The connection came or went: everything on its way is void.
    pub fn link(&mut self, up: bool, now_ms: u64) {
        self.up = up;
        self.blocked = false;
        self.picture = None;
        self.pictures_sent.clear();
        self.pictures_refused.clear();
        self.patience_ms = self.limits.ack_timeout_ms;
        self.rewind(None, now_ms);
    }

    fn rewind(&mut self, to: Option<u64>, now_ms: u64) {
        self.sent = to;
        self.batches.clear();
        self.last_progress_ms = now_ms;
        self.resend_wanted = None;
    }

    /// Read records after this place (`Some(None)`: after the store's cursor); `None`: not now.
    #[must_use]
    pub fn wants_records(&self, last_seq: u64) -> Option<Option<u64>> {
        let more = self.sent.is_none_or(|sent| sent < last_seq);
        (self.up && !self.blocked && self.batches.len() < self.limits.batches_max && more).then_some(self.sent)
    }

    /// A read found nothing beyond `after`: the ledger is sent up to there.
    pub fn nothing_after(&mut self, after: u64) {
        self.sent = Some(after);
    }

    /// A batch is on its way.
    pub fn batch_sent(&mut self, token: u64, first_seq: u64, last_seq: u64, now_ms: u64) {
        if self.batches.is_empty() {
            self.last_progress_ms = now_ms;
        }
        self.batches.push_back(Batch { token, first_seq, last_seq });
        self.sent = Some(last_seq);
    }

    /// The centre's believed acknowledgement, taken by the store (or naming what the store had already).
    pub fn acknowledged(&mut self, seq: u64, resend: bool, now_ms: u64) {
        let before = self.batches.len();
        self.batches.retain(|batch| batch.last_seq > seq);
        if self.batches.len() < before {
            self.last_progress_ms = now_ms;
            self.patience_ms = self.limits.ack_timeout_ms;
        }
        if self.sent.is_some_and(|sent| sent < seq) {
            self.sent = Some(seq);
        }
        if resend {
            self.resend_wanted = Some(seq);
            self.follow_resend(now_ms);
        }
    }

    fn follow_resend(&mut self, now_ms: u64) {
        let Some(seq) = self.resend_wanted else { return };
        if self.last_rewind_ms.is_none_or(|at| now_ms.saturating_sub(at) >= RESEND_EVERY_MS) {
            self.last_rewind_ms = Some(now_ms);
            self.rewind(Some(seq), now_ms);
        }
    }

    /// Time passes.
    pub fn tick(&mut self, now_ms: u64) {
        self.follow_resend(now_ms);
        if !self.batches.is_empty() && now_ms.saturating_sub(self.last_progress_ms) >= self.patience_ms {
            self.patience_ms = self.patience_ms.saturating_mul(2).min(self.limits.ack_timeout_max_ms);
            self.rewind(None, now_ms);
        }
        let patience = self.limits.evidence_timeout_ms;
        self.pictures_sent.retain(|(_, at)| now_ms.saturating_sub(*at) < patience);
    }

    /// May a picture go now? Only while no record waits, one at a time.
    #[must_use]
    pub fn wants_picture(&self, last_seq: u64) -> bool {
        let drained = self.batches.is_empty() && self.sent.is_some_and(|sent| sent >= last_seq);
        self.up && drained && self.picture.is_none() && self.pictures_sent.len() < EVIDENCE_MAX
    }

    /// Pictures not to be offered now.
    #[must_use]
    pub fn pictures_except(&self) -> Vec<Hex32> {
        self.pictures_sent.iter().map(|(digest, _)| *digest).chain(self.pictures_refused.iter().copied()).collect()
    }

    /// A picture is on its way.
    pub fn picture_sent(&mut self, token: u64, digest: Hex32) {
        self.picture = Some((token, digest));
    }

    /// The broker has a message.
    pub fn message_sent(&mut self, token: u64, now_ms: u64) {
        if let Some((_, digest)) = self.picture.take_if(|(t, _)| *t == token) {
            self.pictures_sent.push_back((digest, now_ms));
        }
    }

    /// The broker does not take a message: a refused batch goes again after the patience.
    pub fn message_refused(&mut self, token: u64, now_ms: u64) -> Was {
        if let Some((_, digest)) = self.picture.take_if(|(t, _)| *t == token) {
            self.pictures_sent.push_back((digest, now_ms));
            return Was::Picture;
        }
        self.batches.iter().find(|b| b.token == token).map_or(Was::Unknown, |b| Was::Batch(b.first_seq))
    }

    /// A message is too large for the broker: a picture is left out until the next connection; a record stops the uplink until then.
    pub fn message_too_large(&mut self, token: u64) -> Was {
        if let Some((_, digest)) = self.picture.take_if(|(t, _)| *t == token) {
            if self.pictures_refused.len() == EVIDENCE_MAX {
                self.pictures_refused.pop_front();
            }
            self.pictures_refused.push_back(digest);
            return Was::Picture;
        }
        let Some(batch) = self.batches.iter().find(|b| b.token == token).copied() else { return Was::Unknown };
        self.blocked = true;
        self.batches.retain(|b| b.first_seq < batch.first_seq);
        self.sent = Some(batch.first_seq.saturating_sub(1));
        Was::Batch(batch.first_seq)
    }

    /// The centre has these pictures.
    pub fn pictures_acknowledged(&mut self, digests: &[Hex32]) {
        self.pictures_sent.retain(|(digest, _)| !digests.contains(digest));
    }

    /// Is everything up to `last_seq` sent and acknowledged?
    #[must_use]
    pub fn drained(&self, last_seq: u64) -> bool {
        self.batches.is_empty() && self.sent.is_some_and(|sent| sent >= last_seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lane_link::hex_bytes::HexBytes;

    fn uplink() -> Uplink {
        let limits = UplinkLimits { batches_max: 2, ack_timeout_ms: 100, ack_timeout_max_ms: 400, evidence_timeout_ms: 1_000 };
        let mut uplink = Uplink::new(limits);
        uplink.link(true, 0);
        uplink
    }

    #[test]
    fn nothing_is_read_without_a_connection_or_beyond_the_window() {
        let mut uplink = uplink();
        assert_eq!(uplink.wants_records(9), Some(None));
        uplink.batch_sent(1, 1, 3, 0);
        assert_eq!(uplink.wants_records(9), Some(Some(3)));
        uplink.batch_sent(2, 4, 6, 0);
        assert_eq!(uplink.wants_records(9), None);
        uplink.acknowledged(3, false, 1);
        assert_eq!(uplink.wants_records(9), Some(Some(6)));
        uplink.link(false, 2);
        assert_eq!(uplink.wants_records(9), None);
        uplink.link(true, 3);
        assert_eq!(uplink.wants_records(9), Some(None), "a new connection begins at the store's cursor");
    }

    #[test]
    fn without_progress_batches_go_again_ever_more_patiently() {
        let mut uplink = uplink();
        uplink.batch_sent(1, 1, 3, 0);
        uplink.tick(99);
        assert!(!uplink.drained(3));
        uplink.tick(100);
        assert_eq!(uplink.wants_records(3), Some(None));
        uplink.batch_sent(2, 1, 3, 100);
        uplink.tick(299);
        assert_eq!(uplink.wants_records(3), None);
        uplink.tick(300);
        assert_eq!(uplink.wants_records(3), Some(None));
    }

    #[test]
    fn resend_goes_back_to_where_the_centre_is_and_not_too_often() {
        let mut uplink = uplink();
        uplink.batch_sent(1, 1, 3, 0);
        uplink.batch_sent(2, 4, 6, 0);
        uplink.acknowledged(2, true, 10);
        assert_eq!(uplink.wants_records(6), Some(Some(2)));
        uplink.batch_sent(3, 3, 6, 11);
        uplink.acknowledged(2, true, 12);
        assert_eq!(uplink.wants_records(6), None);
        uplink.tick(10 + RESEND_EVERY_MS);
        assert_eq!(uplink.wants_records(6), Some(Some(2)));
    }

    #[test]
    fn a_picture_waits_for_every_record() {
        let mut uplink = uplink();
        let digest = HexBytes([1; 32]);
        assert!(!uplink.wants_picture(3), "nothing was read yet");
        uplink.batch_sent(1, 1, 3, 0);
        assert!(!uplink.wants_picture(3));
        uplink.acknowledged(3, false, 1);
        assert!(uplink.wants_picture(3));
        assert!(!uplink.wants_picture(4));
        uplink.picture_sent(2, digest);
        assert!(!uplink.wants_picture(3), "one at a time");
        uplink.message_sent(2, 5);
        assert_eq!(uplink.pictures_except(), [digest]);
        uplink.tick(1_005);
        assert_eq!(uplink.pictures_except(), [], "without acknowledgement it goes again");
    }

    #[test]
    fn a_record_that_is_too_large_stops_the_uplink_and_is_not_skipped() {
        let mut uplink = uplink();
        uplink.batch_sent(1, 1, 3, 0);
        uplink.batch_sent(2, 4, 6, 0);
        assert_eq!(uplink.message_too_large(2), Was::Batch(4));
        assert_eq!(uplink.wants_records(6), None);
        uplink.acknowledged(3, false, 1);
        assert_eq!(uplink.wants_records(6), None);
        uplink.link(true, 2);
        assert_eq!(uplink.wants_records(6), Some(None), "tried once a connection");
    }
}
