//! What the small collections mean: rules become the lane's rules, officers become accounts.
//!
//! ```text
//!   rules     rows for this gate and lane ──▶ the one in force now (dated) over the settings' default ──▶ Input::Rules, where it changed
//!             none, or the wall clock was never trusted: the settings' default
//!   officers  the collection, whole ──▶ accounts, with the PINs that were given at this lane; who is no longer there is removed,
//!             and an open session ends with its next act. A collection that was never received changes nothing.
//! ```
//! Both are looked at when the link or an import says that they changed, at the start, and, as rules are dated, once a second. A clock that is no
//! longer trusted leaves in force what is.

use super::inbox::Inbox;
use super::replicas;
use crate::clock;
use crate::store::{Collection, FoundRow, OfficerRow, Store, StoreError};
use lane_core::input::Input;
use lane_core::rules::Rules;
use lane_link::rules::RulesRow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Rows of rules of one site.
const RULES_MAX_ROWS: usize = 1_000;
/// Officers of one site.
const OFFICERS_MAX_ROWS: usize = 10_000;
/// The window of rules is looked at this often.
const EVERY_MS: u64 = 1_000;

/// The row in force at a time: of several the one that began last, then the later key.
#[must_use]
pub fn in_force(rows: &[FoundRow], local: &Rules, utc_ms: i64) -> Option<Rules> {
    let read = |row: &FoundRow| match serde_json::from_slice::<RulesRow>(&row.bytes) {
        Ok(rules) => Some((row.clone(), rules)),
        Err(error) => {
            tracing::warn!(row = row.id, %error, "a row of rules is not understood and not applied");
            None
        }
    };
    let here = rows.iter().filter(|row| !row.bytes.is_empty()).filter_map(read);
    let holding = here.filter(|(_, rules)| rules.holds(&local.gate.0, &local.lane.0, utc_ms));
    let (row, rules) = holding.max_by(|(a, x), (b, y)| (x.valid_from_ms, &a.id).cmp(&(y.valid_from_ms, &b.id)))?;
    rules.over(local, row.revision).inspect_err(|error| tracing::warn!(row = row.id, %error, "rules are not applied")).ok()
}

/// The rules a lane begins with.
pub async fn rules_at_start(store: &Store, local: &Rules, utc_ms: Option<i64>) -> Rules {
    let Some(utc_ms) = utc_ms else { return local.clone() };
    match store.list(Collection::Rules, String::new(), RULES_MAX_ROWS).await {
        Ok(rows) => in_force(&rows, local, utc_ms).unwrap_or_else(|| local.clone()),
        Err(error) => {
            tracing::error!(%error, "the centre's rules cannot be read: the settings' own are in force until they can");
            local.clone()
        }
    }
}

/// Keeps rules and accounts as the collections say.
pub struct Standing {
    /// The store.
    pub store: Store,
    /// Inputs of the lane.
    pub inbox: Inbox,
    /// The settings' rules.
    pub local: Rules,
    /// The rules the lane has.
    pub given: Rules,
    /// May the wall clock be believed?
    pub trust: clock::Trust,
    /// Somebody says that a collection changed.
    pub changed: Arc<Notify>,
}

impl Standing {
    /// Runs for ever.
    pub async fn keep(mut self) {
        let mut every = tokio::time::interval(Duration::from_millis(EVERY_MS));
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut rows = None;
        let mut mirrored = false;
        loop {
            if rows.is_none() {
                rows = self.store.list(Collection::Rules, String::new(), RULES_MAX_ROWS).await.ok();
            }
            if let (Some(rows), Some(utc_ms)) = (&rows, clock::wall(self.trust).trusted()) {
                self.judge(rows, utc_ms).await;
            }
            if !mirrored {
                mirrored = match mirror(&self.store, self.trust).await {
                    Ok(()) => true,
                    Err(error) => {
                        tracing::warn!(%error, "the centre's officers are not mirrored yet: it is tried again");
                        false
                    }
                };
            }
            tokio::select! {
                () = self.changed.notified() => (rows, mirrored) = (None, false),
                _ = every.tick() => {}
            }
        }
    }

