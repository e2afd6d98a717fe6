//! One line for each effect that a person reviewing a scenario wants to see.

use lane_core::effect::Effect;
use lane_core::ids::{PassageId, PermitId};
use lane_core::interlock::Event;
use lane_core::record::{Record, What};
use lane_core::verdict::{Check, Facts, Outcome, Verdict};

pub fn passage(id: Option<PassageId>) -> String {
    id.map_or_else(|| "-".to_string(), |id| format!("P{}", id.seq))
}

fn permit(id: PermitId) -> String {
    format!("{}/{}", passage(id.passage), id.counter)
}

/// Events that are news beside what the lane records of them.
pub fn event_line(event: &Event) -> Option<String> {
    let under = |id: &Option<PermitId>| id.map_or_else(String::new, |id| format!(" {}", permit(id)));
    Some(match event {
        Event::PermitEnded(..) | Event::FaultRaised(_) | Event::FaultCleared(_) | Event::PermitAccepted(_) => return None,
        Event::PermitRefused(id, why) => format!("refused {} {why:?}", permit(*id)),
        Event::MovementStarted { movement, permit: id } => format!("{movement:?}{}", under(id)),
        Event::VehicleEntered { permit: id } => format!("vehicle entered{}", under(id)),
        Event::VehicleClear { permit: id, vehicles } => format!("{vehicles} clear{}", under(id)),
        Event::Tailgate { permit: id } => format!("tailgate{}", under(id)),
        Event::BackedOut { permit: id } => format!("backed out{}", under(id)),
        other => format!("{other:?}"),
    })
}

pub fn effect_line(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Record(record) => format!("record {}", record_line(record)?),
        Effect::OpenPassage { visit, record } => format!("open passage {} {}", visit.0, record_line(record)?),
        Effect::Authorise { permit: id, record } => format!("authorise {} {}", permit(*id), record_line(record)?),
        Effect::Grant(granted) => format!("grant {}", permit(granted.id)),
        Effect::Revoke(id, end) => format!("revoke {} {end:?}", permit(*id)),
        Effect::Close => "close".into(),
        Effect::ResetInterlock => "reset interlock".into(),
        Effect::InterlockMode(mode) => format!("interlock mode {mode:?}"),
        Effect::Lookup { passage: id, question, plates, ask_centre } => {
            let plates: Vec<String> = plates.iter().map(ToString::to_string).collect();
            let centre = if *ask_centre { " and the centre" } else { "" };
            format!("look up {} #{question} {}{centre}", passage(Some(*id)), plates.join(" "))
        }
        Effect::Claim { declaration, held, .. } => format!("claim {} {}", declaration.as_str(), if *held { "here" } else { "gone" }),
        Effect::Sign(sign) => format!("sign {sign:?}"),
        Effect::Lights { green, buzzer } => format!("lights{}{}", if *green { " green" } else { " red" }, if *buzzer { " buzzer" } else { "" }),
        Effect::Answer { act, outcome } => format!("answer {} {outcome:?}", act.as_str()),
        Effect::Gate { .. } | Effect::Snapshot(_) => return None,
    })
}

fn record_line(record: &Record) -> Option<String> {
    let what = match &record.what {
        // The interlock's events have lines of their own.
        What::Interlock(_) => return None,
        What::Started(_) => "started".into(),
        What::PassageOpened { at_boom } => format!("opened {}", if *at_boom { "at the boom" } else { "approaching" }),
        What::PlateRead { camera, text, frames, .. } => format!("plate {camera:?} {text} of {frames} frames"),
        What::Weighed(weighing) => format!("weighed {} kg", weighing.gross_grams / 1000),
        What::NotWeighed(why) => format!("not weighed: {why:?}"),
        What::Verdict(verdict) => format!("verdict {}", verdict_line(verdict)),
        What::PermitGranted { permit: granted, lane_would, by, act, declarations } => {
            let by = by.as_ref().map(|by| format!(" by {}", by.id.as_str())).unwrap_or_default();
            let act = act.as_ref().map(|act| format!(" act {}", act.as_str())).unwrap_or_default();
            let on: Vec<String> = declarations.iter().map(|(id, revision)| format!("{}@{}", id.as_str(), revision.revision)).collect();
            format!("permit {:?} lane would {lane_would:?}{by}{act} on [{}]", granted.kind, on.join(" "))
        }
        What::PermitEnded { permit: id, end } => format!("permit {} ended {end:?}", permit(*id)),
        What::PassageEnded { end, stages_ms } => format!("ended {end:?} {}", stages(stages_ms)),
        What::Act { id, by, origin, act, outcome, lane_would, .. } => {
            let would = lane_would.map(|would| format!(" lane would {would:?}")).unwrap_or_default();
            format!("act {} {} from {origin:?}: {act:?} = {outcome:?}{would}", id.as_str(), by.id.as_str())
        }
        What::ConfirmedAtLane { declaration, confirmation } => {
            format!("confirmed at lane {} {} {:?}", declaration.as_str(), confirmation.agency.as_str(), confirmation.result)
        }
        What::Mode { from, to, by } => {
            format!("mode {from:?} to {to:?} by {}", by.as_ref().map_or("nobody", |by| by.id.as_str()))
        }
        What::Fault { fault, raised } => format!("fault {fault:?} {}", if *raised { "raised" } else { "cleared" }),
        What::Watch { mode, passages, .. } => format!("watch {mode:?} passages {passages}"),
        other => format!("{other:?}"),
    };
    Some(format!("{} {what}", passage(record.passage)))
}

fn stages(stages_ms: &[Option<u32>; 3]) -> String {
    let names = ["verdict", "up", "clear"];
    let known = names.iter().zip(stages_ms).filter_map(|(name, ms)| ms.map(|ms| format!("{name} {ms}")));
    format!("[{}]", known.collect::<Vec<_>>().join(", "))
}

pub fn verdict_line(verdict: &Verdict) -> String {
    let open: Vec<String> = verdict.checks.iter().filter(|check| check.leads_to != Outcome::Pass).map(check_line).collect();
    let on: Vec<String> = verdict.declarations.iter().map(|(id, revision)| format!("{}@{}", id.as_str(), revision.revision)).collect();
    format!("{:?} on [{}] {}", verdict.outcome, on.join(" "), open.join("; ")).trim_end().to_string()
}

fn check_line(check: &Check) -> String {
    let why = match &check.facts {
        Facts::Agencies { missing, holding, refused } => {
            let names = |agencies: &[lane_core::ids::Agency]| agencies.iter().map(|a| a.as_str().to_string()).collect::<Vec<_>>().join(",");
            format!("(missing {} holding {} refused {})", names(missing), names(holding), names(refused))
        }
        Facts::Weight { why_unknown: Some(why), .. } => format!("({why:?})"),
        Facts::Elsewhere { gate } => format!("({})", gate.as_str()),
        Facts::Claimed { lane } => format!("({})", lane.as_str()),
        Facts::Channel { channel } => format!("({channel:?})"),
        Facts::Declarations { candidates, .. } => format!("({candidates} candidates)"),
        _ => String::new(),
    };
    format!("{:?} {:?}{why}", check.kind, check.result)
}
