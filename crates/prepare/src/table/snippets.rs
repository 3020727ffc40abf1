//! Python that applies `transform.json` and weights at inference and in training.

use super::transform::Transform;

const FILL: &str = "fill = np.array([np.nan if v is None else v for v in t[\"fill\"]])
    x = np.where(np.isnan(x), fill, x)";
const FILL_TORCH: &str =
    "fill = torch.tensor([float(\"nan\") if v is None else v for v in t[\"fill\"]], dtype=x.dtype)
    x = torch.where(torch.isnan(x), fill, x)";

/// Snippets that apply the transform.
pub(super) fn of(fitted: &Transform) -> Vec<(String, String)> {
    if fitted.columns.is_empty() {
        return Vec::new();
    }
    vec![
        ("Apply the transform in NumPy".into(), numpy(fitted)),
        ("Apply the transform in PyTorch".into(), torch(fitted)),
    ]
}

/// The function `transform`, of rows × `columns`.
fn numpy(fitted: &Transform) -> String {
    let mut lines = vec![
        "import json".to_owned(),
        "import numpy as np".to_owned(),
        "t = json.load(open(\"transform.json\"))".to_owned(),
        "def transform(x):  # rows × t[\"columns\"]; gives rows × t[\"outputs\"]".to_owned(),
        "    x = np.array(x, dtype=float)".to_owned(),
    ];
    if !fitted.fill.is_empty() {
        lines.push(format!("    {FILL}"));
    }
    if !fitted.log1p.is_empty() {
        lines.push("    logs = [t[\"columns\"].index(c) for c in t[\"log1p\"]]".into());
        lines.push("    x[:, logs] = np.log1p(x[:, logs])".into());
    }
    lines.push("    x = (x - np.array(t[\"mean\"])) / np.array(t[\"scale\"])".into());
    if fitted.matrix.is_some() {
        lines.push("    x = x @ np.array(t[\"matrix\"]).T".into());
    }
    lines.push("    return x".into());
    if let Some(back) = target_back(fitted, "np") {
        lines.push(back);
    }
    lines.join("\n")
}

fn torch(fitted: &Transform) -> String {
    let mut lines = vec![
        "import json".to_owned(),
        "import torch".to_owned(),
        "t = json.load(open(\"transform.json\"))".to_owned(),
        "def transform(x):  # float tensor, rows × t[\"columns\"]; gives rows × t[\"outputs\"]".to_owned(),
        "    x = x.clone()".to_owned(),
    ];
    if !fitted.fill.is_empty() {
        lines.push(format!("    {FILL_TORCH}"));
    }
    if !fitted.log1p.is_empty() {
        lines.push("    logs = [t[\"columns\"].index(c) for c in t[\"log1p\"]]".into());
        lines.push("    x[:, logs] = torch.log1p(x[:, logs])".into());
    }
    lines.push(
        "    x = (x - torch.tensor(t[\"mean\"], dtype=x.dtype)) / torch.tensor(t[\"scale\"], dtype=x.dtype)"
            .into(),
    );
    if fitted.matrix.is_some() {
        lines.push("    x = x @ torch.tensor(t[\"matrix\"], dtype=x.dtype).T".into());
    }
    lines.push("    return x".into());
    if let Some(back) = target_back(fitted, "torch") {
        lines.push(back);
    }
    lines.join("\n")
}

fn target_back(fitted: &Transform, library: &str) -> Option<String> {
    fitted.log1p_target.as_ref()?;
    Some(format!("# the target was replaced by log(1 + y)\nprediction = {library}.expm1(model_output)"))
}

/// How to draw batches by the weights of rows.
pub(super) fn weights() -> (String, String) {
    let code = "import numpy as np, torch\n\
                from torch.utils.data import DataLoader, WeightedRandomSampler\n\
                weights = torch.from_numpy(np.load(\"sample_weights.npy\"))  # a weight a row of the training file\n\
                sampler = WeightedRandomSampler(weights, num_samples=len(weights), replacement=True)\n\
                loader = DataLoader(train_set, batch_size=64, sampler=sampler)  # no shuffle=True beside it\n\
                # or weight the loss, but not both: nn.CrossEntropyLoss(weight=…) with weights.csv";
    ("Draw batches by weight in PyTorch".into(), code.into())
}
