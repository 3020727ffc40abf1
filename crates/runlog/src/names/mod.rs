//! What series measure, by the names that people give them. `docs/run-logs.md` has the table.

use stetho_core::run::{Better, Fact, LayerQuantity, Part, Quantity};

use crate::LogError;

/// What a series measures, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The quantity.
    pub quantity: Quantity,
    /// The term, metric, layer, group or class; empty for the whole.
    pub name: String,
}

/// Tells quantities from names.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Tag and the name by which it is to be understood.
    aliases: Vec<(String, String)>,
}

impl Names {
    /// With names that the user explains, each as `word=tag`: the series `tag` is to be read as if it were called `word`.
    ///
    /// # Errors
    /// When a pair has no `=`, or its word means nothing.
    pub fn with(pairs: &[String]) -> Result<Self, LogError> {
        let mut names = Self::default();
        for pair in pairs {
            let Some((word, tag)) = pair.split_once('=').map(|(w, t)| (w.trim(), t.trim())) else {
                return Err(LogError::Request(format!("`{pair}` is not of the form `loss=train/total`")));
            };
            if word.is_empty() || tag.is_empty() || guess(word).quantity == Quantity::Other {
                return Err(LogError::Request(format!(
                    "`{word}` means nothing; left of `=` stands what the series is: `loss`, `val_loss`, `lr`, `grad_norm`, `accuracy`, \
                     `val_accuracy`, `grad_norm/LAYER` and such"
                )));
            }
            names.aliases.push((tag.to_owned(), word.to_owned()));
        }
        Ok(names)
    }

    /// Tags that the user explained.
    pub fn explained(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(|(tag, _)| tag.as_str())
    }

    /// What the series `tag` measures.
    pub fn meaning(&self, tag: &str) -> Meaning {
        guess(self.aliases.iter().find(|(t, _)| t == tag).map_or(tag, |(_, word)| word))
    }

    /// What a packed vector of layers measures.
    pub fn of_layers(&self, tag: &str) -> Quantity {
        let word = tag.rsplit('/').next().unwrap_or(tag);
        if word == "class_share" {
            return Quantity::ClassShare;
        }
        let layer = LayerQuantity::ALL.into_iter().find(|q| q.word() == word).map(Quantity::Layer);
        layer.or_else(|| Fact::of_word(word).map(Quantity::Live)).unwrap_or(Quantity::Other)
    }
}

/// A name cut into words, each with where it stands.
struct Words<'a> {
    tag: &'a str,
    words: Vec<Word>,
}

struct Word {
    text: String,
    start: usize,
    end: usize,
}

impl<'a> Words<'a> {
    /// Words end where letters and figures do, and where a capital follows a small letter.
    fn of(tag: &'a str) -> Self {
        let mut words: Vec<Word> = Vec::new();
        let mut open: Option<usize> = None;
        let mut was_small = false;
        let mut end_at = |start: usize, end: usize| {
            words.push(Word { text: tag[start..end].to_lowercase(), start, end });
        };
        for (at, c) in tag.char_indices() {
            // `mAP` and `mIoU` begin with a small letter of their own.
            let is_long = open.is_some_and(|start| at - start > 1);
            let breaks = !c.is_alphanumeric() || was_small && is_long && c.is_uppercase();
            if breaks && let Some(start) = open.take() {
                end_at(start, at);
            }
            if c.is_alphanumeric() && open.is_none() {
                open = Some(at);
            }
            was_small = c.is_lowercase();
        }
        if let Some(start) = open {
            end_at(start, tag.len());
        }
        Self { tag, words }
    }

    fn has(&self, list: &[&str]) -> bool {
        self.words.iter().any(|w| list.contains(&w.text.as_str()))
    }

    /// What stands between the first and the last word that is in none of the lists, as written.
    fn left(&self, lists: &[&[&str]]) -> String {
        let is_known = |w: &&Word| lists.iter().any(|list| list.contains(&w.text.as_str()));
        let mut others = self.words.iter().filter(|w| !is_known(w));
        let Some(first) = others.next() else { return String::new() };
        let last = others.next_back().unwrap_or(first);
        let name = &self.tag[first.start..last.end];
        // `mAP50(B)` keeps its bracket.
        let is_open = name.contains('(') && !name.contains(')') && self.tag[last.end..].starts_with(')');
        if is_open { format!("{name})") } else { name.to_owned() }
    }
}

