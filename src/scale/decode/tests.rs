use super::*;
use crate::scale::reading::{Kind, Problem, Stable};

mod any_input;
mod data_folder;

fn decoder_of(protocol: Protocol, digits: Option<Digits>) -> Decoder {
    Decoder::new(DecoderSettings { protocol, unit: Unit::Kg, digits }).unwrap()
}

fn decoder(protocol: Protocol) -> Decoder {
    decoder_of(protocol, (protocol == Protocol::KeliD2008).then_some(Digits::SixAndPoint))
}

fn feed(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    decoder.feed(bytes, &mut |event| events.push(event));
    let tally = decoder.tally();
    let pending = decoder.pending_bytes();
    assert_eq!(tally.fed_bytes, tally.good_bytes + tally.dropped_bytes_total() + pending as u64, "{tally}, {pending} pending");
    assert!(pending <= MAX_PENDING_BYTES);
    events
}

/// A line of text an event: `43260 stable gross`, `- unknown gross overload`, `bad bad_check`.
fn words(event: &Event) -> String {
    match event {
        Event::Bad { reason, .. } => format!("bad {}", reason.word()),
        Event::Reading(reading) => {
            assert_eq!(reading.weight.is_some(), reading.problem.is_none());
            let weight = reading.weight.map_or("-".to_owned(), |weight| weight.to_string());
            let stable = match reading.stable {
                Stable::Yes => "stable",
                Stable::No => "motion",
                Stable::Unknown => "unknown",
            };
            let kind = reading.kind.map_or("unknown", Kind::word);
            let problem = reading.problem.map_or(String::new(), |problem| format!(" {}", problem.word()));
            format!("{weight} {stable} {kind}{problem}")
        }
    }
}

fn decoded(protocol: Protocol, bytes: &[u8]) -> Vec<String> {
    feed(&mut decoder(protocol), bytes).iter().map(words).collect()
}

fn yaohua(body: &[u8; 8]) -> Vec<u8> {
    let xor = body.iter().fold(0, |xor, byte| xor ^ byte);
    let spell = |nibble: u8| {
        if nibble > 9 { nibble + 0x37 } else { nibble + 0x30 }
    };
    [&[STX], body.as_slice(), &[spell(xor >> 4), spell(xor & 15), ETX]].concat()
}

fn toledo(status: [u8; 3], weight: &[u8; 6]) -> Vec<u8> {
    let mut frame = [&[STX], status.as_slice(), weight, b"     0\r"].concat();
    let sum = frame.iter().fold(0_u8, |sum, byte| sum.wrapping_add(byte & 0x7F));
    frame.push(sum.wrapping_neg() & 0x7F);
    frame
}

// ---- Yaohua, Keli ----

#[test]
fn the_seventh_digit_of_a_keli_is_read_as_the_lane_says() {
    let frame = yaohua(b"+0015601");
    let read = |digits| feed(&mut decoder_of(Protocol::KeliD2008, Some(digits)), &frame).iter().map(words).collect::<Vec<_>>();
    assert_eq!(read(Digits::SixAndPoint), ["156 unknown unknown"]);
    assert_eq!(read(Digits::Seven), ["15601 unknown unknown"]);
    let without = Decoder::new(DecoderSettings { protocol: Protocol::KeliD2008, unit: Unit::Kg, digits: None });
    assert_eq!(without.err(), Some(DecoderSettingsError::DigitsMissing));
}

#[test]
fn both_spellings_of_the_check_are_taken() {
    assert_eq!(decoded(Protocol::YaohuaCont, b"\x02-0001302\x31D\x03"), ["-1.3 unknown unknown"]);
    assert_eq!(decoded(Protocol::YaohuaCont, b"\x02-0001302\x31\x3D\x03"), ["-1.3 unknown unknown"]);
    assert_eq!(decoded(Protocol::YaohuaCont, b"\x02-0001302\x31\x3E\x03"), ["bad bad_check"]);
}

#[test]
fn a_yaohua_display_in_tonnes_is_a_setting() {
    let mut decoder = Decoder::new(DecoderSettings { protocol: Protocol::YaohuaCont, unit: Unit::T, digits: None }).unwrap();
    let events = feed(&mut decoder, &yaohua(b"+0043262"));
    let Event::Reading(reading) = events[0] else { panic!("{events:?}") };
    assert_eq!((reading.grams(), words(&events[0]).as_str()), (Some(43_260_000), "43260 unknown unknown"));
}

