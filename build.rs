//! A release build carries the screens: it must be made again when they appear in `ui/dist`. (Files that were embedded are watched by the compiler
//! already; a debug build reads the folder when asked.)

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::rerun-if-changed=ui/dist");
    }
}
