//! `plates_*`: real photos, whole photo in, exact text out, by `borderlane-vision plates` on one thread. Peer: the aim.
//!
//! The photos are those of `../shared/data/plates` (or `$BORDERLANE_DATA/plates`); where they are not there, the group says so and measures
//! nothing. Chinese photos that may be trained on count only where the SHA-256 of their name begins with 0 to 3: those are held out of training.

use crate::figure::{Aim, Fail, Figure, quantile};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const VN_AIM: f64 = 0.97;
const VN_TWO_LINE_AIM: f64 = 0.95;
const CN_AIM: f64 = 0.97;
const MS_AIM: f64 = 15.0;
const FALSE_READS_AIM: f64 = 1.0;

/// What is asked of a photo: its file's name, the plate, the kind of vehicle, the number of lines.
struct Label {
    file: String,
    text: String,
    kind: String,
    two_line: bool,
    trainable: bool,
}

/// What the program said of a photo.
struct Answer {
    texts: Vec<String>,
    ms: f64,
}

pub fn measure(bin: &Path) -> Result<Vec<Figure>, Fail> {
    let root = crate::root()?;
    let data = std::env::var_os("BORDERLANE_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from).join("plates");
    if !data.join("vn/labels.csv").exists() {
        eprintln!("bench: plates skipped: no photos at {}", data.display());
        return Ok(Vec::new());
    }
    let (program, models) = (bin.join("borderlane-vision"), root.join("models"));
    let read = |set: &str| read_set(&program, &models, &data.join(set).join("images"));
    let (vn, cn, neg) = (read("vn")?, read("cn")?, read("neg")?);
    let (vn_labels, cn_labels) = (labels(&data.join("vn"))?, labels(&data.join("cn"))?);
    let mut ms: Vec<f64> = vn.values().chain(cn.values()).map(|answer| answer.ms).collect();
    let false_reads = neg.values().map(|answer| answer.texts.len()).sum::<usize>() as f64 * 1_000.0 / neg.len().max(1) as f64;
    let exact = |name, answers, labels: &[Label], counts: &dyn Fn(&Label) -> bool, aim| {
        Figure::new(name, (share_exact(answers, labels, counts), "share"), aim, Aim::ValueAtLeast(aim))
    };
    Ok(vec![
        exact("plates_vn_exact", &vn, &vn_labels, &|label| label.kind != "motorbike", VN_AIM),
        exact("plates_vn_two_line_exact", &vn, &vn_labels, &|label| label.two_line, VN_TWO_LINE_AIM),
        exact("plates_cn_exact", &cn, &cn_labels, &|label| !label.trainable || is_held_out(&label.file), CN_AIM),
        Figure::new("plates_ms", (quantile(&mut ms, 0.5), "ms"), MS_AIM, Aim::ValueAtMost(MS_AIM)),
        Figure::new("plates_false_reads", (false_reads, "per 1000"), FALSE_READS_AIM, Aim::ValueAtMost(FALSE_READS_AIM)),
    ])
}

fn share_exact(answers: &BTreeMap<String, Answer>, labels: &[Label], counts: &dyn Fn(&Label) -> bool) -> f64 {
    let (mut exact, mut all) = (0_u32, 0_u32);
    for label in labels.iter().filter(|label| counts(label)) {
        all += 1;
        exact += u32::from(answers.get(&label.file).is_some_and(|answer| answer.texts.contains(&label.text)));
    }
    f64::from(exact) / f64::from(all.max(1))
}

fn is_held_out(file: &str) -> bool {
    Sha256::digest(file)[0] < 0x40
}

fn labels(set: &Path) -> Result<Vec<Label>, Fail> {
    let text = std::fs::read_to_string(set.join("labels.csv"))?;
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| heading.iter().position(|one| *one == name).ok_or_else(|| format!("no column {name} in {}", set.display()));
    let (file, plate, kind, lines_at) = (column("file")?, column("plate_text")?, column("kind")?, column("lines")?);
    let label = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default().to_owned();
        // sources may hold commas; the last column is the last field
        let trainable = fields.last() == Some(&"yes");
        Label { file: field(file), text: field(plate), kind: field(kind), two_line: field(lines_at) == "2", trainable }
    };
    Ok(lines.map(label).collect())
}

fn read_set(program: &Path, models: &Path, folder: &Path) -> Result<BTreeMap<String, Answer>, Fail> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.sort();
    let told = Command::new(program).args(["plates", "--json", "--models"]).arg(models).args(&files).output()?;
    let mut answers = BTreeMap::new();
    for line in String::from_utf8(told.stdout)?.lines() {
        let value: serde_json::Value = serde_json::from_str(line)?;
        let name = |value: &serde_json::Value| Path::new(value.as_str()?).file_name()?.to_str().map(str::to_owned);
        let file = name(&value["file"]).ok_or("an answer without a file")?;
        let plates = value["plates"].as_array().map(Vec::as_slice).unwrap_or_default();
        let texts = plates.iter().filter_map(|plate| plate["text"].as_str().map(str::to_owned)).collect();
        answers.insert(file, Answer { texts, ms: value["ms"].as_f64().unwrap_or(f64::NAN) });
    }
    if answers.len() != files.len() {
        return Err(format!("{} of {} photos in {} were answered", answers.len(), files.len(), folder.display()).into());
    }
    Ok(answers)
}
