//! `plates_*`: real photos, whole photo in, exact text out, by `borderlane-vision plates` on one thread. Peer: `rapidocr-onnxruntime` on one thread, both
//! in turns of [`TURN`] photos, so that both see the same noise of the machine.
//!
//! *Exact*: one of the answers is the label. Told by set and by class (kind of vehicle, lines, colour), with the crops, which are read as they are.
//! *Character error*: edits between the label and the answer that lies on it (of whole photos: by at least [`MIN_OVERLAP`]), over the labels' characters;
//! a plate that was not found counts in full. Where the photos are not there, the group says so and measures nothing.

use crate::figure::{Aim, Count, Fail, Figure, quantile};
use crate::library::Reads;
use crate::photos::{Label, edits, labels, overlap};
use crate::{approach, python};
use lane_core::plate::PlateText;
use lane_link::camera::PlateRead;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const VN_AIM: f64 = 0.97;
const VN_TWO_LINE_AIM: f64 = 0.95;
const CN_AIM: f64 = 0.97;
const MS_AIM: f64 = 15.0;
const MS_RATIO_AIM: f64 = 0.06;
const FALSE_READS_AIM: f64 = 1.0;
/// Photos that each reads before the other goes on.
const TURN: usize = 10;
const MIN_OVERLAP: f64 = 0.3;

/// What a program said of a photo.
#[derive(Debug, Clone, Default)]
struct Answer {
    /// Texts with their places; the peer's have none.
    plates: Vec<(String, Option<[f64; 4]>)>,
    ms: f64,
}

impl Answer {
    fn has(&self, text: &str) -> bool {
        self.plates.iter().any(|(one, _)| one == text)
    }

    /// The text that lies on the label; the first where the label has no place.
    fn on(&self, label: &Label) -> &str {
        let worth = |place: &Option<[f64; 4]>| match (place, &label.place) {
            (Some(place), Some(labelled)) => overlap(place, labelled),
            _ => 1.0,
        };
        let best = self.plates.iter().rev().max_by(|a, b| worth(&a.1).total_cmp(&worth(&b.1)));
        best.filter(|(_, place)| worth(place) >= MIN_OVERLAP).map_or("", |(text, _)| text)
    }
}

type Answers = BTreeMap<PathBuf, Answer>;

