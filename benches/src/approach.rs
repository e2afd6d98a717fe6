//! `plates_first_frame_exact`, `plates_fused_exact`: rendered vehicles come from far to near (`models/training/approach.py`), their frames go
//! through `borderlane-vision reads`, the reads through the lane itself.
//!
//! ```text
//! approach.py ─JPEG frames─▶ borderlane-vision reads ─PlateRead─▶ lane_core::Lane ─▶ the plate that the officer sees
//! ```
//!
//! *First frame*: the best text of the first frame in which anything was read. *Fused*: the text of the lane's view of the vehicle after its last frame.
//! Told by class of plate and by what was done to the picture. What was misread stands in `approach-misses.jsonl` of the working folder, all reads in
//! `approach-reads.jsonl`: the group `opening` draws from them. Half of the backgrounds are the photos of `../shared/data/plates/neg`, where they are there.

use crate::figure::{Aim, Count, Fail, Figure};
use crate::{lane_rate, python};
use borderlane::runtime::devices::core_read;
use lane_core::input::{Camera, Input};
use lane_core::plate::PlateText;
use lane_core::time::Mono;
use lane_link::camera::PlateRead;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Time between the pictures of a folder, as `borderlane-vision reads` takes it.
pub const FOLDER_FRAME_MS: u64 = 125;
const FUSED_AIM: f64 = 0.995;
/// Misses told one by one.
const TOLD_MISSES: usize = 20;

/// What stands on a vehicle's plate, and what was done to its pictures: a line of approach.py's truth file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Truth {
    pub vehicle: u64,
    pub text: String,
    pub class: String,
    pub lines: u8,
    pub effects: Vec<String>,
    pub px: [u32; 2],
}

/// A line of `borderlane-vision reads`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadLine {
    pub vehicle: u64,
    pub at_ms: u64,
    pub read: PlateRead,
}

/// A vehicle with its reads, in order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seen {
    pub truth: Truth,
    pub reads: Vec<ReadLine>,
}

pub fn measure(dir: &Path, bin: &Path, vehicles: usize) -> Result<Vec<Figure>, Fail> {
    let seen = collect(dir, bin, vehicles)?;
    let judged: Vec<Judged> = seen.iter().map(judge).collect::<Result<_, _>>()?;
    let misses: Vec<&Judged> = judged.iter().filter(|one| !one.fused).collect();
    let mut file = std::fs::File::create(dir.join("approach-misses.jsonl"))?;
    for (nth, miss) in misses.iter().enumerate() {
        writeln!(file, "{}", serde_json::to_string(miss)?)?;
        if nth < TOLD_MISSES {
            let Judged { truth: Truth { vehicle, text, class, effects, px, .. }, said, .. } = miss;
            eprintln!("bench: vehicle {vehicle} {text} ({class}, {px:?} px, {effects:?}) fused as {said}");
        }
    }
    let share = |pick: &dyn Fn(&Judged) -> bool, hit: &dyn Fn(&Judged) -> bool| {
        let of: Vec<&Judged> = judged.iter().filter(|one| pick(one)).collect();
        Count::new(of.iter().filter(|one| hit(one)).count() as u64, of.len() as u64)
    };
    let all = |_: &Judged| true;
    let mut figures = vec![
        Figure::share("plates_first_frame_exact", share(&all, &|one| one.first), f64::NAN, Aim::Told),
        Figure::share("plates_fused_exact", share(&all, &|one| one.fused), FUSED_AIM, Aim::ValueAtLeast(FUSED_AIM)),
    ];
    let mut keys: Vec<(&str, String)> = Vec::new();
    keys.extend(judged.iter().map(|one| ("class", one.truth.class.clone())));
    keys.extend(judged.iter().map(|one| ("lines", one.truth.lines.to_string())));
    keys.extend(judged.iter().flat_map(|one| one.truth.effects.iter().map(|effect| ("effect", effect.clone()))));
    keys.sort();
    keys.dedup();
    for (what, key) in keys {
        let pick = |one: &Judged| match what {
            "class" => one.truth.class == key,
            "lines" => one.truth.lines.to_string() == key,
            _ => one.truth.effects.contains(&key),
        };
        figures.push(Figure::share(format!("plates_fused_exact/{what} {key}"), share(&pick, &|one| one.fused), f64::NAN, Aim::Told));
    }
    Ok(figures)
}

/// What became of a vehicle.
#[derive(Debug, Serialize)]
struct Judged {
    truth: Truth,
    first: bool,
    fused: bool,
    /// The lane's text; empty: nothing was read.
    said: String,
    /// The best text of every read.
    frames: Vec<String>,
}

fn judge(seen: &Seen) -> Result<Judged, Fail> {
    let frames: Vec<String> = seen.reads.iter().map(|line| line.read.best_text()).collect();
    // a trailer's plate is at its tail
    let camera = if seen.truth.class.contains("trailer") { Camera::Rear } else { Camera::Front };
    let said = lane_text(camera, &seen.reads)?.map(|text| text.to_string()).unwrap_or_default();
    Ok(Judged { first: frames.first() == Some(&seen.truth.text), fused: said == seen.truth.text, said, frames, truth: seen.truth.clone() })
}