const TRAIN: &[&str] = &["train", "training", "trn", "tr", "trainer"];
const VALIDATION: &[&str] =
    &["val", "valid", "validation", "eval", "evaluation", "dev", "holdout", "heldout", "validate", "vali"];
const TEST: &[&str] = &["test", "testing"];
/// Words that say how often or how a value was taken, not what it is.
const MANNER: &[&str] = &[
    "step",
    "epoch",
    "iter",
    "iteration",
    "batch",
    "avg",
    "average",
    "mean",
    "total",
    "overall",
    "running",
    "smooth",
    "smoothed",
    "ema",
    "raw",
    "sum",
    "global",
    "all",
    "whole",
    "metrics",
    "metric",
    "scalars",
    "scalar",
    "losses",
    "loss",
    "per",
    "on",
    "the",
    "of",
    "value",
    "minibatch",
    "mini",
    "log",
    "logs",
    "stats",
    "main",
    "final",
    "current",
    "model",
    "window",
];
const LOSS: &[&str] = &["loss", "losses", "cost", "objective", "lossfn"];
const NAMED_LOSSES: &[&str] =
    &["nll", "xent", "ce", "bce", "elbo", "crossentropy", "hinge", "huber", "logloss", "nelbo", "infonce"];
const GRADIENT: &[&str] = &["grad", "grads", "gradient", "gradients", "gnorm", "gradnorm"];
const NORM: &[&str] = &["norm", "norms", "l2", "l2norm", "magnitude", "2", "0", "2norm", "rms"];
const CLIPPED: &[&str] =
    &["clip", "clipped", "clipping", "after", "post", "postclip", "before", "pre", "unclipped", "preclip"];
const LIMIT: &[&str] = &["limit", "max", "maximum", "threshold", "value", "val"];
const WEIGHT: &[&str] = &["weight", "weights", "param", "params", "parameter", "parameters", "w"];
const UPDATE: &[&str] = &["update", "updates", "delta", "upd"];
const RATIO: &[&str] = &["ratio", "ratios", "to", "over", "relative", "rel"];
const SHARE: &[&str] =
    &["share", "shares", "frac", "fraction", "ratio", "rate", "pct", "percent", "percentage", "proportion"];
const POSITIVE: &[&str] = &["positive", "positives", "pos"];
const DEAD: &[&str] = &["dead", "dying", "inactive"];
const ZERO: &[&str] = &["zero", "zeros", "zeroes", "sparsity", "sparse"];
const SATURATED: &[&str] = &["saturated", "saturation", "sat", "saturate"];
const UNITS: &[&str] = &[
    "unit",
    "units",
    "neuron",
    "neurons",
    "activation",
    "activations",
    "act",
    "acts",
    "layer",
    "layers",
    "outputs",
    "output",
];
const NON_FINITE: &[&str] =
    &["nan", "nans", "inf", "infs", "nonfinite", "non", "finite", "count", "num", "n", "has", "is"];
const BASELINE: &[&str] = &["baseline", "majority", "chance", "dummy"];
const RATE: &[&str] = &["lr", "lrs", "learningrate", "lrate"];
const TIME: &[&str] = &["time", "times", "sec", "secs", "seconds", "ms", "duration", "s", "wait", "latency"];
const HIGHER: &[&str] = &[
    "acc",
    "accuracy",
    "top1",
    "top5",
    "acc1",
    "acc5",
    "top",
    "f1",
    "auc",
    "auroc",
    "roc",
    "rocauc",
    "auprc",
    "prauc",
    "ap",
    "map",
    "map50",
    "map95",
    "map5095",
    "iou",
    "miou",
    "dice",
    "r2",
    "bleu",
    "rouge",
    "rougel",
    "rouge1",
    "rouge2",
    "meteor",
    "psnr",
    "ssim",
    "precision",
    "recall",
    "sensitivity",
    "specificity",
    "kappa",
    "mcc",
    "ndcg",
    "mrr",
    "hits",
    "hit",
    "reward",
    "rewards",
    "rew",
    "return",
    "returns",
    "score",
    "em",
    "pearson",
    "spearman",
    "correlation",
    "corr",
    "cindex",
    "jaccard",
    "fscore",
    "f2",
    "balanced",
    "success",
    "winrate",
    "elo",
    "explained",
    "accuracies",
    "io",
    "mio",
    "correct",
    "fbeta",
];
const LOWER: &[&str] = &[
    "error",
    "err",
    "mae",
    "mse",
    "rmse",
    "mape",
    "smape",
    "ppl",
    "perplexity",
    "wer",
    "cer",
    "fid",
    "kid",
    "lpips",
    "brier",
    "ece",
    "bpc",
    "bpb",
    "rmsle",
    "hausdorff",
    "msle",
    "eer",
    "medae",
    "l1",
    "chamfer",
    "epe",
    "absrel",
];

