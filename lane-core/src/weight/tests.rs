use super::*;
use proptest::prelude::*;

const RAW: Digest = Digest([7; 32]);
const TRUCK: i64 = 18_500_000;

fn value(grams: i64, stable: Stable) -> Reading {
    Reading::Value { grams, stable, shown: Shown::Gross }
}

/// A scale with a clock of its own: samples come every 200 ms.
struct Site {
    weight: Weight,
    now: Mono,
}

impl Site {
    fn new(rules: WeightRules) -> Self {
        rules.validate().unwrap();
        Self { weight: Weight::new(rules), now: Mono(1_000_000) }
    }

    fn samples(&mut self, count: u32, reading: Reading) -> &mut Self {
        for _ in 0..count {
            self.now = self.now.plus(200);
            let used = self.weight.on_sample(self.now, Sample { acquired_at: self.now, reading, raw: RAW });
            assert_eq!(used, SampleUse::Used);
        }
        self
    }

    fn platform(&mut self, front: PlatformEnd, rear: PlatformEnd, vehicles: Vehicles) -> &mut Self {
        self.weight.on_platform(self.now, front, rear, vehicles);
        self
    }

    fn empty(&mut self) -> &mut Self {
        self.platform(PlatformEnd::Quiet, PlatformEnd::Quiet, Vehicles::None)
    }

    fn wholly_on(&mut self) -> &mut Self {
        self.platform(PlatformEnd::Quiet, PlatformEnd::Quiet, Vehicles::One)
    }

    /// Empty at zero, then a vehicle wholly on the platform; nothing sampled of it yet.
    fn ready(stable: Stable) -> Self {
        let mut site = Self::new(WeightRules::default());
        site.empty().samples(20, value(0, stable)).wholly_on();
        assert!(site.weight.zero_seen());
        site
    }

    fn weighing(&self) -> Result<Weighing, WeightUnknown> {
        self.weight.weighing(self.now)
    }

    fn grams(&self) -> Result<i64, WeightUnknown> {
        self.weighing().map(|weighing| weighing.gross_grams)
    }
}

#[test]
fn a_truck_is_weighed_by_the_indicators_flag() {
    let mut site = Site::ready(Stable::Yes);
    site.samples(2, value(9_000_000, Stable::No)).samples(2, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::Settling), "two stable samples are not three");
    site.samples(1, value(TRUCK + 20_000, Stable::Yes));
    let weighing = site.weighing().unwrap();
    assert_eq!(weighing.gross_grams, TRUCK + 20_000);
    assert_eq!(weighing.acquired_at, site.now);
    assert_eq!(weighing.steady_since, Mono(site.now.0 - 400));
    assert_eq!((weighing.steadiness, weighing.ends_confirmed, weighing.raw), (Steadiness::IndicatorFlag, true, RAW));
}

#[test]
fn a_truck_is_weighed_by_its_numbers_where_there_is_no_flag() {
    let mut site = Site::ready(Stable::Unknown);
    site.samples(10, value(TRUCK, Stable::Unknown));
    assert_eq!(site.grams(), Err(WeightUnknown::Settling), "1,800 ms are not 2,000");
    site.samples(1, value(TRUCK - 20_000, Stable::Unknown));
    assert_eq!(site.weighing().unwrap().steadiness, Steadiness::Numbers);
    // A swing wider than the band begins anew.
    site.samples(1, value(TRUCK + 21_000, Stable::Unknown));
    assert_eq!(site.grams(), Err(WeightUnknown::Settling));
}

#[test]
fn numbers_that_creep_are_not_steady() {
    let mut site = Site::ready(Stable::Unknown);
    for step in 0..60 {
        site.samples(1, value(TRUCK + step * 10_000, Stable::Unknown));
        assert_eq!(site.grams(), Err(WeightUnknown::Settling), "step {step}");
    }
}