pub fn measure(dir: &Path, bin: &Path) -> Result<Vec<Figure>, Fail> {
    let root = crate::root()?;
    let data = approach::data(&root);
    if !data.join("vn/labels.csv").exists() {
        eprintln!("bench: plates skipped: no photos at {}", data.display());
        return Ok(Vec::new());
    }
    let ours = Ours { program: bin.join("borderlane-vision"), models: root.join("models") };
    let mut peer = match python::with_peer(dir).and_then(|python| Peer::start(&python, &root)) {
        Ok(peer) => Some(peer),
        Err(reason) => {
            eprintln!("bench: peer skipped: {reason}");
            None
        }
    };
    let (vn, cn) = (labels(&data, "vn")?, labels(&data, "cn")?);
    let (mut said, mut peer_said) = (Answers::new(), Answers::new());
    let photos: Vec<PathBuf> = vn.iter().chain(&cn).map(|label| label.path.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    for (nth, turn) in photos.chunks(TURN).enumerate() {
        said.extend(ours.read(turn, false)?);
        if let Some(peer) = &mut peer {
            peer_said.extend(peer.read(turn)?);
        }
        if nth % 5 == 4 {
            eprintln!("bench: {} of {} photos", (nth + 1) * TURN, photos.len());
        }
    }
    let mut figures = headline(&vn, &cn, &said, &peer_said);
    let negatives = files(&data.join("neg/images"))?;
    let false_reads: usize = ours.read(&negatives, false)?.values().map(|answer| answer.plates.len()).sum();
    let rate = false_reads as f64 * 1_000.0 / negatives.len().max(1) as f64;
    figures.push(Figure::new("plates_false_reads", (rate, "per 1000"), FALSE_READS_AIM, Aim::ValueAtMost(FALSE_READS_AIM)));
    for (set, labelled) in [("vn", vn), ("cn", cn), ("vn_crops", labels(&data, "vn_crops")?), ("cn_crops", labels(&data, "cn_crops")?)] {
        if set.ends_with("crops") {
            let crops: Vec<PathBuf> = labelled.iter().map(|label| label.path.clone()).collect();
            said.extend(ours.read(&crops, true)?);
        }
        figures.extend(by_class(set, &labelled, &said, &peer_said));
    }
    Ok(figures)
}

fn headline(vn: &[Label], cn: &[Label], said: &Answers, peer_said: &Answers) -> Vec<Figure> {
    let exact = |name: &str, labels: &[Label], counts: &dyn Fn(&Label) -> bool, aim| {
        let picked: Vec<&Label> = labels.iter().filter(|label| counts(label)).collect();
        Figure::share(name, count(&picked, said), peer_share(&picked, peer_said), Aim::ValueAtLeastAndAbovePeer(aim))
    };
    let mut ms: Vec<f64> = said.values().map(|answer| answer.ms).collect();
    let mut peer_ms: Vec<f64> = peer_said.values().map(|answer| answer.ms).collect();
    let (ms, peer_ms) = (quantile(&mut ms, 0.5), quantile(&mut peer_ms, 0.5));
    vec![
        exact("plates_vn_exact", vn, &|label| label.kind != "motorbike", VN_AIM),
        exact("plates_vn_two_line_exact", vn, &|label| label.two_line, VN_TWO_LINE_AIM),
        exact("plates_cn_exact", cn, &|_| true, CN_AIM),
        Figure::new("plates_ms", (ms, "ms"), peer_ms, Aim::ValueAtMost(MS_AIM)),
        Figure::new("plates_ms_ratio", (ms / peer_ms, "of peer"), MS_RATIO_AIM, Aim::ValueAtMost(MS_RATIO_AIM)),
    ]
}

fn count(labels: &[&Label], answers: &Answers) -> Count {
    let hits = labels.iter().filter(|label| answers.get(&label.path).is_some_and(|answer| answer.has(&label.text))).count();
    Count::new(hits as u64, labels.len() as u64)
}

/// Not a number where the peer said nothing of them.
fn peer_share(labels: &[&Label], answers: &Answers) -> f64 {
    if labels.iter().any(|label| answers.contains_key(&label.path)) { count(labels, answers).share() } else { f64::NAN }
}

fn by_class(set: &str, labels: &[Label], said: &Answers, peer_said: &Answers) -> Vec<Figure> {
    let mut classes: BTreeMap<String, Vec<&Label>> = BTreeMap::new();
    for label in labels {
        classes.entry("all".into()).or_default().push(label);
        classes.entry(label.class()).or_default().push(label);
    }
    let mut figures = Vec::new();
    for (class, picked) in classes {
        figures.push(Figure::share(format!("plates_exact/{set} {class}"), count(&picked, said), peer_share(&picked, peer_said), Aim::Told));
        let wrong: u64 = picked.iter().map(|label| edits(said.get(&label.path).map_or("", |answer| answer.on(label)), &label.text)).sum();
        let of: u64 = picked.iter().map(|label| label.text.chars().count() as u64).sum();
        figures.push(Figure::share(format!("plates_character_error/{set} {class}"), Count::new(wrong.min(of), of), f64::NAN, Aim::Told));
    }
    figures
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Fail> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.sort();
    Ok(files)
}

struct Ours {
    program: PathBuf,
    models: PathBuf,
}

impl Ours {
    fn read(&self, photos: &[PathBuf], crops: bool) -> Result<Answers, Fail> {
        let mut command = Command::new(&self.program);
        command.args(["plates", "--json", "--models"]).arg(&self.models).args(crops.then_some("--crops")).args(photos);
        let told = command.output()?;
        let mut answers = Answers::new();
        for line in String::from_utf8(told.stdout)?.lines() {
            let value: serde_json::Value = serde_json::from_str(line)?;
            let plates = value["plates"].as_array().map(Vec::as_slice).unwrap_or_default();
            let place = |plate: &serde_json::Value| serde_json::from_value(plate["box"].clone()).ok();
            let plates = plates.iter().filter_map(|plate| Some((plate["text"].as_str()?.to_owned(), place(plate)))).collect();
            let file = value["file"].as_str().ok_or("an answer without a file")?;
            answers.insert(file.into(), Answer { plates, ms: value["ms"].as_f64().unwrap_or(f64::NAN) });
        }
        if photos.iter().all(|photo| answers.contains_key(photo)) {
            return Ok(answers);
        }
        Err(format!("{} of {} photos were answered: {}", answers.len(), photos.len(), String::from_utf8_lossy(&told.stderr)).into())
    }
}

/// The peer's process, which loads its models once.
struct Peer {
    child: Child,
    asked: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &Path, root: &Path) -> Result<Self, String> {
        let started = Command::new(python)
            .arg(root.join("benches/peer.py"))
            .env("OMP_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = started.map_err(|error| error.to_string())?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(asked), Some(told)) => Ok(Self { child, asked, told: BufReader::new(told) }),
            _ => Err("no pipes".into()),
        }
    }

    fn read(&mut self, photos: &[PathBuf]) -> Result<Answers, Fail> {
        let mut answers = Answers::new();
        for photo in photos {
            writeln!(self.asked, "{}", photo.display())?;
            self.asked.flush()?;
            let mut line = String::new();
            if self.told.read_line(&mut line)? == 0 {
                return Err(format!("the peer ended at {}: {}", photo.display(), self.child.wait()?).into());
            }
            let value: serde_json::Value = serde_json::from_str(&line)?;
            let texts = value["texts"].as_array().map(Vec::as_slice).unwrap_or_default();
            let plates = texts.iter().filter_map(|text| Some((text.as_str()?.to_owned(), None))).collect();
            answers.insert(photo.clone(), Answer { plates, ms: value["ms"].as_f64().unwrap_or(f64::NAN) });
        }
        Ok(answers)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the reader says of the labelled plates of the photos that nothing was trained on: a single frame of each.
pub fn untrained_reads(bin: &Path) -> Result<Vec<(PlateText, Reads)>, Fail> {
    let root = crate::root()?;
    let mut known = Vec::new();
    for set in ["vn", "cn"] {
        let folder = approach::data(&root).join(set).join("images");
        let labels = labels(&approach::data(&root), set)?;
        if labels.is_empty() {
            eprintln!("bench: no photos of {set}: the simulated reads come from rendered vehicles alone");
            continue;
        }
        let told =
            Command::new(bin.join("borderlane-vision")).args(["reads", "--models"]).arg(root.join("models")).arg(&folder).output()?;
        let files = files(&folder)?;
        let mut reads: BTreeMap<&Path, Vec<PlateRead>> = BTreeMap::new();
        for line in String::from_utf8(told.stdout)?.lines() {
            let line: approach::ReadLine = serde_json::from_str(line)?;
            let file = files.get((line.at_ms / approach::FOLDER_FRAME_MS) as usize).ok_or("a read of no photo")?;
            reads.entry(file).or_default().push(line.read);
        }
        for label in labels {
            let near = |read: &PlateRead| label.place.as_ref().map_or(0.0, |place| overlap(&bounds(read), place));
            let best = reads.get(label.path.as_path()).into_iter().flatten().max_by(|a, b| near(a).total_cmp(&near(b)));
            if let (Ok(text), Some(read)) = (PlateText::parse(&label.text), best.filter(|read| near(read) >= MIN_OVERLAP)) {
                known.push((text, vec![(0, read.clone())]));
            }
        }
    }
    Ok(known)
}

fn bounds(read: &PlateRead) -> [f64; 4] {
    let side = |axis: usize| read.quad.iter().map(move |corner| f64::from(corner[axis]));
    let least = |axis| side(axis).fold(f64::INFINITY, f64::min);
    let most = |axis| side(axis).fold(f64::NEG_INFINITY, f64::max);
    [least(0), least(1), most(0) - least(0), most(1) - least(1)]
}
