//! `borderlane plates`: reads plates from pictures or video by running `borderlane-vision`, so that this program needs no OpenCV.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// Read plates from pictures or video (runs borderlane-vision)
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct PlatesArgs {
    /// Everything after `plates` goes to `borderlane-vision plates`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<OsString>,
}

/// Runs the worker's command and returns its exit code; 127 when it is not there.
pub fn run(args: &PlatesArgs, stderr: &mut dyn Write) -> u8 {
    let program = program();
    match Command::new(&program).arg("plates").args(&args.rest).status() {
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1),
        Err(error) => {
            // Nothing is left to say it to if standard error is gone too.
            let _told = writeln!(stderr, "borderlane plates: {}: {error}; install borderlane-vision beside borderlane", program.display());
            127
        }
    }
}

/// Beside this program, else wherever the PATH has it.
fn program() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.join("borderlane-vision")));
    beside.filter(|path| path.exists()).unwrap_or_else(|| "borderlane-vision".into())
}
