//! `opening_*`: would the lane open for this plate, and for the right one? Simulated vehicles against generated declarations, with the rules of
//! [`MatchRules::default`]; what else the lane asks for (weight, window, officer) is left out, so that the plate alone is judged.
//!
//! The reads come from [`crate::library`]: what the reader said of the rendered approaches and of the real photos that nothing was trained on. Cases:
//!
//! | case | plate | declared |
//! |---|---|---|
//! | declared | declared | it, and nothing like it on purpose |
//! | neighbour | not declared | a plate of one other symbol: of the same confusable class, or one for which the reader takes it |
//! | nothing | not declared | nothing like it on purpose |
//! | both | declared | it and such a neighbour |
//!
//! Auto-open: the share of declared plates for which the lane opens by itself. Wrong-open: the lane takes the vehicle for another declaration; of every
//! simulated vehicle, judged after all its frames, and (`early`) after the first two, the earliest moment that the rules allow.

use crate::approach;
use crate::figure::{Aim, Count, Fail, Figure};
use crate::library::{Dice, Library, Reads};
use crate::plates;
use borderlane::runtime::devices::core_read;
use borderlane::store::LOOKUP_MAX_CANDIDATES;
use lane_core::plate::confusable::confusable_key;
use lane_core::plate::grammar::fits;
use lane_core::plate::{Candidate, CandidateId, Class, Country, Decision, MatchRules, PlateText, Symbol, Track, match_plates};
use lane_core::time::Mono;
use lane_link::camera::PlateRead;
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const DECLARATIONS: usize = 100_000;
/// Declarations that have a declared neighbour.
const PAIRS: usize = 10_000;
const WRONG_AIM: f64 = 1e-5;
/// Rendered vehicles, where none are there yet.
const VEHICLES: usize = 400;
const SEED: u64 = 0xb07d_e12a;
/// Texts of the front plate that the lane asks for.
const ASKED: usize = 6;
const EARLY_READS: usize = 2;
const TRIES: usize = 2_000;
/// Vehicles that a thread takes at a time.
const BATCH: usize = 500;
const TOLD_WRONG: usize = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Case {
    Declared,
    Neighbour,
    Nothing,
    Both,
}

const CASES: [(Case, &str); 4] =
    [(Case::Declared, "declared"), (Case::Neighbour, "neighbour"), (Case::Nothing, "nothing"), (Case::Both, "both")];

impl Case {
    /// Four in ten declared, four in ten with a declared neighbour, one in ten of each other.
    const fn of(nth: usize) -> Self {
        match nth % 10 {
            0..4 => Self::Declared,
            4..8 => Self::Neighbour,
            8 => Self::Nothing,
            _ => Self::Both,
        }
    }
}

/// What came of the vehicles of a case.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    vehicles: u64,
    right: u64,
    wrong: u64,
    wrong_early: u64,
}

pub fn measure(dir: &Path, bin: &Path, vehicles: usize) -> Result<Vec<Figure>, Fail> {
    let seen = match approach::kept(dir, bin) {
        Some(seen) if seen.len() >= VEHICLES => seen,
        _ => approach::collect(dir, bin, VEHICLES)?,
    };
    let mut known: Vec<(PlateText, Reads)> = plates::untrained_reads(bin)?;
    let photos = known.len();
    for one in seen {
        let text = PlateText::parse(&one.truth.text)?;
        // no motorbike is let through a lorries' lane
        if is_a_plate(&text) {
            known.push((text, one.reads.into_iter().map(|line| (line.at_ms, line.read)).collect()));
        }
    }
    let library = Library::new(known);
    eprintln!("bench: {} vehicles and {photos} photos give {} places", library.bases().len(), library.column_count());
    let world = World::new(&library)?;
    let rendered = world.rendered()?;
    let (tallies, wrong) = world.run(vehicles)?;
    let mut file = std::fs::File::create(dir.join("opening-wrong.txt"))?;
    for (nth, line) in wrong.iter().enumerate() {
        writeln!(file, "{line}")?;
        if nth < TOLD_WRONG {
            eprintln!("bench: wrong: {line}");
        }
    }
    let mut figures = figures(&tallies);
    figures.push(Figure::share("opening_auto/rendered", rendered, f64::NAN, Aim::Told));
    Ok(figures)
}

