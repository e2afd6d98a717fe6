//! Any bytes, cut anywhere, to each scale decoder: no panic, every byte accounted for, bounded, and independent of the cuts.
//! The first byte chooses the protocol, the second the length of the cuts.
#![no_main]

use borderlane::scale::{
    decode::{Decoder, DecoderSettings, Digits, Event, MAX_PENDING_BYTES, Protocol},
    reading::Unit,
};
use libfuzzer_sys::fuzz_target;

fn decode<'a>(protocol: Protocol, chunks: impl Iterator<Item = &'a [u8]>) -> Vec<Event> {
    let digits = (protocol == Protocol::KeliD2008).then_some(Digits::Seven);
    let mut decoder = Decoder::new(DecoderSettings {
        protocol,
        unit: Unit::Kg,
        digits,
    })
    .expect("the settings fit the protocol");
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk, &mut |event| events.push(event));
        let (tally, pending) = (decoder.tally(), decoder.pending_bytes());
        assert!(pending <= MAX_PENDING_BYTES);
        assert_eq!(
            tally.fed_bytes,
            tally.good_bytes + tally.dropped_bytes_total() + pending as u64
        );
    }
    for event in &events {
        if let Event::Reading(reading) = event {
            assert_eq!(reading.weight.is_some(), reading.problem.is_none());
            assert_eq!(reading.weight.is_some(), reading.grams().is_some());
        }
    }
    events
}

fuzz_target!(|data: &[u8]| {
    let [choice, cut, bytes @ ..] = data else {
        return;
    };
    let protocol = Protocol::ALL[usize::from(*choice) % Protocol::ALL.len()];
    let whole = decode(protocol, std::iter::once(bytes));
    let pieces = decode(protocol, bytes.chunks(usize::from(*cut).max(1)));
    assert_eq!(whole, pieces);
});
