//! `[barrier]` and `[scale]`: profiles by name or path, and what the site adds to them.

use super::reader::Section;
use crate::barrier::{Acceptance, ModuleSettings, Profile as BarrierProfile, Settings as Barrier};
use crate::scale::decode::DecoderSettings;
use crate::scale::endpoint::Endpoint;
use crate::scale::line::LineSettings;
use crate::scale::profile::Profile as ScaleProfile;
use lane_core::interlock::{Closing, Config, Drive};
use lane_core::weight::WeightRules;
use std::path::{Path, PathBuf};

/// The barrier as the daemon runs it.
pub type BarrierSettings = Barrier;

/// The scale as the daemon runs it.
#[derive(Debug, Clone)]
pub struct ScaleSettings {
    /// Where the indicator is.
    pub endpoint: Endpoint,
    /// Times.
    pub line: LineSettings,
    /// Protocol.
    pub decoder: DecoderSettings,
    /// Which platform counts, from 1, where one record carries several.
    pub platform: u8,
}

const MAX_MODULES: usize = crate::barrier::MAX_MODULES;
const DAY_MS: i64 = 24 * 3600 * 1000;

pub(super) fn barrier(section: &Section<'_, '_>, base: &Path) -> BarrierSettings {
    let profiles = base.join(section.text("profiles", Some("/usr/share/borderlane/profiles/barrier"), 1..=256));
    let interlock = interlock(section);
    let rows = section.sections("module", MAX_MODULES);
    let wanted = rows.len();
    if rows.is_empty() {
        section.wrong("module", "at least one [[barrier.module]] is needed");
    }
    let modules: Vec<ModuleSettings> = rows.into_iter().filter_map(|row| module(row, base, &profiles)).collect();
    // What a lane needs of its modules can only be judged when all of them were understood.
    let complete = wanted > 0 && modules.len() == wanted;
    let mut settings = Barrier::new(interlock, modules);
    settings.scan_ms = section.number("scan_ms", settings.scan_ms, 10..=500);
    settings.call_timeout_ms = section.number("call_timeout_ms", settings.call_timeout_ms, 50..=5_000);
    settings.reconnect_first_ms = section.number("reconnect_first_ms", settings.reconnect_first_ms, 50..=10_000);
    settings.reconnect_most_ms = section.number("reconnect_most_ms", settings.reconnect_most_ms, 100..=60_000);
    settings.closing_accepted = acceptance(section.section("closing_accepted"));
    if complete && let Err(wrong) = settings.check() {
        for error in wrong {
            section.wrong("module", error.to_string());
        }
    }
    settings
}

/// Who answers for a boom that we lower, and since when.
fn acceptance(section: Section<'_, '_>) -> Option<Acceptance> {
    if !section.present() {
        return None;
    }
    let by = section.text("by", None, 3..=128);
    let on = section.text("on", None, 10..=10);
    if !on.is_empty() && on.parse::<jiff::civil::Date>().is_err() {
        section.wrong("on", "must be a date like 2026-05-04");
    }
    section.close();
    Some(Acceptance { by, on })
}

fn interlock(section: &Section<'_, '_>) -> Config {
    let d = Config::default();
    Config {
        drive: section.word("open_kind", Some(d.drive), &[("pulse", Drive::Pulse), ("maintained", Drive::Maintained)]).unwrap_or(d.drive),
        closing: section
            .word("closing", Some(d.closing), &[("self", Closing::SelfClosing), ("commanded", Closing::Commanded)])
            .unwrap_or(d.closing),
        stop_output: section.flag("stop_output", d.stop_output),
        pulse_ms: section.number("pulse_ms", d.pulse_ms, 100..=5_000),
        fresh_ms: section.number("fresh_ms", d.fresh_ms, 100..=2_000),
        fresh_scans: section.number("fresh_scans", d.fresh_scans, 1..=20),
        close_clear_hold_ms: section.number("close_clear_hold_ms", d.close_clear_hold_ms, 500..=60_000),
        reversal_rest_ms: section.number("reversal_rest_ms", d.reversal_rest_ms, 0..=5_000),
        travel_limit_ms: section.number("travel_limit_ms", d.travel_limit_ms, 1_000..=60_000),
        joined_gap_ms: section.number("joined_gap_ms", d.joined_gap_ms, 200..=10_000),
        unclear_after_ms: section.number("unclear_after_ms", d.unclear_after_ms, 1_000..=120_000),
        presence_stuck_ms: section.number("presence_stuck_ms", d.presence_stuck_ms, 0..=DAY_MS),
        open_limit_ms: section.number("open_limit_ms", d.open_limit_ms, 0..=DAY_MS),
    }
}