/// The plate that the lane shows of these reads of its camera.
fn lane_text(camera: Camera, reads: &[ReadLine]) -> Result<Option<PlateText>, Fail> {
    const HERE_MS: u64 = 1_000;
    let mut lane = lane_rate::lane();
    let mut now = HERE_MS;
    lane.handle(Mono(now), Input::Signals(lane_rate::image(Mono(now), true)));
    for line in reads {
        now = 2 * HERE_MS + line.at_ms;
        lane.handle(Mono(now), Input::Signals(lane_rate::image(Mono(now), true)));
        let read = core_read(&line.read).ok_or("a read that the core does not take")?;
        let track = u32::try_from(line.read.track)?;
        lane.handle(Mono(now), Input::PlateRead { camera, track, acquired_at: Mono(now), read: Box::new(read) });
        while lane.poll_effect().is_some() {}
    }
    let vehicle = lane.view(Mono(now)).at_boom.ok_or("the lane sees no vehicle")?;
    Ok(vehicle.plates.iter().find(|plate| plate.camera == camera).map(|plate| plate.text))
}

/// The vehicles that lie in the working folder, if there are any and nothing that reads is younger.
pub fn kept(dir: &Path, bin: &Path) -> Option<Vec<Seen>> {
    let file = dir.join("approach-reads.jsonl");
    let made = |path: &Path| std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let since = made(&file)?;
    for maker in [bin.join("borderlane-vision"), crate::root().ok()?.join("models/manifest.json")] {
        if made(&maker)? > since {
            return None;
        }
    }
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().map(|line| serde_json::from_str(line).ok()).collect()
}

/// Draws and reads so many vehicles, on all cores, and keeps what was read.
pub fn collect(dir: &Path, bin: &Path, vehicles: usize) -> Result<Vec<Seen>, Fail> {
    let python = python::that_draws(dir)?;
    let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(vehicles.max(1));
    let (begun, done) = (std::time::Instant::now(), AtomicUsize::new(0));
    let progress = || {
        let done = done.fetch_add(1, Relaxed) + 1;
        if done.is_multiple_of((vehicles / 20).max(1)) {
            eprintln!("bench: {done} of {vehicles} vehicles after {} s", begun.elapsed().as_secs());
        }
    };
    let parts: Vec<Result<Vec<Seen>, Fail>> = std::thread::scope(|scope| {
        let part = |job: usize| {
            let (first, after) = (vehicles * job / jobs, vehicles * (job + 1) / jobs);
            let (dir, python, progress) = (dir.join(format!("approach-{job}")), &python, &progress);
            scope.spawn(move || drive(&dir, bin, python, (first, after - first), progress))
        };
        let threads: Vec<_> = (0..jobs).map(part).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a thread ended badly".into()))).collect()
    });
    let seen: Vec<Seen> = parts.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let mut file = std::io::BufWriter::new(std::fs::File::create(dir.join("approach-reads.jsonl"))?);
    for one in &seen {
        writeln!(file, "{}", serde_json::to_string(one)?)?;
    }
    file.flush()?;
    Ok(seen)
}

/// One renderer and one reader, joined by a pipe.
fn drive(dir: &Path, bin: &Path, python: &Path, (first, count): (usize, usize), progress: &dyn Fn()) -> Result<Vec<Seen>, Fail> {
    std::fs::create_dir_all(dir)?;
    let (root, truth_file) = (crate::root()?, dir.join("truth.jsonl"));
    let mut draw = Command::new(python)
        .arg(root.join("models/training/approach.py"))
        .args(["--first", &first.to_string(), "--vehicles", &count.to_string(), "--truth"])
        .arg(&truth_file)
        .arg("--backgrounds")
        .arg(data(&root).join("neg/images"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let frames = draw.stdout.take().ok_or("no frames")?;
    let mut eyes = Command::new(bin.join("borderlane-vision"))
        .args(["reads", "--models"])
        .arg(root.join("models"))
        .stdin(frames)
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(dir.join("reads.log"))?)
        .spawn()?;
    let mut reads: BTreeMap<u64, Vec<ReadLine>> = BTreeMap::new();
    for line in BufReader::new(eyes.stdout.take().ok_or("no reads")?).lines() {
        let line: ReadLine = serde_json::from_str(&line?)?;
        let of = reads.entry(line.vehicle).or_insert_with(|| {
            progress();
            Vec::new()
        });
        of.push(line);
    }
    for (what, status) in [("borderlane-vision reads", eyes.wait()?), ("approach.py", draw.wait()?)] {
        if !status.success() {
            return Err(format!("{what} ended with {status}; see {}", dir.display()).into());
        }
    }
    let truths = std::fs::read_to_string(truth_file)?;
    let seen = truths.lines().map(|line| {
        let truth: Truth = serde_json::from_str(line)?;
        let reads = reads.remove(&truth.vehicle).unwrap_or_default();
        Ok::<_, Fail>(Seen { truth, reads })
    });
    let seen: Vec<Seen> = seen.collect::<Result<_, _>>()?;
    if seen.len() == count { Ok(seen) } else { Err(format!("{} of {count} vehicles were drawn", seen.len()).into()) }
}

/// The folder of real photos; it need not be there.
pub fn data(root: &Path) -> PathBuf {
    std::env::var_os("BORDERLANE_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from).join("plates")
}
