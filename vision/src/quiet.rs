//! Libraries that print: libjpeg, libpng, libtiff, FFmpeg and OpenCV write their warnings straight to file descriptor 2, one or many a bad file.
//! What is wrong with a file is told by this program, by name and in one line; the libraries' own words go nowhere.

use rustix::stdio::dup2_stderr;
use std::fs::{File, OpenOptions};
use std::io::{Write, stderr};
use std::os::fd::AsFd;

/// Whoever sets OpenCV's own variable wants to see the libraries' words.
const LOUD: &str = "OPENCV_LOG_LEVEL";

/// Gives libraries a standard error that leads nowhere and returns the real one; panics are still told there.
/// Where that cannot be done, or [`LOUD`] is set, both stay the same.
pub fn silence_libraries() -> std::io::Result<File> {
    let told = File::from(stderr().as_fd().try_clone_to_owned()?);
    if std::env::var_os(LOUD).is_some() {
        return Ok(told);
    }
    let panics = told.try_clone()?;
    let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
    std::panic::set_hook(Box::new(move |about| {
        // nothing is left to say it to if standard error is gone too
        let _told = writeln!(&panics, "borderlane-vision: a fault of the program: {about}");
    }));
    dup2_stderr(&nowhere)?;
    Ok(told)
}
