use super::*;
use crate::scale::reading::{Kind, Problem, Stable};
use proptest::prelude::*;

fn decoder_of(protocol: Protocol, digits: Option<Digits>) -> Decoder {
    Decoder::new(DecoderSettings {
        protocol,
        unit: Unit::Kg,
        digits,
    })
    .unwrap()
}

fn decoder(protocol: Protocol) -> Decoder {
    decoder_of(
        protocol,
        (protocol == Protocol::KeliD2008).then_some(Digits::SixAndPoint),
    )
}

fn feed(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    decoder.feed(bytes, &mut |event| events.push(event));
    let tally = decoder.tally();
    let pending = decoder.pending_bytes();
    assert_eq!(
        tally.fed_bytes,
        tally.good_bytes + tally.dropped_bytes_total() + pending as u64,
        "{tally}, {pending} pending"
    );
    assert!(pending <= MAX_PENDING_BYTES);
    events
}

/// A line of text an event: `43260 stable gross`, `- unknown gross overload`, `bad bad_check`.
fn words(event: &Event) -> String {
    match event {
        Event::Bad { reason, .. } => format!("bad {}", reason.word()),
        Event::Reading(reading) => {
            assert_eq!(reading.weight.is_some(), reading.problem.is_none());
            let weight = reading
                .weight
                .map_or("-".to_owned(), |weight| weight.to_string());
            let stable = match reading.stable {
                Stable::Yes => "stable",
                Stable::No => "motion",
                Stable::Unknown => "unknown",
            };
            let kind = reading.kind.map_or("unknown", Kind::word);
            let problem = reading
                .problem
                .map_or(String::new(), |problem| format!(" {}", problem.word()));
            format!("{weight} {stable} {kind}{problem}")
        }
    }
}

fn decoded(protocol: Protocol, bytes: &[u8]) -> Vec<String> {
    feed(&mut decoder(protocol), bytes)
        .iter()
        .map(words)
        .collect()
}

fn yaohua(body: &[u8; 8]) -> Vec<u8> {
    let xor = body.iter().fold(0, |xor, byte| xor ^ byte);
    let spell = |nibble: u8| {
        if nibble > 9 {
            nibble + 0x37
        } else {
            nibble + 0x30
        }
    };
    [
        &[STX],
        body.as_slice(),
        &[spell(xor >> 4), spell(xor & 15), ETX],
    ]
    .concat()
}

fn toledo(status: [u8; 3], weight: &[u8; 6]) -> Vec<u8> {
    let mut frame = [&[STX], status.as_slice(), weight, b"     0\r"].concat();
    let sum = frame
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_add(byte & 0x7F));
    frame.push(sum.wrapping_neg() & 0x7F);
    frame
}

// ---- the frames of the data folder ----

/// Which decoder a row's protocol belongs to; `None` for families that have no decoder yet.
fn protocol_of_row(name: &str) -> Option<Protocol> {
    Some(match name {
        "yaohua-cont" | "yaohua-cont+dtu-prefix" | "yaohua-cont-split" => Protocol::YaohuaCont,
        "keli-d2008-12" => Protocol::KeliD2008,
        "toledo-cont-17" => Protocol::ToledoCont17,
        "toledo-cont-18" | "toledo-cont-18 (7E1 read as 8N1)" => Protocol::ToledoCont18,
        "and-generic" => Protocol::AndGeneric,
        "vishay-leo" => Protocol::VishayLeo,
        "vishay-leo-2scale" => Protocol::VishayLeoTwoScales,
        _ => return None,
    })
}

const NOT_YET: [&str; 25] = [
    "avery-style",
    "cardinal-sb400",
    "cas-22",
    "erte-8",
    "flintec-ft11",
    "mt-sics",
    "ohaus",
    "ricelake-iq355",
    "rinstrum-fmt1",
    "rinstrum-fmt2",
    "rinstrum-fmt4",
    "rinstrum-fmt5",
    "rinstrum-like fmt1 (N sign wt7 kg)",
    "rinstrum-m4222-11",
    "sartorius-sbi",
    "sma",
    "stx-sign-8digit-etx(no chk)",
    "vishay-gtn",
    "vn '=' counted",
    "vn pos type2",
    "vn precision 'TL S'",
    "yaohua-a12-11",
    "yaohua-a12e-15",
    "yaohua-c602-9",
    "yaohua-cmd REQUEST",
];
const NOT_YET_TOO: [&str; 4] = [
    "yaohua-cmd RESPONSE",
    "yaohua-fwd",
    "yaohua-rev",
    "yaohua-rev+dtu-prefix",
];

