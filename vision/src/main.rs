//! `borderlane-vision`: reads plates from files (`plates`), watches one camera for the daemon (`worker`), or prints reads for measuring (`reads`).

use borderlane_vision::eyes::Eyes;
use borderlane_vision::label::label;
use borderlane_vision::live::FFMPEG_OPTIONS;
use borderlane_vision::plates::{PlatesOptions, answer_files};
use borderlane_vision::quiet::silence_libraries;
use borderlane_vision::reads::{answer_folders, answer_stream};
use borderlane_vision::source::SourceSpec;
use borderlane_vision::worker::{WorkerSettings, work};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::fs::File;
use std::io::{Write, stdin, stdout};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where models are looked for when `--models` is not given.
const MODEL_FOLDERS: [&str; 2] = ["models", "/usr/share/borderlane/models"];

#[derive(Parser)]
#[command(version, about = "Reads number plates, from files or from one camera of a lane")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reads plates from pictures (JPEG, PNG, BMP, TIFF, still WebP) and videos (MP4, MOV, Matroska, AVI)
    ///
    /// A file that cannot be read is told by name and reason on standard error (and with --json also on standard output), the others are read.
    /// Exit code: 0 every file was read, 1 some file or the models could not be, 2 the command is wrong.
    Plates(PlatesArguments),
    /// Watches one camera; speaks with the daemon over stdin and stdout
    Worker(WorkerArguments),
    /// Prints the reads that the worker would send, for measuring: of frames on standard input, or of folders of pictures
    Reads(ReadsArguments),
}

#[derive(Args)]
struct PlatesArguments {
    /// One JSON object a file
    #[arg(long)]
    json: bool,
    /// The pictures are plates that are already cut out
    #[arg(long)]
    crops: bool,
    /// Folder with manifest.json and the models [default: models, then /usr/share/borderlane/models]
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Helps to label a site's own photos: prints the address of a page on this machine (127.0.0.1, a free port, a token) that shows every photo
    /// of FOLDER with the proposed plates, to be accepted or corrected; labels.csv in FOLDER takes the answers, for `make train FINETUNE=FOLDER`
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["json", "crops", "files"])]
    label: Option<PathBuf>,
    /// The files
    #[arg(required_unless_present = "label", value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Args)]
struct ReadsArguments {
    /// Folder with manifest.json and the models [default: models, then /usr/share/borderlane/models]
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// A folder a vehicle, its pictures in the order of their names; none: frames on standard input, each a line
    /// {"vehicle":N,"at_ms":N,"bytes":N} and so many bytes of a JPEG, PNG or BMP
    #[arg(value_name = "FOLDER")]
    folders: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum CameraName {
    Front,
    Rear,
}

#[derive(Args)]
struct WorkerArguments {
    /// Which camera of the lane: shows in process lists
    #[arg(long)]
    camera: CameraName,
    /// http://HOST[:PORT]/PATH (MJPEG), rtsp://HOST[:PORT]/PATH, v4l2:/dev/videoN, file:PATH (once) or loop:PATH
    #[arg(long)]
    source: String,
    /// File with the camera's NAME:PASSWORD
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Folder with manifest.json and the models [default: models, then /usr/share/borderlane/models]
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Detections a second at most
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=30))]
    max_detections_per_second: u32,
    /// No frame for so many milliseconds is reported
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    no_frames_after_ms: u64,
    /// The same frame for so many milliseconds is reported
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    frozen_after_ms: u64,
    /// A mean brightness (of 255) below this is reported as dark
    #[arg(long, default_value_t = 18)]
    dark_below: u8,
    /// How patient the camera's condition is judged: covered, dark, glare are said after so many milliseconds, moved, blurred and dirty after multiples
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(50..=600_000))]
    condition_after_ms: u64,
    /// The commissioning view, a JPEG picture: how the camera looked when a person accepted it
    #[arg(long, value_name = "FILE")]
    view: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Command::Worker(worker) = &arguments.command
        && needs_options(worker)
    {
        eprintln!("borderlane-vision: {}", start_anew_with_options());
        return ExitCode::FAILURE;
    }
    let mut told = match silence_libraries() {
        Ok(told) => told,
        Err(error) => {
            eprintln!("borderlane-vision: cannot keep standard error to itself: {error}");
            return ExitCode::FAILURE;
        }
    };
    // One thread: a worker has one core's worth of a small machine and must not take the lane's.
    let single = opencv::core::set_num_threads(1);
    let result = match (single, arguments.command) {
        (Err(error), _) => Err(error.to_string()),
        (Ok(()), Command::Plates(arguments)) => plates(&arguments, &mut told),
        (Ok(()), Command::Worker(arguments)) => worker(&arguments).map(|()| true),
        (Ok(()), Command::Reads(arguments)) => reads(&arguments, &mut told),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // nothing is left to say it to if standard error is gone too
            let _told = writeln!(told, "borderlane-vision: {error}");
            ExitCode::FAILURE
        }
    }
}

