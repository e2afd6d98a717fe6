//! The Pythons that draw pictures and run the peer. The peer has a virtual environment in the working folder, made once, pinned. Pictures are drawn by
//! the system's Python where it has OpenCV, NumPy and Pillow (`scripts/setup.sh` sees to it), else by the peer's, which has them too.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The peer, as `benches/peer.py` asks it.
pub const PEER: &str = "rapidocr-onnxruntime==1.4.4";
const PROBE: &str = "import cv2, numpy, PIL, rapidocr_onnxruntime";
const DRAW_PROBE: &str = "import cv2, numpy, PIL";

/// The environment's Python; why not, in a sentence.
pub fn with_peer(dir: &Path) -> Result<PathBuf, String> {
    let venv = dir.join("venv");
    let python = venv.join("bin/python");
    if works(&python, PROBE) {
        return Ok(python);
    }
    eprintln!("bench: making {} with {PEER}", venv.display());
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER]))?;
    if works(&python, PROBE) { Ok(python) } else { Err(format!("{} cannot {PROBE}", python.display())) }
}

/// A Python that can draw; why there is none.
pub fn that_draws(dir: &Path) -> Result<PathBuf, String> {
    let system = PathBuf::from("/usr/bin/python3");
    if works(&system, DRAW_PROBE) { Ok(system) } else { with_peer(dir) }
}

fn works(python: &Path, probe: &str) -> bool {
    python.exists() && Command::new(python).args(["-c", probe]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn run(command: &mut Command) -> Result<(), String> {
    let told = command.stdin(Stdio::null()).output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if told.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&told.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("without a word");
    Err(format!("{} ended with {}: {last}", command.get_program().display(), told.status))
}
