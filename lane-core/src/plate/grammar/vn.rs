//! Vietnamese forms. `PP` is a province code, `L` a letter, `d` a digit; separators are not part of the text.
//!
//! | form | text | notes |
//! |---|---|---|
//! | civil | `PP L ddddd`, `PP L dddd` | 20 series letters; white private, yellow transport: same text |
//! | state | `PP L dddd(d)` | 11 series letters, blue |
//! | special series | `PP (R RM LD DA KT HC CD MK MD TD LB CT T) dddd(d)` | Đ is normalised to D |
//! | border economic zone | `PP LL dddd(d)` | the zone's own two letters, red on yellow |
//! | diplomatic | `PP (NG QT NN) ddd dd`, `PP ddd (NG QT NN) dd` | country code 3 digits, number 2 digits |
//! | army | `LL dddd` | no province |
//! | motorbike, old | `PP L d dddd(d)` | the digit is 1–9 |
//! | motorbike, new | `PP LL dddd(d)` | the second letter may be R and not G |
//!
//! Province codes are 11 to 99 without 13, 42, 44, 45, 46, 87, 91, 96: 81 codes. Codes of merged provinces stay valid.
//! I, J, O, Q and W are on no civil plate; R only in R, RM and as second letter of a motorbike.

use super::{Fits, Form, all_digits, one_of};
use crate::plate::symbol::Symbol;

/// Series letters of white and yellow plates.
const CIVIL_LETTERS: &str = "ABCDEFGHKLMNPSTUVXYZ";
/// Series letters of blue plates.
const STATE_LETTERS: &str = "ABCDEFGHKLM";
/// Second letters of motorbike plates since 2023-08-15.
const MOTORBIKE_SECOND_LETTERS: &str = "ABCDEFHKLMNPRSTUVXYZ";
/// Letters a zone's code may have: those that are on plates at all.
const ZONE_LETTERS: &str = "ABCDEFGHKLMNPRSTUVXYZ";
const NEVER_ISSUED: [u8; 8] = [13, 42, 44, 45, 46, 87, 91, 96];

/// Was this two-digit province code ever issued?
pub fn province_issued(code: u8) -> bool {
    (11..=99).contains(&code) && !NEVER_ISSUED.contains(&code)
}

pub(super) fn add_fits(text: &[Symbol], fits: &mut Fits) {
    if let [a, b, number @ ..] = text
        && a.is_letter()
        && b.is_letter()
        && number.len() == 4
        && all_digits(number)
    {
        fits.insert(Form::VnArmy);
    }
    if let [tens, ones, rest @ ..] = text
        && let (Some(tens), Some(ones)) = (tens.digit(), ones.digit())
        && province_issued(tens * 10 + ones)
    {
        add_provincial(rest, fits);
        add_diplomatic(rest, fits);
    }
}

/// What follows a province code: series, then 4 or 5 digits.
fn add_provincial(rest: &[Symbol], fits: &mut Fits) {
    match rest {
        [series, number @ ..] if series.is_letter() && is_number(number) => {
            if one_of(*series, CIVIL_LETTERS) {
                fits.insert(if number.len() == 5 { Form::VnCivilFive } else { Form::VnCivilFour });
            }
            if one_of(*series, STATE_LETTERS) {
                fits.insert(Form::VnState);
            }
            match series.letter() {
                Some('R') => fits.insert(Form::VnTrailer),
                Some('T') => fits.insert(Form::VnTemporary),
                _ => {}
            }
        }
        [first, second, number @ ..] if first.is_letter() && second.is_letter() && is_number(number) => {
            add_two_letters(*first, *second, fits);
        }
        _ => {}
    }
    if let [series, digit, number @ ..] = rest
        && one_of(*series, CIVIL_LETTERS)
        && digit.digit().is_some_and(|digit| digit >= 1)
        && is_number(number)
    {
        fits.insert(Form::VnMotorbikeOld);
    }
}

fn add_two_letters(first: Symbol, second: Symbol, fits: &mut Fits) {
    let special = match (first.letter(), second.letter()) {
        (Some('R'), Some('M')) => Some(Form::VnTrailer),
        (Some('L'), Some('D')) => Some(Form::VnForeignInvested),
        (Some('D'), Some('A')) => Some(Form::VnProject),
        (Some('K'), Some('T')) => Some(Form::VnArmyCompany),
        (Some('H'), Some('C')) => Some(Form::VnLimitedArea),
        (Some('C'), Some('D')) => Some(Form::VnSpecialMachine),
        (Some('M'), Some('K')) => Some(Form::VnAgricultural),
        (Some('M'), Some('D')) => Some(Form::VnElectricMoped),
        (Some('T'), Some('D')) => Some(Form::VnPilot),
        (Some('L'), Some('B')) => Some(Form::VnLaoBao),
        (Some('C'), Some('T')) => Some(Form::VnSeriesCt),
        _ => None,
    };
    if let Some(form) = special {
        fits.insert(form);
    }
    if one_of(first, CIVIL_LETTERS) && one_of(second, MOTORBIKE_SECOND_LETTERS) {
        fits.insert(Form::VnMotorbikeNew);
    }
    if one_of(first, ZONE_LETTERS) && one_of(second, ZONE_LETTERS) {
        fits.insert(Form::VnBorderZone);
    }
}

/// NG, QT and NN before or after the country's three digits; two digits of the vehicle at the end.
fn add_diplomatic(rest: &[Symbol], fits: &mut Fits) {
    let (kind, digits) = match rest {
        [k1, k2, d1, d2, d3, n1, n2] if k1.is_letter() => ([*k1, *k2], [*d1, *d2, *d3, *n1, *n2]),
        [d1, d2, d3, k1, k2, n1, n2] => ([*k1, *k2], [*d1, *d2, *d3, *n1, *n2]),
        _ => return,
    };
    if !all_digits(&digits) {
        return;
    }
    match kind.map(Symbol::letter) {
        [Some('N'), Some('G')] => fits.insert(Form::VnDiplomatic),
        [Some('Q'), Some('T')] => fits.insert(Form::VnInternational),
        [Some('N'), Some('N')] => fits.insert(Form::VnForeign),
        _ => {}
    }
}

fn is_number(symbols: &[Symbol]) -> bool {
    (symbols.len() == 4 || symbols.len() == 5) && all_digits(symbols)
}
