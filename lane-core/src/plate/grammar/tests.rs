use super::*;
use alloc::{format, vec::Vec};
use proptest::prelude::*;

fn fits_of(text: &str) -> Fits {
    fits(&PlateText::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
}

/// Exactly these forms and no other.
fn check(text: &str, expect: &[Form]) {
    let expect: Fits = expect.iter().copied().collect();
    assert_eq!(fits_of(text), expect, "{text}");
}

#[test]
fn province_codes_are_the_81_that_were_issued() {
    assert_eq!((0..=u8::MAX).filter(|&code| vn::province_issued(code)).count(), 81);
    for code in [13, 42, 44, 45, 46, 87, 91, 96, 0, 9, 10, 100] {
        assert!(!vn::province_issued(code), "{code}");
    }
    for code in [11, 12, 14, 29, 41, 43, 61, 72, 80, 99] {
        assert!(vn::province_issued(code), "{code}");
    }
}

#[test]
fn vietnamese_texts_fit_exactly_their_forms() {
    use Form::*;
    for (text, expect) in [
        // Civil and state; eight symbols may be an old motorbike.
        ("12C-123.45", &[VnCivilFive, VnState, VnMotorbikeOld][..]),
        ("12C-023.45", &[VnCivilFive, VnState]),
        ("98P-023.45", &[VnCivilFive]),
        ("29A-1234", &[VnCivilFour, VnState]),
        ("29N-1234", &[VnCivilFour]),
        ("12M-012.34", &[VnCivilFive, VnState]),
        // Special series.
        ("12R-123.45", &[VnTrailer]),
        ("12R-1234", &[VnTrailer]),
        ("12RM-123.45", &[VnTrailer, VnBorderZone]),
        ("51LD-123.45", &[VnForeignInvested, VnMotorbikeNew, VnBorderZone]),
        ("51LD-1234", &[VnForeignInvested, VnMotorbikeNew, VnBorderZone]),
        ("12DA-123.45", &[VnProject, VnMotorbikeNew, VnBorderZone]),
        ("12MK-123.45", &[VnAgricultural, VnMotorbikeNew, VnBorderZone]),
        ("12HC-123.45", &[VnLimitedArea, VnMotorbikeNew, VnBorderZone]),
        ("80KT-123.45", &[VnArmyCompany, VnMotorbikeNew, VnBorderZone]),
        ("12CD-123.45", &[VnSpecialMachine, VnMotorbikeNew, VnBorderZone]),
        ("29MĐ-123.45", &[VnElectricMoped, VnMotorbikeNew, VnBorderZone]),
        ("29TĐ-123.45", &[VnPilot, VnMotorbikeNew, VnBorderZone]),
        ("74LB-123.45", &[VnLaoBao, VnMotorbikeNew, VnBorderZone]),
        ("12CT-123.45", &[VnSeriesCt, VnMotorbikeNew, VnBorderZone]),
        ("12T-012.34", &[VnCivilFive, VnTemporary]),
        ("12T-1234", &[VnCivilFour, VnTemporary]),
        // Diplomatic, both orders. NN with five digits could be a motorbike or a zone as well.
        ("80-NG-631-34", &[VnDiplomatic, VnBorderZone]),
        ("41-291-NG-01", &[VnDiplomatic]),
        ("51-QT-166-33", &[VnInternational]),
        ("51-166-QT-33", &[VnInternational]),
        ("51-NN-166-33", &[VnForeign, VnMotorbikeNew, VnBorderZone]),
        ("51-166-NN-33", &[VnForeign]),
        // Border economic zone, a code that is nothing else.
        ("12GG-123.45", &[VnBorderZone]),
        // Army.
        ("TC-12-34", &[VnArmy]),
        ("QA-12-34", &[VnArmy]),
        // Motorbikes.
        ("29-H1 234.56", &[VnMotorbikeOld]),
        ("29-H1 2345", &[VnCivilFive, VnState, VnMotorbikeOld]),
        ("29-AR 123.45", &[VnMotorbikeNew, VnBorderZone]),
        ("29-AA 1234", &[VnMotorbikeNew, VnBorderZone]),
    ] {
        check(text, expect);
    }
}

#[test]
fn chinese_texts_fit_exactly_their_forms() {
    use Form::*;
    for (text, expect) in [
        ("桂F12345", &[CnSmall, CnLarge][..]),
        ("桂FA123B", &[CnSmall, CnLarge]),
        ("粤B9Z8Y7", &[CnSmall, CnLarge]),
        ("京O12345", &[CnSmall, CnLarge]),
        ("桂FD12345", &[CnEnergySmall]),
        ("桂FFA1234", &[CnEnergySmall]),
        ("粤BK12345", &[CnEnergySmall]),
        ("桂F12345D", &[CnEnergyLarge]),
        ("桂F12345F", &[CnEnergyLarge]),
        ("桂F1234挂", &[CnTrailer]),
        ("云AB12C挂", &[CnTrailer]),
        ("桂A1234学", &[CnSchool]),
        ("桂O1234警", &[CnPolice]),
        ("粤Z1234港", &[CnHongKong]),
        ("粤ZAB12澳", &[CnMacau]),
        ("沪A0023领", &[CnConsulate]),
        ("使014578", &[CnEmbassy]),
        ("WJ12345", &[CnArmedPolice]),
        ("WJ桂1234X", &[CnArmedPolice]),
    ] {
        check(text, expect);
    }
}

#[test]
#[rustfmt::skip] // a table
fn every_province_and_every_form_is_reached() {
    for province in Symbol::all().filter(|symbol| symbol.is_province()) {
        check(&format!("{province}A12345"), &[Form::CnSmall, Form::CnLarge]);
    }
    let reached: Fits = [
        "12C12345", "29A1234", "12R12345", "51LD12345", "12DA12345", "80KT12345", "12HC12345", "12CD12345",
        "12MK12345", "29MD12345", "29TD12345", "74LB12345", "12CT12345", "12T01234", "80NG63134", "51QT16633",
        "51NN16633", "TC1234", "29AA12345", "桂F12345", "桂FD12345", "桂F12345D", "桂F1234挂", "桂A1234学",
        "桂O1234警", "粤Z1234港", "粤Z1234澳", "沪A0023领", "使014578", "WJ12345",
    ]
    .into_iter()
    .flat_map(|text| fits_of(text).iter())
    .collect();
    assert_eq!(reached.iter().count(), Form::ALL.len());
}

#[test]
#[rustfmt::skip] // a line a form
fn a_text_that_is_one_off_fits_nothing() {
    for text in [
        "13C12345", "42C12345", "91R12345", "10C12345", "1C12345", "C12345", // province
        "12I12345", "12J12345", "12O12345", "12Q12345", "12W12345", // letters on no plate
        "12C123", "12C1234567", "12C12A45", "12012345", // number
        "12R123", "12R1234567", "12RK1234X", "12MR123", "13RM12345", // trailers
        "12LD123", "12LDA12345", "12LI12345", "12WD12345", // special series
        "80NG631", "80NG631345", "80N6313G4", "41291NG0", "41291NG012", "41291GN01", "13291NG01", "41A91NG01", // diplomatic
        "51QT1663A", "51QA16633", "51TQ166331", "51166QT3", // international
        "TC123", "TC12345", "T1234", "TCA123", "1C1234", // army
        "29H0123456", "29I123456", "29H112", "29HI12345", "29OA12345", // motorbikes
        "A12345", "桂12345", "桂F1234", "桂F123456", "桂FAAA12", "桂FI2345", "桂F1234O", // China, standard
        "京I12345", "桂Q12345", "桂S12345", "桂Z12345", "1A12345", // offices
        "桂FL12345", "桂FDI1234", "桂FD1234A", "桂FD1234", "桂F12345A", "桂F1234AD", // new energy; 桂FD1234: see below
        "桂F123挂", "桂F12345挂", "挂F12345", "桂F挂1234", "桂FABC1挂", "桂I1234学", "桂A123警", // suffixes
        "粤A1234港", "桂Z1234澳", "粤Z123港", "沪A00234领", "沪A0023使", // special areas
        "使01457", "使0145789", "使A14578", "领014578", // embassy
        "WJ123", "WJ1234A", "WJ桂1234", "WK12345", "WJ桂桂1234", // armed police
    ] {
        if text == "桂FD1234" {
            // One symbol less than new energy is a standard serial with one letter: it fits there and only there.
            check(text, &[Form::CnSmall, Form::CnLarge]);
            continue;
        }
        assert!(fits_of(text).is_empty(), "{text}: {:?}", fits_of(text));
    }
}

#[test]
fn one_off_leaves_only_the_other_form() {
    use Form::*;
    // A letter outside the blue set is no state plate; G is no second motorbike letter; R no first one.
    assert!(!fits_of("12N12345").contains(VnState));
    assert!(!fits_of("12AG12345").contains(VnMotorbikeNew));
    assert!(!fits_of("12RA12345").contains(VnMotorbikeNew));
    assert!(!fits_of("12RA12345").contains(VnTrailer));
    assert!(!fits_of("29H01234").contains(VnMotorbikeOld));
    assert!(!fits_of("12LE12345").contains(VnForeignInvested));
    assert!(!fits_of("12S12345").contains(VnTemporary));
    assert!(!fits_of("80NK63134").contains(VnDiplomatic));
}

#[test]
fn the_layout_narrows_what_the_text_leaves_open() {
    let fits = fits_of("29H12345");
    assert_eq!(fits.narrowed(Layout::OneLine, 8), [Form::VnCivilFive, Form::VnState].into_iter().collect());
    assert_eq!(fits.narrowed(Layout::TwoLine { top_symbols: 4 }, 8), [Form::VnMotorbikeOld].into_iter().collect());
    assert_eq!(fits.narrowed(Layout::TwoLine { top_symbols: 3 }, 8), [Form::VnCivilFive, Form::VnState].into_iter().collect());
    assert_eq!(fits_of("桂F12345").narrowed(Layout::TwoLine { top_symbols: 2 }, 7), [Form::CnLarge].into_iter().collect());
    assert!(fits_of("12R12345").narrowed(Layout::TwoLine { top_symbols: 5 }, 8).is_empty());
}

#[test]
fn countries_and_classes_are_told_apart() {
    assert!(fits_of("12R12345").of_class(Class::Vehicle).is_empty());
    assert!(!fits_of("桂F1234挂").of_class(Class::Trailer).is_empty());
    assert!(fits_of("12C12345").of_country(Country::China).is_empty());
    assert!(!fits_of("29MD12345").of_class(Class::Motorcycle).is_empty());
}

proptest! {
    #[test]
    fn any_symbols_are_judged_without_panic(indexes in proptest::collection::vec(0..74_usize, 1..=12)) {
        let all: Vec<Symbol> = Symbol::all().collect();
        let text = PlateText::from_symbols(indexes.into_iter().map(|at| all[at])).unwrap();
        let fits = fits(&text);
        // Province characters and province codes do not mix.
        prop_assert!(fits.of_country(Country::China).is_empty() || fits.of_country(Country::Vietnam).is_empty());
    }
}
