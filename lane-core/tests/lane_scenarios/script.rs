//! The language of a scenario. A line that starts with `|` is the transcript of the line above it; `#` starts a comment.
//!
//! ```text
//! wait MS                                  time passes
//! on SIGNAL...  off SIGNAL...              the field changes (seen at the next scan)
//! weigh KG [moving]                        the platform
//! arrives KG                               a truck comes to stand wholly on the platform (macro)
//! passes | backs_out                       it goes through | goes back the way it came (macro)
//! read CAMERA PLATE [PPM]                  five frames
//! sees CAMERA PLATE:WIDTH...               five frames of several plates, each on a track of its own
//! declare ID key=value...                  a row of the cache (again: an amended one)
//! known                                    rows changed that may concern the lane
//! look                                     the person looks at the screen: later acts name this view
//! act WHO WHAT... [from=centre]            a person acts (`looked`: on the view of the last `look`)
//! again                                    the last act once more
//! view                                     what the screen shows
//! set THING VALUE                          the world: store, cache, link, barrier, scale, front, rear, clock, knowledge_h, elsewhere, watch, claim
//! rule THING VALUE                         rules, before anything else
//! stop | restart
//! ```

use super::transcript::{passage, verdict_line};
use super::world::{START_UTC_MS, World};
use lane_core::declaration::{
    Channel, Confirmation, ConfirmationResult, Declaration, DeclarationState, Direction, OtherClaim, Tare, TareSource, TradeType,
    WatchAction, WatchHit, WatchSeen,
};
use lane_core::ids::{ActId, Digest, LedgerId, PassageId, Revision};
use lane_core::input::{Camera, CameraState, Input, ScaleState};
use lane_core::officer::{Act, Mode, Officer, OfficerAct, Origin, Reason, ReasonCode, Role};
use lane_core::plate::{PlateText, Read, Sight};
use lane_core::rules::{LegalGross, Rules};
use lane_core::signal::Signal;
use lane_core::time::{Mono, WallQuality};
use std::fmt::Write as _;

struct Stage {
    world: World,
    acts: u32,
    looked: Option<(Option<PassageId>, u32)>,
    last: Option<OfficerAct>,
    tracks: u32,
}

/// Runs a scenario; gives the file back with the transcript that was found.
pub fn run(text: &str) -> String {
    let inputs: Vec<&str> = text.lines().filter(|line| !line.starts_with('|')).collect();
    let mut rules = rules();
    for line in inputs.iter().filter(|line| line.starts_with("rule ")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        set_rule(&mut rules, words[1], words[2]);
    }
    let mut stage = Stage { world: World::new(rules), acts: 0, looked: None, last: None, tracks: 0 };
    let mut found = String::new();
    for line in inputs {
        found.push_str(line);
        found.push('\n');
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.is_empty() || line.starts_with('#') || words[0] == "rule" {
            continue;
        }
        stage.world.line_at = stage.world.now;
        stage.line(&words);
        for line in stage.world.log.drain(..) {
            let _ = writeln!(found, "| {line}");
        }
    }
    stage.world.replay();
    found
}

fn rules() -> Rules {
    let mut rules = Rules::local_default("huu-nghi".into(), "lane-1".into(), Direction::Outbound);
    rules.legal_gross = vec![
        LegalGross { combination: true, axles: 6, limit_grams: 48_000_000 },
        LegalGross { combination: false, axles: 3, limit_grams: 24_000_000 },
    ];
    rules.calibrated_until_ms = Some(START_UTC_MS + 86_400_000 * 90);
    rules
}

fn set_rule(rules: &mut Rules, name: &str, value: &str) {
    match name {
        "override_needs_second" => rules.override_needs_second = value == "yes",
        "permit_ms" => rules.timing.permit_ms = value.parse().unwrap(),
        "cache_age_max_s" => rules.timing.cache_age_max_s = value.parse().unwrap(),
        _ => panic!("rule {name}"),
    }
}

impl Stage {
    fn line(&mut self, words: &[&str]) {
        let world = &mut self.world;
        match words[0] {
            "wait" => world.advance(words[1].parse().unwrap()),
            "on" => world.on.extend(words[1..].iter().map(|name| signal(name))),
            "off" => words[1..].iter().for_each(|name| {
                world.on.remove(&signal(name));
            }),
            "weigh" => {
                world.grams = words[1].parse::<i64>().unwrap() * 1000;
                world.stable = words.get(2) != Some(&"moving");
            }
            "arrives" => self.arrives(words[1].parse().unwrap()),
            "passes" => self.passes(),
            "backs_out" => self.backs_out(),
            "read" => self.read(words),
            "sees" => self.sees(words),
            "declare" => self.declare(words),
            "known" => world.input(Input::KnowledgeChanged),
            "look" => self.looked = Some(self.current()),
            "act" => self.act(&words[1..]),
            "again" => {
                let act = self.last.clone().expect("an act before");
                world.input(Input::Act(Box::new(act)));
            }
            "view" => self.view(),
            "set" => self.set(words),
            "stop" => world.stop = true,
            "restart" => world.restart(),
            word => panic!("unknown word {word}"),
        }
    }