#[test]
fn moving_is_believed_absolutely() {
    let mut site = Site::ready(Stable::Yes);
    site.samples(50, value(TRUCK, Stable::No));
    assert_eq!(site.grams(), Err(WeightUnknown::Moving));
    // A single stable glitch between is no weighing.
    site.samples(1, value(TRUCK, Stable::Yes)).samples(1, value(TRUCK, Stable::No));
    assert_eq!(site.grams(), Err(WeightUnknown::Moving));
    site.samples(3, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Ok(TRUCK));
    site.samples(1, value(TRUCK, Stable::No));
    assert_eq!(site.grams(), Err(WeightUnknown::Moving));
}

#[test]
fn flags_and_numbers_are_not_added_up() {
    let mut site = Site::ready(Stable::Yes);
    site.samples(2, value(TRUCK, Stable::Yes)).samples(1, value(TRUCK, Stable::Unknown));
    assert_eq!(site.grams(), Err(WeightUnknown::Settling));
}

#[test]
fn what_is_no_gross_number_is_never_a_weighing() {
    let shown = |shown| Reading::Value { grams: TRUCK, stable: Stable::Yes, shown };
    for (reading, reason) in [
        (Reading::Overload, WeightUnknown::Overload),
        (Reading::Underload, WeightUnknown::Underload),
        (Reading::ZeroNotCaptured, WeightUnknown::ZeroNotCaptured),
        (Reading::Problem, WeightUnknown::IndicatorProblem),
        (shown(Shown::Net), WeightUnknown::NetShown),
        (shown(Shown::Tare), WeightUnknown::TareShown),
        (shown(Shown::Unknown), WeightUnknown::GrossNotMarked),
        (value(120_000_001, Stable::Yes), WeightUnknown::Overload),
        (value(-100_001, Stable::Yes), WeightUnknown::Underload),
        (value(499_999, Stable::Yes), WeightUnknown::PlatformEmpty),
    ] {
        let mut site = Site::ready(Stable::Yes);
        site.samples(5, value(TRUCK, Stable::Yes));
        assert_eq!(site.grams(), Ok(TRUCK));
        site.samples(5, reading);
        assert_eq!(site.grams(), Err(reason), "{reading:?}");
    }
}

#[test]
fn an_unmarked_format_counts_where_a_person_vouched_for_it() {
    let mut site = Site::new(WeightRules { unmarked_is_gross: true, ..WeightRules::default() });
    let unmarked = |grams| Reading::Value { grams, stable: Stable::Unknown, shown: Shown::Unknown };
    site.empty().samples(20, unmarked(0)).wholly_on().samples(20, unmarked(TRUCK));
    assert_eq!(site.grams(), Ok(TRUCK));
}

#[test]
fn silence_is_no_weight_and_a_long_one_costs_the_zero() {
    let mut site = Site::ready(Stable::Yes);
    assert_eq!(Site::new(WeightRules::default()).grams(), Err(WeightUnknown::Silent));
    site.samples(5, value(TRUCK, Stable::Yes));
    let stale_at = site.weight.next_timeout(site.now).unwrap();
    assert_eq!(stale_at, site.now.plus(2000));
    assert!(site.weight.weighing(Mono(stale_at.0 - 1)).is_ok());
    assert_eq!(site.weight.weighing(stale_at), Err(WeightUnknown::Silent));
    // Back after 2.2 s: the zero stands, the run begins anew.
    site.now = site.now.plus(2000);
    site.samples(1, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::Settling));
    site.samples(2, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Ok(TRUCK));
    // Back after 3 s: it may have restarted.
    site.now = site.now.plus(2800);
    site.samples(5, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::NotZeroBefore));
}

#[test]
fn a_weighing_counts_only_after_zero() {
    let mut site = Site::new(WeightRules::default());
    site.wholly_on().samples(10, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::NotZeroBefore), "after a start of the lane");
    site.empty().samples(10, value(120_000, Stable::Yes)).wholly_on().samples(10, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::NotZeroBefore), "120 kg stayed on the platform");
    site.empty().samples(3, value(0, Stable::No)).wholly_on().samples(10, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::NotZeroBefore), "the needle only swung through zero");
    site.empty().samples(3, value(-80_000, Stable::Yes)).wholly_on().samples(10, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Ok(TRUCK));
    site.weight.on_restart();
    site.samples(10, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::NotZeroBefore), "after a restart of the indicator");
}

