//! `borderlane scale protocols` and `borderlane scale decode`.
//!
//! `decode` takes captured bytes, as hex text (pairs of digits, blanks and line ends between pairs) or raw, and prints one line a
//! frame, good or bad; with `--json` one object:
//! `{"weight_kg": number or null, "stable": true, false or null, "kind": "gross", "net", "tare" or null, "problem": null or a word}`.
//! Incomplete frames and requests print nothing; where every byte went is told on stderr.
//! A record of two platforms prints two lines, first platform first.
//!
//! Exit codes: 0 done (also when frames were bad), 1 output could not be written, 2 input could not be used.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};

use crate::scale::{
    decode::{Decoder, DecoderSettings, DecoderSettingsError, Digits, Event, Protocol},
    reading::{Kind, Stable, Unit},
};

/// The longest capture that is decoded, as read from the file.
pub const MAX_CAPTURE_BYTES: u64 = 16 * 1024 * 1024;

/// Weighbridge indicators: protocols, and decoding of captured bytes.
#[derive(Debug, Args)]
pub struct ScaleArgs {
    #[command(subcommand)]
    command: ScaleCommand,
}

#[derive(Debug, Subcommand)]
enum ScaleCommand {
    /// List the protocols that can be decoded
    Protocols,
    /// Decode captured bytes, one line a frame
    Decode(DecodeArgs),
}

