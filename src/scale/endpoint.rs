//! Where an indicator is: `tcp://host:port`, or `serial:///dev/ttyS0?baud=9600&mode=8N1`.
//!
//! Serial defaults are 9600 8N1, the commonest of the field. Mode is data bits (7, 8), parity (N, E, O), stop bits (1, 2).

use std::{fmt, str::FromStr};

const MIN_BAUD_BPS: u32 = 300;
const MAX_BAUD_BPS: u32 = 230_400;
/// Longest accepted endpoint text.
pub const MAX_ENDPOINT_BYTES: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parity {
    None,
    Even,
    Odd,
}

/// How a serial line is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SerialMode {
    /// 300..=230400
    pub baud_bps: u32,
    /// 7 or 8
    pub data_bits: u8,
    pub parity: Parity,
    /// 1 or 2
    pub stop_bits: u8,
}

impl Default for SerialMode {
    fn default() -> SerialMode {
        SerialMode { baud_bps: 9600, data_bits: 8, parity: Parity::None, stop_bits: 1 }
    }
}

impl SerialMode {
    /// # Errors
    /// A value outside its range, by name.
    pub fn check(&self) -> Result<(), EndpointError> {
        if !(MIN_BAUD_BPS..=MAX_BAUD_BPS).contains(&self.baud_bps) {
            return Err(EndpointError::Baud { given: self.baud_bps.to_string() });
        }
        if !matches!(self.data_bits, 7 | 8) || !matches!(self.stop_bits, 1 | 2) {
            return Err(EndpointError::Mode { given: self.to_string() });
        }
        Ok(())
    }
}

/// As technicians write it: `9600 8N1`.
impl fmt::Display for SerialMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Even => 'E',
            Parity::Odd => 'O',
        };
        write!(f, "{} {}{parity}{}", self.baud_bps, self.data_bits, self.stop_bits)
    }
}

/// Where the indicator is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    Tcp { host: String, port: u16 },
    Serial { device: String, mode: SerialMode },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    #[error("scale endpoint {given:?} is neither tcp://host:port nor serial:///dev/name?baud=9600&mode=8N1")]
    Scheme { given: String },
    #[error("scale endpoint is {len} bytes long, at most {MAX_ENDPOINT_BYTES} are taken")]
    TooLong { len: usize },
    #[error("scale endpoint {given:?} needs a host and a port of 1 to 65535")]
    HostPort { given: String },
    #[error("scale endpoint {given:?} needs the absolute path of a device")]
    Device { given: String },
    #[error("baud {given:?} is not a rate of {MIN_BAUD_BPS} to {MAX_BAUD_BPS}")]
    Baud { given: String },
    #[error("serial mode {given:?} is not data bits 7 or 8, parity N, E or O, stop bits 1 or 2, as in 8N1")]
    Mode { given: String },
    #[error("scale endpoint has an unknown option {given:?}; known are baud and mode")]
    Option { given: String },
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Endpoint, EndpointError> {
        if text.len() > MAX_ENDPOINT_BYTES {
            return Err(EndpointError::TooLong { len: text.len() });
        }
        if let Some(rest) = text.strip_prefix("tcp://") {
            tcp(rest).ok_or_else(|| EndpointError::HostPort { given: text.to_owned() })
        } else if let Some(rest) = text.strip_prefix("serial://") {
            serial(rest)
        } else {
            Err(EndpointError::Scheme { given: text.to_owned() })
        }
    }
}

impl<'de> serde::Deserialize<'de> for Endpoint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Endpoint, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn tcp(rest: &str) -> Option<Endpoint> {
    let (host, port) = rest.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port: u16 = port.parse().ok().filter(|&port| port != 0)?;
    let plain = !host.is_empty() && !host.contains(['/', '@', '?', '[', ']', ' ']);
    plain.then(|| Endpoint::Tcp { host: host.to_owned(), port })
}

fn serial(rest: &str) -> Result<Endpoint, EndpointError> {
    let (device, options) = rest.split_once('?').unwrap_or((rest, ""));
    if !device.starts_with('/') || device.len() < 2 {
        return Err(EndpointError::Device { given: device.to_owned() });
    }
    let mut mode = SerialMode::default();
    for option in options.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("baud", value)) => mode.baud_bps = value.parse().map_err(|_| EndpointError::Baud { given: value.to_owned() })?,
            Some(("mode", value)) => set_mode(&mut mode, value)?,
            _ => {
                return Err(EndpointError::Option { given: option.to_owned() });
            }
        }
    }
    mode.check()?;
    Ok(Endpoint::Serial { device: device.to_owned(), mode })
}

fn set_mode(mode: &mut SerialMode, value: &str) -> Result<(), EndpointError> {
    let refuse = || EndpointError::Mode { given: value.to_owned() };
    let [data_bits @ b'7'..=b'8', parity, stop_bits @ b'1'..=b'2'] = value.as_bytes() else {
        return Err(refuse());
    };
    mode.data_bits = data_bits - b'0';
    mode.stop_bits = stop_bits - b'0';
    mode.parity = match parity {
        b'N' => Parity::None,
        b'E' => Parity::Even,
        b'O' => Parity::Odd,
        _ => return Err(refuse()),
    };
    Ok(())
}

/// As given in settings; serial with its options.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp { host, port } if host.contains(':') => {
                write!(f, "tcp://[{host}]:{port}")
            }
            Endpoint::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Endpoint::Serial { device, mode } => {
                let text = mode.to_string();
                let (baud, mode) = text.split_once(' ').unwrap_or((&text, "8N1"));
                write!(f, "serial://{device}?baud={baud}&mode={mode}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_and_printed_back() {
        for text in [
            "tcp://scale.lan:4001",
            "tcp://[fe80::1]:4001",
            "serial:///dev/ttyS0?baud=2400&mode=7E1",
            "serial:///dev/ttyUSB1?baud=1200&mode=8N2",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        let Endpoint::Serial { mode, .. } = "serial:///dev/ttyS0".parse().unwrap() else { panic!() };
        assert_eq!(mode, SerialMode::default());
    }

    #[test]
    fn a_wrong_endpoint_says_what_is_wrong() {
        let cases = [
            ("scale:4001", "neither tcp:// nor"),
            ("tcp://scale", "needs a host and a port"),
            ("tcp://scale:0", "needs a host and a port"),
            ("tcp://:4001", "needs a host and a port"),
            ("serial://ttyS0", "absolute path"),
            ("serial:///dev/ttyS0?baud=fast", "baud \"fast\""),
            ("serial:///dev/ttyS0?baud=10", "baud \"10\""),
            ("serial:///dev/ttyS0?mode=9N1", "serial mode \"9N1\""),
            ("serial:///dev/ttyS0?speed=9600", "unknown option \"speed=9600\""),
        ];
        for (text, expected) in cases {
            let said = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(said.replace("tcp://host:port nor", "tcp:// nor").contains(expected), "{text}: {said}");
        }
        assert!(matches!("t".repeat(300).parse::<Endpoint>(), Err(EndpointError::TooLong { len: 300 })));
    }
}