    fn current(&self) -> (Option<PassageId>, u32) {
        let view = self.world.lane.view(Mono(self.world.now));
        (view.at_boom.and_then(|vehicle| vehicle.passage), view.stamp)
    }

    /// Over the approach loop and the platform's far end, until it stands wholly on.
    fn arrives(&mut self, kg: i64) {
        let world = &mut self.world;
        world.stable = false;
        world.on.insert(Signal::ApproachLoop);
        world.advance(500);
        world.on.insert(Signal::PlatformRear);
        world.grams = kg * 400;
        world.advance(1_000);
        world.on.remove(&Signal::ApproachLoop);
        world.grams = kg * 900;
        world.advance(500);
        world.on.remove(&Signal::PlatformRear);
        world.grams = kg * 1_000;
        world.stable = true;
        world.advance(200);
    }

    /// Over the platform's front end, the boom line and the exit loop.
    fn passes(&mut self) {
        let world = &mut self.world;
        world.stable = false;
        world.on.extend([Signal::PlatformFront, Signal::BoomLoop]);
        world.advance(1_000);
        world.on.extend([Signal::Photocell, Signal::ExitLoop]);
        world.grams /= 2;
        world.advance(1_500);
        world.on.remove(&Signal::PlatformFront);
        world.grams = 0;
        world.stable = true;
        world.advance(500);
        world.on.remove(&Signal::BoomLoop);
        world.advance(500);
        world.on.remove(&Signal::Photocell);
        world.advance(500);
        world.on.remove(&Signal::ExitLoop);
        world.advance(8_000);
    }

    fn backs_out(&mut self) {
        let world = &mut self.world;
        world.stable = false;
        world.on.insert(Signal::PlatformRear);
        world.advance(500);
        world.on.insert(Signal::ApproachLoop);
        world.grams /= 2;
        world.advance(1_000);
        world.on.remove(&Signal::PlatformRear);
        world.grams = 0;
        world.stable = true;
        world.advance(1_000);
        world.on.remove(&Signal::ApproachLoop);
        world.advance(4_000);
    }

    fn read(&mut self, words: &[&str]) {
        self.tracks += 1;
        let camera = camera(words[1]);
        let text = PlateText::parse(words[2]).unwrap();
        let ppm = words.get(3).map_or(995_000, |ppm| ppm.parse().unwrap());
        for _ in 0..5 {
            let acquired_at = Mono(self.world.now);
            self.world.advance(100);
            let read = Box::new(Read::of_text(&text, ppm, 1_000).unwrap());
            self.world.input(Input::PlateRead { camera, track: self.tracks, acquired_at, read });
        }
    }

    /// `sees front 12C12345:160 12R00678:240`: plates in view at once with their widths in pixels, each followed on a track of its own, over five
    /// frames in which they grow.
    fn sees(&mut self, words: &[&str]) {
        let camera = camera(words[1]);
        for frame in 0..5_u16 {
            let acquired_at = Mono(self.world.now);
            self.world.advance(100);
            for (at, plate) in words[2..].iter().enumerate() {
                let (text, width_px) = plate.split_once(':').expect("plate:width");
                let width_px = width_px.parse::<u16>().unwrap() * (10 + frame) / 10;
                let middle_px = [400 * at as i32, 300];
                let sight = Sight {
                    middle_px,
                    width_px,
                    height_px: width_px / 4,
                    lines: 1,
                    sharpness_permille: 200,
                    contrast: 120,
                    inside_permille: 1000,
                };
                let read = Read::of_text(&PlateText::parse(text).unwrap(), 995_000, 1_000).unwrap().with_sight(sight);
                let track = self.tracks + 1 + at as u32;
                self.world.input(Input::PlateRead { camera, track, acquired_at, read: Box::new(read) });
            }
        }
        self.tracks += words.len() as u32;
    }

    fn declare(&mut self, words: &[&str]) {
        self.world.revision += 1;
        let revision = Revision { epoch: 1, revision: self.world.revision };
        let old = self.world.table.iter().position(|d| d.id.as_str() == words[1]);
        let mut row = old.map_or_else(|| blank(words[1], revision), |at| self.world.table.remove(at));
        row.revision = revision;
        for pair in &words[2..] {
            let (key, value) = pair.split_once('=').expect("key=value");
            set_field(&mut row, key, value);
        }
        self.world.table.push(row);
    }