#[test]
fn a_weighing_is_taken_once() {
    let mut site = Site::ready(Stable::Yes);
    site.samples(5, value(TRUCK, Stable::Yes));
    assert_eq!(site.weight.take(site.now).map(|weighing| weighing.gross_grams), Ok(TRUCK));
    assert_eq!(site.weight.take(site.now), Err(WeightUnknown::NotZeroBefore));
    site.samples(5, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::NotZeroBefore));
    assert_eq!(site.weight.live(site.now), Ok((TRUCK, site.now)), "the screen still shows the number");
    site.empty().samples(5, value(0, Stable::Yes)).wholly_on().samples(5, value(TRUCK + 1_000_000, Stable::Yes));
    assert_eq!(site.grams(), Ok(TRUCK + 1_000_000));
}

#[test]
fn a_zero_made_under_a_truck_is_no_zero() {
    // The indicator restarts and zeroes itself while the truck stands there.
    let mut site = Site::new(WeightRules::default());
    site.wholly_on().samples(10, value(0, Stable::Yes));
    assert!(!site.weight.zero_seen(), "a vehicle is counted on the platform");
    // Nobody counted the truck: the zero is believed until it drives off and the number falls far below.
    site.empty().samples(10, value(0, Stable::Yes));
    assert!(site.weight.zero_seen());
    site.samples(2, value(-TRUCK, Stable::Yes));
    assert!(!site.weight.zero_seen());
    site.wholly_on().samples(10, value(5_000_000, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::NotZeroBefore));
}

#[test]
fn one_vehicle_must_be_wholly_on() {
    use PlatformEnd::{Absent, Active, Quiet, Unknown};
    for (front, rear, vehicles, reason) in [
        (Active, Quiet, Vehicles::One, WeightUnknown::NotWhollyOn),
        (Quiet, Active, Vehicles::One, WeightUnknown::NotWhollyOn),
        (Active, Unknown, Vehicles::One, WeightUnknown::NotWhollyOn),
        (Quiet, Unknown, Vehicles::One, WeightUnknown::WhollyOnUnknown),
        (Absent, Quiet, Vehicles::One, WeightUnknown::WhollyOnUnknown),
        (Absent, Absent, Vehicles::One, WeightUnknown::WhollyOnUnknown),
        (Quiet, Quiet, Vehicles::Several, WeightUnknown::SeveralVehicles),
        (Quiet, Quiet, Vehicles::None, WeightUnknown::NoVehicle),
        (Quiet, Quiet, Vehicles::Unknown, WeightUnknown::VehiclesUnknown),
    ] {
        let mut site = Site::ready(Stable::Yes);
        site.platform(front, rear, vehicles).samples(10, value(TRUCK, Stable::Yes));
        assert_eq!(site.grams(), Err(reason), "{front:?} {rear:?} {vehicles:?}");
    }
}

#[test]
fn a_site_without_ends_can_accept_that_and_the_weighing_says_so() {
    let mut site = Site::new(WeightRules { accept_without_ends: true, ..WeightRules::default() });
    let absent = PlatformEnd::Absent;
    site.platform(absent, absent, Vehicles::None).samples(10, value(0, Stable::Yes));
    site.platform(absent, absent, Vehicles::One).samples(10, value(TRUCK, Stable::Yes));
    let weighing = site.weighing().unwrap();
    assert!(!weighing.ends_confirmed);
    // Accepting absence is not accepting ignorance.
    site.platform(absent, PlatformEnd::Unknown, Vehicles::One).samples(10, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::WhollyOnUnknown));
}

#[test]
fn what_was_steady_before_the_ends_were_quiet_does_not_count() {
    let mut site = Site::ready(Stable::Yes);
    site.platform(PlatformEnd::Quiet, PlatformEnd::Active, Vehicles::One).samples(10, value(TRUCK, Stable::Yes));
    site.wholly_on();
    assert_eq!(site.grams(), Err(WeightUnknown::Settling), "no sample since the rear end is quiet");
    site.samples(2, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::Settling), "400 ms are not 500");
    site.samples(1, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Ok(TRUCK));
    // The ends saying the same again changes nothing.
    site.wholly_on();
    assert_eq!(site.grams(), Ok(TRUCK));
}

