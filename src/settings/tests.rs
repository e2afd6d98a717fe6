//! The settings file that explains every key, and what a commanded closing needs.

use super::*;

fn explained() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("config/lane.toml")).unwrap();
    text.replace("/usr/share/borderlane/profiles", &root.join("config/profiles").display().to_string())
}

fn mistakes(text: &str) -> Vec<String> {
    Settings::parse(text, Path::new("/")).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn the_explained_settings_are_good() {
    assert_eq!(mistakes(&explained()), Vec::<String>::new());
}

#[test]
fn a_commanded_closing_needs_the_acceptance_of_a_person_by_name() {
    let commanded = explained().replace("closing = \"self\" ", "closing = \"commanded\" ");
    let is_missing = |told: &[String]| told.iter().any(|line| line.contains("[barrier.closing_accepted]"));
    assert!(is_missing(&mistakes(&commanded)), "{:?}", mistakes(&commanded));
    let accepted = |rows: &str| format!("{commanded}\n[barrier.closing_accepted]\n{rows}");
    let named = accepted("by = \"Trần Thị Bình, gate board\"\non = \"2026-05-04\"\n");
    assert!(!is_missing(&mistakes(&named)));
    let told = mistakes(&accepted("by = \"\"\non = \"4.5.2026  \"\n"));
    assert!(told.iter().any(|line| line.contains("barrier.closing_accepted.by: has 0 bytes")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("barrier.closing_accepted.on: must be a date like 2026-05-04")), "{told:?}");
    let settings = Settings::parse(
        &explained().replace(
            "[[barrier.module]]                 #",
            "[barrier.closing_accepted]\nby = \"Bình\"\non = \"2026-05-04\"\n[[barrier.module]] #",
        ),
        Path::new("/"),
    );
    assert_eq!(settings.unwrap().barrier.closing_accepted.unwrap().by, "Bình");
}

#[test]
fn a_camera_says_how_it_is_reached_and_its_password_stands_elsewhere() {
    let front = "front = \"http://192.168.1.40/stream\"";
    let rtsp = explained().replace(front, "front = \"rtsp://192.168.1.40/1\"\nfront_credentials_file = \"front-camera\"");
    let camera = Settings::parse(&rtsp, Path::new("/etc/borderlane")).unwrap().vision.front.unwrap();
    assert_eq!(camera.source, "rtsp://192.168.1.40/1");
    assert_eq!(camera.credentials_file, Some("/etc/borderlane/front-camera".into()));
    let told = mistakes(&explained().replace(front, "front = \"ftp://192.168.1.40/1\""));
    assert!(told.iter().any(|line| line.contains("vision.front: a camera's source begins with one of http://")), "{told:?}");
    let told = mistakes(&explained().replace(front, "front_credentials_file = \"front-camera\""));
    assert!(told.iter().any(|line| line.contains("vision.front_credentials_file: there is no front")), "{told:?}");
    let told = mistakes(&explained().replace(front, "front = \"v4l2:/dev/video0\"\nfront_credentials_file = \"front-camera\""));
    assert!(told.iter().any(|line| line.contains("vision.front_credentials_file: only http://")), "{told:?}");
}

#[test]
fn the_centres_open_once_can_ask_for_two_keys() {
    let of = |text: &str| Settings::parse(text, Path::new("/")).unwrap().centre.unwrap().open_needs_two_keys;
    assert!(!of(&explained()));
    assert!(of(&explained().replace("open_needs_two_keys = false", "open_needs_two_keys = true")));
}
