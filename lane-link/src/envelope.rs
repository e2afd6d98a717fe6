//! The signed envelope: what comes down from the centre is believed for its signature alone, never for the broker that brought it.
//!
//! ```text
//! {"alg":"ed25519","key_id":"data-1","payload_b64":"...","sig":"..."}          sig: base64 of 64 bytes
//! signed bytes = "borderlane/v1" 00 domain 00 payload          (payload: the bytes as sent, before base64)
//! domain       = {what}/{site}/{lane or -}/{collection or -}   e.g. command/huu-nghi/lane-1/-
//! ```
//! Signatures are Ed25519 (RFC 8032), verified with `verify_strict`. `also` holds the signature of a second person over the same bytes, for
//! acts that need two.

use crate::keys::{KeyPurpose, KeyRing, KeyUse};
use crate::replica::Collection;
use crate::topics::Name;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Largest envelope that is looked at, bytes of JSON.
pub const MAX_ENVELOPE_BYTES: usize = 1 << 20;
/// Longest key id, bytes.
pub const MAX_KEY_ID_BYTES: usize = 64;
/// Further signatures an envelope may carry.
pub const MAX_ALSO: usize = 1;

/// The signature algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Alg {
    /// Ed25519, RFC 8032.
    #[serde(rename = "ed25519")]
    Ed25519,
}

/// A further signature over the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlsoSigned {
    /// Whose key; at most 64 bytes.
    pub key_id: String,
    /// Base64 of 64 bytes.
    pub sig: String,
}

/// A signed payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// How it is signed.
    pub alg: Alg,
    /// Whose key; at most 64 bytes.
    pub key_id: String,
    /// Base64 of the bytes that were signed.
    pub payload_b64: String,
    /// Base64 of 64 bytes.
    pub sig: String,
    /// A second person's signature over the same bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<AlsoSigned>,
}

/// What is signed, and hence which key may sign it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A change of a collection.
    Change(Collection),
    /// A collection's head.
    Head(Collection),
    /// A snapshot's manifest.
    Manifest(Collection),
    /// The key list: signed by the root alone.
    KeyList,
    /// What the centre has stored of a lane.
    Ack,
    /// A remote act.
    Command,
    /// An answer to a query.
    Answer,
    /// A lane's claim.
    Claim,
}

impl What {
    /// The purpose a key must have to sign it; `None`: only the root.
    #[must_use]
    pub const fn purpose(self) -> Option<KeyPurpose> {
        match self {
            Self::Change(c) | Self::Head(c) | Self::Manifest(c) => Some(match c {
                Collection::Declarations | Collection::Watchlist => KeyPurpose::Data,
                Collection::Officers | Collection::Rules => KeyPurpose::Rules,
            }),
            Self::KeyList => None,
            Self::Ack | Self::Answer => Some(KeyPurpose::Data),
            Self::Command => Some(KeyPurpose::Command),
            Self::Claim => Some(KeyPurpose::Lane),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Change(_) => "change",
            Self::Head(_) => "head",
            Self::Manifest(_) => "manifest",
            Self::KeyList => "keys",
            Self::Ack => "ack",
            Self::Command => "command",
            Self::Answer => "answer",
            Self::Claim => "claim",
        }
    }
}

/// For whom a signature is good: it cannot be moved to another site, lane, collection or purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    what: What,
    site: Name,
    lane: Option<Name>,
}

impl Domain {
    /// Something for every lane of a site.
    #[must_use]
    pub fn site(what: What, site: &Name) -> Self {
        Self { what, site: site.clone(), lane: None }
    }

    /// Something for (or from) one lane.
    #[must_use]
    pub fn lane(what: What, site: &Name, lane: &Name) -> Self {
        Self { what, site: site.clone(), lane: Some(lane.clone()) }
    }

    /// What is signed under it.
    #[must_use]
    pub const fn what(&self) -> What {
        self.what
    }

    /// The lane it is for or from.
    #[must_use]
    pub const fn lane_name(&self) -> Option<&Name> {
        self.lane.as_ref()
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn signed_bytes(&self, payload: &[u8]) -> Vec<u8> {
        let collection = match self.what {
            What::Change(c) | What::Head(c) | What::Manifest(c) => c.word(),
            _ => "-",
        };
        let lane = self.lane.as_ref().map_or("-", Name::as_str);
        let mut bytes = format!("borderlane/v1\0{}/{}/{lane}/{collection}\0", self.what.word(), self.site).into_bytes();
        bytes.extend_from_slice(payload);
        bytes
    }
}

/// Why an envelope is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// More than [`MAX_ENVELOPE_BYTES`].
    #[error("{bytes} bytes, more than {MAX_ENVELOPE_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// No envelope.
    #[error("no envelope: {0}")]
    Malformed(String),
    /// No key of that name, or none for this purpose, site or time.
    #[error("key {key_id:?} is not good for this: {why}")]
    Key {
        /// Its name.
        key_id: String,
        /// Why.
        why: KeyUse,
    },
    /// The signature is wrong.
    #[error("the signature of {key_id:?} is wrong")]
    Signature {
        /// Whose it should have been.
        key_id: String,
    },
    /// The payload is not what it should be.
    #[error("the signed payload is not understood: {0}")]
    Payload(String),
}

