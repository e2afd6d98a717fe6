//! `borderlane keys` through its own door: files as a technician makes and carries them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use borderlane::cli::keys::{KeysArgs, run};
use borderlane_central::keys::KeyFolder;
use clap::Parser;
use lane_link::hex_bytes::{Hex32, HexBytes};
use lane_link::topics::Name;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    keys: KeysArgs,
}

/// Exit code, standard output, standard error.
fn keys(args: &[&str]) -> (u8, String, String) {
    let cli = Cli::try_parse_from(["keys"].iter().chain(args)).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(&cli.keys, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap().trim().to_owned(), String::from_utf8(err).unwrap())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_lanes_key_is_made_once_and_closed_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lane.key");
    let (code, public, _) = keys(&["make", text(&file)]);
    assert_eq!(code, 0);
    assert!(public.parse::<Hex32>().is_ok(), "{public}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o400);
    assert_eq!(keys(&["show", text(&file)]), (0, public, String::new()));
    let before = std::fs::read(&file).unwrap();
    assert_eq!(keys(&["make", text(&file)]).0, 1, "an existing key is never touched");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
    let (code, _, why) = keys(&["show", text(&file)]);
    assert!(code == 1 && why.contains("chmod 0400"), "{why}");
}

#[test]
fn a_key_list_is_taken_from_the_pinned_root_and_never_an_older_one() {
    let dir = tempfile::tempdir().unwrap();
    let folder = KeyFolder::new(&dir.path().join("centre"), &Name::new("huu-nghi").unwrap());
    let root = folder.init(1_000).unwrap().to_string();
    let list = dir.path().join("centre/key-list.json");
    let first = dir.path().join("first.json");
    std::fs::copy(&list, &first).unwrap();
    folder.add_lane(&Name::new("lane-1").unwrap(), HexBytes([0x58; 32]), 2_000).unwrap_err();
    let lane = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    folder.add_lane(&Name::new("lane-1").unwrap(), HexBytes(lane.verifying_key().to_bytes()), 2_000).unwrap();
    let kept = dir.path().join("kept.json");
    let import = |list: &Path, site: &str, root: &str| keys(&["import", text(list), "--site", site, "--root", root, "--kept", text(&kept)]);
    assert_eq!(import(&list, "huu-nghi", &root).1, "key list 2 is in use");
    assert_eq!(import(&list, "huu-nghi", &root).1, "key list 2 was in use already");
    let (code, _, why) = import(&first, "huu-nghi", &root);
    assert!(code == 1 && why.contains("version 1") && why.contains('2'), "{why}");
    assert_eq!(import(&list, "tan-thanh", &root).0, 1, "another site");
    let stranger = ed25519_dalek::SigningKey::from_bytes(&[8; 32]);
    let other = HexBytes(stranger.verifying_key().to_bytes()).to_string();
    std::fs::remove_file(&kept).unwrap();
    assert_eq!(import(&list, "huu-nghi", &other).0, 1, "another root");
    assert!(!kept.exists());
}