fn open_eyes(models: Option<&Path>) -> Result<Eyes, String> {
    let usual = || MODEL_FOLDERS.iter().map(Path::new).find(|folder| folder.join("manifest.json").exists());
    let folder = models
        .or_else(usual)
        .ok_or("no models: neither models/manifest.json nor /usr/share/borderlane/models/manifest.json; give --models")?;
    Eyes::open(folder).map_err(|error| error.to_string())
}

fn plates(arguments: &PlatesArguments, told: &mut File) -> Result<bool, String> {
    let eyes = open_eyes(arguments.models.as_deref())?;
    if let Some(folder) = &arguments.label {
        return label(eyes, folder, &mut stdout().lock(), told).map_err(|error| error.to_string());
    }
    let options = PlatesOptions { json: arguments.json, crops: arguments.crops };
    let mut eyes = eyes;
    answer_files(&mut eyes, &arguments.files, options, &mut stdout().lock(), told).map_err(|error| error.to_string())
}

fn needs_options(arguments: &WorkerArguments) -> bool {
    arguments.source.starts_with("rtsp://") && std::env::var_os(FFMPEG_OPTIONS.0).is_none()
}

fn reads(arguments: &ReadsArguments, told: &mut File) -> Result<bool, String> {
    let mut eyes = open_eyes(arguments.models.as_deref())?;
    let mut out = std::io::BufWriter::new(stdout().lock());
    let counted = if arguments.folders.is_empty() {
        answer_stream(&mut eyes, stdin().lock(), &mut out, told)
    } else {
        answer_folders(&mut eyes, &arguments.folders, &mut out, told)
    };
    let counted = counted.map_err(|error| error.to_string())?;
    let said = writeln!(
        told,
        "borderlane-vision: {} frames, {} reads, {} frames that are no pictures",
        counted.frames, counted.reads, counted.bad_frames
    );
    said.map_err(|error| format!("cannot write to standard error: {error}"))?;
    Ok(counted.bad_frames == 0)
}

/// OpenCV takes FFmpeg's options from the environment, which a running program cannot change safely: this one becomes itself again, with them.
/// Returns only where that fails.
fn start_anew_with_options() -> String {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return format!("cannot find this program to set FFmpeg's options: {error}"),
    };
    let (name, options) = FFMPEG_OPTIONS;
    let error = std::process::Command::new(program).args(std::env::args_os().skip(1)).env(name, options).exec();
    format!("cannot start anew with FFmpeg's options: {error}")
}

fn worker(arguments: &WorkerArguments) -> Result<(), String> {
    let source = SourceSpec::parse(&arguments.source, arguments.credentials.as_deref()).map_err(|error| error.to_string())?;
    let eyes = open_eyes(arguments.models.as_deref())?;
    let settings = WorkerSettings {
        max_detections_per_second: arguments.max_detections_per_second,
        no_frames_after_ms: arguments.no_frames_after_ms,
        frozen_after_ms: arguments.frozen_after_ms,
        dark_below: arguments.dark_below,
        condition_after_ms: arguments.condition_after_ms,
        view: arguments.view.clone(),
    };
    work(eyes, source, settings, stdout()).map_err(|error| error.to_string())
}
