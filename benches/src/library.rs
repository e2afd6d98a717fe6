//! What the reader really says of plates, taken apart so that it can be said of other plates.
//!
//! A *vehicle* was seen in some frames; each frame's places are aligned with the true text (least edits). A *column* is what was said of one place of
//! one vehicle over its frames: errors of one vehicle's frames hang together, and a column keeps that. A column is filed by the symbol that truly stands
//! there and by the vehicle's *grade*, how hard it was to read altogether: errors of one vehicle's places hang together too.
//!
//! To simulate a plate, a vehicle is drawn whose text has as many symbols and the same kinds of them: its frames stay, with their qualities, the places
//! they lost and those they saw twice; every place is filled with a column of the plate's own symbol, drawn from vehicles of the same grade.

use lane_core::plate::{PlateText, Symbol};
use lane_link::camera::{Alternative, PlateRead};
use std::collections::HashMap;

/// Grades: the vehicles up to these shares of all, easiest first.
const GRADES: [f64; 3] = [0.5, 0.8, 0.93];
/// With fewer columns of a grade those of all grades are drawn from.
const MIN_COLUMNS: usize = 3;
/// Nats of a symbol that is not named.
const NOT_NAMED_NATS: f64 = 9.2;

/// The reads of one vehicle with their times in milliseconds.
pub type Reads = Vec<(u64, PlateRead)>;

/// The symbols of one place in one frame.
type Said = Vec<Alternative>;

