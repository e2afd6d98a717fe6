//! What is odd is read, what is wrong is told: by name and reason, with the right exit code, and nothing else of the same call disturbed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod made;
mod models;
mod worker;

use made::{TEXT, animated_png, cmyk, converted, encoded, fifty_megapixels, fixture, photo, sixteen_bit, tiff, turned, video};
use opencv::core::{ROTATE_90_CLOCKWISE, ROTATE_90_COUNTERCLOCKWISE, ROTATE_180};
use opencv::imgproc::{COLOR_BGR2BGRA, COLOR_BGR2GRAY};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn models_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models")
}

fn plates(files: &[PathBuf]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_borderlane-vision"));
    command.args(["plates", "--json", "--models"]).arg(models_folder()).arg("--").args(files);
    command
}

/// The answers, one a file, and what was said on standard error.
fn answers(output: &Output) -> (Vec<serde_json::Value>, String) {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let answers = String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (answers, told)
}

struct Files {
    folder: TempDir,
    named: Vec<(PathBuf, &'static str)>,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), named: Vec::new() }
    }

    fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.folder.path().join(name.as_ref())
    }

    /// A file with what is expected of it: a text, or a part of the reason.
    fn add(&mut self, name: impl AsRef<OsStr>, content: &[u8], expected: &'static str) {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        self.named.push((path, expected));
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.named.iter().map(|(path, _)| path.clone()).collect()
    }
}

#[test]
fn a_plate_is_read_in_every_form_that_a_picture_comes_in() {
    let mut files = Files::new();
    let colour = photo();
    let grey = converted(&colour, COLOR_BGR2GRAY);
    let alpha = converted(&colour, COLOR_BGR2BGRA);
    for (name, bytes) in [
        ("grey.jpg", encoded(".jpg", &grey)),
        ("grey.png", encoded(".png", &grey)),
        ("grey.bmp", encoded(".bmp", &grey)),
        ("colour.bmp", encoded(".bmp", &colour)),
        ("still.webp", encoded(".webp", &colour)),
        ("alpha.png", encoded(".png", &alpha)),
        ("deep-grey.png", encoded(".png", &sixteen_bit(&grey))),
        ("deep.png", encoded(".png", &sixteen_bit(&colour))),
        ("deep-alpha.png", encoded(".png", &sixteen_bit(&alpha))),
        ("packed.tiff", encoded(".tiff", &colour)),
        ("plain.tiff", tiff(&colour)),
        ("deep.tiff", encoded(".tiff", &sixteen_bit(&colour))),
        ("deep-grey.tiff", tiff(&sixteen_bit(&grey))),
        ("print.jpg", cmyk()),
        ("turned-3.jpg", turned(3, ROTATE_180)),
        ("turned-6.jpg", turned(6, ROTATE_90_COUNTERCLOCKWISE)),
        ("turned-8.jpg", turned(8, ROTATE_90_CLOCKWISE)),
        ("animated.png", animated_png()),
        ("no-name-of-a-picture", encoded(".jpg", &colour)),
        ("-dash.jpg", encoded(".jpg", &colour)),
    ] {
        files.add(name, &bytes, TEXT);
    }
    files.add(OsStr::from_bytes(b"not-\xff-utf8.jpg"), &encoded(".jpg", &colour), TEXT);
    for name in ["one-frame.mp4", "one-frame.avi"] {
        video(&files.path(name), 1);
        let path = files.path(name);
        files.named.push((path, TEXT));
    }
    video(&files.path(OsStr::from_bytes(b"ok.mp4")), 2);
    let odd = files.path(OsStr::from_bytes(b"video-\xfe.mp4"));
    fs::rename(files.path("ok.mp4"), &odd).unwrap();
    files.named.push((odd, TEXT));
    let output = plates(&files.paths()).output().unwrap();
    let (answers, told) = answers(&output);
    assert_eq!(told, "");
    assert!(output.status.success());
    assert_eq!(answers.len(), files.named.len());
    for ((path, text), answer) in files.named.iter().zip(&answers) {
        assert_eq!(answer["plates"][0]["text"], *text, "{}: {answer}", path.display());
    }
}