#[test]
fn steadiness_needs_samples_of_the_vehicle_as_it_stands() {
    // Three stable samples are needed after the change, however long it is ago.
    let mut site = Site::ready(Stable::Yes);
    site.platform(PlatformEnd::Quiet, PlatformEnd::Active, Vehicles::One).samples(10, value(TRUCK, Stable::Yes)).wholly_on();
    site.now = site.now.plus(1000);
    site.samples(2, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::Settling));
    // And the ends must be quiet for their time, however many samples come.
    let mut site = Site::new(WeightRules { ends_quiet_ms: 1000, ..WeightRules::default() });
    site.empty().samples(5, value(0, Stable::Yes)).wholly_on().samples(4, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Err(WeightUnknown::Settling), "800 ms are not 1,000");
    site.samples(1, value(TRUCK, Stable::Yes));
    assert_eq!(site.grams(), Ok(TRUCK));
}

#[test]
fn numbers_need_enough_samples_however_long_they_last() {
    let mut site = Site::ready(Stable::Unknown);
    for _ in 0..4 {
        site.now = site.now.plus(500);
        site.samples(1, value(TRUCK, Stable::Unknown));
    }
    assert_eq!(site.grams(), Err(WeightUnknown::Settling), "four samples in 2,100 ms are not five");
    site.samples(1, value(TRUCK, Stable::Unknown));
    assert_eq!(site.grams(), Ok(TRUCK));
}

#[test]
fn an_indicator_that_lost_its_zero_costs_the_zero_seen() {
    for reading in [Reading::ZeroNotCaptured, Reading::Underload] {
        let mut site = Site::ready(Stable::Yes);
        site.samples(1, reading).samples(10, value(TRUCK, Stable::Yes));
        assert_eq!(site.grams(), Err(WeightUnknown::NotZeroBefore), "{reading:?}");
    }
}

#[test]
fn samples_out_of_order_are_dropped() {
    let mut site = Site::ready(Stable::Yes);
    site.samples(5, value(TRUCK, Stable::Yes));
    let before = site.weight.clone();
    for acquired_at in [Mono(site.now.0 - 1), site.now.plus(1)] {
        let sample = Sample { acquired_at, reading: Reading::Overload, raw: RAW };
        assert_eq!(site.weight.on_sample(site.now, sample), SampleUse::OutOfOrder);
    }
    assert_eq!(site.weight, before);
}

#[test]
fn new_rules_let_nothing_count_as_steady() {
    let mut site = Site::ready(Stable::Yes);
    site.samples(5, value(TRUCK, Stable::Yes));
    site.weight.set_rules(WeightRules::default());
    assert_eq!(site.grams(), Ok(TRUCK));
    site.weight.set_rules(WeightRules { band_grams: 60_000, ..WeightRules::default() });
    assert_eq!(site.grams(), Err(WeightUnknown::Settling));
}

#[test]
fn shifted_times_change_no_answer() {
    let mut site = Site::ready(Stable::Unknown);
    site.samples(15, value(TRUCK, Stable::Unknown));
    let mut shifted = site.weight.clone();
    shifted.shift_times(&mut |at| at.0 -= 900_000);
    let answer = shifted.weighing(Mono(site.now.0 - 900_000)).unwrap();
    assert_eq!(answer.gross_grams, site.grams().unwrap());
    assert_eq!(answer.steady_since.0 + 900_000, site.weighing().unwrap().steady_since.0);
}

#[test]
fn rules_outside_their_bounds_are_named() {
    let check = |change: fn(&mut WeightRules), expect| {
        let mut rules = WeightRules::default();
        change(&mut rules);
        assert_eq!(rules.validate().map_err(|error| error.setting), expect);
    };
    check(|_| (), Ok(()));
    check(|rules| rules.band_grams = 0, Err("band_grams"));
    check(|rules| rules.restart_gap_ms = 1999, Err("restart_gap_ms"));
    check(|rules| rules.zero_band_grams = 500_000, Err("zero_band_grams"));
    check(|rules| rules.max_grams = 500_000, Err("max_grams"));
    check(|rules| rules.window_ms = u64::MAX, Err("window_ms"));
}

