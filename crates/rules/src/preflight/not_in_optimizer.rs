//! `not-in-optimizer`

use serde::{Deserialize, Serialize};
use stetho_core::preflight::{Experiment, Parameter, Preflight};
use stetho_core::{
    Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, percent, thousands,
};

use crate::experiments::{level, shape_words};
use crate::show::list;

/// Parameters get gradients, and no optimizer holds them.
///
/// ## Why it matters
/// They keep their random initial values, whatever the loss says. It happens where a layer is made or replaced after the optimizer, where
/// the optimizer is given one part of the model only, or where modules are kept in a plain list.
///
/// ## What to do
/// Make the optimizer after the model is complete, with the parameters of all of its parts.
///
/// ## Fires on
/// ```preflight
/// {"parameters": [{"name": "body.weight", "shape": [64, 20], "trainable": true, "in_optimizer": true, "gradient": 0.2},
///   {"name": "body.bias", "shape": [64], "trainable": true, "in_optimizer": true, "gradient": 0.2},
///   {"name": "head.weight", "shape": [10, 64], "trainable": true, "in_optimizer": false, "gradient": 0.4}]}
/// ```
///
/// Layers in a plain list, which PyTorch does not see:
/// ```preflight
/// {"parameters": [{"name": "out.weight", "shape": [10, 64], "trainable": true, "in_optimizer": true, "gradient": 0.2},
///   {"name": "layers[0].weight", "shape": [64, 64], "trainable": true, "in_optimizer": false, "gradient": 0.4}]}
/// ```
///
/// ## Stays quiet on
/// A frozen part, a teacher without gradients, and a script whose optimizer was not seen:
/// ```preflight
/// {"parameters": [{"name": "body.weight", "shape": [64, 20], "trainable": false, "in_optimizer": false, "gradient": null},
///   {"name": "teacher.weight", "shape": [64, 20], "trainable": true, "in_optimizer": false, "gradient": null},
///   {"name": "head.weight", "shape": [10, 64], "trainable": true, "in_optimizer": true, "gradient": 0.4}]}
/// ```
/// A network that measures how alike predictions and targets are:
/// ```preflight
/// {"parameters": [{"name": "vgg.weight", "shape": [64, 20], "trainable": true, "in_optimizer": false, "gradient": 0.3, "is_measure": true},
///   {"name": "head.weight", "shape": [10, 64], "trainable": true, "in_optimizer": true, "gradient": 0.4}]}
/// ```
/// ```preflight
/// {"parameters": [{"name": "head.weight", "shape": [10, 64], "trainable": true, "in_optimizer": false, "gradient": 0.4}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NotInOptimizer {
    /// Share of the numbers with gradients from which it looks as if the head alone were meant to be trained: no error, but worth
    /// knowing.
    pub most: f64,
}

impl Default for NotInOptimizer {
    fn default() -> Self {
        Self { most: 0.8 }
    }
}

impl Rule for NotInOptimizer {
    type Input = Preflight;
    const ID: &'static str = "not-in-optimizer";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Preflight(Experiment::Parameters)];

    fn check(&mut self, preflight: &Preflight, report: &mut Report) {
        let learns = |p: &&Parameter| {
            p.trainable && !p.is_measure && p.gradient.is_some_and(|g| g.0.abs() > 0.0 || g.0.is_nan())
        };
        let all: Vec<&Parameter> = preflight.parameters.iter().flatten().filter(learns).collect();
        let (held, left): (Vec<&Parameter>, Vec<&Parameter>) =
            all.iter().partition(|p| p.in_optimizer != Some(false));
        // Where no optimizer was seen to hold anything, the loss must show that none does.
        if left.is_empty() || held.is_empty() && !own_moves_nothing(preflight) {
            return;
        }
        let size = |of: &[&Parameter]| of.iter().map(|p| p.size()).sum::<u64>();
        let share = size(&left) as f64 / size(&all).max(1) as f64;
        let is_in_a_list = left.iter().any(|p| p.name.contains('['));
        let is_head_alone = share > self.most && !held.is_empty() && held.len() <= 4 && !is_in_a_list;
        let names: Vec<&str> = left.iter().map(|p| p.name.as_str()).collect();
        let mut places = left.iter().map(|p| Place::Parameter { name: p.name.clone() });
        let rows = left.iter().map(|p| {
            let gradient = p.gradient.map_or_else(String::new, |g| Human(g.0).to_string());
            [p.name.clone(), shape_words(&p.shape), gradient]
        });
        let draft = Draft::new(
            places.next().unwrap_or(Place::Whole),
            format!(
                "{} of {} parameters that get gradients {} in no optimizer ({} of {} numbers): {}",
                left.len(),
                all.len(),
                if left.len() == 1 { "is" } else { "are" },
                thousands(size(&left)),
                thousands(size(&all)),
                list(&names)
            ),
            Evidence::at_most("share of the numbers with gradients that no optimizer holds", share, 0.0),
            Remedy::risky("make the optimizer after the model is complete, with all of its parameters")
                .code("optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)   # after the last change of the model"),
        )
        .places(places)
        .count(left.len() as u64)
        .evidence(Evidence::table("parameters in no optimizer", ["parameter", "shape", "gradient norm"], rows))
        .remedy(
            Remedy::safe(format!("if they are meant to stay as they are, say so: it saves {} of the gradients", percent(share)))
                .code("for parameter in model.body.parameters():   # the part that stays\n    parameter.requires_grad_(False)"),
        );
        let seen = Remedy::safe("PyTorch does not see layers in a plain list or dictionary: keep them in an `nn.ModuleList` or `nn.ModuleDict`")
            .code("self.layers = nn.ModuleList(layers)");
        let draft = if is_in_a_list { draft.remedy(seen) } else { draft };
        report.raise(if is_head_alone { draft.severity(Severity::Info) } else { draft });
    }
}

/// Whether the script's own optimizer leaves the loss exactly as it is, while another one brings it down.
fn own_moves_nothing(preflight: &Preflight) -> bool {
    let Some((own, others)) = preflight.overfit.as_ref().and_then(|o| o.curves.split_first()) else {
        return false;
    };
    let (Some(first), end) = (own.losses.first(), level(&own.losses)) else { return false };
    let is_still = (first.0 - end).abs() <= 1e-6 * first.0.abs() && own.losses.len() > 4;
    is_still && !own.is_warming_up && others.iter().any(|c| level(&c.losses) < 0.7 * first.0)
}
