//! The worker told to show a file that cannot be shown: it says which and why, and goes on beating.

use super::made::{encoded, photo};
use super::{Files, models_folder};
use lane_link::camera::{Decoder, FromWorker, Order, Report};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// The first trouble that the worker tells of this source.
fn trouble(source: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_borderlane-vision"));
    command.args(["worker", "--camera", "front", "--source", source, "--models"]).arg(models_folder());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut decoder, mut chunk) = (Decoder::new(), [0; 4096]);
    let (mut told, mut beats_after) = (None, 0);
    while told.is_none() || beats_after < 2 {
        match decoder.next_from_worker().unwrap() {
            Some(FromWorker::Report(Report::Problem { what })) => told = Some(what),
            Some(FromWorker::Report(Report::Beat { .. })) if told.is_some() => beats_after += 1,
            Some(_) => {}
            None => {
                let length = stdout.read(&mut chunk).unwrap();
                assert!(length > 0, "the worker ended");
                decoder.push(&chunk[..length]);
            }
        }
    }
    stdin.write_all(&Order::Quit.encode().unwrap()).unwrap();
    drop((stdin, stdout));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    told.unwrap()
}

#[test]
fn a_file_that_cannot_be_shown_is_told_with_its_name_and_the_worker_goes_on() {
    let mut files = Files::new();
    let jpeg = encoded(".jpg", &photo());
    let mut broken = encoded(".png", &photo());
    let middle = broken.len() / 2;
    broken[middle..middle + 64].fill(0);
    files.add("cut.jpg", &jpeg[..jpeg.len() / 2], "is cut short");
    files.add("broken.png", &broken, "cannot be decoded");
    files.add("moving.gif", b"GIF89a\x10\0\x10\0", "is a GIF");
    files.add("nothing.mp4", b"", "is empty");
    files.add("header.mp4", b"\0\0\0\x18ftypisom\0\0\x02\0isommp41", "is a video that cannot be opened");
    for (path, reason) in
        files.named.iter().chain(&[(files.folder.path().to_owned(), "is a folder"), (files.path("absent"), "No such file")])
    {
        let told = trouble(&format!("file:{}", path.display()));
        assert!(told.starts_with(&path.display().to_string()) && told.contains(reason), "{told}");
    }
    let again = trouble(&format!("loop:{}", files.path("cut.jpg").display()));
    assert!(again.contains("cut.jpg") && again.contains("is cut short"), "{again}");
}
