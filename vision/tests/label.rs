//! `borderlane-vision plates --label` as the page and the shell see it; what the page does with it is in tests/browser/label.spec.ts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_borderlane-vision"));
    command.args(["plates", "--models"]).arg(root().join("../models")).arg("--label").arg(folder);
    command
}

fn refusal(folder: &Path) -> String {
    let output = command(folder).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

fn photo() -> Vec<u8> {
    fs::read(root().join("tests/data/vn_one_line_12C34567.jpg")).unwrap()
}

struct Labelling {
    child: Child,
    host: String,
    path: String,
}

impl Drop for Labelling {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Labelling {
    fn start(folder: &Path) -> Self {
        let mut child = command(folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let url = lines.map(|line| line.unwrap()).find_map(|line| line.split_once("http://").map(|(_, url)| url.to_owned())).unwrap();
        let (host, path) = url.split_once('/').unwrap();
        assert!(host.starts_with("127.0.0.1:"), "{host}");
        assert_eq!(path.len(), 33, "a token of 16 bytes");
        Self { host: host.into(), path: format!("/{path}"), child }
    }

    /// Status and body.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n{body}", self.host).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("default-src 'none'") && head.contains("no-store"), "{head}");
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn within(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        self.ask(method, &format!("{}{path}", self.path), body)
    }
}

#[test]
fn what_a_person_says_stands_in_the_sheet_at_once_and_what_stood_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let heading = "file,plate_text,x,y,w,h,kind,lines,colour,source,licence,train_ok,x1,y1,x2,y2,x3,y3,x4,y4";
    let kept = "gone.jpg,29A12345,1,2,30,40,van,2,yellow,gate 2,ours,no,,,,,,,,";
    fs::write(folder.path().join("labels.csv"), format!("{heading}\n{kept}\n")).unwrap();
    fs::write(folder.path().join("a.jpg"), photo()).unwrap();
    fs::write(folder.path().join("b.jpg"), &photo()[..5000]).unwrap();
    fs::write(folder.path().join("words.txt"), "no photo").unwrap();
    let labelling = Labelling::start(folder.path());
    let list: serde_json::Value = serde_json::from_str(&labelling.within("GET", "photos", "").1).unwrap();
    assert_eq!(list["photos"].as_array().unwrap().len(), 2, "{list}");

    let (status, proposal) = labelling.within("GET", "photo/0", "");
    let proposal: serde_json::Value = serde_json::from_str(&proposal).unwrap();
    let plate = &proposal["plates"][0];
    assert_eq!((status, plate["text"].as_str(), plate["colour"].as_str()), (200, Some("12C34567"), Some("white")), "{proposal}");
    let said = serde_json::json!({"plates": [plate]}).to_string();
    assert_eq!(labelling.within("POST", "photo/0", &said), (200, r#"{"done":1}"#.into()));
    let sheet = fs::read_to_string(folder.path().join("labels.csv")).unwrap();
    let lines: Vec<&str> = sheet.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[1]), (3, heading, kept));
    assert!(lines[2].starts_with("a.jpg,12C34567,") && lines[2].contains(",truck,1,white,,,yes,"), "{sheet}");

    let (_, unreadable) = labelling.within("GET", "photo/1", "");
    assert!(unreadable.contains("is cut short"), "{unreadable}");
    for (method, path, body, status) in [
        ("POST", "photo/0", r#"{"plates":[{"text":"12"}]}"#, 400),
        ("POST", "photo/2", r#"{"plates":[]}"#, 404),
        ("GET", "photo/../../../etc/passwd", "", 404),
        ("DELETE", "photo/0", "", 404),
        ("GET", "labels.csv", "", 404),
    ] {
        assert_eq!(labelling.within(method, path, body).0, status, "{method} {path}");
    }
    assert_eq!(labelling.ask("GET", "/photos", "").0, 404, "without the token");
    assert_eq!(fs::read_to_string(folder.path().join("labels.csv")).unwrap(), sheet);
    assert!(refusal(folder.path()).contains("another borderlane-vision labels this folder"));
}

#[test]
fn a_folder_that_cannot_be_labelled_is_told_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refusal(&folder.path().join("absent")).contains("absent: No such file"));
    assert!(refusal(folder.path()).contains("no photos in it"));
    let file = folder.path().join("a.jpg");
    fs::write(&file, photo()).unwrap();
    assert!(refusal(&file).contains("a.jpg: Not a directory"));
    let sheet = folder.path().join("labels.csv");
    for (content, told) in [("plate;file\n", "labels.csv: the first line is not"), ("\u{fffd}", "labels.csv: the first line")] {
        fs::write(&sheet, content).unwrap();
        assert!(refusal(folder.path()).contains(told));
        assert_eq!(fs::read_to_string(&sheet).unwrap(), content, "it may be somebody's work");
    }
    fs::write(&sheet, b"file,plate\xff").unwrap();
    assert!(refusal(folder.path()).contains("labels.csv: stream did not contain valid UTF-8"));
    let both = command(folder.path()).arg(&file).output().unwrap();
    assert_eq!(both.status.code(), Some(2), "a folder to label and files to read are two commands");
}
