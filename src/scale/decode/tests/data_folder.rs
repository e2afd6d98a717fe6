//! Every row of the shared data folder.

use super::*;

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
const NOT_YET_TOO: [&str; 4] = ["yaohua-cmd RESPONSE", "yaohua-fwd", "yaohua-rev", "yaohua-rev+dtu-prefix"];

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
        let trimmed = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
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
            assert!(NOT_YET.iter().chain(&NOT_YET_TOO).any(|name| *name == row[0]), "{} is neither decoded nor named as skipped", row[0]);
            skipped += 1;
            continue;
        };
        let bytes = hex::decode(&row[1]).unwrap();
        assert_eq!(decoded(protocol, &bytes), expected(&row, protocol), "{line}");
        let one_by_one: Vec<String> = {
            let mut decoder = decoder(protocol);
            bytes.iter().flat_map(|byte| feed(&mut decoder, &[*byte])).map(|event| words(&event)).collect()
        };
        assert_eq!(one_by_one, expected(&row, protocol), "byte by byte: {line}");
        tested += 1;
    }
    println!("scale frames: {tested} tested, {skipped} of other families skipped by name");
    assert!(tested >= 48, "only {tested} rows tested");
}
