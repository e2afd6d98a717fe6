//! The benchmarks: every figure of the lane against a peer measured in the same run, or against its limit. `make bench` runs them.
//!
//! | figure | what | peer |
//! |---|---|---|
//! | `sensor_to_coil_p50`, `_p99` | last needed input handed in → Modbus write seen by the device, ledger commit included | one FULL commit and two Modbus round trips |
//! | `lane_handle` | `Lane::handle` and drain, inputs a second | the same inputs through an empty match |
//! | `lookup_exact_1m`, `lookup_near_1m` | one plate among a million declarations | a bare prepared SELECT of the row |
//! | `ready_1m` | process start → ready, a million declarations cached | the same files opened by bare SQLite |
//! | `plates_*` | real photos read exactly by set and class, character error, time a photo, false reads | `rapidocr-onnxruntime`; the aim |
//! | `plates_first_frame_exact`, `plates_fused_exact` | rendered approaches: the first read, and the lane's text of all frames | the aim |
//! | `opening_*` | simulated vehicles against 100,000 declarations: opened by itself, opened for another's | the aim |
//! | `vision_cpu`, `frame_to_read_*` | one 1080p25 H.264 camera: the worker's share of a core; from the picture to the lane's input | the limit |
//! | `rss_daemon`, `rss_vision` | largest resident size in the demo | the limit |
//!
//! A machine is never quiet: ratios tell more than values. The table goes to stdout, the rows as JSON to `--out`. The exit code tells whether
//! everything could be measured, not whether the aims were reached.

mod approach;
mod cached;
mod camera;
mod coil;
mod figure;
mod lane_rate;
mod library;
mod lookup;
mod memory;
mod opening;
mod photos;
mod plates;
mod python;
mod ready;

use clap::Parser;
use figure::{Fail, Figure};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Benchmarks of Borderlane
#[derive(Debug, Parser)]
struct Args {
    /// Groups to measure: coil, lane, lookup, ready, plates, approach, opening, camera, memory; none named: all
    groups: Vec<String>,
    /// Where the rows go
    #[arg(long, default_value = "target/bench.json")]
    out: PathBuf,
    /// Working files; the cache of a million declarations is kept there between runs
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
    /// Where `borderlane` and its companions lie; default: beside this program
    #[arg(long)]
    bin: Option<PathBuf>,
    /// Declarations in the cache
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// Trucks for `sensor_to_coil_p99`
    #[arg(long, default_value_t = 200)]
    passages: usize,
    /// Rendered vehicles for `plates_fused_exact`; the default can be set with BENCH_VEHICLES
    #[arg(long, default_value_t = count_of("BENCH_VEHICLES", 1_000))]
    vehicles: usize,
    /// Simulated vehicles for `opening_*`; the default can be set with BENCH_OPENINGS
    #[arg(long, default_value_t = count_of("BENCH_OPENINGS", 1_000_000))]
    openings: usize,
    /// How long the camera is watched for `vision_cpu`, s
    #[arg(long, default_value_t = 40)]
    watch_s: u64,
    /// How long the demo runs for the resident sizes, s
    #[arg(long, default_value_t = 30)]
    demo_s: u64,
}

const GROUPS: [&str; 9] = ["coil", "lane", "lookup", "ready", "plates", "approach", "opening", "camera", "memory"];

fn main() -> ExitCode {
    let args = Args::parse();
    match measure_all(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures the groups asked for, one after the other. `false`: some could not be measured.
fn measure_all(args: &Args) -> Result<bool, Fail> {
    if let Some(unknown) = args.groups.iter().find(|group| !GROUPS.contains(&group.as_str())) {
        return Err(format!("there is no group {unknown}; there are {}", GROUPS.join(", ")).into());
    }
    std::fs::create_dir_all(&args.dir)?;
    let dir = args.dir.canonicalize()?;
    let beside = std::env::current_exe()?.parent().map(Path::to_path_buf);
    let bin = args.bin.clone().or(beside).ok_or("where are the programs? give --bin")?.canonicalize()?;
    let (mut figures, mut complete) = (Vec::new(), true);
    for group in GROUPS.into_iter().filter(|group| args.groups.is_empty() || args.groups.iter().any(|asked| asked == group)) {
        eprintln!("bench: {group}");
        let measured = match group {
            "coil" => coil::measure(&dir, args.passages),
            "lane" => lane_rate::measure(),
            "lookup" => lookup::measure(&dir, args.rows),
            "ready" => ready::measure(&dir, &bin, args.rows),
            "plates" => plates::measure(&dir, &bin),
            "opening" => opening::measure(&dir, &bin, args.openings),
            "camera" => camera::measure(&dir, &bin, args.watch_s),
            "approach" => approach::measure(&dir, &bin, args.vehicles),
            _ => memory::measure(&dir, &bin, args.demo_s),
        };
        match measured {
            Ok(measured) => figures.extend(measured),
            Err(error) => {
                eprintln!("bench: {group} could not be measured: {error}");
                complete = false;
            }
        }
    }
    println!("{}", Figure::heading());
    figures.iter().for_each(|figure| println!("{}", figure.line()));
    std::fs::write(&args.out, serde_json::to_string_pretty(&figures)? + "\n")?;
    println!("written to {}", args.out.display());
    Ok(complete)
}

/// A count of the environment, where it is there and one.
fn count_of(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// The repository: the program is run from its root.
fn root() -> Result<PathBuf, Fail> {
    let root = std::env::current_dir()?;
    if root.join("config/profiles/barrier").is_dir() { Ok(root) } else { Err("run it from the root of the repository".into()) }
}