/// A source of random numbers: SplitMix64 (Steele, Lea, Flood 2014). The same seed gives the same numbers.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of `0..below`; 0 where nothing is below.
    pub fn below(&mut self, below: usize) -> usize {
        ((u128::from(self.throw()) * below as u128) >> 64) as usize
    }

    /// 0 up to 1.
    pub fn share(&mut self) -> f64 {
        (self.throw() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A place of a frame: of the text, or one that the text does not have.
#[derive(Debug, Clone)]
enum Place {
    Of(usize),
    Extra(Said),
}

struct Frame {
    at_ms: u64,
    read: PlateRead,
    places: Vec<Place>,
}

/// A vehicle whose frames are lent.
pub struct Base {
    /// What stands on its plate.
    pub text: PlateText,
    grade: usize,
    frames: Vec<Frame>,
}

/// Everything that was said, by what it was said of.
#[derive(Default)]
pub struct Library {
    bases: Vec<Base>,
    like: HashMap<String, Vec<usize>>,
    columns: HashMap<(Symbol, usize), Vec<Vec<Said>>>,
    /// Of a true symbol: the probability mass on each other one, over all frames.
    confusions: HashMap<Symbol, HashMap<Symbol, f64>>,
}

impl Library {
    /// Of vehicles with the text that truly stands on each and its reads with their times. Only vehicles of two frames or more lend their frames.
    pub fn new(vehicles: Vec<(PlateText, Reads)>) -> Self {
        let mut library = Self::default();
        let aligned: Vec<(PlateText, Vec<Frame>, f64)> =
            vehicles.into_iter().filter_map(|(text, reads)| taken_apart(text, reads)).collect();
        let mut hardness: Vec<f64> = aligned.iter().map(|(.., nats)| *nats).collect();
        let limits = GRADES.map(|share| crate::figure::quantile(&mut hardness, share));
        for (text, frames, nats) in aligned {
            let grade = limits.iter().filter(|limit| nats > **limit).count();
            library.file(text, grade, &frames);
            if frames.len() > 1 {
                library.like.entry(shape(&text)).or_default().push(library.bases.len());
                library.bases.push(Base { text, grade, frames });
            }
        }
        library
    }

    fn file(&mut self, text: PlateText, grade: usize, frames: &[Frame]) {
        for (at, &symbol) in text.symbols().iter().enumerate() {
            let column: Vec<Said> = frames.iter().filter_map(|frame| frame.said_of(at).cloned()).collect();
            for alternative in column.iter().flatten() {
                if let Some(other) = Symbol::from_char(alternative.symbol).filter(|other| *other != symbol) {
                    let mass = (f64::from(alternative.nats_milli) / 1_000.0).exp();
                    *self.confusions.entry(symbol).or_default().entry(other).or_default() += mass;
                }
            }
            if !column.is_empty() {
                self.columns.entry((symbol, grade)).or_default().push(column);
            }
        }
    }

    /// The vehicles whose frames can be lent.
    pub fn bases(&self) -> &[Base] {
        &self.bases
    }

    /// Columns of all symbols.
    pub fn column_count(&self) -> usize {
        self.columns.values().map(Vec::len).sum()
    }

    /// Can plates with this symbol be simulated?
    pub fn knows(&self, symbol: Symbol) -> bool {
        (0..=GRADES.len()).map(|grade| self.columns.get(&(symbol, grade)).map_or(0, Vec::len)).sum::<usize>() >= MIN_COLUMNS
    }

    /// How much was seen of `seen` where `truly` stands, over all frames.
    pub fn confusion(&self, truly: Symbol, seen: Symbol) -> f64 {
        self.confusions.get(&truly).and_then(|others| others.get(&seen)).copied().unwrap_or_default()
    }

    /// The reads of a vehicle with this plate, with their times; `None` where no vehicle has frames to lend for it.
    pub fn simulate(&self, text: &PlateText, dice: &mut Dice) -> Option<Reads> {
        let like = self.like.get(&shape(text))?;
        let base = &self.bases[like[dice.below(like.len())]];
        let columns: Vec<&Vec<Said>> = text.symbols().iter().map(|&symbol| self.draw(symbol, base.grade, dice)).collect::<Option<_>>()?;
        let reads = base.frames.iter().enumerate().filter_map(|(nth, frame)| {
            let said = |place: &Place| match place {
                Place::Of(at) => {
                    let column = columns[*at];
                    column[nth * column.len() / base.frames.len()].clone()
                }
                Place::Extra(said) => said.clone(),
            };
            let slots: Vec<Said> = frame.places.iter().map(said).collect();
            (!slots.is_empty()).then(|| (frame.at_ms, PlateRead { slots, ..frame.read.clone() }))
        });
        Some(reads.collect())
    }

    fn draw(&self, symbol: Symbol, grade: usize, dice: &mut Dice) -> Option<&Vec<Said>> {
        let of = |grade: usize| self.columns.get(&(symbol, grade)).map_or(&[][..], Vec::as_slice);
        if of(grade).len() >= MIN_COLUMNS {
            return of(grade).get(dice.below(of(grade).len()));
        }
        let all: usize = (0..=GRADES.len()).map(|grade| of(grade).len()).sum();
        (0..=GRADES.len()).flat_map(of).nth(dice.below(all))
    }
}

impl Base {
    /// As it was read.
    pub fn reads(&self) -> Reads {
        self.frames.iter().map(|frame| (frame.at_ms, frame.read.clone())).collect()
    }
}

impl Frame {
    fn said_of(&self, at: usize) -> Option<&Said> {
        let nth = self.places.iter().position(|place| matches!(place, Place::Of(of) if *of == at))?;
        self.read.slots.get(nth)
    }
}

/// Which kinds of symbols stand where: what a vehicle's frames may be lent to.
fn shape(text: &PlateText) -> String {
    let kind = |symbol: &Symbol| match symbol {
        symbol if symbol.is_digit() => '0',
        symbol if symbol.is_letter() => 'A',
        symbol if symbol.is_province() => 'P',
        _ => 'S',
    };
    let kinds: Vec<char> = text.symbols().iter().map(kind).collect();
    // of a Chinese serial letters and digits are mixed anyhow
    if kinds.first() == Some(&'P') {
        kinds.iter().map(|kind| if *kind == '0' { 'A' } else { *kind }).collect()
    } else {
        kinds.iter().collect()
    }
}

/// The frames with their places aligned, and the mean nats of the true symbols; `None`: nothing was read of it.
fn taken_apart(text: PlateText, reads: Reads) -> Option<(PlateText, Vec<Frame>, f64)> {
    let mut frames = Vec::new();
    let (mut nats, mut places) = (0.0, 0_u32);
    for (at_ms, read) in reads {
        let aligned = align(&read, &text);
        for (place, said) in aligned.iter().zip(&read.slots) {
            if let Place::Of(at) = place {
                let truly = text.symbols()[*at].as_char();
                let named = said.iter().find(|alternative| alternative.symbol == truly);
                nats += named.map_or(NOT_NAMED_NATS, |alternative| -f64::from(alternative.nats_milli) / 1_000.0);
                places += 1;
            }
        }
        frames.push(Frame { at_ms, read, places: aligned });
    }
    (places > 0).then(|| (text, frames, nats / f64::from(places)))
}

/// Every place of the read beside a place of the text, by the least number of edits. What is hardly this text is not of it at all.
fn align(read: &PlateRead, text: &PlateText) -> Vec<Place> {
    let best: Vec<Option<char>> = read.slots.iter().map(|said| said.first().map(|alternative| alternative.symbol)).collect();
    let truth: Vec<char> = text.symbols().iter().map(|symbol| symbol.as_char()).collect();
    let mut edits = vec![vec![0_usize; truth.len() + 1]; best.len() + 1];
    for i in 0..=best.len() {
        for j in 0..=truth.len() {
            edits[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    (edits[i - 1][j - 1] + usize::from(best[i - 1] != Some(truth[j - 1]))).min(edits[i - 1][j] + 1).min(edits[i][j - 1] + 1)
                }
            };
        }
    }
    let extra = |at: usize| Place::Extra(read.slots[at].clone());
    if 2 * edits[best.len()][truth.len()] > truth.len() {
        return (0..best.len()).map(extra).collect();
    }
    let (mut i, mut j, mut places) = (best.len(), truth.len(), Vec::new());
    while i > 0 {
        if j > 0 && edits[i][j] == edits[i - 1][j - 1] + usize::from(best[i - 1] != Some(truth[j - 1])) {
            (i, j) = (i - 1, j - 1);
            places.push(Place::Of(j));
        } else if j > 0 && edits[i][j] == edits[i][j - 1] + 1 {
            j -= 1;
        } else {
            i -= 1;
            places.push(extra(i));
        }
    }
    places.reverse();
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use lane_link::camera::PlateLayout;

    fn text(text: &str) -> PlateText {
        PlateText::parse(text).unwrap()
    }

    fn read(said: &str, nats_milli: i32) -> PlateRead {
        PlateRead {
            slots: said.chars().map(|symbol| vec![Alternative { symbol, nats_milli }]).collect(),
            ..serde_json::from_str(
                r#"{"track":1,"frame":1,"captured_age_ms":0,"quad":[[0,0],[9,0],[9,3],[0,3]],"layout":"one_line","slots":[],
                    "detector_confidence_permille":900,"sight":{"width_px":120,"height_px":30,"sharpness_permille":170,"contrast":90,
                    "lean_permille":0,"taper_permille":0,"inside_permille":1000,"glare_permille":0,"dark_permille":0}}"#,
            )
            .unwrap()
        }
    }

    fn said(reads: &[(u64, PlateRead)]) -> Vec<String> {
        reads.iter().map(|(_, read)| read.best_text()).collect()
    }

    #[test]
    fn a_lost_symbol_and_one_too_many_are_aligned() {
        let of = |said: &str| -> Vec<Option<usize>> {
            let places = align(&read(said, -5), &text("12C34567"));
            places.iter().map(|place| if let Place::Of(at) = place { Some(*at) } else { None }).collect()
        };
        assert_eq!(of("12C34567"), (0..8).map(Some).collect::<Vec<_>>());
        assert_eq!(of("12C4567"), [0, 1, 2, 4, 5, 6, 7].map(Some));
        assert_eq!(of("12C345677")[7..], [None, Some(7)]);
        assert!(of("ISUZU").iter().all(Option::is_none), "another writing is not this plate");
    }

    /// Enough vehicles of easy plates, in which every 3 reads as 8 in every frame, and one 7 was lost.
    fn library() -> Library {
        let misread = |truth: &str| truth.replace('3', "8");
        let truths = ["12C34567", "21C76543", "45C12367", "65C43217", "71C32145"];
        let vehicle = |truth: &&str| (text(truth), vec![(0, read(&misread(truth), -5)), (125, read(&misread(truth), -5))]);
        let mut vehicles: Vec<_> = truths.iter().map(vehicle).collect();
        vehicles[0].1[1].1 = read("12C8456", -5);
        Library::new(vehicles)
    }

    #[test]
    fn a_simulated_plate_is_misread_as_its_symbols_were() {
        let library = library();
        let mut dice = Dice(1);
        for _ in 0..200 {
            let reads = said(&library.simulate(&text("55C33331"), &mut dice).unwrap());
            assert!(reads == ["55C88881", "55C88881"] || reads == ["55C88881", "55C8888"], "{reads:?}");
        }
        assert!(library.confusion(text("3").symbols()[0], text("8").symbols()[0]) > 8.0);
        assert_eq!(library.confusion(text("4").symbols()[0], text("8").symbols()[0]), 0.0);
    }

    /// Half of the vehicles read their 3 as 8 in all their frames, half never (but their 1 as 7, so that all are equally hard): no simulated vehicle
    /// does now one, now the other.
    #[test]
    fn errors_of_one_place_hang_together_over_the_frames() {
        let truths = ["12C34567", "21C76543", "45C12367", "65C43217", "71C32145", "12C34576", "21C67543", "45C16237"];
        let vehicle = |(nth, truth): (usize, &&str)| {
            let said = if nth % 2 == 0 { truth.replace('3', "8") } else { truth.replace('1', "7") };
            (text(truth), (0..4).map(|frame| (frame * 125, read(&said, -5))).collect())
        };
        let library = Library::new(truths.iter().enumerate().map(vehicle).collect());
        let mut misread = 0;
        for seed in 0..200 {
            let reads = said(&library.simulate(&text("55C42263"), &mut Dice(seed)).unwrap());
            assert!(reads.len() == 4 && reads.iter().all(|read| *read == reads[0]), "{reads:?}");
            misread += u32::from(reads[0] == "55C42268");
        }
        assert!((50..=150).contains(&misread), "about half: {misread}");
    }

    #[test]
    fn what_was_never_seen_is_not_simulated() {
        let library = library();
        assert!(library.knows(text("3").symbols()[0]) && !library.knows(text("9").symbols()[0]));
        assert!(library.simulate(&text("55C33339"), &mut Dice(1)).is_none(), "no 9");
        assert!(library.simulate(&text("5C33331"), &mut Dice(1)).is_none(), "no such shape");
    }

    #[test]
    fn the_same_seed_gives_the_same_reads_and_another_others() {
        let library = library();
        let drawn =
            |seed: u64| (0..50).map(|n| said(&library.simulate(&text("71C12345"), &mut Dice(seed + n)).unwrap())).collect::<Vec<_>>();
        assert_eq!(drawn(5), drawn(5));
        assert_ne!(drawn(5), drawn(1_005));
        let mut dice = Dice(3);
        let throws: Vec<usize> = (0..600).map(|_| dice.below(6)).collect();
        assert!((0..6).all(|face| throws.iter().filter(|throw| **throw == face).count() > 60) && throws.iter().all(|throw| *throw < 6));
        assert!(matches!(read("1", -1).layout, PlateLayout::OneLine));
    }
}
