//! Words and proofs that the rules of simple models share.

use stetho_core::fit::{Estimate, Fit, RemedyKind, Rung, Trial};
use stetho_core::{Evidence, Remedy};

/// A score with its interval: `0.912 ± 0.021`.
pub(crate) fn told(estimate: Estimate) -> String {
    if estimate.mean.is_nan() {
        return "–".into();
    }
    if estimate.half.is_nan() {
        return format!("{:.3}", estimate.mean);
    }
    format!("{:.3} ± {:.3}", estimate.mean, estimate.half)
}

/// A gain with its sign: `+0.021 ± 0.010`.
pub(crate) fn gain(estimate: Estimate) -> String {
    if estimate.half.is_nan() {
        return format!("{:+.3}", estimate.mean);
    }
    format!("{:+.3} ± {:.3}", estimate.mean, estimate.half)
}

/// The ladder as a table.
pub(crate) fn ladder(fit: &Fit) -> Evidence {
    let row =
        |r: &Rung| [r.name.clone(), told(Estimate { half: f64::NAN, ..r.train() }), told(r.validation())];
    Evidence::table(
        format!("models from simple to complex, by {}", fit.score.name()),
        ["model", "training rows", "unseen rows"],
        fit.rungs.iter().map(row),
    )
}

/// All remedies that were tried, as a table.
pub(crate) fn tried(fit: &Fit) -> Option<Evidence> {
    let trials = fit.trials.get()?;
    let row = |t: &Trial| [t.action.clone(), t.model.clone(), gain(t.gain)];
    Some(Evidence::table(
        "remedies tried here",
        ["what was done", "to", "gain on unseen rows"],
        trials.iter().map(row),
    ))
}

/// A remedy of each of the kinds, in their order, that brought something here.
pub(crate) fn remedies(fit: &Fit, kinds: &[RemedyKind]) -> Vec<Remedy> {
    let trials = fit.trials.get().map(Vec::as_slice).unwrap_or_default();
    let of = |kind: &RemedyKind| {
        let own = trials.iter().filter(move |t| t.kind == *kind && t.gain.mean > 0.0005);
        own.max_by(|a, b| a.gain.mean.total_cmp(&b.gain.mean))
    };
    let remedy = |t: &Trial| {
        Remedy::risky(format!("{}: tried on the {}, it brought {}", t.action, t.model, gain(t.gain)))
    };
    kinds.iter().filter_map(of).map(remedy).collect()
}

/// What more rows would bring, in words, if the learning curve promises anything.
pub(crate) fn more_rows(fit: &Fit) -> Option<Remedy> {
    let curve = fit.curve.get()?;
    let [middle, low, high] = curve.gain_of_doubling?;
    (middle >= 0.002).then(|| {
        Remedy::advice(format!(
            "collect more rows: twice as many would bring about {middle:+.3} (from {low:+.3} to {high:+.3})"
        ))
    })
}

/// The learning curve as a drawing.
pub(crate) fn curve(fit: &Fit) -> Option<Evidence> {
    let curve = fit.curve.get()?;
    let line = |label: &str, of: fn(&stetho_core::fit::CurvePoint) -> f64| {
        (label.to_owned(), curve.points.iter().map(|p| [p.n as f64, of(p)]).collect())
    };
    Some(Evidence::curves(
        format!("learning curve of the {}", curve.model),
        "training rows",
        [line("training", |p| p.train), line("unseen", |p| p.validation)],
    ))
}

/// Whether there is a signal at all, as far as was tested.
pub(crate) fn has_signal(fit: &Fit) -> bool {
    fit.signal.get().is_none_or(|s| s.p <= 0.05)
}
