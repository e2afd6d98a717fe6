//! Plate grammars: which registered forms a text can be.
//!
//! A text often fits several forms (`29A12345` is a civil, a state and, on two lines, an old motorbike plate): all of
//! them are returned, and the line layout narrows them where it is known. A text that fits none is not refused
//! anywhere (Laos and Cambodia are not in here, and drivers' plates are what they are); it only makes a read that is
//! in no list less believable (`matching`).
//!
//! Sources: Vietnam: Circulars 79/2024, 51/2025 and 58/2020/TT-BCA, 169/2021/TT-BQP, QCVN 08:2024/BCA, partly at
//! second hand. China: GA 36-2018. The forms are listed in [`vn`] and [`cn`].

pub mod cn;
mod evidence;
pub mod vn;

pub use evidence::{NO_FORM, evidence};

use crate::plate::{symbol::Symbol, text::PlateText};
use core::fmt;
use serde::{Deserialize, Serialize};

/// The country of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Country {
    /// Vietnam.
    Vietnam,
    /// China.
    China,
}

/// What carries the plate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// A car, bus, truck or tractor unit: it drives itself.
    Vehicle,
    /// A trailer or semi-trailer.
    Trailer,
    /// A motorcycle or moped.
    Motorcycle,
    /// A special or agricultural machine.
    Machine,
}

/// How the text stands on the plate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Layout {
    /// All in one line.
    OneLine,
    /// Two lines, with this many symbols in the upper one.
    TwoLine {
        /// Symbols in the upper line.
        top_symbols: u8,
    },
}