#[derive(Debug, Args)]
struct DecodeArgs {
    /// A name from `scale protocols`
    #[arg(long)]
    protocol: Protocol,
    /// Print one JSON object a frame
    #[arg(long)]
    json: bool,
    /// The file holds the bytes themselves, not hex text
    #[arg(long)]
    raw: bool,
    /// The display's unit, for protocols whose frames carry none
    #[arg(long, value_enum, default_value = "kg")]
    unit: UnitArg,
    /// keli-d2008-12 only: what the seventh digit is; six-and-point unless given
    #[arg(long, value_enum)]
    digits: Option<DigitsArg>,
    /// The capture; - is standard input
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum UnitArg {
    Kg,
    T,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DigitsArg {
    #[value(alias = "six_and_point")]
    SixAndPoint,
    Seven,
}

/// Why nothing, or not everything, was printed.
#[derive(Debug, thiserror::Error)]
enum ScaleCommandError {
    #[error("{name} cannot be read: {source}")]
    Read { name: String, source: io::Error },
    #[error("{name} is longer than {MAX_CAPTURE_BYTES} bytes: cut the capture")]
    TooLong { name: String },
    #[error("{name}, line {line}, column {column}: {what} (use --raw if the file is not hex text)")]
    Hex { name: String, line: usize, column: usize, what: String },
    #[error("{0}")]
    Settings(#[from] DecoderSettingsError),
    #[error("output cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// Runs the command and returns the exit code.
pub fn run(args: &ScaleArgs, stdin: &mut dyn Read, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
    let done = match &args.command {
        ScaleCommand::Protocols => protocols(stdout).map_err(ScaleCommandError::Write),
        ScaleCommand::Decode(args) => decode(args, stdin, stdout, stderr),
    };
    let Err(error) = done else { return 0 };
    // nothing is left to say it to if stderr is gone too
    let _told = writeln!(stderr, "borderlane scale: {error}");
    if matches!(error, ScaleCommandError::Write(_)) { 1 } else { 2 }
}

fn protocols(stdout: &mut dyn Write) -> io::Result<()> {
    for protocol in Protocol::ALL {
        writeln!(stdout, "{:<20}{}", protocol.name(), protocol.description())?;
    }
    stdout.flush()
}

fn decode(args: &DecodeArgs, stdin: &mut dyn Read, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Result<(), ScaleCommandError> {
    let digits = args.digits.map(|digits| match digits {
        DigitsArg::SixAndPoint => Digits::SixAndPoint,
        DigitsArg::Seven => Digits::Seven,
    });
    let unit = match args.unit {
        UnitArg::Kg => Unit::Kg,
        UnitArg::T => Unit::T,
    };
    let assumed = (args.protocol == Protocol::KeliD2008 && digits.is_none()).then_some(Digits::SixAndPoint);
    let mut decoder = Decoder::new(DecoderSettings { protocol: args.protocol, unit, digits: digits.or(assumed) })?;
    let name = if args.file == Path::new("-") { "standard input".to_owned() } else { args.file.display().to_string() };
    let capture = read_capture(&args.file, &name, stdin)?;
    let bytes = if args.raw { capture } else { from_hex(&capture, &name)? };
    if assumed.is_some() {
        writeln!(stderr, "note: read as six digits and decimals; some sites need --digits seven: compare with the display")?;
    }
    let mut written = Ok(());
    decoder.feed(&bytes, &mut |event| {
        let line = if args.json { json(&event) } else { text(&event) };
        if written.is_ok() {
            written = writeln!(stdout, "{line}");
        }
    });
    written?;
    stdout.flush()?;
    writeln!(stderr, "{}, {} pending", decoder.tally(), decoder.pending_bytes())?;
    Ok(())
}

fn read_capture(file: &Path, name: &str, stdin: &mut dyn Read) -> Result<Vec<u8>, ScaleCommandError> {
    let failed = |source| ScaleCommandError::Read { name: name.to_owned(), source };
    let mut capture = Vec::new();
    let limit = MAX_CAPTURE_BYTES + 1;
    if file == Path::new("-") {
        stdin.take(limit).read_to_end(&mut capture).map_err(failed)?;
    } else {
        File::open(file).map_err(failed)?.take(limit).read_to_end(&mut capture).map_err(failed)?;
    }
    if capture.len() as u64 > MAX_CAPTURE_BYTES {
        return Err(ScaleCommandError::TooLong { name: name.to_owned() });
    }
    Ok(capture)
}

/// Pairs of hex digits; blanks and line ends between pairs. Lines and columns count from 1, columns in bytes.
fn from_hex(text: &[u8], name: &str) -> Result<Vec<u8>, ScaleCommandError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for (line, content) in text.split(|&byte| byte == b'\n').enumerate() {
        let refuse =
            |column: usize, what: String| ScaleCommandError::Hex { name: name.to_owned(), line: line + 1, column: column + 1, what };
        let mut half: Option<(usize, u8)> = None;
        for (column, &byte) in content.iter().enumerate() {
            let digit = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            half = match (half, digit) {
                (None, Some(high)) => Some((column, high)),
                (Some((_, high)), Some(low)) => {
                    bytes.push(high << 4 | low);
                    None
                }
                (None, None) if byte.is_ascii_whitespace() => None,
                (Some((start, _)), None) if byte.is_ascii_whitespace() => {
                    return Err(refuse(start, "a single hex digit, where two make a byte".to_owned()));
                }
                (_, None) => {
                    return Err(refuse(column, format!("'{}' is no hex digit", byte.escape_ascii())));
                }
            };
        }
        if let Some((start, _)) = half {
            return Err(refuse(start, "a single hex digit, where two make a byte".to_owned()));
        }
    }
    Ok(bytes)
}

/// One object; every word in it is a plain identifier, and the weight prints as a JSON number.
fn json(event: &Event) -> String {
    let quoted = |word: Option<&str>| word.map_or("null".to_owned(), |word| format!("\"{word}\""));
    let (weight, stable, kind, problem) = match event {
        Event::Bad { reason, .. } => (None, "null", None, Some(reason.word())),
        Event::Reading(reading) => {
            let stable = match reading.stable {
                Stable::Yes => "true",
                Stable::No => "false",
                Stable::Unknown => "null",
            };
            (reading.weight, stable, reading.kind.map(Kind::word), reading.problem.map(|problem| problem.word()))
        }
    };
    let weight = weight.map_or("null".to_owned(), |weight| weight.to_string());
    format!(r#"{{"weight_kg": {weight}, "stable": {stable}, "kind": {}, "problem": {}}}"#, quoted(kind), quoted(problem))
}

fn text(event: &Event) -> String {
    match event {
        Event::Bad { reason, raw } => format!("bad frame: {} {raw:?}", reason.word()),
        Event::Reading(reading) => {
            let weight = match (reading.weight, reading.problem) {
                (Some(weight), _) => format!("{weight} kg"),
                (None, problem) => format!("no number: {}", problem.map_or("no_weight", |problem| problem.word())),
            };
            let stable = match reading.stable {
                Stable::Yes => ", stable",
                Stable::No => ", moving",
                Stable::Unknown => "",
            };
            let kind = reading.kind.map_or(String::new(), |kind| format!(", {}", kind.word()));
            let platform = if reading.platform > 1 { format!(", platform {}", reading.platform) } else { String::new() };
            format!("{weight}{kind}{stable}{platform}")
        }
    }
}

#[cfg(test)]
mod tests;
