//! The labels of real photos against the grammars: nearly all must fit a form of their country (about 1 % of the labels of
//! one set are wrong). Skipped, aloud, where the data folder is absent.

use lane_core::plate::grammar::fits;
use lane_core::plate::{Country, PlateText};
use std::path::PathBuf;
use std::{env, fs};

#[test]
fn labels_of_real_plates_fit() {
    let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let data = env::var_os("BORDERLANE_DATA").map_or_else(|| repository.join("../shared/data"), PathBuf::from);
    for (set, country) in [("vn", Country::Vietnam), ("vn_crops", Country::Vietnam), ("cn", Country::China), ("cn_crops", Country::China)] {
        let path = data.join("plates").join(set).join("labels.csv");
        let Ok(labels) = fs::read_to_string(&path) else {
            println!("skipped: {} is absent", path.display());
            continue;
        };
        let texts: Vec<&str> = labels.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
        assert!(!texts.is_empty(), "{set} has no labels");
        let fits_none = |text: &&&str| PlateText::parse(text).map_or(true, |text| fits(&text).of_country(country).is_empty());
        let misfits: Vec<&&str> = texts.iter().filter(fits_none).collect();
        println!("{set}: {} of {} fit no form: {misfits:?}", misfits.len(), texts.len());
        assert!(misfits.len() * 100 <= texts.len() * 3, "{set}: {misfits:?}");
    }
}