fn figures(tallies: &HashMap<Case, Tally>) -> Vec<Figure> {
    let sum = |pick: &dyn Fn(&Tally) -> u64| tallies.values().map(pick).sum::<u64>();
    let of = |case| tallies.get(&case).copied().unwrap_or_default();
    let (declared, both, whole) = (of(Case::Declared), of(Case::Both), sum(&|tally| tally.vehicles));
    let mut figures = vec![
        Figure::share("opening_auto", Count::new(declared.right, declared.vehicles), f64::NAN, Aim::Told),
        Figure::share("opening_wrong", Count::new(sum(&|tally| tally.wrong), whole), WRONG_AIM, Aim::ValueAtMost(WRONG_AIM)),
        Figure::share("opening_wrong_early", Count::new(sum(&|tally| tally.wrong_early), whole), WRONG_AIM, Aim::Told),
    ];
    figures.push(Figure::share("opening_auto/both", Count::new(both.right, both.vehicles), f64::NAN, Aim::Told));
    for (case, name) in CASES {
        let tally = of(case);
        figures.push(Figure::share(format!("opening_wrong/{name}"), Count::new(tally.wrong, tally.vehicles), f64::NAN, Aim::Told));
    }
    figures
}

/// A simulated vehicle, and the declared plates for which the lane would open after its first reads and after all.
struct Passed {
    plate: PlateText,
    early: Option<PlateText>,
    end: Option<PlateText>,
    reads: Reads,
}

struct World<'a> {
    library: &'a Library,
    rules: MatchRules,
    declared: Vec<PlateText>,
    set: HashSet<PlateText>,
    /// Declared plates by confusable key, as the cache finds them.
    by_key: HashMap<PlateText, Vec<PlateText>>,
    /// Symbols to put in the place of another: those that can be simulated.
    symbols: Vec<Symbol>,
}

impl<'a> World<'a> {
    fn new(library: &'a Library) -> Result<Self, Fail> {
        let symbols = Symbol::all().filter(|symbol| library.knows(*symbol)).collect();
        let mut world =
            Self { library, rules: MatchRules::default(), declared: Vec::new(), set: HashSet::new(), by_key: HashMap::new(), symbols };
        let mut dice = Dice(SEED);
        for nth in 0..DECLARATIONS {
            let plate = (0..TRIES).find_map(|_| {
                let plate = if nth < 2 * PAIRS && nth % 2 == 1 {
                    world.neighbour(&world.declared[nth - 1], &mut dice)
                } else {
                    world.any(&mut dice)
                };
                plate.filter(|plate| !world.set.contains(plate))
            });
            let plate = plate.or_else(|| (0..TRIES).find_map(|_| world.any(&mut dice).filter(|plate| !world.set.contains(plate))));
            world.declare(plate.ok_or("no more plates could be made up")?);
        }
        Ok(world)
    }

    fn declare(&mut self, plate: PlateText) {
        self.set.insert(plate);
        self.declared.push(plate);
        self.by_key.entry(confusable_key(&plate)).or_default().push(plate);
    }

