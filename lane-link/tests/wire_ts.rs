//! `ui/src/kit/wire.ts` is what the types of the screens say. To write it anew:
//! `BORDERLANE_REWRITE_WIRE=1 cargo test -p lane-link --test wire_ts`

use lane_link::view_api;
use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use ts_rs::{Config, TS, TypeVisitor};

const HEADER: &str = "// Written from the types of the Rust crate `lane-link` (view, view_api, words, record, declaration, camera): do not edit. To write it anew:
//   BORDERLANE_REWRITE_WIRE=1 cargo test -p lane-link --test wire_ts
// Weights are grams, times and ages milliseconds, unless the name says otherwise. Whole numbers of 64 bits are `number`: counters and milliseconds
// stay below 2^53 (285,000 years), grams below 9 million million tonnes.
";

/// Every type that is reachable, once, by name: the order in which the derive visits them is not the same in each build.
struct Reached<'c> {
    config: &'c Config,
    seen: HashSet<TypeId>,
    types: BTreeMap<String, String>,
}

impl TypeVisitor for Reached<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
        if T::output_path().is_some() {
            let docs = T::docs().unwrap_or_default();
            let text = format!("{docs}export {}\n", T::decl(self.config));
            let known = self.types.insert(T::ident(self.config), short(&text));
            assert!(known.is_none(), "two types are called {}", T::ident(self.config));
        }
    }
}

/// Comments of one line in one line, no blanks at the ends.
fn short(text: &str) -> String {
    let text = text.replace("/**\n * ", "/** ").replace("\n */\n", " */\n");
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn wire() -> String {
    let config = Config::new().with_large_int("number");
    let mut reached = Reached { config: &config, seen: HashSet::new(), types: BTreeMap::new() };
    reached.visit::<view_api::ViewFrame>();
    reached.visit::<view_api::Beat>();
    reached.visit::<view_api::SignFrame>();
    reached.visit::<view_api::ActRequest>();
    reached.visit::<view_api::ActAnswer>();
    reached.visit::<view_api::StopAnswer>();
    reached.visit::<view_api::LoginRequest>();
    reached.visit::<view_api::SessionAnswer>();
    reached.visit::<view_api::OfficersAnswer>();
    reached.visit::<view_api::ApiError>();
    reached.visit::<view_api::ViewAct>();
    reached.visit::<view_api::ViewAnswer>();
    let types: Vec<String> = reached.types.into_values().map(|text| format!("\n{text}")).collect();
    format!("{HEADER}{}", types.concat())
}

#[test]
fn the_types_of_the_page_are_those_of_the_daemon() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/kit/wire.ts");
    let text = wire();
    if std::env::var_os("BORDERLANE_REWRITE_WIRE").is_some() {
        return std::fs::write(path, text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(kept == text, "ui/src/kit/wire.ts is stale: BORDERLANE_REWRITE_WIRE=1 cargo test -p lane-link --test wire_ts");
}
