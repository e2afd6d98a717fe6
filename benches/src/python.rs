//! The Python that draws pictures and runs the peer: a virtual environment in the working folder, made once. Pinned; the peer brings OpenCV, NumPy,
//! Pillow and ONNX Runtime with it, which is all that `models/training/approach.py` needs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The peer, as models/training/peer.py knows it.
pub const PEER: &str = "rapidocr-onnxruntime==1.4.4";
const PROBE: &str = "import cv2, numpy, PIL, rapidocr_onnxruntime";

/// The environment's Python; why not, in a sentence.
pub fn with_peer(dir: &Path) -> Result<PathBuf, String> {
    let venv = dir.join("venv");
    let python = venv.join("bin/python");
    if works(&python) {
        return Ok(python);
    }
    eprintln!("bench: making {} with {PEER}", venv.display());
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER]))?;
    if works(&python) { Ok(python) } else { Err(format!("{} cannot {PROBE}", python.display())) }
}

fn works(python: &Path) -> bool {
    python.exists() && Command::new(python).args(["-c", PROBE]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
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