#[test]
fn frames_with_a_right_check_and_wrong_characters_are_malformed() {
    for body in [b" 0043260", b"+0043265", b"+00 3260", b"+0043A60"] {
        assert_eq!(decoded(Protocol::YaohuaCont, &yaohua(body)), ["bad malformed"], "{}", body.escape_ascii());
    }
}

#[test]
fn requests_replies_and_halves_give_nothing_and_are_counted() {
    let mut decoder = decoder(Protocol::YaohuaCont);
    let stream = [b"weigh01".as_slice(), b"\x02AB03\x03", b"\x02AB+04326001B\x03", b"\x02+0043", &yaohua(b"+0432600")].concat();
    assert_eq!(feed(&mut decoder, &stream).iter().map(words).collect::<Vec<_>>(), ["43260 unknown unknown"]);
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
    assert_eq!((tally.good_frames, tally.bad_frames, tally.good_bytes), (1, 0, 12));
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
    let cases = [(0, "432600"), (1, "43260"), (2, "4326"), (3, "432.6"), (4, "43.26"), (5, "4.326"), (6, "0.4326"), (7, "0.04326")];
    for (bits, weight) in cases {
        let frame = toledo([0x28 | bits, 0x30, 0x20], b"  4326");
        assert_eq!(decoded(Protocol::ToledoCont18, &frame), [format!("{weight} stable gross")], "SWA {bits:03b}");
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
        ([0x2A, 0x70, 0x20], b"     0", "- unknown gross zero_not_captured"),
        ([0x2A, 0x34, 0x20], b" 99999", "- unknown gross out_of_range"),
        ([0x2A, 0x30, 0x30], b"432600", "- unknown gross expanded_display"),
        ([0x2A, 0x30, 0x28], b"043260", "43260 stable gross"),
        ([0x2A, 0x30, 0x20], b"      ", "- unknown gross no_weight"),
        ([0x2A, 0x30, 0x20], b"43 260", "bad malformed"),
        ([0x0A, 0x30, 0x20], b" 43260", "bad malformed"),
    ];
    for (status, weight, expected) in cases {
        assert_eq!(decoded(Protocol::ToledoCont18, &toledo(status, weight)), [expected], "{status:02X?} {}", weight.escape_ascii());
    }
}

#[test]
fn a_toledo_frame_after_one_that_lost_its_check_is_still_read() {
    let frame = toledo([0x2A, 0x30, 0x20], b" 43260");
    let stream = [&frame[..17], &frame, &frame].concat();
    assert_eq!(decoded(Protocol::ToledoCont18, &stream), ["bad bad_check", "43260 stable gross", "43260 stable gross"]);
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
    assert_eq!(without_check, expected, "the check bytes are noise to a line without checks");
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
        (b"weigh01T63866046557773ST,GS,+0043260kg\r\n", &["43260 stable gross"]),
        (b"ST,GS,+00 43260kg\r\n", &["bad malformed"]),
        (b"ST,GS,+0043-60kg\r\n", &["bad malformed"]),
        (b"ST,XX,+0043260kg\r\n", &["bad malformed"]),
        (b"QT,GS,+0043260kg\r\n", &[]),
        (b"ST,GS,1\xE4,   43260 kg\r\n", &["bad malformed"]),
    ];
    for (line, expected) in cases {
        assert_eq!(decoded(Protocol::AndGeneric, line), expected, "{}", line.escape_ascii());
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
        assert_eq!(decoded(Protocol::VishayLeo, line), expected, "{}", line.escape_ascii());
    }
    let under = feed(&mut decoder(Protocol::VishayLeo), b"p+000120\rT+000000\r");
    let flags: Vec<_> = under
        .iter()
        .map(|event| if let Event::Reading(reading) = event { (reading.under_minimum, reading.zero) } else { panic!() })
        .collect();
    assert_eq!(flags, [(true, Some(false)), (false, Some(true))]);
}

#[test]
fn two_platforms_give_two_readings_or_none() {
    let events = feed(&mut decoder(Protocol::VishayLeoTwoScales), b"P+123.45X+678.90\rP+123.45\rP+123.45P+678x90\r");
    let platforms: Vec<_> = events
        .iter()
        .filter_map(
            |event| {
                if let Event::Reading(reading) = event { Some((reading.platform, reading.grams(), reading.problem)) } else { None }
            },
        )
        .collect();
    assert_eq!(platforms, [(1, Some(123_450), None), (2, None, Some(Problem::Overload))]);
    assert_eq!(words(&events[2]), "bad malformed");
    assert_eq!(events.len(), 3);
}
