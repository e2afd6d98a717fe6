//! The grammars as evidence: how much rarer a text is than a truck's plate, for what its form says alone.
//!
//! | a text that fits | nats |
//! |---|---|
//! | a car's, truck's, bus's or state's form, China's small, large and new-energy ones | 0 |
//! | trailers, special series, motorbikes, suffixes 学 警 挂 港 澳 领 | −1 |
//! | NG, NN, QT | −1.5 |
//! | army, armed police | −2 |
//! | none | −4 |
//!
//! Evidence and never a rewrite: a text that fits no form only has to be read e^4 times surer than one that does. The weights are shares
//! of plates on the road, roughly; measured: at −4 the real photos gain and the plates that follow no grammar are not
//! rewritten (models/README.md). Where reads are weighed against *declared* plates nothing of this is used: `matching` has its own word for
//! texts without a form (`implausible_weight_ppm`), and the two must not be counted twice.

use super::{Form, fits};
use crate::plate::milli_nats::MilliNats;
use crate::plate::text::PlateText;

/// Of a text that fits no form.
pub const NO_FORM: MilliNats = MilliNats(-4_000);

/// What the text's best form weighs; [`NO_FORM`] where it fits none.
pub fn evidence(text: &PlateText) -> MilliNats {
    fits(text).iter().map(of_form).fold(NO_FORM, MilliNats::max)
}

const fn of_form(form: Form) -> MilliNats {
    match form {
        Form::VnCivilFive
        | Form::VnCivilFour
        | Form::VnState
        | Form::CnSmall
        | Form::CnLarge
        | Form::CnEnergySmall
        | Form::CnEnergyLarge => MilliNats(0),
        Form::VnDiplomatic | Form::VnInternational | Form::VnForeign => MilliNats(-1_500),
        Form::VnArmy | Form::CnArmedPolice => MilliNats(-2_000),
        _ => MilliNats(-1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_weighs_what_its_best_form_weighs() {
        for (text, nats_milli) in
            [("12C12345", 0), ("桂A12345", 0), ("12R12345", -1_000), ("桂A1234挂", -1_000), ("41291NG01", -1_500), ("QQ1O2", -4_000)]
        {
            assert_eq!(evidence(&PlateText::parse(text).unwrap()), MilliNats(nats_milli), "{text}");
        }
    }
}