    async fn judge(&mut self, rows: &[FoundRow], utc_ms: i64) {
        let now = in_force(rows, &self.local, utc_ms).unwrap_or_else(|| self.local.clone());
        if now == self.given {
            return;
        }
        tracing::info!(from = ?self.given.revision, to = ?now.revision, "other rules are in force");
        self.given = now.clone();
        self.inbox.give(Input::Rules(Box::new(now))).await;
    }
}

/// The officers' collection as accounts, where it was ever received.
///
/// # Errors
/// The store's.
pub async fn mirror(store: &Store, trust: clock::Trust) -> Result<(), StoreError> {
    let known = store.collections().await?.into_iter().any(|state| state.collection == Collection::Officers && state.have.is_some());
    if !known {
        return Ok(());
    }
    let rows = store.list(Collection::Officers, String::new(), OFFICERS_MAX_ROWS).await?;
    let accounts: Vec<OfficerRow> = rows.iter().filter(|row| !row.quarantined).filter_map(officer).collect();
    let done = store.mirror_officers(accounts).await?;
    for id in &done.removed {
        tracing::warn!(officer = %id, "the centre dismissed an officer: the account is gone, with its PIN");
        // Who is dismissed is out, whether or not the record finds room.
        if let Err(error) = super::accounts::note(store, id, "removed", trust).await {
            tracing::error!(officer = %id, %error, "the dismissal could not be recorded");
        }
    }
    if done.written > 0 {
        tracing::info!(accounts = done.written, "officers of the centre were written; who has no PIN gets one by `borderlane officer pin`");
    }
    Ok(())
}

fn officer(row: &FoundRow) -> Option<OfficerRow> {
    let read = serde_json::from_slice(&row.bytes).map_err(|error| error.to_string());
    match read.and_then(|body| replicas::account(&row.id, &body)) {
        Ok(account) => Some(OfficerRow { from_centre: true, ..super::accounts::row(&account) }),
        Err(error) => {
            tracing::warn!(officer = row.id, error, "an officer's row is not understood: no account");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lane_core::declaration::Direction;
    use lane_core::ids::Revision;
    use serde_json::json;

    fn row(id: &str, revision: u64, body: serde_json::Value) -> FoundRow {
        let revision = Revision { epoch: 1, revision };
        FoundRow { id: id.into(), revision, exact: true, quarantined: false, entries_used_here: 0, bytes: body.to_string().into_bytes() }
    }

    #[test]
    fn the_rules_that_began_last_are_in_force_and_the_settings_own_where_none_are() {
        let local = Rules::local_default("huu-nghi".into(), "lane-1".into(), Direction::Outbound);
        let rows = [
            row("a", 1, json!({"gate":"huu-nghi","valid_from_ms":100,"tare_tolerance_grams":1})),
            row("b", 2, json!({"gate":"huu-nghi","valid_from_ms":200,"valid_until_ms":300,"tare_tolerance_grams":2})),
            row("c", 3, json!({"gate":"tan-thanh","valid_from_ms":250,"tare_tolerance_grams":3})),
            row("d", 4, json!({"gate":"huu-nghi","valid_from_ms":250,"tare_tolerance_grams":4,"colour":"red"})),
        ];
        let tare = |utc_ms| in_force(&rows, &local, utc_ms).map(|rules| (rules.tare_tolerance_grams, rules.revision.map(|r| r.revision)));
        assert_eq!(tare(99), None);
        assert_eq!(tare(150), Some((1, Some(1))));
        assert_eq!(tare(260), Some((2, Some(2))), "another gate's, and what is half understood, are not applied");
        assert_eq!(tare(300), Some((1, Some(1))));
    }
}