/// Comma-separated fields, quoted ones with doubled quotes.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

/// What a row of the data folder asks for, in the words of [`words`].
fn expected(row: &[String], protocol: Protocol) -> Vec<String> {
    let (weight, stable, kind) = (row[3].as_str(), row[4].as_str(), row[5].as_str());
    let number = |text: &str| {
        let trimmed = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            text
        };
        let kind = if kind == "-" { "unknown" } else { kind };
        format!("{trimmed} {stable} {kind}")
    };
    match weight {
        "PARTIAL" => vec![],
        "REJECT" | "REJECT/WARN" => vec!["bad bad_check".to_owned()],
        "OVERLOAD" => vec![format!("- unknown {kind} overload")],
        "UNDERLOAD" => vec![format!("- unknown {kind} underload")],
        "OVER/UNDER" => vec![format!("- unknown {kind} out_of_range")],
        _ if weight.ends_with(" lb") => vec![format!("- {stable} {kind} unit")],
        _ if weight.contains(" and ") => weight.split(" and ").map(number).collect(),
        _ if protocol == Protocol::KeliD2008 => vec![number("1560")],
        _ => vec![number(weight)],
    }
}

#[test]
fn every_frame_of_the_data_folder_is_decoded_or_named_as_not_yet() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data").to_owned();
    let folder = std::env::var("BORDERLANE_DATA").unwrap_or(default);
    let Ok(csv) = std::fs::read_to_string(format!("{folder}/scale_frames.csv")) else {
        println!("skipped: no {folder}/scale_frames.csv");
        return;
    };
    let (mut tested, mut skipped) = (0, 0);
    for line in csv.lines().skip(1).filter(|line| !line.is_empty()) {
        let row = fields(line);
        assert_eq!(row.len(), 8, "{line}");
        let Some(protocol) = protocol_of_row(&row[0]) else {
            assert!(
                NOT_YET
                    .iter()
                    .chain(&NOT_YET_TOO)
                    .any(|name| *name == row[0]),
                "{} is neither decoded nor named as skipped",
                row[0]
            );
            skipped += 1;
            continue;
        };
        let bytes = hex::decode(&row[1]).unwrap();
        assert_eq!(
            decoded(protocol, &bytes),
            expected(&row, protocol),
            "{line}"
        );
        let one_by_one: Vec<String> = {
            let mut decoder = decoder(protocol);
            bytes
                .iter()
                .flat_map(|byte| feed(&mut decoder, &[*byte]))
                .map(|event| words(&event))
                .collect()
        };
        assert_eq!(one_by_one, expected(&row, protocol), "byte by byte: {line}");
        tested += 1;
    }
    println!("scale frames: {tested} tested, {skipped} of other families skipped by name");
    assert!(tested >= 48, "only {tested} rows tested");
}

// ---- Yaohua, Keli ----

#[test]
fn the_seventh_digit_of_a_keli_is_read_as_the_lane_says() {
    let frame = yaohua(b"+0015601");
    let read = |digits| {
        feed(&mut decoder_of(Protocol::KeliD2008, Some(digits)), &frame)
            .iter()
            .map(words)
            .collect::<Vec<_>>()
    };
    assert_eq!(read(Digits::SixAndPoint), ["156 unknown unknown"]);
    assert_eq!(read(Digits::Seven), ["15601 unknown unknown"]);
    let without = Decoder::new(DecoderSettings {
        protocol: Protocol::KeliD2008,
        unit: Unit::Kg,
        digits: None,
    });
    assert_eq!(without.err(), Some(DecoderSettingsError::DigitsMissing));
}

#[test]
fn both_spellings_of_the_check_are_taken() {
    assert_eq!(
        decoded(Protocol::YaohuaCont, b"\x02-0001302\x31D\x03"),
        ["-1.3 unknown unknown"]
    );
    assert_eq!(
        decoded(Protocol::YaohuaCont, b"\x02-0001302\x31\x3D\x03"),
        ["-1.3 unknown unknown"]
    );
    assert_eq!(
        decoded(Protocol::YaohuaCont, b"\x02-0001302\x31\x3E\x03"),
        ["bad bad_check"]
    );
}

#[test]
fn a_yaohua_display_in_tonnes_is_a_setting() {
    let mut decoder = Decoder::new(DecoderSettings {
        protocol: Protocol::YaohuaCont,
        unit: Unit::T,
        digits: None,
    })
    .unwrap();
    let events = feed(&mut decoder, &yaohua(b"+0043262"));
    let Event::Reading(reading) = events[0] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (reading.grams(), words(&events[0]).as_str()),
        (Some(43_260_000), "43260 unknown unknown")
    );
}

