//! Logarithms of probabilities as integers: thousandths of a nat (natural logarithm), and the exponential and
//! log-sum-exp over them, from tables. No floats, so that every machine and every replay agree to the digit.
//!
//! Linear values are Q40 fixed point: [`ONE`] = 2^40 is probability 1. `exp` is exact to a few units of 2^-40; `ln`
//! and `log_sum_exp` are exact to one milli-nat. Below e^-28 the exponential is 0.

use serde::{Deserialize, Serialize};

/// Probability 1 in Q40.
pub const ONE: u64 = 1 << Q;
const Q: u32 = 40;
/// e^(-28) is below one unit of Q40.
const VANISHING: MilliNats = MilliNats(-27_999);
const LN_2_MICRO: i64 = 693_147;

/// e^-n, n = 0..27.
const WHOLE: [u64; 28] = [
    1_099_511_627_776,
    404_487_723_188,
    148_802_717_567,
    54_741_460_583,
    20_138_257_928,
    7_408_451_073,
    2_725_416_841,
    1_002_624_824,
    368_845_060,
    135_690_515,
    49_917_751,
    18_363_714,
    6_755_633,
    2_485_258,
    914_275,
    336_343,
    123_734,
    45_519,
    16_746,
    6_160,
    2_266,
    834,
    307,
    113,
    42,
    15,
    6,
    2,
];
/// e^(-n/10).
const TENTHS: [u64; 10] = [
    1_099_511_627_776,
    994_879_262_377,
    900_203_983_027,
    814_538_247_708,
    737_024_684_948,
    666_887_512_957,
    603_424_775_344,
    546_001_315_701,
    494_042_420_743,
    447_028_068_386,
];
/// e^(-n/100).
const HUNDREDTHS: [u64; 10] = [
    1_099_511_627_776,
    1_088_571_304_285,
    1_077_739_838_831,
    1_067_016_148_260,
    1_056_399_160_192,
    1_045_887_812_921,
    1_035_481_055_303,
    1_025_177_846_653,
    1_014_977_156_642,
    1_004_877_965_193,
];
/// e^(-n/1000).
const THOUSANDTHS: [u64; 10] = [
    1_099_511_627_776,
    1_098_412_665_721,
    1_097_314_802_078,
    1_096_218_035_751,
    1_095_122_365_642,
    1_094_027_790_655,
    1_092_934_309_696,
    1_091_841_921_671,
    1_090_750_625_488,
    1_089_660_420_056,
];

/// A log-probability in thousandths of a nat; 0 is certain, −693 is one half, −6908 is one in a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MilliNats(pub i32);

impl MilliNats {
    /// Certain.
    pub const CERTAIN: Self = Self(0);
    /// Stands for "impossible": lower than any product of slots.
    pub const IMPOSSIBLE: Self = Self(-1_000_000_000);

    /// The logarithm of parts per million; 0 ppm is [`Self::IMPOSSIBLE`], above a million is certain.
    pub fn from_ppm(ppm: u32) -> Self {
        ln(u128::from(ppm.min(1_000_000)) * u128::from(ONE) / 1_000_000)
    }

    /// The probability in parts per million, rounded down; above certain counts as certain.
    pub fn to_ppm(self) -> u32 {
        let ppm = u128::from(exp(self)) * 1_000_000 / u128::from(ONE);
        u32::try_from(ppm).unwrap_or(1_000_000)
    }

    /// The product of two probabilities.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).max(Self::IMPOSSIBLE.0))
    }
}

/// e^x in Q40; x above 0 counts as 0.
pub fn exp(x: MilliNats) -> u64 {
    if x < VANISHING {
        return 0;
    }
    let n = x.0.min(0).unsigned_abs() as usize;
    let scale = |product: u64, table: u64| {
        // Both factors are at most 2^40: the product fits u128 and the result 2^40 again.
        ((u128::from(product) * u128::from(table)) >> Q) as u64
    };
    let fine = scale(HUNDREDTHS[n / 10 % 10], THOUSANDTHS[n % 10]);
    scale(WHOLE[n / 1000], scale(TENTHS[n / 100 % 10], fine))
}