    /// A plate like one that lends its frames: the same kinds of symbols in the same places, of a registered form.
    fn any(&self, dice: &mut Dice) -> Option<PlateText> {
        let base = &self.library.bases()[dice.below(self.library.bases().len())].text;
        let other = |symbol: Symbol, dice: &mut Dice| {
            let same = |other: &&Symbol| {
                (other.is_digit(), other.is_letter(), other.is_province()) == (symbol.is_digit(), symbol.is_letter(), symbol.is_province())
            };
            let like: Vec<Symbol> = self.symbols.iter().filter(same).copied().collect();
            // suffixes make the form
            if symbol.is_digit() || symbol.is_letter() || symbol.is_province() {
                like.get(dice.below(like.len())).copied()
            } else {
                Some(symbol)
            }
        };
        let symbols: Option<Vec<Symbol>> = base.symbols().iter().map(|symbol| other(*symbol, dice)).collect();
        PlateText::from_symbols(symbols?).ok().filter(is_a_plate)
    }

    /// A plate that differs from this one by one symbol, for which the reader may take it: half of them of the confusable classes, half by what was confused.
    fn neighbour(&self, plate: &PlateText, dice: &mut Dice) -> Option<PlateText> {
        let by_class = dice.share() < 0.5;
        let key = confusable_key(plate);
        let mut others: Vec<(PlateText, f64)> = Vec::new();
        for (at, &seen) in plate.symbols().iter().enumerate() {
            for &truly in self.symbols.iter().filter(|truly| **truly != seen) {
                let weight = if by_class { 1.0 } else { self.library.confusion(truly, seen) };
                let other = PlateText::from_symbols(
                    plate.symbols().iter().enumerate().map(|(nth, symbol)| if nth == at { truly } else { *symbol }),
                );
                if let Ok(other) = other
                    && weight > 0.0
                    && (!by_class || confusable_key(&other) == key)
                    && is_a_plate(&other)
                {
                    others.push((other, weight));
                }
            }
        }
        let mut left = dice.share() * others.iter().map(|(_, weight)| weight).sum::<f64>();
        let drawn = others.iter().find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        drawn.map(|(other, _)| *other)
    }

    /// The plate that stands before the camera.
    fn plate(&self, case: Case, dice: &mut Dice) -> Option<PlateText> {
        match case {
            Case::Declared => Some(self.declared[2 * PAIRS + dice.below(DECLARATIONS - 2 * PAIRS)]),
            Case::Both => Some(self.declared[dice.below(2 * PAIRS)]),
            Case::Nothing => self.any(dice).filter(|plate| !self.set.contains(plate)),
            Case::Neighbour => {
                let declared = self.declared[dice.below(DECLARATIONS)];
                self.neighbour(&declared, dice).filter(|plate| !self.set.contains(plate))
            }
        }
    }

    /// The declared plate for which the lane would open after these reads; `also`: one more that is declared.
    fn opens(&self, reads: &[(u64, PlateRead)], also: Option<PlateText>) -> Result<Option<PlateText>, Fail> {
        let mut track = Track::new();
        for (at_ms, read) in reads {
            track.push(Mono(*at_ms), core_read(read).ok_or("a read that the core does not take")?);
        }
        let Some(fused) = track.fuse(&self.rules.vote) else { return Ok(None) };
        let mut found: Vec<Candidate> = Vec::new();
        for text in fused.lookup_texts(ASKED) {
            let key = confusable_key(&text);
            let also = also.iter().filter(|plate| confusable_key(plate) == key && !self.set.contains(plate));
            for plate in self.by_key.get(&key).into_iter().flatten().chain(also) {
                found.push(Candidate { id: CandidateId(found.len() as u32), plate: *plate });
            }
        }
        let truncated = found.len() > LOOKUP_MAX_CANDIDATES;
        found.truncate(LOOKUP_MAX_CANDIDATES);
        match match_plates(&self.rules, Some(&fused), &found, truncated).decision {
            Decision::Auto { plate, .. } => Ok(Some(plate)),
            Decision::Ambiguous(_) | Decision::NotInList | Decision::NoRead => Ok(None),
        }
    }