#[test]
fn frames_with_a_right_check_and_wrong_characters_are_malformed() {
    for body in [b" 0043260", b"+0043265", b"+00 3260", b"+0043A60"] {
        assert_eq!(
            decoded(Protocol::YaohuaCont, &yaohua(body)),
            ["bad malformed"],
            "{}",
            body.escape_ascii()
        );
    }
}

#[test]
fn requests_replies_and_halves_give_nothing_and_are_counted() {
    let mut decoder = decoder(Protocol::YaohuaCont);
    let stream = [
        b"weigh01".as_slice(),
        b"\x02AB03\x03",
        b"\x02AB+04326001B\x03",
        b"\x02+0043",
        &yaohua(b"+0432600"),
    ]
    .concat();
    assert_eq!(
        feed(&mut decoder, &stream)
            .iter()
            .map(words)
            .collect::<Vec<_>>(),
        ["43260 unknown unknown"]
    );
    let tally = decoder.tally();
    assert_eq!(
        (
            tally.dropped_bytes(DropReason::Noise),
            tally.dropped_bytes(DropReason::WrongLength),
            tally.dropped_bytes(DropReason::NoEnd),
            tally.dropped_bytes(DropReason::Incomplete)
        ),
        (7 + 2, 6, 12, 6),
    );
    assert_eq!(
        (tally.good_frames, tally.bad_frames, tally.good_bytes),
        (1, 0, 12)
    );
}

#[test]
fn a_half_frame_is_not_joined_to_another_connection() {
    let mut decoder = decoder(Protocol::YaohuaCont);
    let frame = yaohua(b"+0432600");
    assert!(feed(&mut decoder, &frame[..7]).is_empty());
    decoder.reset();
    assert!(feed(&mut decoder, &frame[7..]).is_empty());
    assert_eq!(decoder.tally().dropped_bytes(DropReason::Reset), 7);
    assert_eq!(feed(&mut decoder, &frame).len(), 1);
}

// ---- Mettler Toledo ----

#[test]
fn toledo_decimals_are_a_table_and_not_a_count() {
    let cases = [
        (0, "432600"),
        (1, "43260"),
        (2, "4326"),
        (3, "432.6"),
        (4, "43.26"),
        (5, "4.326"),
        (6, "0.4326"),
        (7, "0.04326"),
    ];
    for (bits, weight) in cases {
        let frame = toledo([0x28 | bits, 0x30, 0x20], b"  4326");
        assert_eq!(
            decoded(Protocol::ToledoCont18, &frame),
            [format!("{weight} stable gross")],
            "SWA {bits:03b}"
        );
    }
}

#[test]
fn toledo_status_words_say_what_must_not_be_a_number() {
    let cases: [([u8; 3], &[u8; 6], &str); 14] = [
        ([0x2A, 0x30, 0x20], b" 43260", "43260 stable gross"),
        ([0x2A, 0x31, 0x20], b" 43260", "43260 stable net"),
        ([0x2A, 0x3B, 0x20], b" 43260", "-43260 motion net"),
        ([0x2A, 0x20, 0x20], b" 43260", "- stable gross unit"),
        ([0x2A, 0x30, 0x21], b" 43260", "- stable gross unit"),
        ([0x2D, 0x30, 0x22], b" 43260", "43260 stable gross"),
        ([0x2D, 0x20, 0x22], b" 43260", "43260 stable gross"),
        (
            [0x2A, 0x70, 0x20],
            b"     0",
            "- unknown gross zero_not_captured",
        ),
        (
            [0x2A, 0x34, 0x20],
            b" 99999",
            "- unknown gross out_of_range",
        ),
        (
            [0x2A, 0x30, 0x30],
            b"432600",
            "- unknown gross expanded_display",
        ),
        ([0x2A, 0x30, 0x28], b"043260", "43260 stable gross"),
        ([0x2A, 0x30, 0x20], b"      ", "- unknown gross no_weight"),
        ([0x2A, 0x30, 0x20], b"43 260", "bad malformed"),
        ([0x0A, 0x30, 0x20], b" 43260", "bad malformed"),
    ];
    for (status, weight, expected) in cases {
        assert_eq!(
            decoded(Protocol::ToledoCont18, &toledo(status, weight)),
            [expected],
            "{status:02X?} {}",
            weight.escape_ascii()
        );
    }
}