/// The natural logarithm of a Q40 value of any size, to the nearest milli-nat or its neighbour; of 0: impossible.
pub fn ln(value: u128) -> MilliNats {
    if value == 0 {
        return MilliNats::IMPOSSIBLE;
    }
    // value = m * 2^shift with m in [1, 2), as Q40.
    let shift = i64::from(127 - value.leading_zeros()) - i64::from(Q);
    let mantissa = if shift >= 0 { value >> shift } else { value << -shift };
    let inverse = ((1_u128 << (2 * Q)) / mantissa) as u64;
    // The y with e^(-y) nearest to 1/m: exp falls as y grows.
    let (mut low, mut high) = (0_i32, 694_i32);
    while low < high {
        let middle = (low + high) / 2;
        if exp(MilliNats(-middle)) <= inverse { high = middle } else { low = middle + 1 }
    }
    let above = exp(MilliNats(-low)).abs_diff(inverse);
    let below = exp(MilliNats(-(low - 1).max(0))).abs_diff(inverse);
    let fraction = if below < above { (low - 1).max(0) } else { low };
    let whole = div_round(shift * LN_2_MICRO, 1000);
    MilliNats(i32::try_from(whole + i64::from(fraction)).unwrap_or(i32::MAX))
}

/// ln Σ e^x. Of nothing: impossible.
pub fn log_sum_exp(values: impl Iterator<Item = MilliNats> + Clone) -> MilliNats {
    let Some(max) = values.clone().max() else { return MilliNats::IMPOSSIBLE };
    if max <= MilliNats::IMPOSSIBLE {
        return MilliNats::IMPOSSIBLE;
    }
    let sum: u128 = values.map(|x| u128::from(exp(MilliNats(x.0.saturating_sub(max.0))))).sum();
    MilliNats(ln(sum).0.saturating_add(max.0))
}

/// Division rounded to the nearest, halves away from zero. `by` is positive.
pub fn div_round(value: i64, by: i64) -> i64 {
    if value >= 0 { (value + by / 2) / by } else { (value - by / 2) / by }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;
    extern crate std;

    #[test]
    fn exp_agrees_with_the_real_function() {
        for n in 0..28_500 {
            let want = std::primitive::f64::exp(-f64::from(n) / 1000.0) * (ONE as f64);
            let got = exp(MilliNats(-n)) as f64;
            assert!((got - want).abs() <= 8.0 + want * 1e-9, "{n}: {got} {want}");
        }
        assert_eq!(exp(MilliNats(0)), ONE);
        assert_eq!(exp(MilliNats(5)), ONE);
        assert_eq!(exp(MilliNats::IMPOSSIBLE), 0);
    }

    #[test]
    fn parts_per_million_go_there_and_back() {
        assert_eq!(MilliNats::from_ppm(500_000), MilliNats(-693));
        assert_eq!(MilliNats::from_ppm(1_000_000), MilliNats::CERTAIN);
        assert_eq!(MilliNats::from_ppm(1), MilliNats(-13_816));
        assert_eq!(MilliNats::from_ppm(0), MilliNats::IMPOSSIBLE);
        for ppm in [1_000_000_u32, 990_000, 500_000, 12_345, 100] {
            let back = MilliNats::from_ppm(ppm).to_ppm();
            assert!(ppm.abs_diff(back) <= ppm / 1000 + 1, "{ppm} {back}");
        }
    }

    #[test]
    fn the_sum_of_nothing_is_impossible() {
        assert_eq!(log_sum_exp(core::iter::empty()), MilliNats::IMPOSSIBLE);
        assert_eq!(log_sum_exp([MilliNats::IMPOSSIBLE; 3].into_iter()), MilliNats::IMPOSSIBLE);
        assert_eq!(log_sum_exp([MilliNats(-693); 2].into_iter()), MilliNats(0));
    }

    proptest! {
        #[test]
        fn ln_is_within_one_milli_nat(value in 1_u128..(1_u128 << 60)) {
            let want = std::primitive::f64::ln(value as f64 / ONE as f64) * 1000.0;
            let got = f64::from(ln(value).0);
            prop_assert!((got - want).abs() <= 1.1, "{value}: {got} {want}");
        }

        #[test]
        fn log_sum_exp_is_within_two_milli_nats(values in proptest::collection::vec(-20_000_i32..=0, 1..80)) {
            let sum: f64 = values.iter().map(|&x| std::primitive::f64::exp(f64::from(x) / 1000.0)).sum();
            let want = std::primitive::f64::ln(sum) * 1000.0;
            let values: Vec<MilliNats> = values.into_iter().map(MilliNats).collect();
            let got = f64::from(log_sum_exp(values.iter().copied()).0);
            prop_assert!((got - want).abs() <= 2.0, "{got} {want}");
        }
    }
}
