//! Claims of this lane, renewed while held, and of the others, newest word only.

use lane_link::claim::{CLAIM_EXPIRES_MS, CLAIM_RENEW_MS, Claim, ClaimMessage};
use lane_link::envelope::{Domain, Envelope, What};
use lane_link::keys::KeyRing;
use lane_link::topics::Name;
use std::collections::BTreeMap;

/// Claims of this lane at once: every candidate of two vehicles.
pub const OWN_MAX: usize = 2 * lane_core::rules::MAX_CANDIDATES;
/// Claims of other lanes remembered.
pub const OTHERS_MAX: usize = 1_024;

/// Why another lane's claim is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefused {
    /// Not believed.
    #[error("{0}")]
    NotBelieved(String),
    /// It names another lane than its key's, holds too long, or lies ahead of the clock.
    #[error("the claim contradicts itself")]
    Contradicts,
    /// Too many are remembered.
    #[error("more than {OTHERS_MAX} claims")]
    TooMany,
}

#[derive(Debug)]
struct Own {
    declaration: String,
    passage: String,
    said_at_ms: Option<u64>,
}

/// All claims. `now_ms` is monotonic, `utc_ms` trusted wall time.
#[derive(Debug, Default)]
pub struct Claims {
    own: Vec<Own>,
    others: BTreeMap<(Name, String), i64>,
}

impl Claims {
    /// This declaration is in the lane now; `false` when too many are.
    pub fn hold(&mut self, declaration: String, passage: String) -> bool {
        self.own.retain(|own| own.declaration != declaration);
        if self.own.len() == OWN_MAX {
            return false;
        }
        self.own.push(Own { declaration, passage, said_at_ms: None });
        true
    }

    /// It has left.
    pub fn release(&mut self, declaration: &str) {
        self.own.retain(|own| own.declaration != declaration);
    }

    /// Say everything again: the connection is new.
    pub fn say_again(&mut self) {
        for own in &mut self.own {
            own.said_at_ms = None;
        }
    }

    /// Claims to say now.
    pub fn due(&mut self, lane: &Name, now_ms: u64, utc_ms: i64) -> Vec<Claim> {
        let mut claims = Vec::new();
        for own in &mut self.own {
            if own.said_at_ms.is_some_and(|at| now_ms.saturating_sub(at) < CLAIM_RENEW_MS) {
                continue;
            }
            own.said_at_ms = Some(now_ms);
            claims.push(claim(lane, &own.declaration, &own.passage, true, utc_ms));
        }
        claims
    }

    /// Another lane's word; `None`: it is older than its last.
    ///
    /// # Errors
    /// [`ClaimRefused`].
    pub fn hear(&mut self, bytes: &[u8], ring: &KeyRing, utc_ms: Option<i64>) -> Result<Option<Claim>, ClaimRefused> {
        let message: ClaimMessage = serde_json::from_slice(bytes).map_err(|e| ClaimRefused::NotBelieved(e.to_string()))?;
        let domain = Domain::lane(What::Claim, ring.site(), &message.lane);
        let verified = message.claim.verify(&domain, ring, utc_ms).map_err(|e| ClaimRefused::NotBelieved(e.to_string()))?;
        let claim: Claim = verified.read().map_err(|e| ClaimRefused::NotBelieved(e.to_string()))?;
        let life = claim.expires_ms.saturating_sub(claim.utc_ms);
        let ahead = utc_ms.is_some_and(|now| claim.utc_ms > now.saturating_add(CLAIM_EXPIRES_MS));
        if claim.lane != message.lane || !(0..=CLAIM_EXPIRES_MS).contains(&life) || ahead || claim.declaration.len() > 64 {
            return Err(ClaimRefused::Contradicts);
        }
        if let Some(now) = utc_ms {
            self.others.retain(|_, said| now.saturating_sub(*said) < 2 * CLAIM_EXPIRES_MS);
        }
        let key = (claim.lane.clone(), claim.declaration.clone());
        match self.others.get(&key) {
            Some(last) if *last >= claim.utc_ms => return Ok(None),
            // Who holds is heard without being remembered (a later word may then be older); who lets go is not.
            None if self.others.len() >= OTHERS_MAX && claim.held => return Ok(Some(claim)),
            None if self.others.len() >= OTHERS_MAX => return Err(ClaimRefused::TooMany),
            _ => {}
        }
        self.others.insert(key, claim.utc_ms);
        Ok(Some(claim))
    }
}

/// A claim as of now.
#[must_use]
pub fn claim(lane: &Name, declaration: &str, passage: &str, held: bool, utc_ms: i64) -> Claim {
    Claim {
        lane: lane.clone(),
        declaration: declaration.to_owned(),
        passage: passage.to_owned(),
        held,
        utc_ms,
        expires_ms: utc_ms.saturating_add(CLAIM_EXPIRES_MS),
    }
}

/// Signs a claim with the lane's key.
#[must_use]
pub fn sealed(claim: &Claim, site: &Name, key_id: &str, key: &ed25519_dalek::SigningKey) -> Vec<u8> {
    let domain = Domain::lane(What::Claim, site, &claim.lane);
    let Ok(envelope) = Envelope::seal(claim, &domain, key_id, key) else { return Vec::new() };
    serde_json::to_vec(&ClaimMessage { lane: claim.lane.clone(), claim: envelope }).unwrap_or_default()
}