#[test]
fn a_toledo_frame_after_one_that_lost_its_check_is_still_read() {
    let frame = toledo([0x2A, 0x30, 0x20], b" 43260");
    let stream = [&frame[..17], &frame, &frame].concat();
    assert_eq!(
        decoded(Protocol::ToledoCont18, &stream),
        ["bad bad_check", "43260 stable gross", "43260 stable gross"]
    );
}

#[test]
fn toledo_checks_that_look_like_stx_or_cr_do_not_lose_the_next_frame() {
    let stx = toledo([0x2A, 0x38, 0x20], b" 43240");
    let cr = toledo([0x2A, 0x20, 0x20], b" 95372");
    assert_eq!((stx[17], cr[17]), (STX, CR));
    let stream = [&stx[..], &cr, &stx, &cr].concat();
    let expected = ["43240 motion gross", "- stable gross unit"].repeat(2);
    assert_eq!(decoded(Protocol::ToledoCont18, &stream), expected);
    let without_check = decoded(Protocol::ToledoCont17, &stream);
    assert_eq!(
        without_check, expected,
        "the check bytes are noise to a line without checks"
    );
}

// ---- A&D ----

#[test]
fn and_dialects_and_their_limits() {
    let cases: [(&[u8], &[&str]); 24] = [
        (b"ST,GS,+0043260kg\r\n", &["43260 stable gross"]),
        (b"ST,GS,+000123.4\r\n", &["123.4 stable gross"]),
        (b"ST,GS,+00432\r\n", &["bad malformed"]),
        (b"ST,GS,+00432kg\r\n", &["432 stable gross"]),
        (b"ST,G ,+0012.34kg\r", &["12.34 stable gross"]),
        (b"ST,N ,+0012.34kg\n", &["12.34 stable net"]),
        (b"ST,PT,+0012.34kg\r\n", &["12.34 stable tare"]),
        (b"ST,GS,+0123,45kg\r\n", &["123.45 stable gross"]),
        (b"ST,GS,+0123,45,kg\r\n", &["123.45 stable gross"]),
        (b"ST,GS,+0043,26 t\r\n", &["43260 stable gross"]),
        (b"ST,GS,+0043260lb\r\n", &["- stable gross unit"]),
        (b"ST,GS,+0043260 g\r\n", &["- stable gross unit"]),
        (b"OL,GS,+         kg\r\n", &["- unknown gross overload"]),
        (b"LO,GS,+         kg\r\n", &["- unknown gross underload"]),
        (b"HD,GS,+0043260kg\r\n", &["- unknown gross held"]),
        (b"ST,GS,            \r\n", &["- unknown gross no_weight"]),
        (b"ST,GS\r\n", &["bad malformed"]),
        (b"ST,GS,+00ST,GS,+0043260kg\r\n", &["43260 stable gross"]),
        (
            b"weigh01T63866046557773ST,GS,+0043260kg\r\n",
            &["43260 stable gross"],
        ),
        (b"ST,GS,+00 43260kg\r\n", &["bad malformed"]),
        (b"ST,GS,+0043-60kg\r\n", &["bad malformed"]),
        (b"ST,XX,+0043260kg\r\n", &["bad malformed"]),
        (b"QT,GS,+0043260kg\r\n", &[]),
        (b"ST,GS,1\xE4,   43260 kg\r\n", &["bad malformed"]),
    ];
    for (line, expected) in cases {
        assert_eq!(
            decoded(Protocol::AndGeneric, line),
            expected,
            "{}",
            line.escape_ascii()
        );
    }
}

#[test]
fn a_line_that_never_ends_is_bounded_and_counted() {
    let mut decoder = decoder(Protocol::AndGeneric);
    assert!(feed(&mut decoder, &[b'x'; 100_000]).is_empty());
    assert!(decoder.pending_bytes() <= 96);
    assert!(decoder.tally().dropped_bytes(DropReason::TooLong) >= 99_900);
    assert_eq!(feed(&mut decoder, b"ST,GS,+0043260kg\r\n").len(), 1);
}

// ---- Vishay ----