/// A payload that may be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The bytes as signed.
    pub payload: Vec<u8>,
    /// Who signed: one key id, or two different ones.
    pub signers: Vec<String>,
}

impl Verified {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`EnvelopeError::Payload`] when it is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, EnvelopeError> {
        serde_json::from_slice(&self.payload).map_err(|e| EnvelopeError::Payload(e.to_string()))
    }
}

impl Envelope {
    /// Signs `payload`.
    #[must_use]
    pub fn sign(payload: &[u8], domain: &Domain, key_id: &str, key: &SigningKey) -> Self {
        Self {
            alg: Alg::Ed25519,
            key_id: key_id.to_owned(),
            payload_b64: BASE64.encode(payload),
            sig: BASE64.encode(key.sign(&domain.signed_bytes(payload)).to_bytes()),
            also: Vec::new(),
        }
    }

    /// Signs a value as JSON.
    ///
    /// # Errors
    /// [`EnvelopeError::Payload`] when it cannot be written as JSON.
    pub fn seal<T: Serialize>(value: &T, domain: &Domain, key_id: &str, key: &SigningKey) -> Result<Self, EnvelopeError> {
        let payload = serde_json::to_vec(value).map_err(|e| EnvelopeError::Payload(e.to_string()))?;
        Ok(Self::sign(&payload, domain, key_id, key))
    }

    /// Adds a second person's signature.
    ///
    /// # Errors
    /// [`EnvelopeError::Malformed`] when the payload is no base64.
    pub fn also_sign(mut self, domain: &Domain, key_id: &str, key: &SigningKey) -> Result<Self, EnvelopeError> {
        let payload = BASE64.decode(&self.payload_b64).map_err(|e| EnvelopeError::Malformed(e.to_string()))?;
        let sig = BASE64.encode(key.sign(&domain.signed_bytes(&payload)).to_bytes());
        self.also.push(AlsoSigned { key_id: key_id.to_owned(), sig });
        Ok(self)
    }

    /// Reads an envelope from JSON without believing it.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLarge`], [`EnvelopeError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLarge { bytes: bytes.len() });
        }
        let envelope: Self = serde_json::from_slice(bytes).map_err(|e| EnvelopeError::Malformed(e.to_string()))?;
        let ids_fit = envelope.key_id.len() <= MAX_KEY_ID_BYTES && envelope.also.iter().all(|a| a.key_id.len() <= MAX_KEY_ID_BYTES);
        if envelope.also.len() > MAX_ALSO || !ids_fit {
            return Err(EnvelopeError::Malformed("too many signatures, or too long a key id".into()));
        }
        Ok(envelope)
    }

    /// As JSON bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Believes the payload if every signature is good for `domain` under `ring` at `now_ms` (trusted UTC; `None`: unknown).
    ///
    /// # Errors
    /// Any but [`EnvelopeError::TooLarge`] and [`EnvelopeError::Payload`].
    pub fn verify(&self, domain: &Domain, ring: &KeyRing, now_ms: Option<i64>) -> Result<Verified, EnvelopeError> {
        let payload = BASE64.decode(&self.payload_b64).map_err(|e| EnvelopeError::Malformed(format!("payload_b64: {e}")))?;
        let message = domain.signed_bytes(&payload);
        let mut signers: Vec<String> = Vec::with_capacity(1 + self.also.len());
        let all = core::iter::once((&self.key_id, &self.sig)).chain(self.also.iter().map(|a| (&a.key_id, &a.sig)));
        for (key_id, sig) in all {
            let key = ring.key_for(key_id, domain, now_ms).map_err(|why| EnvelopeError::Key { key_id: key_id.clone(), why })?;
            verify_one(&key, &message, sig).map_err(|()| EnvelopeError::Signature { key_id: key_id.clone() })?;
            if signers.contains(key_id) {
                return Err(EnvelopeError::Malformed("the same key signed twice".into()));
            }
            signers.push(key_id.clone());
        }
        Ok(Verified { payload, signers })
    }

    /// Parses, verifies and reads in one step.
    ///
    /// # Errors
    /// Any of [`EnvelopeError`].
    pub fn open<T: DeserializeOwned>(bytes: &[u8], domain: &Domain, ring: &KeyRing, now_ms: Option<i64>) -> Result<T, EnvelopeError> {
        Self::parse(bytes)?.verify(domain, ring, now_ms)?.read()
    }
}

fn verify_one(key: &VerifyingKey, message: &[u8], sig_b64: &str) -> Result<(), ()> {
    let bytes = BASE64.decode(sig_b64).map_err(|_| ())?;
    let signature = Signature::from_slice(&bytes).map_err(|_| ())?;
    key.verify_strict(message, &signature).map_err(|_| ())
}
