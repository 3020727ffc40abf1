//! Words that training loops print, and what they tell of the number after them.

/// The part of the data that a word names.
pub(super) fn part(word: &str) -> Option<&'static str> {
    // LightGBM numbers them: `valid_1`.
    let plain =
        word.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_').to_ascii_lowercase();
    match plain.as_str() {
        "train" | "training" | "learn" => Some("train"),
        "val" | "valid" | "validation" | "validating" | "eval" | "evaluation" | "dev" => Some("val"),
        "test" | "testing" => Some("test"),
        _ => None,
    }
}

/// Words after which a number needs no colon.
const KNOWN: &[&str] = &[
    "loss",
    "acc",
    "accuracy",
    "top1",
    "top5",
    "err",
    "error",
    "lr",
    "ppl",
    "perplexity",
    "wer",
    "cer",
    "bleu",
    "auc",
    "f1",
    "map",
    "miou",
    "iou",
    "dice",
    "psnr",
    "ssim",
    "mae",
    "mse",
    "rmse",
    "nll",
    "bpc",
    "bpb",
    "kl",
    "reward",
    "return",
    "score",
    "norm",
    "gnorm",
    "rate",
    "precision",
    "recall",
    "r2",
    "step",
    "steps",
    "iter",
    "iteration",
    "it",
    "epoch",
    "epochs",
    "ep",
    "batch",
    "update",
    "updates",
    "time",
    "data",
    "mfu",
    "scale",
    "grad_norm",
    "learning_rate",
    "rss",
    "mem",
    "memory",
    "vram",
];

/// Whether a number right after this name belongs to it.
pub(super) fn is_known(name: &str) -> bool {
    let plain = name.to_ascii_lowercase();
    let last = last_word(&plain);
    let bare = last.split('@').next().unwrap_or("");
    KNOWN.contains(&plain.as_str()) || KNOWN.contains(&bare)
}

/// The last word of a name that is no number: `bbox_mAP_50` is a `mAP`.
fn last_word(plain: &str) -> &str {
    let is_word = |word: &&str| !word.bytes().all(|b| b.is_ascii_digit());
    plain.rsplit(['_', '/', '.', '-', ' ']).find(is_word).unwrap_or("")
}

/// Whether a line that gives no place may be taken for a row because of this name.
pub(super) fn is_telling(name: &str) -> bool {
    let plain = name.to_ascii_lowercase();
    is_result(&plain)
        || plain.contains("loss")
        || plain.contains("acc")
        || plain.contains("perplexity")
        || plain.contains("error")
}

/// Whether a number over another is a share of it.
pub(super) fn is_ratio(name: &str) -> bool {
    let plain = name.to_ascii_lowercase();
    plain.contains("acc")
        || plain.contains("precision")
        || plain.contains("recall")
        || plain.contains("correct")
}

/// Names whose numbers say nothing of training.
pub(super) fn is_dull(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "eta" | "v_num" | "pid" | "port" | "seed" | "version" | "rank" | "line"
    )
}

/// Whether `before` is a part of the name: `learning rate`, `grad norm`, `box loss`.
pub(super) fn joins(before: &str, name: &str) -> bool {
    let (before, name) = (before.to_ascii_lowercase(), name.to_ascii_lowercase());
    if before.is_empty()
        || part(&before).is_some()
        || !before.chars().all(|c| c.is_alphanumeric() || c == '_')
    {
        return false;
    }
    match name.as_str() {
        "rate" | "norm" | "scale" | "score" => true,
        "loss" | "error" | "reward" | "return" => !matches!(
            before.as_str(),
            "average"
                | "avg"
                | "mean"
                | "the"
                | "current"
                | "running"
                | "final"
                | "batch"
                | "epoch"
                | "step"
                | "iter"
                | "set"
                | "and"
                | "with"
                | "is"
                | "has"
                | "of"
                | "info"
                | "at"
                | "ave"
                | "overall"
        ),
        _ => false,
    }
}

/// Whether a number of this name is of a part of the data and the name does not say of which.
pub(super) fn takes_part(name: &str) -> bool {
    let plain = name.to_ascii_lowercase();
    !plain.split(|c: char| !c.is_alphanumeric()).any(|word| part(word).is_some()) && is_result(&plain)
}

/// Whether a name in small letters is known and one of a loss or a metric, not of a place, a setting or a time.
fn is_result(plain: &str) -> bool {
    let last = last_word(plain);
    is_known(plain)
        && !matches!(
            last,
            "lr" | "rate"
                | "norm"
                | "gnorm"
                | "scale"
                | "time"
                | "data"
                | "mfu"
                | "step"
                | "steps"
                | "iter"
                | "iteration"
                | "it"
                | "epoch"
                | "epochs"
                | "ep"
                | "batch"
                | "update"
                | "updates"
                | "rss"
                | "mem"
                | "memory"
                | "vram"
        )
}

/// What may stand right behind a number.
pub(super) fn is_unit(text: &str) -> bool {
    matches!(
        text,
        "" | "%"
            | "s"
            | "ms"
            | "us"
            | "sec"
            | "secs"
            | "m"
            | "min"
            | "h"
            | "x"
            | "k"
            | "K"
            | "M"
            | "G"
            | "MB"
            | "GB"
            | "MiB"
            | "GiB"
            | "it"
            | "it/s"
            | "s/it"
            | "s/step"
            | "ms/step"
            | "img/s"
            | "db"
            | "dB"
    )
}