#[test]
fn vishay_status_bits() {
    let cases: [(&[u8], &[&str]); 13] = [
        (b"P+031790\r", &["31790 stable gross"]),
        (b"@+031790\r", &["31790 motion gross"]),
        (b"R-028140\r", &["-28140 stable net"]),
        (b"A+031790\r", &["- unknown unknown no_weight"]),
        (b"X+080020\r", &["- unknown gross overload"]),
        (b"X-000400\r", &["- unknown gross underload"]),
        (b"p+000120\r", &["120 stable gross"]),
        (b"weigh01P+031790\r\n", &["31790 stable gross"]),
        (b"P+03179\r", &[]),
        (b"P+0317x0\r", &["bad malformed"]),
        (b"0+031790\r", &["bad malformed"]),
        (b"P+123.45P+678.90\r", &["bad malformed"]),
        (b"\xD0+0\xB1\xB1\xB79\xB0\x8D", &["11790 stable gross"]),
    ];
    for (line, expected) in cases {
        assert_eq!(
            decoded(Protocol::VishayLeo, line),
            expected,
            "{}",
            line.escape_ascii()
        );
    }
    let under = feed(&mut decoder(Protocol::VishayLeo), b"p+000120\rT+000000\r");
    let flags: Vec<_> = under
        .iter()
        .map(|event| {
            if let Event::Reading(reading) = event {
                (reading.under_minimum, reading.zero)
            } else {
                panic!()
            }
        })
        .collect();
    assert_eq!(flags, [(true, Some(false)), (false, Some(true))]);
}

#[test]
fn two_platforms_give_two_readings_or_none() {
    let events = feed(
        &mut decoder(Protocol::VishayLeoTwoScales),
        b"P+123.45X+678.90\rP+123.45\rP+123.45P+678x90\r",
    );
    let platforms: Vec<_> = events
        .iter()
        .filter_map(|event| {
            if let Event::Reading(reading) = event {
                Some((reading.platform, reading.grams(), reading.problem))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(
        platforms,
        [(1, Some(123_450), None), (2, None, Some(Problem::Overload))]
    );
    assert_eq!(words(&events[2]), "bad malformed");
    assert_eq!(events.len(), 3);
}

// ---- any input ----

fn any_protocol() -> impl Strategy<Value = Protocol> {
    proptest::sample::select(Protocol::ALL.to_vec())
}

/// A good frame of each protocol, and what it says.
fn good(protocol: Protocol) -> (Vec<u8>, &'static str) {
    match protocol {
        Protocol::YaohuaCont | Protocol::KeliD2008 => {
            (yaohua(b"+0432600"), "43260 unknown unknown")
        }
        Protocol::ToledoCont18 => (toledo([0x2A, 0x30, 0x20], b" 43260"), "43260 stable gross"),
        Protocol::ToledoCont17 => (
            toledo([0x2A, 0x30, 0x20], b" 43260")[..17].to_vec(),
            "43260 stable gross",
        ),
        Protocol::AndGeneric => (b"ST,GS,+0043260kg\r\n".to_vec(), "43260 stable gross"),
        Protocol::VishayLeo => (b"P+043260\r".to_vec(), "43260 stable gross"),
        Protocol::VishayLeoTwoScales => (b"P+043260P+000000\r".to_vec(), "43260 stable gross"),
    }
}

proptest! {
    #[test]
    fn any_bytes_are_accounted_for_and_never_panic(protocol in any_protocol(), chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..20)) {
        let mut decoder = decoder(protocol);
        for chunk in &chunks {
            feed(&mut decoder, chunk).iter().for_each(|event| { words(event); });
        }
    }

    #[test]
    fn likely_characters_are_accounted_for_however_they_are_cut(
        protocol in any_protocol(),
        bytes in proptest::collection::vec(proptest::sample::select(b"\x02\x03\r\n+-0123456789., STUSGNkgtP@RX\x82\x8D".to_vec()), 0..400),
        cuts in proptest::collection::vec(1_usize..30, 1..40),
    ) {
        let whole = feed(&mut decoder(protocol), &bytes);
        let mut decoder = decoder(protocol);
        let (mut events, mut rest) = (Vec::new(), bytes.as_slice());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            events.extend(feed(&mut decoder, now));
            rest = later;
        }
        prop_assert_eq!(events, whole);
    }

    #[test]
    fn after_any_noise_the_second_good_frame_is_read(protocol in any_protocol(), noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (frame, says) = good(protocol);
        let mut decoder = decoder(protocol);
        feed(&mut decoder, &noise);
        feed(&mut decoder, &frame);
        let events = feed(&mut decoder, &frame);
        prop_assert!(events.iter().any(|event| words(event) == says), "{:?}", events);
    }

    #[test]
    fn one_wrong_bit_in_a_checked_frame_never_gives_another_number(protocol in proptest::sample::select(vec![Protocol::YaohuaCont, Protocol::ToledoCont18]), at in 0_usize..12, bit in 0_u8..7) {
        let (mut frame, says) = good(protocol);
        frame[at] ^= 1 << bit;
        let events = feed(&mut decoder(protocol), &frame);
        prop_assert!(events.iter().all(|event| words(event) == says || matches!(event, Event::Bad { .. })), "{:?}", events);
    }
}