    fn act(&mut self, words: &[&str]) {
        let looked = words.contains(&"looked");
        let origin = if words.contains(&"from=centre") { Origin::Centre } else { Origin::Lane };
        let (passage, stamp) = if looked { self.looked.expect("a look before") } else { self.current() };
        self.acts += 1;
        let act = OfficerAct {
            id: ActId(format!("A{}", self.acts)),
            by: officer(words[0]),
            origin,
            passage,
            view_stamp: Some(stamp),
            act: parse_act(&words[1..]),
        };
        self.last = Some(act.clone());
        self.world.input(Input::Act(Box::new(act)));
    }

    fn view(&mut self) {
        let view = self.world.lane.view(Mono(self.world.now));
        let mut line = format!("view {:?} {:?} sign {:?} boom {:?}", view.phase, view.mode, view.sign, view.boom);
        for (name, vehicle) in [("at boom", &view.at_boom), ("approaching", &view.approaching)] {
            if let Some(vehicle) = vehicle {
                let verdict = vehicle.verdict.as_ref().map(|verdict| verdict_line(&verdict.value)).unwrap_or_default();
                let called = if vehicle.called_ms.is_some() { " called" } else { "" };
                let _ = write!(line, "; {name} {} {verdict}{called}", passage(vehicle.passage));
            }
        }
        let faults: Vec<String> = view.faults.iter().map(|fault| format!("{:?}", fault.fault)).collect();
        let _ = write!(line, "; faults [{}]", faults.join(" "));
        self.world.log.push(line);
    }

    fn set(&mut self, words: &[&str]) {
        let world = &mut self.world;
        match (words[1], words[2]) {
            ("store", "fails") => {
                world.store.can_commit = false;
                world.input(Input::Store(world.store));
            }
            ("store", "commits") => {
                world.store.can_commit = true;
                world.input(Input::Store(world.store));
                world.store_catches_up();
            }
            ("store", "slow") => world.store_answers = false,
            ("store", "answers") => {
                world.store_answers = true;
                world.store_catches_up();
            }
            ("cache", value) => world.cache_answers = value == "answers",
            ("link", value) => {
                world.freshness.link_up = value == "up";
                world.input(Input::Freshness(world.freshness));
            }
            ("barrier", value) => world.barrier_silent = value == "silent",
            (camera @ ("front" | "rear"), state) => {
                let camera = if camera == "front" { Camera::Front } else { Camera::Rear };
                let state = match state {
                    "covered" => CameraState::Covered,
                    "moved" => CameraState::Moved,
                    "frozen" => CameraState::Frozen,
                    "blurred" => CameraState::Blurred,
                    "ok" => CameraState::Ok,
                    other => panic!("camera state {other}"),
                };
                world.input(Input::CameraState(camera, state));
            }
            ("scale", "silent") => {
                world.scale = ScaleState::NoBytes;
                world.input(Input::ScaleState(ScaleState::NoBytes));
            }
            ("scale", _) => {
                world.scale = ScaleState::Streaming;
                world.input(Input::ScaleState(ScaleState::Streaming));
            }
            ("clock", value) => {
                world.wall.quality = if value == "trusted" { WallQuality::Trusted } else { WallQuality::Untrusted };
                world.tell_wall();
            }
            ("knowledge_h", hours) => {
                world.head_age_ms = hours.parse::<i64>().unwrap() * 3_600_000;
                world.tell_freshness();
            }
            ("elsewhere", plate) => world.elsewhere = Some((PlateText::parse(plate).unwrap(), words[3].into())),
            ("watch", "none") => world.watch.clear(),
            ("watch", entry) => {
                let seen_by = if words.get(3) == Some(&"lane") { WatchSeen::Lane } else { WatchSeen::CentreOnly };
                world.watch.push(WatchHit { entry: entry.into(), action: WatchAction::Hold, seen_by });
            }
            ("claim", declaration) => world.claims.push(OtherClaim {
                lane: "lane-2".into(),
                declaration: declaration.into(),
                passage: PassageId { ledger: LedgerId(2), seq: 9 },
            }),
            other => panic!("set {other:?}"),
        }
    }
}

fn signal(name: &str) -> Signal {
    Signal::from_name(name).unwrap_or_else(|| panic!("signal {name}"))
}

fn camera(name: &str) -> Camera {
    if name == "front" { Camera::Front } else { Camera::Rear }
}

fn officer(name: &str) -> Officer {
    let (agency, role) = match name {
        "lan" | "binh" => ("customs", Role::Officer),
        "minh" => ("customs", Role::Supervisor),
        "hoa" => ("plant", Role::Officer),
        "tu" => ("gate_board", Role::Technician),
        _ => panic!("officer {name}"),
    };
    Officer { id: name.into(), agency: agency.into(), role }
}