/// Peak of resident memory in KiB of a call that reads this file, and its output.
fn peak_kib(file: PathBuf) -> (u64, Output) {
    let mut command = plates(&[file]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let watch = std::thread::spawn(move || {
        let mut peak = 0;
        while let Some(line) =
            fs::read_to_string(&status).ok().and_then(|text| text.lines().find(|l| l.starts_with("VmHWM")).map(str::to_owned))
        {
            peak = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        peak
    });
    let output = child.wait_with_output().unwrap();
    (watch.join().unwrap(), output)
}

#[test]
fn fifty_megapixels_are_read_in_bounded_memory() {
    let mut files = Files::new();
    let large = fifty_megapixels();
    files.add("small.jpg", &encoded(".jpg", &photo()), TEXT);
    files.add("large.jpg", &encoded(".jpg", &large), TEXT);
    files.add("large.bmp", &encoded(".bmp", &large), TEXT);
    drop(large);
    let [small, jpeg, bitmap]: [u64; 3] = files
        .paths()
        .into_iter()
        .map(|path| {
            let name = path.display().to_string();
            let (peak, output) = peak_kib(path);
            let (answers, told) = answers(&output);
            assert_eq!((answers[0]["plates"][0]["text"].as_str(), told.as_str()), (Some(TEXT), ""), "{name}: {answers:?}");
            peak
        })
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    println!("peak of resident memory: {small} KiB for a small picture, {jpeg} for a JPEG of 50 megapixels, {bitmap} for a bitmap");
    // 150 MB of pixels, and the file itself
    assert!(jpeg - small < 250_000, "{jpeg} - {small} KiB");
    assert!(bitmap - small < 400_000, "{bitmap} - {small} KiB");
}

fn with_size(mut bytes: Vec<u8>, at: usize, size: &[u8]) -> Vec<u8> {
    bytes[at..at + size.len()].copy_from_slice(size);
    bytes
}

fn too_large(files: &mut Files) {
    let small = &photo();
    let jpeg = encoded(".jpg", small);
    let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    files.add("bomb.jpg", &with_size(jpeg, frame + 5, &[0xff, 0xff, 0xff, 0xff]), "is 65535 x 65535 pixels, more than 65000000 pixels");
    files.add("bomb.png", &with_size(encoded(".png", small), 16, &[0, 0, 0x40, 0, 0, 0, 0x40, 0]), "is 16384 x 16384 pixels, more than");
    files.add("bomb.bmp", &with_size(encoded(".bmp", small), 18, &[0, 0x40, 0, 0, 0, 0x40, 0, 0]), "is 16384 x 16384 pixels, more than");
    let mut extended = b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0".to_vec();
    extended.resize(40, 0);
    files.add("bomb.webp", &extended, "is 16384 x 16384 pixels, more than");
    let path = files.path("endless.jpg");
    fs::write(&path, encoded(".jpg", small)).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(201 * 1024 * 1024).unwrap();
    files.named.push((path, "has 210763776 bytes, more than 209715200, and is not a video"));
}

fn not_whole(files: &mut Files) {
    let small = &photo();
    for (name, bytes, told) in [
        ("cut.jpg", encoded(".jpg", small), "is cut short: the JPEG"),
        ("cut.png", encoded(".png", small), "is cut short: the PNG"),
        ("cut.bmp", encoded(".bmp", small), "is cut short: the BMP"),
        ("cut.tiff", encoded(".tiff", small), "is cut short: the TIFF"),
        ("cut.webp", encoded(".webp", small), "is cut short: the WebP"),
    ] {
        files.add(name, &bytes[..bytes.len() / 2], told);
    }
    let mut broken = encoded(".png", small);
    let middle = broken.len() / 2;
    broken[middle..middle + 64].fill(0);
    files.add("broken.png", &broken, "cannot be decoded");
    let mut broken = encoded(".jpg", small);
    let tables = broken.windows(2).position(|two| two == [0xff, 0xc4]).unwrap();
    broken[tables + 5..tables + 20].fill(0xff);
    files.add("broken.jpg", &broken, "cannot be decoded");
    files.add("gif.gif", b"GIF89a\x10\0\x10\0\x80\0\0\0\0\0\xff\xff\xff", "is a GIF, which is not taken");
    files.add("moving.webp", &[&b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\x02"[..], &[9; 19]].concat(), "is an animated WebP, which is not taken");
    files.add("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is an HEIC or AVIF picture, which is not taken");
    files.add("words.jpg", b"this is no picture", "is not a picture");
    files.add("nothing.jpg", b"", "is empty");
    files.add("tiny.png", &encoded(".png", &opencv::core::Mat::roi(small, opencv::core::Rect::new(0, 0, 4, 4)).unwrap()), "too small");
}

fn no_video(files: &mut Files) {
    files.add("nothing.mp4", b"", "is empty");
    files.add("header.mp4", b"\0\0\0\x18ftypisom\0\0\x02\0isommp41", "is a video that cannot be opened");
    let path = files.path("whole.mp4");
    video(&path, 5);
    let whole = fs::read(&path).unwrap();
    files.add("cut.mp4", &whole[..whole.len() / 2], "is a video that cannot be opened");
    let path = files.path("whole.avi");
    video(&path, 5);
    let mut blank = fs::read(&path).unwrap();
    let frames = blank.windows(4).position(|four| four == b"movi").unwrap() + 4;
    let mut at = frames;
    // the frames' chunks stay where they are, what they hold is nothing
    while blank.get(at..at + 4) == Some(b"00dc") {
        let length = u32::from_le_bytes(blank[at + 4..at + 8].try_into().unwrap()) as usize;
        blank[at + 8..at + 8 + length].fill(0);
        at += 8 + length + length % 2;
    }
    assert!(at > frames);
    files.add("blank.avi", &blank, "is a video without frames");
}

fn no_files(files: &mut Files) {
    let named = [("folder", "is a folder, not a file"), ("pipe", "is a pipe, not a file"), ("absent.jpg", "No such file")];
    for (name, told) in named {
        files.named.push((files.path(name), told));
    }
    fs::create_dir(files.path("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(files.path("pipe")).status().unwrap().success());
    std::os::unix::fs::symlink(files.path("round.jpg"), files.path("round.jpg")).unwrap();
    files.named.push((files.path("round.jpg"), "symbolic links"));
    files.named.push(("/dev/zero".into(), "is a device, not a file"));
    files.named.push((files.path(OsStr::from_bytes(b"absent-\xff.jpg")), "No such file"));
}

#[test]
fn every_bad_file_is_told_by_name_and_reason_and_the_others_are_read() {
    let mut files = Files::new();
    too_large(&mut files);
    not_whole(&mut files);
    no_video(&mut files);
    no_files(&mut files);
    let bad = files.named.clone();
    // a good one between any two bad ones: nothing that came before may disturb it
    let asked: Vec<PathBuf> = bad.iter().flat_map(|(path, _)| [path.clone(), fixture()]).collect();
    let output = plates(&asked).output().unwrap();
    let (answers, told) = answers(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(answers.len(), asked.len());
    for (number, (path, reason)) in bad.iter().enumerate() {
        let answer = &answers[2 * number];
        assert!(answer["error"].as_str().unwrap_or_default().contains(reason), "{answer} should say {reason:?}");
        assert_eq!(answers[2 * number + 1]["plates"][0]["text"], TEXT, "after {}", path.display());
        let line = format!("{}: ", path.display());
        assert!(told.lines().any(|told| told.starts_with(&line) && told.contains(reason)), "{told}");
    }
    assert_eq!(told.lines().count(), bad.len(), "a line a file, and no library's own words: {told}");
}

#[test]
fn a_picture_that_is_damaged_in_the_middle_is_read_as_far_as_it_goes_and_in_silence() {
    let mut files = Files::new();
    let mut bytes = encoded(".jpg", &photo());
    let at = bytes.len() - bytes.len() / 20;
    bytes[at..at + 200].fill(0x11);
    files.add("damaged.jpg", &bytes, TEXT);
    let output = plates(&files.paths()).output().unwrap();
    let (answers, told) = answers(&output);
    assert_eq!((answers[0]["plates"][0]["text"].as_str(), told.as_str()), (Some(TEXT), ""));
    let loud = plates(&files.paths()).env("OPENCV_LOG_LEVEL", "INFO").output().unwrap();
    assert!(String::from_utf8_lossy(&loud.stderr).contains("Corrupt JPEG"), "the libraries' words are there for who asks for them");
}

#[test]
fn a_file_that_may_not_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let mut files = Files::new();
    files.add("secret.jpg", &encoded(".jpg", &photo()), "Permission denied");
    files.add("open.jpg", &encoded(".jpg", &photo()), TEXT);
    fs::set_permissions(files.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(files.path("secret.jpg"), fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = plates(&files.paths());
    if fs::read(files.path("secret.jpg")).is_ok() {
        // root may read everything: as nobody, if nobody may run the program
        command.uid(65_534);
        let may_run = Command::new(env!("CARGO_BIN_EXE_borderlane-vision")).arg("--version").uid(65_534).output();
        if !may_run.is_ok_and(|output| output.status.success()) {
            println!("skipped: this runs as root, and another user cannot run the program where it lies");
            return;
        }
    }
    let output = command.output().unwrap();
    let (answers, told) = answers(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(answers[0]["error"].as_str().unwrap().contains("Permission denied"), "{told}");
    assert_eq!(answers[1]["plates"][0]["text"], TEXT);
}

#[test]
fn nobody_who_reads_the_answers_is_no_panic() {
    let mut child = plates(&vec![fixture(); 40]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("Broken pipe") && !told.contains("panicked"), "{told}");
}

fn copy_models(to: &Path) {
    for name in ["manifest.json", "detector.onnx", "refiner.onnx", "reader.onnx"] {
        fs::copy(models_folder().join(name), to.join(name)).unwrap();
    }
}