/// Whether a series holds logarithms to base 10 of what it measures.
pub(crate) fn is_log10(tag: &str) -> bool {
    Words::of(tag).has(&["log10"])
}

/// What a series is, by its name alone.
fn guess(tag: &str) -> Meaning {
    let words = Words::of(tag);
    let found = fact(tag)
        .or_else(|| parameter(tag))
        .or_else(|| layer(&words))
        .or_else(|| optimizer(&words))
        .or_else(|| resource(&words))
        .or_else(|| result(&words));
    found.map_or(Meaning { quantity: Quantity::Other, name: String::new() }, |(quantity, name)| Meaning {
        quantity,
        name,
    })
}

type Found = Option<(Quantity, String)>;

/// What Stetho itself writes: a term of the training loss under the user's own name for it, `loss_terms/<name>`, which may hold any word;
/// a fact of the training loop, `stetho/<word>` or `stetho/<word>/<name>`.
fn fact(tag: &str) -> Found {
    if let Some(name) = tag.strip_prefix("loss_terms/") {
        return Some((Quantity::LossTerm(Part::Train), name.to_owned()));
    }
    let rest = tag.strip_prefix("stetho/")?;
    let (word, name) = rest.split_once('/').unwrap_or((rest, ""));
    Some((Quantity::Live(Fact::of_word(word)?), name.to_owned()))
}

fn part(words: &Words<'_>) -> Option<Part> {
    if words.has(VALIDATION) {
        Some(Part::Validation)
    } else if words.has(TEST) {
        Some(Part::Test)
    } else if words.has(TRAIN) {
        Some(Part::Train)
    } else {
        None
    }
}

/// Something of layers or parameters, or of the gradient of all of them.
fn layer(words: &Words<'_>) -> Found {
    let common: &[&[&str]] = &[TRAIN, MANNER, UNITS];
    let named = |quantity, lists: &[&[&str]]| {
        let lists: Vec<&[&str]> = lists.iter().chain(common).copied().collect();
        let name = words.left(&lists);
        (!name.is_empty()).then_some((Quantity::Layer(quantity), name))
    };
    if words.has(UPDATE) && (words.has(RATIO) || words.has(NORM)) {
        // What `log` without a base is to, nobody can tell.
        let is_log = words.has(&["log"]);
        let kind = if words.has(RATIO) { LayerQuantity::UpdateRatio } else { LayerQuantity::UpdateNorm };
        let name = words.left(&[UPDATE, RATIO, NORM, WEIGHT, TRAIN, MANNER, &["log10"]]);
        let name = if name.is_empty() { "all parameters".into() } else { name };
        return (!is_log).then_some((Quantity::Layer(kind), name));
    }
    if words.has(DEAD) {
        let name = words.left(&[DEAD, SHARE, TRAIN, MANNER, UNITS]);
        return Some((
            Quantity::Layer(LayerQuantity::DeadShare),
            if name.is_empty() { "all layers".into() } else { name },
        ));
    }
    if words.has(SATURATED) {
        let name = words.left(&[SATURATED, SHARE, TRAIN, MANNER, UNITS]);
        return Some((
            Quantity::Layer(LayerQuantity::SaturatedShare),
            if name.is_empty() { "all layers".into() } else { name },
        ));
    }
    if words.has(ZERO)
        && (words.has(SHARE) || words.has(UNITS) || words.has(&["sparsity"]))
        && !words.has(LOSS)
    {
        return named(LayerQuantity::ZeroShare, &[ZERO, SHARE]);
    }
    if words.has(&["nan", "nans", "nonfinite", "inf", "infs"]) && !words.has(LOSS) {
        return named(LayerQuantity::NonFinite, &[NON_FINITE, WEIGHT, GRADIENT]);
    }
    if words.has(GRADIENT) {
        return gradient(words);
    }
    if words.has(&["activation", "activations", "act", "acts"]) {
        if words.has(&["std", "stddev", "stdev"]) {
            return named(LayerQuantity::ActivationStd, &[&["std", "stddev", "stdev"]]);
        }
        if words.has(&["mean", "avg"]) {
            return named(LayerQuantity::ActivationMean, &[&["mean", "avg"]]);
        }
    }
    if words.has(WEIGHT) && words.has(&["norm", "norms", "l2norm", "magnitude"]) {
        let name = words.left(&[WEIGHT, NORM, TRAIN, MANNER]);
        let is_all = name.is_empty();
        return Some((
            Quantity::Layer(LayerQuantity::WeightNorm),
            if is_all { "all parameters".into() } else { full_layer(words, name) },
        ));
    }
    None
}

