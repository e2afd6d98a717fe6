//! Through the front door: words as typed, streams as given.

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
    let door = Door::try_parse_from(std::iter::once("scale").chain(words.split(' '))).unwrap_or_else(|error| panic!("{error}"));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(&door.scale, &mut &*stdin, &mut out, &mut err);
    Said { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

#[test]
fn every_protocol_is_listed_with_one_line_and_can_be_asked_for_by_that_name() {
    let said = typed("protocols", b"");
    assert_eq!((said.code, said.out.lines().count(), said.err.as_str()), (0, Protocol::ALL.len(), ""));
    for line in said.out.lines() {
        let name = line.split(' ').next().unwrap();
        assert_eq!(typed(&format!("decode --protocol {name} -"), b"").code, 0, "{name}");
    }
}

#[test]
fn one_json_object_a_frame_good_or_bad() {
    let capture = b"weigh 02 2B\n303135363030 3139 03\n022B30303030303030314403 024145303403 022B3030";
    let said = typed("decode --protocol yaohua-cont --json -", &capture[6..]);
    let bad = r#"{"weight_kg": null, "stable": null, "kind": null, "problem": "bad_check"}"#;
    assert_eq!((said.code, said.out.as_str()), (0, format!("{bad}\n").as_str()), "eleven bytes are no frame");
    assert!(said.err.contains("wrong_length"), "{}", said.err);

    let said = typed("decode --protocol and-generic --raw --json -", b"US,NT,-113.0254kg\r\nST,GS,+0095372lb\r\nST,TR,+00.3200kg\r\n");
    let objects: Vec<serde_json::Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects[0], serde_json::json!({"weight_kg": -113.0254, "stable": false, "kind": "net", "problem": null}));
    assert_eq!(objects[1], serde_json::json!({"weight_kg": null, "stable": true, "kind": "gross", "problem": "unit"}));
    assert!(said.out.lines().nth(2).unwrap().starts_with(r#"{"weight_kg": 0.32, "#), "{}", said.out);
    assert_eq!(objects.len(), 3);
}

#[test]
fn without_json_a_person_can_read_it() {
    let said = typed("decode --protocol vishay-leo-2scale --raw -", b"P+123.45@+678.90\rX+080020P+000000\rP+1\r");
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
    assert!(said.out.contains(": 1560,") && said.err.contains("--digits seven"), "{} {}", said.out, said.err);
    let said = typed("decode --protocol keli-d2008-12 --digits seven --json -", capture);
    assert!(said.out.contains(": 15600,") && !said.err.contains("note"), "{} {}", said.out, said.err);
    let said = typed("decode --protocol yaohua-cont --unit t --json -", capture);
    assert!(said.out.contains(": 1560000,"), "{}", said.out);
    let said = typed("decode --protocol yaohua-cont --digits seven --json -", capture);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
}

#[test]
fn bad_hex_is_told_with_line_and_column() {
    let cases: [(&[u8], &str); 5] = [
        (b"02 2B\r\n30 3G\n", "standard input, line 2, column 5: 'G' is no hex digit"),
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
    let said = typed(&format!("decode --protocol vishay-leo --json {}", path.display()), b"");
    assert_eq!(said.out, "{\"weight_kg\": 31790, \"stable\": true, \"kind\": \"gross\", \"problem\": null}\n");
    let said = typed(&format!("decode --protocol vishay-leo {}", folder.path().join("none").display()), b"");
    assert!(said.code == 2 && said.err.contains("cannot be read"), "{}", said.err);
    File::create(&path).unwrap().set_len(MAX_CAPTURE_BYTES + 1).unwrap();
    let said = typed(&format!("decode --protocol vishay-leo --raw {}", path.display()), b"");
    assert!(said.code == 2 && said.err.contains("is longer than 16777216 bytes"), "{}", said.err);
}

#[test]
fn an_unknown_protocol_is_refused_with_the_names_that_exist() {
    let error = Door::try_parse_from(["scale", "decode", "--protocol", "yaohua", "-"]).err().unwrap();
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
    let door = Door::try_parse_from(["scale", "protocols"]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(run(&door.scale, &mut io::empty(), &mut Full, &mut Vec::new()), 1);
}
