//! Any text as an endpoint: no panic, and what is taken prints as something that is taken for the same.
#![no_main]

use borderlane::scale::endpoint::Endpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(endpoint) = text.parse::<Endpoint>() {
        assert_eq!(
            endpoint.to_string().parse::<Endpoint>().as_ref(),
            Ok(&endpoint)
        );
    }
});