#[derive(Debug, Clone)]
enum Step {
    Sample(Reading),
    Platform(PlatformEnd, PlatformEnd, Vehicles),
    Silence(u64),
    Restart,
    Take,
}

fn any_step() -> impl Strategy<Value = Step> {
    let grams = prop_oneof![Just(0), Just(60_000), Just(TRUCK), Just(TRUCK + 30_000), Just(-TRUCK), Just(i64::MAX), Just(i64::MIN)];
    let stable = prop_oneof![4 => Just(Stable::Yes), 1 => Just(Stable::No), 2 => Just(Stable::Unknown)];
    let shown = prop_oneof![8 => Just(Shown::Gross), 1 => Just(Shown::Net), 1 => Just(Shown::Unknown)];
    let number = (grams, stable, shown).prop_map(|(grams, stable, shown)| Reading::Value { grams, stable, shown });
    let end = || prop_oneof![8 => Just(PlatformEnd::Quiet), 1 => Just(PlatformEnd::Active), 1 => Just(PlatformEnd::Unknown)];
    let vehicles = prop_oneof![3 => Just(Vehicles::None), 5 => Just(Vehicles::One), 1 => Just(Vehicles::Several)];
    prop_oneof![
        20 => number.prop_map(Step::Sample),
        20 => prop_oneof![Just(0), Just(TRUCK)].prop_map(|grams| Step::Sample(value(grams, Stable::Yes))),
        1 => Just(Step::Sample(Reading::ZeroNotCaptured)),
        6 => (end(), end(), vehicles).prop_map(|(front, rear, vehicles)| Step::Platform(front, rear, vehicles)),
        1 => (200..5000_u64).prop_map(Step::Silence),
        1 => Just(Step::Restart),
        2 => Just(Step::Take),
    ]
}

proptest! {
    /// Whatever happens: a weighing has one vehicle wholly on, fresh gross samples that do not move, and a zero since the
    /// last taken one and since every restart. The zero is counted here apart from the code under test.
    #[test]
    fn a_weighing_always_keeps_its_rules(steps in proptest::collection::vec(any_step(), 1..200)) {
        let mut site = Site::new(WeightRules::default());
        let (mut last, mut platform, mut zero) = (None, None, false);
        for step in steps {
            site.now = site.now.plus(200);
            match step {
                Step::Sample(reading) => {
                    site.weight.on_sample(site.now, Sample { acquired_at: site.now, reading, raw: RAW });
                    last = Some((site.now, reading));
                    zero |= matches!(reading, Reading::Value { grams: -100_000..=100_000, shown: Shown::Gross, .. });
                    zero &= reading != Reading::ZeroNotCaptured;
                }
                Step::Platform(front, rear, vehicles) => {
                    site.platform(front, rear, vehicles);
                    platform = Some((front, rear, vehicles));
                }
                Step::Silence(ms) => {
                    site.now = site.now.plus(ms);
                    zero &= ms < 2800;
                }
                Step::Restart => {
                    site.weight.on_restart();
                    zero = false;
                    last = None;
                }
                Step::Take => {
                    if site.weight.take(site.now).is_ok() {
                        prop_assert!(zero);
                        zero = false;
                    }
                }
            }
            if let Ok(weighing) = site.weighing() {
                prop_assert!(zero);
                prop_assert_eq!(platform, Some((PlatformEnd::Quiet, PlatformEnd::Quiet, Vehicles::One)));
                let Some((at, Reading::Value { grams, stable, shown })) = last else { panic!("no number") };
                prop_assert_eq!((at, grams, shown), (weighing.acquired_at, weighing.gross_grams, Shown::Gross));
                prop_assert!(stable != Stable::No && site.now.since(at) < 2000);
            }
        }
    }
}