fn reason(words: &[&str]) -> Reason {
    match words.iter().find(|word| !["looked", "from=centre"].contains(*word)) {
        Some(&"documents") => Reason { code: ReasonCode::DocumentsChecked, text: String::new() },
        Some(&"device") => Reason { code: ReasonCode::DeviceFault, text: String::new() },
        Some(&"emergency") => Reason { code: ReasonCode::Emergency, text: String::new() },
        Some(words) => Reason { code: ReasonCode::Other, text: (*words).to_string() },
        None => Reason { code: ReasonCode::Other, text: String::new() },
    }
}

fn parse_act(words: &[&str]) -> Act {
    match words[0] {
        "open" => Act::Open(reason(&words[1..])),
        "agree" => Act::Agree,
        "refuse" => Act::Refuse(reason(&words[1..])),
        "divert" => Act::Divert(reason(&words[1..])),
        "hold" => Act::Hold(reason(&words[1..])),
        "release" => Act::Release,
        "plate" => Act::CorrectPlate(camera(words[1]), PlateText::parse(words[2]).unwrap()),
        "choose" => Act::ChooseDeclaration(words[1].into()),
        "confirm" => Act::Confirm,
        "axles" => Act::SetAxles(words[1].parse().unwrap()),
        "mode" => Act::SetMode(mode(words[1]), reason(&["documents"])),
        "reset" => Act::ResetFaults,
        "close" => Act::CloseBoom,
        "group" => Act::OpenGroup(words[1].parse().unwrap(), reason(&words[2..])),
        "emergency" => Act::OpenEmergency(reason(&["emergency"])),
        "consent" => Act::SecondConsent(words[1].into()),
        word => panic!("act {word}"),
    }
}

fn mode(name: &str) -> Mode {
    match name {
        "automatic" => Mode::Automatic,
        "attended" => Mode::Attended,
        "closed" => Mode::Closed,
        "held_open" => Mode::HeldOpen,
        "maintenance" => Mode::Maintenance,
        "bring_up" => Mode::BringUp,
        _ => panic!("mode {name}"),
    }
}

/// A complete export of one truck with a trailer, confirmed by customs.
fn blank(id: &str, revision: Revision) -> Declaration {
    Declaration {
        id: id.into(),
        revision,
        gate: "huu-nghi".into(),
        direction: Direction::Outbound,
        trade: TradeType::Export,
        plate: PlateText::parse("12C12345").unwrap(),
        trailer_plate: Some(PlateText::parse("12R00678").unwrap()),
        goods: "durian".into(),
        perishable: true,
        priority: false,
        cargo_grams: Some(20_000_000),
        axles: Some(6),
        channel: Channel::Green,
        valid_from_ms: START_UTC_MS - 3_600_000,
        valid_until_ms: START_UTC_MS + 86_400_000,
        entries_allowed: 1,
        entries_used: 0,
        consignment: None,
        next_place: None,
        lane_hint: None,
        state: DeclarationState::Active,
        tare: Some(Tare { grams: 15_000_000, source: TareSource::Registered, at_ms: None }),
        confirmations: vec![confirmation("customs", "pass")],
        digest: Digest([9; 32]),
    }
}

fn confirmation(agency: &str, result: &str) -> Confirmation {
    let result = match result {
        "pass" => ConfirmationResult::Pass,
        "hold" => ConfirmationResult::Hold,
        "refuse" => ConfirmationResult::Refuse,
        "absent" => ConfirmationResult::Absent,
        _ => panic!("confirmation {result}"),
    };
    let confirmed_digest = Some(Digest([9; 32]));
    Confirmation { agency: agency.into(), required: true, result, at_ms: None, expires_ms: None, document: None, confirmed_digest }
}

fn set_field(row: &mut Declaration, key: &str, value: &str) {
    match key {
        "plate" => row.plate = PlateText::parse(value).unwrap(),
        "trailer" => row.trailer_plate = (value != "none").then(|| PlateText::parse(value).unwrap()),
        "cargo_kg" => row.cargo_grams = Some(value.parse::<i64>().unwrap() * 1000),
        "tare_kg" => row.tare = Some(Tare { grams: value.parse::<i64>().unwrap() * 1000, source: TareSource::Registered, at_ms: None }),
        "axles" => row.axles = value.parse().ok(),
        "gate" => row.gate = value.into(),
        "consignment" => row.consignment = Some(value.into()),
        "state" => row.state = if value == "withdrawn" { DeclarationState::Withdrawn } else { DeclarationState::Active },
        "channel" => {
            row.channel = match value {
                "green" => Channel::Green,
                "yellow" => Channel::Yellow,
                _ => Channel::Red,
            }
        }
        agency => {
            row.confirmations.retain(|confirmation| confirmation.agency.as_str() != agency);
            row.confirmations.push(confirmation(agency, value));
        }
    }
}
