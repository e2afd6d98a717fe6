//! Properties that hold for any input.

use super::*;
use proptest::prelude::*;

fn any_protocol() -> impl Strategy<Value = Protocol> {
    proptest::sample::select(Protocol::ALL.to_vec())
}

/// A good frame of each protocol, and what it says.
fn good(protocol: Protocol) -> (Vec<u8>, &'static str) {
    match protocol {
        Protocol::YaohuaCont | Protocol::KeliD2008 => (yaohua(b"+0432600"), "43260 unknown unknown"),
        Protocol::ToledoCont18 => (toledo([0x2A, 0x30, 0x20], b" 43260"), "43260 stable gross"),
        Protocol::ToledoCont17 => (toledo([0x2A, 0x30, 0x20], b" 43260")[..17].to_vec(), "43260 stable gross"),
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