macro_rules! forms {
    ($($(#[$doc:meta])* $form:ident: $country:ident $class:ident;)*) => {
        /// A registered form of plate.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Form { $($(#[$doc])* $form,)* }

        impl Form {
            /// Every form, in order.
            pub const ALL: &'static [Self] = &[$(Self::$form,)*];

            /// The country that registers it.
            pub const fn country(self) -> Country {
                match self { $(Self::$form => Country::$country,)* }
            }

            /// What carries it.
            pub const fn class(self) -> Class {
                match self { $(Self::$form => Class::$class,)* }
            }
        }
    };
}

forms! {
    /// Vietnam, white or yellow ground: province, one of 20 letters, 5 digits.
    VnCivilFive: Vietnam Vehicle;
    /// The older form with 4 digits, still legal.
    VnCivilFour: Vietnam Vehicle;
    /// Vietnam, blue ground, state bodies: province, one of 11 letters, 4 or 5 digits.
    VnState: Vietnam Vehicle;
    /// Series R or RM.
    VnTrailer: Vietnam Trailer;
    /// Series LD: foreign-invested enterprises.
    VnForeignInvested: Vietnam Vehicle;
    /// Series DA: projects.
    VnProject: Vietnam Vehicle;
    /// Series KT: army companies.
    VnArmyCompany: Vietnam Vehicle;
    /// Series HC: limited area.
    VnLimitedArea: Vietnam Vehicle;
    /// Series CD: special machines.
    VnSpecialMachine: Vietnam Machine;
    /// Series MK: agricultural tractors.
    VnAgricultural: Vietnam Machine;
    /// Series MĐ, normalised MD: electric mopeds.
    VnElectricMoped: Vietnam Motorcycle;
    /// Series TĐ, normalised TD: pilot schemes.
    VnPilot: Vietnam Vehicle;
    /// Series LB: the Lao Bao zone in older rules.
    VnLaoBao: Vietnam Vehicle;
    /// Series CT, named without explanation in the source.
    VnSeriesCt: Vietnam Vehicle;
    /// Series T: temporary.
    VnTemporary: Vietnam Vehicle;
    /// Border economic zone: province, two letters of the zone, 4 or 5 digits; red on yellow.
    VnBorderZone: Vietnam Vehicle;
    /// NG: diplomatic missions.
    VnDiplomatic: Vietnam Vehicle;
    /// QT: international organisations.
    VnInternational: Vietnam Vehicle;
    /// NN: foreign organisations and persons.
    VnForeign: Vietnam Vehicle;
    /// Army: two letters of the unit, 4 digits; white on red.
    VnArmy: Vietnam Vehicle;
    /// Motorbike: province, letter, digit 1–9, then 4 or 5 digits; always two lines.
    VnMotorbikeOld: Vietnam Motorcycle;
    /// Motorbike since 2023-08-15: province, two letters, then 4 or 5 digits; always two lines.
    VnMotorbikeNew: Vietnam Motorcycle;
    /// China, blue: small vehicles.
    CnSmall: China Vehicle;
    /// China, yellow: large vehicles; the rear plate has two lines.
    CnLarge: China Vehicle;
    /// China, green: small new-energy vehicles.
    CnEnergySmall: China Vehicle;
    /// China, yellow-green: large new-energy vehicles.
    CnEnergyLarge: China Vehicle;
    /// Suffix 挂.
    CnTrailer: China Trailer;
    /// Suffix 学: driving schools.
    CnSchool: China Vehicle;
    /// Suffix 警: police.
    CnPolice: China Vehicle;
    /// 粤Z and suffix 港: Hong Kong vehicles on the mainland.
    CnHongKong: China Vehicle;
    /// 粤Z and suffix 澳: Macau vehicles on the mainland.
    CnMacau: China Vehicle;
    /// Suffix 领: consulates.
    CnConsulate: China Vehicle;
    /// 使 and 6 digits: embassies.
    CnEmbassy: China Vehicle;
    /// WJ: armed police.
    CnArmedPolice: China Vehicle;
}

impl Form {
    /// Can this form stand on the plate in this layout? `symbols` is the length of the text.
    pub fn agrees_with(self, layout: Layout, symbols: usize) -> bool {
        match (self, layout) {
            (Self::VnMotorbikeOld | Self::VnMotorbikeNew | Self::VnElectricMoped, Layout::OneLine) => false,
            (_, Layout::OneLine) => true,
            (_, Layout::TwoLine { top_symbols }) => self.top_symbols(symbols).contains(&top_symbols),
        }
    }

    /// The numbers of symbols the upper of two lines can have; none: one line only.
    fn top_symbols(self, symbols: usize) -> &'static [u8] {
        match self {
            Self::VnCivilFive | Self::VnCivilFour | Self::VnState | Self::VnTemporary => &[3],
            // 12R over 123.45, 12RM over 123.45: the text's length tells R from RM but for 12R12345 and 12RM1234.
            Self::VnTrailer if symbols <= 7 => &[3],
            Self::VnTrailer if symbols >= 9 => &[4],
            Self::VnTrailer => &[3, 4],
            Self::VnForeignInvested | Self::VnProject | Self::VnArmyCompany | Self::VnLimitedArea => &[4],
            Self::VnSpecialMachine | Self::VnAgricultural | Self::VnPilot | Self::VnLaoBao => &[4],
            Self::VnSeriesCt | Self::VnBorderZone | Self::VnMotorbikeOld | Self::VnMotorbikeNew => &[4],
            Self::VnElectricMoped => &[4],
            // 80NG over 631-34, or 41-291 over NG-01.
            Self::VnDiplomatic | Self::VnInternational | Self::VnForeign => &[4, 5],
            Self::VnArmy => &[2],
            Self::CnLarge | Self::CnTrailer | Self::CnSchool | Self::CnPolice => &[2],
            Self::CnHongKong | Self::CnMacau | Self::CnConsulate => &[2],
            Self::CnSmall | Self::CnEnergySmall | Self::CnEnergyLarge | Self::CnEmbassy => &[],
            Self::CnArmedPolice => &[2, 3],
        }
    }
}

/// A set of forms.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Fits(u64);

const _: () = assert!(Form::ALL.len() <= 64, "a set of forms is one u64");

impl Fits {
    /// Adds a form.
    pub fn insert(&mut self, form: Form) {
        self.0 |= 1 << form as u32;
    }

    /// Is the form in the set?
    pub fn contains(self, form: Form) -> bool {
        self.0 & (1 << form as u32) != 0
    }

    /// True where no form fits.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The forms, in order.
    pub fn iter(self) -> impl Iterator<Item = Form> {
        Form::ALL.iter().copied().filter(move |&form| self.contains(form))
    }

    /// Only the forms that can stand in this layout. `symbols` is the length of the text.
    #[must_use]
    pub fn narrowed(self, layout: Layout, symbols: usize) -> Self {
        self.filtered(|form| form.agrees_with(layout, symbols))
    }

    /// Only the forms that a class carries.
    #[must_use]
    pub fn of_class(self, class: Class) -> Self {
        self.filtered(|form| form.class() == class)
    }

    /// Only the forms of a country.
    #[must_use]
    pub fn of_country(self, country: Country) -> Self {
        self.filtered(|form| form.country() == country)
    }

    fn filtered(self, keep: impl Fn(Form) -> bool) -> Self {
        self.iter().filter(|&form| keep(form)).collect()
    }
}

impl FromIterator<Form> for Fits {
    fn from_iter<I: IntoIterator<Item = Form>>(forms: I) -> Self {
        let mut fits = Self::default();
        forms.into_iter().for_each(|form| fits.insert(form));
        fits
    }
}

impl fmt::Debug for Fits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Every form that the text fits; colours and lines are not looked at.
pub fn fits(text: &PlateText) -> Fits {
    let mut fits = Fits::default();
    vn::add_fits(text.symbols(), &mut fits);
    cn::add_fits(text.symbols(), &mut fits);
    fits
}

fn all_digits(symbols: &[Symbol]) -> bool {
    symbols.iter().all(|symbol| symbol.is_digit())
}

/// The symbol is a letter of the set.
fn one_of(symbol: Symbol, letters: &str) -> bool {
    symbol.letter().is_some_and(|letter| letters.contains(letter))
}

#[cfg(test)]
mod tests;
