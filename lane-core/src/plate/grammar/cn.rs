//! Chinese forms (GA 36-2018). `P` is a province character, `O` an office letter, `s` a serial character, `d` a digit.
//!
//! | form | text | notes |
//! |---|---|---|
//! | small, large | `P O sssss` | blue 440x140; yellow, rear in two lines: same text |
//! | new energy, small | `P O e s dddd` | `e` one of ABCDEFGHJK (D, F first issued) |
//! | new energy, large | `P O ddddd D`, `P O ddddd F` | |
//! | trailer 挂, school 学, police 警, consulate 领 | `P O ssss` + suffix | |
//! | Hong Kong 港, Macau 澳 | `粤Z ssss` + suffix | |
//! | embassy | `使 dddddd` | |
//! | armed police | `WJ dddd x`, `WJ P dddd x` | `x` a digit or one of TDSHBXJ |
//!
//! Office letters are A–Z without I; O is for provincial offices. Of 桂 (Guangxi) only those in use are taken: ABCDEFGHJKLMNPR,
//! and O. Serial characters are digits and letters without I and O, at most two letters.

use super::{Fits, Form, all_digits, one_of};
use crate::plate::symbol::Symbol;

const SERIAL_LETTERS_MAX: usize = 2;
const GUANGXI_OFFICES: &str = "ABCDEFGHJKLMNOPR";
const ENERGY_SMALL_LETTERS: &str = "ABCDEFGHJK";
const ENERGY_LARGE_LETTERS: &str = "DF";
const ARMED_POLICE_LETTERS: &str = "TDSHBXJ";

pub(super) fn add_fits(text: &[Symbol], fits: &mut Fits) {
    if let [province, office, serial @ ..] = text
        && is_office(*province, *office)
    {
        add_provincial(*province, *office, serial, fits);
    }
    if let [embassy, number @ ..] = text
        && embassy.as_char() == '使'
        && number.len() == 6
        && all_digits(number)
    {
        fits.insert(Form::CnEmbassy);
    }
    add_armed_police(text, fits);
}

/// Is the letter an office of the province?
fn is_office(province: Symbol, office: Symbol) -> bool {
    let Some(letter) = office.letter() else { return false };
    match province.as_char() {
        '桂' => GUANGXI_OFFICES.contains(letter),
        _ => province.is_province() && letter != 'I',
    }
}

fn add_provincial(province: Symbol, office: Symbol, serial: &[Symbol], fits: &mut Fits) {
    match serial {
        [number @ .., suffix] if number.len() == 4 && is_serial(number) && !is_serial_symbol(*suffix) => {
            let guangdong_z = province.as_char() == '粤' && office.letter() == Some('Z');
            match suffix.as_char() {
                '挂' => fits.insert(Form::CnTrailer),
                '学' => fits.insert(Form::CnSchool),
                '警' => fits.insert(Form::CnPolice),
                '领' => fits.insert(Form::CnConsulate),
                '港' if guangdong_z => fits.insert(Form::CnHongKong),
                '澳' if guangdong_z => fits.insert(Form::CnMacau),
                _ => {}
            }
        }
        number if number.len() == 5 && is_serial(number) => {
            fits.insert(Form::CnSmall);
            fits.insert(Form::CnLarge);
        }
        [first, second, number @ ..] if number.len() == 4 => {
            if one_of(*first, ENERGY_SMALL_LETTERS) && is_serial_symbol(*second) && all_digits(number) {
                fits.insert(Form::CnEnergySmall);
            }
            if let [leading @ .., last] = serial
                && all_digits(leading)
                && one_of(*last, ENERGY_LARGE_LETTERS)
            {
                fits.insert(Form::CnEnergyLarge);
            }
        }
        _ => {}
    }
}

fn add_armed_police(text: &[Symbol], fits: &mut Fits) {
    let [w, j, rest @ ..] = text else { return };
    if w.letter() != Some('W') || j.letter() != Some('J') {
        return;
    }
    let number = match rest {
        [province, number @ ..] if province.is_province() => number,
        number => number,
    };
    if let [digits @ .., last] = number
        && digits.len() == 4
        && all_digits(digits)
        && (last.is_digit() || one_of(*last, ARMED_POLICE_LETTERS))
    {
        fits.insert(Form::CnArmedPolice);
    }
}

fn is_serial(symbols: &[Symbol]) -> bool {
    symbols.iter().all(|&symbol| is_serial_symbol(symbol))
        && symbols.iter().filter(|symbol| symbol.is_letter()).count() <= SERIAL_LETTERS_MAX
}

fn is_serial_symbol(symbol: Symbol) -> bool {
    symbol.is_digit() || symbol.letter().is_some_and(|letter| letter != 'I' && letter != 'O')
}
