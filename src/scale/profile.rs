//! Makers' defaults for one kind of indicator: `config/profiles/scale/*.toml`.
//!
//! ```toml
//! name = "Yaohua XK3190-A9 and relatives, continuous output (tF=0)"
//! protocol = "yaohua-cont"
//! unit = "kg"                # of the display, where frames carry none: kg or t; default kg
//! digits = "six_and_point"   # keli-d2008-12 only, and there required: six_and_point or seven
//! stale_after_ms = 2000      # 200..=10000; default 2000
//! [serial]                   # what the indicator is set to; default 9600 8N1
//! baud_bps = 9600
//! data_bits = 8
//! parity = "none"            # none, even, odd
//! stop_bits = 1
//! ```
//!
//! Unknown keys are refused.

use super::{
    decode::{Decoder, DecoderSettings, DecoderSettingsError, Digits, Protocol},
    endpoint::{EndpointError, SerialMode},
    line::{LineSettings, LineSettingsError},
    reading::Unit,
};

/// A profile file is small.
pub const MAX_PROFILE_BYTES: usize = 16 * 1024;

/// One kind of indicator.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub name: String,
    pub protocol: Protocol,
    #[serde(default)]
    pub unit: Unit,
    #[serde(default)]
    pub digits: Option<Digits>,
    #[serde(default = "default_stale_after_ms")]
    pub stale_after_ms: u64,
    #[serde(default)]
    pub serial: SerialMode,
}

fn default_stale_after_ms() -> u64 {
    LineSettings::default().stale_after_ms
}

#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("scale profile is {len} bytes long, at most {MAX_PROFILE_BYTES} are taken")]
    TooLong { len: usize },
    #[error("scale profile cannot be read: {0}")]
    Toml(#[source] toml::de::Error),
    #[error("scale profile: {0}")]
    Decoder(#[source] DecoderSettingsError),
    #[error("scale profile: {0}")]
    Serial(#[source] EndpointError),
    #[error("scale profile: {0}")]
    Line(#[source] LineSettingsError),
}

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// Not TOML of this shape (with line and column), or a value outside its range.
    pub fn from_toml(text: &str) -> Result<Profile, ProfileError> {
        if text.len() > MAX_PROFILE_BYTES {
            return Err(ProfileError::TooLong { len: text.len() });
        }
        let profile: Profile = toml::from_str(text).map_err(ProfileError::Toml)?;
        profile.serial.check().map_err(ProfileError::Serial)?;
        profile.line().check().map_err(ProfileError::Line)?;
        Decoder::new(profile.decoder()).map_err(ProfileError::Decoder)?;
        Ok(profile)
    }

    #[must_use]
    pub fn decoder(&self) -> DecoderSettings {
        DecoderSettings { protocol: self.protocol, unit: self.unit, digits: self.digits }
    }

    #[must_use]
    pub fn line(&self) -> LineSettings {
        LineSettings { stale_after_ms: self.stale_after_ms, ..LineSettings::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_that_is_shipped_can_be_used_and_every_protocol_has_one() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/scale");
        let mut protocols: Vec<Protocol> = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let profile = Profile::from_toml(&std::fs::read_to_string(&path).unwrap());
            protocols.push(profile.unwrap_or_else(|error| panic!("{}: {error}", path.display())).protocol);
        }
        for protocol in Protocol::ALL {
            assert!(protocols.contains(&protocol), "no profile for {}", protocol.name());
        }
    }

    #[test]
    fn a_wrong_profile_says_what_is_wrong_and_where() {
        let cases = [
            ("name = \"x\"\nprotocol = \"yaohua\"\n", "known are: yaohua-cont"),
            ("name = \"x\"\nprotocol = \"yaohua-cont\"\nbaud = 3\n", "unknown field `baud`"),
            ("name = \"x\"\nprotocol = \"keli-d2008-12\"\n", "needs digits"),
            ("name = \"x\"\nprotocol = \"and-generic\"\ndigits = \"seven\"\n", "digits is a setting of protocol keli-d2008-12 only"),
            ("name = \"x\"\nprotocol = \"and-generic\"\nunit = \"lb\"\n", "unknown variant `lb`"),
            ("name = \"x\"\nprotocol = \"and-generic\"\nstale_after_ms = 0\n", "stale_after_ms"),
            ("name = \"x\"\nprotocol = \"and-generic\"\n[serial]\ndata_bits = 9\n", "serial mode"),
        ];
        for (text, expected) in cases {
            let said = Profile::from_toml(text).unwrap_err().to_string();
            assert!(said.contains(expected), "{text}: {said}");
        }
        assert!(Profile::from_toml("name = \"x\"\nprotocol = \"yaohua\"\n").unwrap_err().to_string().contains("line 2"));
    }
}
