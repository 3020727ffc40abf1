//! `causal-leak`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Preflight};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::experiments::{at_line, at_words, known, quote};

/// A model that predicts what comes next sees it.
///
/// ## Why it matters
/// It then copies the answer instead of predicting it: the loss falls far below what is possible, and generation, where the future is not
/// there yet, gives nonsense.
///
/// ## What to do
/// Mask the future in every attention layer, pad convolutions on the left only, and use recurrent layers in one direction.
///
/// ## Fires on
/// ```preflight
/// {"causal": {"length": 16, "past": 0.8, "future": 0.3, "position": [4, 9], "predicts_next": true, "module": "blocks.0.attn"}}
/// ```
///
/// ## Stays quiet on
/// ```preflight
/// {"causal": {"length": 16, "past": 0.8, "future": 0.0, "predicts_next": true}}
/// ```
/// A model that labels each word, and may read to the end:
/// ```preflight
/// {"causal": {"length": 16, "past": 0.8, "future": 0.7, "position": [4, 9], "predicts_next": false}}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CausalLeak {
    /// Change by a later input, as a share of that by an earlier one.
    pub share: f64,
}

impl Default for CausalLeak {
    fn default() -> Self {
        Self { share: 1e-3 }
    }
}

impl Rule for CausalLeak {
    type Input = Preflight;
    const ID: &'static str = "causal-leak";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Causal)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let Some(causal) = preflight.causal.as_ref().filter(|c| c.predicts_next) else { return };
        let Some(future) = known(causal.future) else { return };
        let past = known(causal.past).unwrap_or(0.0);
        // Rounding alone may change the last bits.
        if future <= self.share * past || future < 1e-5 {
            return;
        }
        let [t, s] = causal.position.unwrap_or([0, 1]);
        let module = causal.module.as_deref().filter(|m| !m.is_empty());
        let line = causal.place.as_ref();
        let layer = module.map(Place::layer);
        let by = causal.function.as_deref().map_or_else(String::new, |f| format!(" by `{f}`"));
        let within =
            format!("{}{by}{}", module.map_or_else(String::new, |m| format!(" in `{m}`")), at_words(line));
        let within = if within.is_empty() { within } else { format!("; it comes in{within}") };
        report.raise(
            quote(line).into_iter().fold(Draft::new(
                if line.is_some() { at_line(line) } else { layer.clone().unwrap_or(Place::Whole) },
                format!(
                    "the output at position {t} changes by {} when the input at position {s}, after it, does (an earlier input: {}), in a \
                     model that predicts the next one{within}",
                    Human(future),
                    Human(past)
                ),
                Evidence::at_most("change by a later input, as a share of that by an earlier one", future / past.max(1e-12), self.share),
                Remedy::risky("mask the future in attention").code(
                    "y = F.scaled_dot_product_attention(q, k, v, is_causal=True)\n# or, where the scores are made by hand:\n\
                     mask = torch.ones(T, T, dtype=torch.bool, device=x.device).tril()\n\
                     scores = scores.masked_fill(~mask, float('-inf'))   # before the softmax",
                ),
            ), Draft::evidence)
            .places(layer.filter(|_| line.is_some()))
            .remedy(Remedy::risky("pad convolutions on the left only").code("x = F.pad(x, (kernel_size - 1, 0))")),
        );
    }
}
