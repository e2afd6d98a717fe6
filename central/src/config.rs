//! Settings of the centre: one TOML file, unknown keys refused.

use lane_link::mqtt::{LinkSettings, TlsFiles};
use lane_link::topics::Name;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The site.
    pub site: Name,
    /// The gate as declarations name it; default: the site's name.
    pub gate: Option<String>,
    /// Database and pictures.
    pub data_dir: PathBuf,
    /// Keys and the signed key list; made where they are missing.
    pub keys_dir: PathBuf,
    /// Where the page and the API listen: a loopback address.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Declarations taken in at the start and on `POST /declarations/reload`: a JSON array, or TOML `[[declaration]]` tables.
    pub declarations_file: Option<PathBuf>,
    /// Officers, taken in at the same times: TOML `[[officer]]` tables, all of them. Who is left out is dismissed.
    pub officers_file: Option<PathBuf>,
    /// Rules, taken in at the same times: TOML `[rules.KEY]` tables, all of them. A row that is left out is taken away.
    pub rules_file: Option<PathBuf>,
    /// The broker.
    pub broker: Broker,
    /// A signed head of every collection this often.
    #[serde(default = "default_head_every_ms")]
    pub head_every_ms: u64,
}

/// The broker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Client id; default `borderlane-central-{site}`.
    pub client_id: Option<String>,
    /// At least 5.
    #[serde(default = "default_keep_alive_s")]
    pub keep_alive_s: u16,
    /// Largest packet, both ways.
    #[serde(default = "default_max_packet_bytes")]
    pub max_packet_bytes: u32,
    /// User.
    pub user: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// PEM of the authority; with it TLS is used.
    pub ca_pem: Option<PathBuf>,
    /// PEM of the client certificate.
    pub cert_pem: Option<PathBuf>,
    /// PEM (PKCS #8) of its key.
    pub key_pem: Option<PathBuf>,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8090))
}

const fn default_head_every_ms() -> u64 {
    10_000
}

const fn default_keep_alive_s() -> u16 {
    5
}

const fn default_max_packet_bytes() -> u32 {
    1 << 20
}

/// Why the settings are not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its contents, with line and key.
    #[error("{}: {source}", path.display())]
    Parse {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<toml::de::Error>,
    },
    /// A value out of range.
    #[error("{key} must be {must}")]
    Range {
        /// Which.
        key: &'static str,
        /// What it must be.
        must: &'static str,
    },
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let config: Self =
            toml::from_str(&text).map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        config.check()?;
        Ok(config)
    }

    /// # Errors
    /// [`ConfigError::Range`].
    pub fn check(&self) -> Result<(), ConfigError> {
        let range = |good: bool, key, must| if good { Ok(()) } else { Err(ConfigError::Range { key, must }) };
        range(self.listen.ip().is_loopback(), "listen", "a loopback address: there is no login here")?;
        range((100..=60_000).contains(&self.head_every_ms), "head_every_ms", "100 to 60000")?;
        range(self.broker.keep_alive_s >= 5, "broker.keep_alive_s", "at least 5")?;
        range(self.broker.max_packet_bytes >= 64 * 1024, "broker.max_packet_bytes", "at least 65536")?;
        range(self.broker.cert_pem.is_some() == self.broker.key_pem.is_some(), "broker.key_pem", "given together with cert_pem")
    }

    /// The gate as declarations name it.
    #[must_use]
    pub fn gate(&self) -> &str {
        self.gate.as_deref().unwrap_or(self.site.as_str())
    }

    pub(crate) fn link(&self) -> LinkSettings {
        let broker = &self.broker;
        let client_id = broker.client_id.clone().unwrap_or_else(|| format!("borderlane-central-{}", self.site));
        LinkSettings {
            login: broker.user.clone().map(|user| (user, broker.password.clone().unwrap_or_default())),
            tls: broker.ca_pem.clone().map(|ca_pem| TlsFiles {
                ca_pem,
                cert_pem: broker.cert_pem.clone(),
                key_pem: broker.key_pem.clone(),
            }),
            keep_alive_s: broker.keep_alive_s,
            max_packet_bytes: broker.max_packet_bytes,
            ..LinkSettings::plain(&broker.host, broker.port, &client_id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "site = \"huu-nghi\"\ndata_dir = \"d\"\nkeys_dir = \"k\"\n[broker]\nhost = \"127.0.0.1\"\nport = 1883\n";

    #[test]
    fn the_least_settings_are_enough() {
        let config: Config = toml::from_str(GOOD).unwrap();
        assert!(config.check().is_ok());
        assert_eq!(config.gate(), "huu-nghi");
    }

    #[test]
    fn the_explained_settings_are_taken() {
        let config: Config = toml::from_str(include_str!("../../config/central.toml")).unwrap();
        assert!(config.check().is_ok());
    }

    #[test]
    fn unknown_keys_and_open_addresses_are_refused() {
        let error = toml::from_str::<Config>(&GOOD.replace("data_dir", "dta_dir")).unwrap_err().to_string();
        assert!(error.contains("dta_dir"), "{error}");
        let open: Config = toml::from_str(&format!("listen = \"0.0.0.0:80\"\n{GOOD}")).unwrap();
        assert!(matches!(open.check(), Err(ConfigError::Range { key: "listen", .. })));
    }
}