/// A norm in front of a slash and a parameter behind it, whose name is kept as it is: `grad_norm/0.weight`.
fn parameter(tag: &str) -> Found {
    let quantity = |head: &Words<'_>| match layer(head)? {
        (Quantity::GradientNorm, name) if name.is_empty() => Some(LayerQuantity::GradientNorm),
        (Quantity::Layer(kind), name) if name == "all parameters" => Some(kind),
        _ => None,
    };
    tag.match_indices('/').find_map(|(at, _)| {
        let (head, rest) = (Words::of(&tag[..at]), &tag[at + 1..]);
        let rest = Words::of(rest.strip_suffix("/norm").unwrap_or(rest));
        let is_parameter = head.has(NORM) && !rest.left(&[TRAIN, MANNER, CLIPPED, &NORM[..5]]).is_empty();
        let quantity = quantity(&head).filter(|_| is_parameter || rest.tag.contains('.'))?;
        Some((Quantity::Layer(quantity), rest.tag.to_owned()))
    })
}

/// The name of a layer with the `weight` at its end, which is a word of ours as well.
fn full_layer(words: &Words<'_>, name: String) -> String {
    let longer = ["weight", "bias"]
        .iter()
        .map(|end| format!("{name}.{end}"))
        .find(|longer| words.tag.contains(longer.as_str()));
    longer.unwrap_or(name)
}

fn gradient(words: &Words<'_>) -> Found {
    if words.has(&["scale", "scaler", "scaling"]) {
        return Some((Quantity::LossScale, String::new()));
    }
    if words.has(&[
        "penalty",
        "accumulation",
        "accum",
        "cosine",
        "similarity",
        "var",
        "variance",
        "noise",
        "time",
        "checkpointing",
    ]) {
        return None;
    }
    let is_norm = words.has(NORM) || words.has(&["gnorm", "gradnorm"]);
    if words.has(&["clip", "clipping", "max"]) && words.has(LIMIT) && !words.has(&["clipped"])
        || !is_norm && words.has(&["clip"])
    {
        return Some((Quantity::ClipLimit, String::new()));
    }
    let name = words.left(&[GRADIENT, NORM, CLIPPED, TRAIN, MANNER]);
    let is_clipped = words.has(&["clipped", "postclip"])
        || words.has(&["after", "post"]) && words.has(&["clip", "clipping"]);
    match (name.is_empty(), is_norm) {
        (true, _) => {
            Some((Quantity::GradientNorm, if is_clipped { "clipped".into() } else { String::new() }))
        }
        (false, true) => Some((Quantity::Layer(LayerQuantity::GradientNorm), full_layer(words, name))),
        // `grads/fc1.weight` is the norm of one parameter; `grad/fc1/mean` is another statistic.
        (false, false) if !words.has(&["std", "mean", "max", "min", "abs", "median"]) => {
            Some((Quantity::Layer(LayerQuantity::GradientNorm), full_layer(words, name)))
        }
        (false, false) => None,
    }
}

/// Settings of the optimizer that change.
fn optimizer(words: &Words<'_>) -> Found {
    let is_rate =
        words.has(RATE) || words.words.windows(2).any(|w| w[0].text == "learning" && w[1].text == "rate");
    if is_rate && !words.has(LOSS) {
        return Some((Quantity::LearningRate, words.left(&[RATE, &["learning", "rate"], TRAIN, MANNER])));
    }
    let is_scale = words.has(&["scale", "scaler", "scaling"]);
    if is_scale && words.left(&[&["scale", "scaler", "scaling"], TRAIN, MANNER]).is_empty() {
        return Some((Quantity::LossScale, String::new()));
    }
    if is_scale && (words.has(LOSS) || words.has(&["amp", "fp16"])) || words.has(&["lossscale", "gradscale"])
    {
        return Some((Quantity::LossScale, String::new()));
    }
    let is_limit = words.has(&["limit", "norm", "max", "threshold"]);
    if words.has(&["clip", "clipping"]) && (is_limit || words.tag == "clip_value") {
        return Some((Quantity::ClipLimit, String::new()));
    }
    None
}

