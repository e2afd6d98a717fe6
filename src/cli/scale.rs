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
    Hex {
        name: String,
        line: usize,
        column: usize,
        what: String,
    },
    #[error("{0}")]
    Settings(#[from] DecoderSettingsError),
    #[error("output cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// Runs the command and returns the exit code.
pub fn run(
    args: &ScaleArgs,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> u8 {
    let done = match &args.command {
        ScaleCommand::Protocols => protocols(stdout).map_err(ScaleCommandError::Write),
        ScaleCommand::Decode(args) => decode(args, stdin, stdout, stderr),
    };
    let Err(error) = done else { return 0 };
    // nothing is left to say it to if stderr is gone too
    let _told = writeln!(stderr, "borderlane scale: {error}");
    if matches!(error, ScaleCommandError::Write(_)) {
        1
    } else {
        2
    }
}

fn protocols(stdout: &mut dyn Write) -> io::Result<()> {
    for protocol in Protocol::ALL {
        writeln!(stdout, "{:<20}{}", protocol.name(), protocol.description())?;
    }
    stdout.flush()
}

fn decode(
    args: &DecodeArgs,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<(), ScaleCommandError> {
    let digits = args.digits.map(|digits| match digits {
        DigitsArg::SixAndPoint => Digits::SixAndPoint,
        DigitsArg::Seven => Digits::Seven,
    });
    let unit = match args.unit {
        UnitArg::Kg => Unit::Kg,
        UnitArg::T => Unit::T,
    };
    let assumed =
        (args.protocol == Protocol::KeliD2008 && digits.is_none()).then_some(Digits::SixAndPoint);
    let mut decoder = Decoder::new(DecoderSettings {
        protocol: args.protocol,
        unit,
        digits: digits.or(assumed),
    })?;
    let name = if args.file == Path::new("-") {
        "standard input".to_owned()
    } else {
        args.file.display().to_string()
    };
    let capture = read_capture(&args.file, &name, stdin)?;
    let bytes = if args.raw {
        capture
    } else {
        from_hex(&capture, &name)?
    };
    if assumed.is_some() {
        writeln!(
            stderr,
            "note: read as six digits and decimals; some sites need --digits seven: compare with the display"
        )?;
    }
    let mut written = Ok(());
    decoder.feed(&bytes, &mut |event| {
        let line = if args.json {
            json(&event)
        } else {
            text(&event)
        };
        if written.is_ok() {
            written = writeln!(stdout, "{line}");
        }
    });
    written?;
    stdout.flush()?;
    writeln!(
        stderr,
        "{}, {} pending",
        decoder.tally(),
        decoder.pending_bytes()
    )?;
    Ok(())
}

fn read_capture(
    file: &Path,
    name: &str,
    stdin: &mut dyn Read,
) -> Result<Vec<u8>, ScaleCommandError> {
    let failed = |source| ScaleCommandError::Read {
        name: name.to_owned(),
        source,
    };
    let mut capture = Vec::new();
    let limit = MAX_CAPTURE_BYTES + 1;
    if file == Path::new("-") {
        stdin
            .take(limit)
            .read_to_end(&mut capture)
            .map_err(failed)?;
    } else {
        File::open(file)
            .map_err(failed)?
            .take(limit)
            .read_to_end(&mut capture)
            .map_err(failed)?;
    }
    if capture.len() as u64 > MAX_CAPTURE_BYTES {
        return Err(ScaleCommandError::TooLong {
            name: name.to_owned(),
        });
    }
    Ok(capture)
}

/// Pairs of hex digits; blanks and line ends between pairs. Lines and columns count from 1, columns in bytes.
fn from_hex(text: &[u8], name: &str) -> Result<Vec<u8>, ScaleCommandError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for (line, content) in text.split(|&byte| byte == b'\n').enumerate() {
        let refuse = |column: usize, what: String| ScaleCommandError::Hex {
            name: name.to_owned(),
            line: line + 1,
            column: column + 1,
            what,
        };
        let mut half: Option<(usize, u8)> = None;
        for (column, &byte) in content.iter().enumerate() {
            let digit = char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok());
            half = match (half, digit) {
                (None, Some(high)) => Some((column, high)),
                (Some((_, high)), Some(low)) => {
                    bytes.push(high << 4 | low);
                    None
                }
                (None, None) if byte.is_ascii_whitespace() => None,
                (Some((start, _)), None) if byte.is_ascii_whitespace() => {
                    return Err(refuse(
                        start,
                        "a single hex digit, where two make a byte".to_owned(),
                    ));
                }
                (_, None) => {
                    return Err(refuse(
                        column,
                        format!("'{}' is no hex digit", byte.escape_ascii()),
                    ));
                }
            };
        }
        if let Some((start, _)) = half {
            return Err(refuse(
                start,
                "a single hex digit, where two make a byte".to_owned(),
            ));
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
            (
                reading.weight,
                stable,
                reading.kind.map(Kind::word),
                reading.problem.map(|problem| problem.word()),
            )
        }
    };
    let weight = weight.map_or("null".to_owned(), |weight| weight.to_string());
    format!(
        r#"{{"weight_kg": {weight}, "stable": {stable}, "kind": {}, "problem": {}}}"#,
        quoted(kind),
        quoted(problem)
    )
}

fn text(event: &Event) -> String {
    match event {
        Event::Bad { reason, raw } => format!("bad frame: {} {raw:?}", reason.word()),
        Event::Reading(reading) => {
            let weight = match (reading.weight, reading.problem) {
                (Some(weight), _) => format!("{weight} kg"),
                (None, problem) => format!(
                    "no number: {}",
                    problem.map_or("no_weight", |problem| problem.word())
                ),
            };
            let stable = match reading.stable {
                Stable::Yes => ", stable",
                Stable::No => ", moving",
                Stable::Unknown => "",
            };
            let kind = reading
                .kind
                .map_or(String::new(), |kind| format!(", {}", kind.word()));
            let platform = if reading.platform > 1 {
                format!(", platform {}", reading.platform)
            } else {
                String::new()
            };
            format!("{weight}{kind}{stable}{platform}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Door {
        #[command(flatten)]
        scale: ScaleArgs,
    }

    struct Said {
        code: u8,
        out: String,
        err: String,
    }

    /// The command as a person types it, the capture on standard input.
    fn typed(words: &str, stdin: &[u8]) -> Said {
        let door = Door::try_parse_from(std::iter::once("scale").chain(words.split(' ')))
            .unwrap_or_else(|error| panic!("{error}"));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run(&door.scale, &mut &*stdin, &mut out, &mut err);
        Said {
            code,
            out: String::from_utf8(out).unwrap(),
            err: String::from_utf8(err).unwrap(),
        }
    }

    #[test]
    fn every_protocol_is_listed_with_one_line_and_can_be_asked_for_by_that_name() {
        let said = typed("protocols", b"");
        assert_eq!(
            (said.code, said.out.lines().count(), said.err.as_str()),
            (0, Protocol::ALL.len(), "")
        );
        for line in said.out.lines() {
            let name = line.split(' ').next().unwrap();
            assert_eq!(
                typed(&format!("decode --protocol {name} -"), b"").code,
                0,
                "{name}"
            );
        }
    }

    #[test]
    fn one_json_object_a_frame_good_or_bad() {
        let capture =
            b"weigh 02 2B\n303135363030 3139 03\n022B30303030303030314403 024145303403 022B3030";
        let said = typed("decode --protocol yaohua-cont --json -", &capture[6..]);
        let bad = r#"{"weight_kg": null, "stable": null, "kind": null, "problem": "bad_check"}"#;
        assert_eq!(
            (said.code, said.out.as_str()),
            (0, format!("{bad}\n").as_str()),
            "eleven bytes are no frame"
        );
        assert!(said.err.contains("wrong_length"), "{}", said.err);

        let said = typed(
            "decode --protocol and-generic --raw --json -",
            b"US,NT,-113.0254kg\r\nST,GS,+0095372lb\r\nST,TR,+00.3200kg\r\n",
        );
        let objects: Vec<serde_json::Value> = said
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            objects[0],
            serde_json::json!({"weight_kg": -113.0254, "stable": false, "kind": "net", "problem": null})
        );
        assert_eq!(
            objects[1],
            serde_json::json!({"weight_kg": null, "stable": true, "kind": "gross", "problem": "unit"})
        );
        assert!(
            said.out
                .lines()
                .nth(2)
                .unwrap()
                .starts_with(r#"{"weight_kg": 0.32, "#),
            "{}",
            said.out
        );
        assert_eq!(objects.len(), 3);
    }

    #[test]
    fn without_json_a_person_can_read_it() {
        let said = typed(
            "decode --protocol vishay-leo-2scale --raw -",
            b"P+123.45@+678.90\rX+080020P+000000\rP+1\r",
        );
        assert_eq!(
            said.out,
            "123.45 kg, gross, stable\n678.9 kg, gross, moving, platform 2\nno number: overload, gross\n0 kg, gross, stable, platform 2\n"
        );
        assert!(said.err.contains("wrong_length 4"), "{}", said.err);
    }

    #[test]
    fn a_keli_capture_can_be_read_both_ways_and_a_guess_is_told() {
        let capture = b"022B30303135363030313903";
        let said = typed("decode --protocol keli-d2008-12 --json -", capture);
        assert!(
            said.out.contains(": 1560,") && said.err.contains("--digits seven"),
            "{} {}",
            said.out,
            said.err
        );
        let said = typed(
            "decode --protocol keli-d2008-12 --digits seven --json -",
            capture,
        );
        assert!(
            said.out.contains(": 15600,") && !said.err.contains("note"),
            "{} {}",
            said.out,
            said.err
        );
        let said = typed("decode --protocol yaohua-cont --unit t --json -", capture);
        assert!(said.out.contains(": 1560000,"), "{}", said.out);
        let said = typed(
            "decode --protocol yaohua-cont --digits seven --json -",
            capture,
        );
        assert_eq!((said.code, said.out.as_str()), (2, ""));
    }

    #[test]
    fn bad_hex_is_told_with_line_and_column() {
        let cases: [(&[u8], &str); 5] = [
            (
                b"02 2B\r\n30 3G\n",
                "standard input, line 2, column 5: 'G' is no hex digit",
            ),
            (b"02 2B 3\n0", "line 1, column 7: a single hex digit"),
            (b"02 2 B", "line 1, column 4: a single hex digit"),
            (b"02\n\n0", "line 3, column 1: a single hex digit"),
            (b"\xFF", "line 1, column 1: '\\xff' is no hex digit"),
        ];
        for (capture, expected) in cases {
            let said = typed("decode --protocol and-generic --json -", capture);
            assert_eq!((said.code, said.out.as_str()), (2, ""));
            assert!(said.err.contains(expected), "{}", said.err);
        }
    }

    #[test]
    fn a_file_is_read_and_one_that_is_missing_or_too_long_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("capture.hex");
        std::fs::write(&path, "502B3033313739300D").unwrap();
        let said = typed(
            &format!("decode --protocol vishay-leo --json {}", path.display()),
            b"",
        );
        assert_eq!(
            said.out,
            "{\"weight_kg\": 31790, \"stable\": true, \"kind\": \"gross\", \"problem\": null}\n"
        );
        let said = typed(
            &format!(
                "decode --protocol vishay-leo {}",
                folder.path().join("none").display()
            ),
            b"",
        );
        assert!(
            said.code == 2 && said.err.contains("cannot be read"),
            "{}",
            said.err
        );
        File::create(&path)
            .unwrap()
            .set_len(MAX_CAPTURE_BYTES + 1)
            .unwrap();
        let said = typed(
            &format!("decode --protocol vishay-leo --raw {}", path.display()),
            b"",
        );
        assert!(
            said.code == 2 && said.err.contains("is longer than 16777216 bytes"),
            "{}",
            said.err
        );
    }

    #[test]
    fn an_unknown_protocol_is_refused_with_the_names_that_exist() {
        let error = Door::try_parse_from(["scale", "decode", "--protocol", "yaohua", "-"])
            .err()
            .unwrap();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("vishay-leo-2scale"), "{error}");
    }

    #[test]
    fn output_that_cannot_be_written_is_exit_code_1() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let door =
            Door::try_parse_from(["scale", "protocols"]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            run(&door.scale, &mut io::empty(), &mut Full, &mut Vec::new()),
            1
        );
    }
}