    /// The nth vehicle.
    fn vehicle(&self, nth: usize) -> Result<Passed, Fail> {
        let mut dice = Dice(SEED ^ (nth as u64 + 1).wrapping_mul(0xd134_2543_de82_ef95));
        let made = (0..TRIES).find_map(|_| {
            let plate = self.plate(Case::of(nth), &mut dice)?;
            Some((plate, self.library.simulate(&plate, &mut dice)?))
        });
        let (plate, reads) = made.ok_or("no such plate could be made up")?;
        let early = self.opens(&reads[..reads.len().min(EARLY_READS)], None)?;
        Ok(Passed { plate, early, end: self.opens(&reads, None)?, reads })
    }

    /// The rendered vehicles as they were read, each declared: how like them the simulated ones are.
    fn rendered(&self) -> Result<Count, Fail> {
        let mut right = 0;
        for base in self.library.bases() {
            right += u64::from(self.opens(&base.reads(), Some(base.text))? == Some(base.text));
        }
        Ok(Count::new(right, self.library.bases().len() as u64))
    }

    fn run(&self, vehicles: usize) -> Result<(HashMap<Case, Tally>, Vec<String>), Fail> {
        let (next, begun) = (AtomicUsize::new(0), std::time::Instant::now());
        let whole: Mutex<(HashMap<Case, Tally>, Vec<String>)> = Mutex::default();
        let work = || -> Result<(), Fail> {
            loop {
                let first = next.fetch_add(BATCH, Relaxed);
                if first >= vehicles {
                    return Ok(());
                }
                let (tallies, wrong) = self.batch(first, vehicles.min(first + BATCH))?;
                let mut whole = whole.lock().map_err(|_| "a thread ended badly")?;
                for (case, tally) in tallies {
                    whole.0.entry(case).or_default().add(tally);
                }
                whole.1.extend(wrong);
                drop(whole);
                if (first / BATCH).is_multiple_of((vehicles / BATCH / 20).max(1)) {
                    eprintln!("bench: {first} of {vehicles} simulated vehicles after {} s", begun.elapsed().as_secs());
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err("a thread ended badly".into())))
        })?;
        Ok(whole.into_inner().map_err(|_| "a thread ended badly")?)
    }

    fn batch(&self, first: usize, after: usize) -> Result<(HashMap<Case, Tally>, Vec<String>), Fail> {
        let (mut tallies, mut wrong): (HashMap<Case, Tally>, Vec<String>) = (HashMap::new(), Vec::new());
        for nth in first..after {
            let Passed { plate, early, end, reads } = self.vehicle(nth)?;
            let is_wrong = |opened: Option<PlateText>| opened.is_some_and(|opened| opened != plate);
            tallies.entry(Case::of(nth)).or_default().add(Tally {
                vehicles: 1,
                right: u64::from(end == Some(plate)),
                wrong: u64::from(is_wrong(end)),
                wrong_early: u64::from(is_wrong(early)),
            });
            if is_wrong(end) || is_wrong(early) {
                let frames: Vec<String> = reads.iter().map(|(_, read)| read.best_text()).collect();
                let name = |opened: Option<PlateText>| opened.map(|plate| plate.to_string());
                wrong.push(format!("{nth} {plate}: early {:?}, at the end {:?}; frames {}", name(early), name(end), frames.join(" ")));
            }
        }
        Ok((tallies, wrong))
    }
}

impl Tally {
    const fn add(&mut self, other: Self) {
        self.vehicles += other.vehicles;
        self.right += other.right;
        self.wrong += other.wrong;
        self.wrong_early += other.wrong_early;
    }
}

/// Letters that no plate of Vietnam bears (the grammar of the army's takes any).
const NOT_IN_VIETNAM: &str = "IJOQW";

/// Of a form that drives through a lane.
fn is_a_plate(text: &PlateText) -> bool {
    let is_in_vietnam = text.symbols().iter().all(|symbol| symbol.letter().is_none_or(|letter| !NOT_IN_VIETNAM.contains(letter)));
    fits(text).iter().any(|form| form.class() != Class::Motorcycle && (form.country() == Country::China || is_in_vietnam))
}
