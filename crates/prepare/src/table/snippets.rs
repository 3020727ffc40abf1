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
        ("Apply the transform in NumPy".into(), function(fitted, &NUMPY)),
        ("Apply the transform in PyTorch".into(), function(fitted, &TORCH)),
    ]
}

/// What the two libraries write differently.
struct Library {
    name: &'static str,
    input: &'static str,
    copy: &'static str,
    fill: &'static str,
    is_in: &'static str,
    nan: &'static str,
}

const NUMPY: Library = Library {
    name: "numpy as np",
    input: "array",
    copy: "np.array(x, dtype=float)",
    fill: FILL,
    is_in: "np.isin(x[:, i], values)",
    nan: "np.nan",
};
const TORCH: Library = Library {
    name: "torch",
    input: "float tensor",
    copy: "x.clone()",
    fill: FILL_TORCH,
    is_in: "torch.isin(x[:, i], torch.tensor(values, dtype=x.dtype))",
    nan: "float(\"nan\")",
};

/// The function `transform`, of rows × `columns`.
fn function(fitted: &Transform, library: &Library) -> String {
    let short = if library.name == "torch" { "torch" } else { "np" };
    let array = |key: &str| match short {
        "np" => format!("np.array(t[\"{key}\"])"),
        _ => format!("torch.tensor(t[\"{key}\"], dtype=x.dtype)"),
    };
    let mut lines = vec![
        format!("import json\nimport {}", library.name),
        "t = json.load(open(\"transform.json\"))".to_owned(),
        format!("def transform(x):  # {}, rows × t[\"columns\"]; gives rows × t[\"outputs\"]", library.input),
        format!("    x = {}", library.copy),
    ];
    if !fitted.placeholders.is_empty() {
        lines.push("    for c, values in t[\"placeholders\"].items():".into());
        lines.push("        i = t[\"columns\"].index(c)".into());
        lines.push(format!("        x[{}, i] = {}", library.is_in, library.nan));
    }
    if !fitted.fill.is_empty() {
        lines.push(format!("    {}", library.fill));
    }
    if !fitted.log1p.is_empty() {
        lines.push("    logs = [t[\"columns\"].index(c) for c in t[\"log1p\"]]".into());
        lines.push(format!("    x[:, logs] = {short}.log1p(x[:, logs])"));
    }
    lines.push(format!("    x = (x - {}) / {}", array("mean"), array("scale")));
    if fitted.matrix.is_some() {
        lines.push(format!("    x = x @ {}.T", array("matrix")));
    }
    lines.push("    return x".into());
    lines.extend(target_back(fitted, short));
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
