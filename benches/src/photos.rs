//! The real photos of `../shared/data/plates` (or `$BORDERLANE_DATA/plates`) and their labels.
//!
//! Chinese photos may be trained on but for those whose name's SHA-256 begins with a hex digit 0 to 3: only these are measured.

use crate::figure::Fail;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A labelled plate.
#[derive(Debug, Clone)]
pub struct Label {
    pub path: PathBuf,
    pub text: String,
    /// Left, top, width, height in pixels; none of a crop.
    pub place: Option<[f64; 4]>,
    pub kind: String,
    pub two_line: bool,
    pub colour: String,
}

impl Label {
    /// Kind, lines and colour: what is measured apart.
    pub fn class(&self) -> String {
        let or = |text: &str| if text.is_empty() { "?" } else { text }.to_owned();
        format!("{} {}-line {}", or(&self.kind), if self.two_line { 2 } else { 1 }, or(&self.colour))
    }
}

/// The labels of a set that nothing was trained on; none where the set is not there.
pub fn labels(data: &Path, set: &str) -> Result<Vec<Label>, Fail> {
    let folder = data.join(set);
    let Ok(text) = std::fs::read_to_string(folder.join("labels.csv")) else { return Ok(Vec::new()) };
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column =
        |name: &str| heading.iter().position(|one| *one == name).ok_or_else(|| format!("no column {name} in {}", folder.display()));
    let [file, plate, kind, lines_at, colour, x] =
        [column("file")?, column("plate_text")?, column("kind")?, column("lines")?, column("colour")?, column("x")?];
    let label = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        // sources may hold commas; the last column is the last field
        let trained = fields.last() == Some(&"yes") && !is_held_out(field(file));
        let number = |at: usize| field(at).parse::<f64>().ok();
        let place = (|| Some([number(x)?, number(x + 1)?, number(x + 2)?, number(x + 3)?]))();
        (!trained && !field(file).is_empty()).then(|| Label {
            path: folder.join("images").join(field(file)),
            text: field(plate).to_owned(),
            place,
            kind: field(kind).to_owned(),
            two_line: field(lines_at) == "2",
            colour: field(colour).to_owned(),
        })
    };
    Ok(lines.filter_map(label).collect())
}

fn is_held_out(file: &str) -> bool {
    Sha256::digest(file)[0] < 0x40
}

/// Intersection over union.
pub fn overlap(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let wide = (a[0] + a[2]).min(b[0] + b[2]) - a[0].max(b[0]);
    let high = (a[1] + a[3]).min(b[1] + b[3]) - a[1].max(b[1]);
    if wide <= 0.0 || high <= 0.0 { 0.0 } else { wide * high / (a[2] * a[3] + b[2] * b[3] - wide * high) }
}

/// Least number of characters to put in, leave out or change (Levenshtein).
pub fn edits(a: &str, b: &str) -> u64 {
    let b: Vec<char> = b.chars().collect();
    let mut line: Vec<u64> = (0..=b.len() as u64).collect();
    for (i, x) in (1_u64..).zip(a.chars()) {
        let mut last = std::mem::replace(&mut line[0], i);
        for (j, y) in b.iter().enumerate() {
            let better = (line[j + 1] + 1).min(line[j] + 1).min(last + u64::from(x != *y));
            last = std::mem::replace(&mut line[j + 1], better);
        }
    }
    line[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (a, b, count) in [("", "", 0), ("12C", "", 3), ("", "桂F", 2), ("12C34567", "12G3457", 2), ("kitten", "sitting", 3)] {
            assert_eq!(edits(a, b), count, "{a} {b}");
        }
    }

    #[test]
    fn boxes_overlap_by_their_share() {
        let one = [0.0, 0.0, 10.0, 10.0];
        assert!((overlap(&one, &one) - 1.0).abs() < 1e-9);
        assert!((overlap(&one, &[5.0, 0.0, 10.0, 10.0]) - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(overlap(&one, &[10.0, 0.0, 5.0, 5.0]), 0.0);
    }

    #[test]
    fn what_was_trained_on_is_not_measured() {
        let data = std::env::temp_dir().join(format!("borderlane-photos-{}", std::process::id()));
        std::fs::create_dir_all(data.join("cn")).unwrap();
        // the SHA-256 of 1.jpg begins with 4, that of 5.jpg with 3
        let rows = "file,plate_text,x,y,w,h,kind,lines,colour,source,licence,train_ok\n1.jpg,A1,1,2,3,4,car,1,blue,a,Apache-2.0,yes\n\
                    5.jpg,A2,1,2,3,4,truck,2,yellow,\"a, b\",Apache-2.0,yes\n1.jpg,A3,,,,,car,1,,a,?,no\n";
        std::fs::write(data.join("cn/labels.csv"), rows).unwrap();
        let found = labels(&data, "cn").unwrap();
        std::fs::remove_dir_all(&data).unwrap();
        let classes: Vec<(String, String)> = found.iter().map(|label| (label.text.clone(), label.class())).collect();
        assert_eq!(classes, [("A2".into(), "truck 2-line yellow".into()), ("A3".into(), "car 1-line ?".into())]);
        assert_eq!((found[0].place, found[1].place), (Some([1.0, 2.0, 3.0, 4.0]), None));
        assert!(labels(&data, "nowhere").unwrap().is_empty());
    }
}