fn module(row: Section<'_, '_>, base: &Path, profiles: &Path) -> Option<ModuleSettings> {
    let name = row.text("name", None, 1..=32);
    let address = row.text("address", None, 3..=256);
    if address.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
        row.wrong("address", "must be host:port, for example 192.168.1.20:502");
    }
    let accept_without_watchdog = row.flag("accept_without_watchdog", false);
    let path = profile_path(&row.text("profile", None, 1..=256), base, profiles);
    let profile = match std::fs::read_to_string(&path) {
        Err(error) => {
            row.wrong("profile", format!("{}: {error}", path.display()));
            None
        }
        Ok(text) => match BarrierProfile::parse(&text) {
            Ok(profile) => Some(profile),
            Err(mistakes) => {
                for mistake in mistakes {
                    row.wrong("profile", format!("{}: {mistake}", path.display()));
                }
                None
            }
        },
    };
    row.close();
    profile.map(|profile| ModuleSettings { name, address, profile, accept_without_watchdog })
}

/// A bare word is a profile of the profiles folder; anything with a slash or a suffix is a file.
fn profile_path(text: &str, base: &Path, profiles: &Path) -> PathBuf {
    if text.contains('/') || text.ends_with(".toml") { base.join(text) } else { profiles.join(format!("{text}.toml")) }
}

pub(super) fn scale(section: &Section<'_, '_>, base: &Path, weight: &mut WeightRules) -> Option<ScaleSettings> {
    let profiles = base.join(section.text("profiles", Some("/usr/share/borderlane/profiles/scale"), 1..=256));
    let path = profile_path(&section.text("profile", None, 1..=256), base, &profiles);
    let endpoint = section.text("endpoint", None, 1..=256);
    let platform = section.number("platform", 1, 1..=2);
    weights(section, weight);
    let endpoint = match endpoint.parse::<Endpoint>() {
        Ok(endpoint) => Some(endpoint),
        Err(error) => {
            section.wrong("endpoint", error.to_string());
            None
        }
    };
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
    let profile = match text.and_then(|text| ScaleProfile::from_toml(&text).map_err(|error| error.to_string())) {
        Ok(profile) => profile,
        Err(error) => {
            section.wrong("profile", format!("{}: {error}", path.display()));
            return None;
        }
    };
    weight.stale_after_ms = profile.stale_after_ms;
    weight.restart_gap_ms = weight.restart_gap_ms.max(profile.stale_after_ms);
    if let Err(error) = weight.validate() {
        section.wrong(error.setting, error.to_string());
    }
    Some(ScaleSettings { endpoint: endpoint?, line: profile.line(), decoder: profile.decoder(), platform })
}

/// The weighing rules, in the same table as the scale they belong to.
fn weights(section: &Section<'_, '_>, w: &mut WeightRules) {
    w.band_grams = section.number("band_grams", w.band_grams, 1..=1_000_000);
    w.window_ms = section.number("window_ms", w.window_ms, 500..=60_000);
    w.min_samples = section.number("min_samples", w.min_samples, 2..=1_000);
    w.flag_min_samples = section.number("flag_min_samples", w.flag_min_samples, 1..=100);
    w.restart_gap_ms = section.number("restart_gap_ms", w.restart_gap_ms, 200..=60_000);
    w.zero_band_grams = section.number("zero_band_grams", w.zero_band_grams, 0..=1_000_000);
    w.min_vehicle_grams = section.number("min_vehicle_grams", w.min_vehicle_grams, 1..=10_000_000);
    w.max_grams = section.number("max_grams", w.max_grams, 1..=1_000_000_000);
    w.ends_quiet_ms = section.number("ends_quiet_ms", w.ends_quiet_ms, 0..=60_000);
    w.accept_without_ends = section.flag("accept_without_ends", w.accept_without_ends);
    w.unmarked_is_gross = section.flag("unmarked_is_gross", w.unmarked_is_gross);
}