/// Time and memory.
fn resource(words: &Words<'_>) -> Found {
    let is_rate = words
        .words
        .windows(2)
        .any(|w| w[0].text == "per" && ["second", "sec", "s"].contains(&w[1].text.as_str()));
    if is_rate {
        return None;
    }
    // The example script of image classification prints `Time` and `Data` of a batch.
    match words.tag.to_lowercase().as_str() {
        "time" => return Some((Quantity::StepTime, String::new())),
        "data" => return Some((Quantity::DataTime, String::new())),
        _ => {}
    }
    if words.has(TIME) || words.has(&["datatime", "steptime", "dataloading"]) {
        let is_data = words.has(&[
            "data",
            "dataloader",
            "loader",
            "loading",
            "fetch",
            "dataloading",
            "dataload",
            "load",
            "input",
            "datatime",
        ]);
        if is_data && !words.has(LOSS) {
            return Some((Quantity::DataTime, String::new()));
        }
        let is_step = words.has(&["step", "iter", "iteration", "batch", "steptime"]);
        return (is_step && !words.has(LOSS)).then(|| (Quantity::StepTime, String::new()));
    }
    let is_memory = words.has(&["memory", "mem", "rss", "vram", "ram", "allocated"]);
    (is_memory && !words.has(&["replay"]))
        .then(|| (Quantity::Memory, words.left(&[&["memory", "mem"], TRAIN, MANNER])))
}

/// Losses, metrics, shares of classes.
fn result(words: &Words<'_>) -> Found {
    let part_of = part(words).unwrap_or(Part::Train);
    let parts: [&[&str]; 3] = [TRAIN, VALIDATION, TEST];
    let with = |more: &[&'static [&'static str]]| {
        let lists: Vec<&[&str]> = parts.iter().copied().chain(more.iter().copied()).chain([MANNER]).collect();
        words.left(&lists)
    };
    if words.has(BASELINE) && (words.has(LOSS) || words.has(HIGHER) || words.has(LOWER)) {
        return Some((Quantity::Baseline(part_of), with(&[BASELINE])));
    }
    if words.has(&["class", "pred", "preds", "prediction", "predictions", "predicted"])
        && words.has(SHARE)
        && !words.has(LOSS)
    {
        let name = words.left(&[
            &["class", "pred", "preds", "prediction", "predictions", "predicted"],
            SHARE,
            TRAIN,
            VALIDATION,
            MANNER,
        ]);
        return (!name.is_empty()).then_some((Quantity::ClassShare, name));
    }
    // `pred_positive`: the share of two classes that is told; `false_positive` is another matter.
    let is_told = words.has(&["pred", "preds", "predicted", "predictions"]);
    if is_told && words.has(POSITIVE) && !words.has(&["true", "false", "precision"]) && !words.has(LOSS) {
        return Some((Quantity::ClassShare, "positive".into()));
    }
    if words.has(LOSS) {
        let is_setting = words.has(&["weight", "coef", "coefficient", "lambda", "beta", "weights"]);
        let name = with(&[LOSS]);
        return match (name.is_empty(), is_setting) {
            (true, _) => Some((Quantity::Loss(part_of), name)),
            (false, true) => None,
            (false, false) => Some((Quantity::LossTerm(part_of), name)),
        };
    }
    let is_entropy = words.words.windows(2).any(|w| w[0].text == "cross" && w[1].text == "entropy");
    let is_term = words.has(&["rec", "recon", "reconstruction", "kl", "kld"]) && words.words.len() <= 2;
    if is_entropy || is_term || words.has(NAMED_LOSSES) {
        return Some((Quantity::LossTerm(part_of), with(&[])));
    }
    let better = if words.has(LOWER) { Better::Lower } else { Better::Higher };
    if words.has(HIGHER) || words.has(LOWER) {
        // `metrics/mAP50` is what detectors write of their validation data.
        let is_detector = part(words).is_none()
            && (words.has(&["map", "map50", "map5095", "map95"]) || words.tag.starts_with("metrics/"));
        let part_of = if is_detector { Part::Validation } else { part_of };
        return Some((Quantity::Metric(part_of, better), with(&[])));
    }
    let is_epoch = words
        .words
        .iter()
        .all(|w| ["epoch", "epochs", "ep", "train", "trainer", "current"].contains(&w.text.as_str()));
    (is_epoch && words.has(&["epoch", "epochs", "ep"])).then(|| (Quantity::Epoch, String::new()))
}

#[cfg(test)]
mod tests;
