//! `checkpoint-not-loaded`

use serde::{Deserialize, Serialize};
use stetho_core::code::{Code, FileRead, Load, MissingFile};
use stetho_core::{Draft, Evidence, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::show::listing;

/// Weights that were to be loaded are not in the model that is trained.
///
/// ## Why it matters
/// The training starts from fresh weights while everyone believes that it goes on from trained ones. `strict=False` takes a state whose names
/// do not fit without a word; a file that is not there is often passed over; and an initialisation after the load undoes it.
///
/// ## What to do
/// Load with `strict=True`, or look at the missing and unexpected names that `load_state_dict` returns; stop where a file that was asked for
/// is not there; load after everything that makes or initialises the model.
///
/// ## Fires on
/// ```code
/// {"n_steps": 100, "loads": [{"place": {"path": "train.py", "line": 12, "text": "model.load_state_dict(state, strict=False)"},
///   "model": "Net", "path": "net.pt", "n_parameters": 4, "n_loaded": 0, "n_in_file": 4, "missing": ["fc.weight", "fc.bias"],
///   "unexpected": ["module.fc.weight", "module.fc.bias"], "strict": false, "before_training": true}]}
/// ```
/// ```code
/// {"n_steps": 100, "ended": true, "missing_files": [{"path": "ckpt/last.pt", "how": "os.path.exists", "count": 1,
///   "looks_like": "checkpoint", "before_training": true, "place": {"path": "train.py", "line": 9, "text": "if os.path.exists(path):"}}]}
/// ```
///
/// ## Stays quiet on
/// A new head on a trained model:
/// ```code
/// {"n_steps": 100, "loads": [{"model": "Net", "path": "net.pt", "n_parameters": 62, "n_loaded": 60, "n_changed": 60, "n_in_file": 60,
///   "missing": ["head.weight", "head.bias"], "strict": false, "before_training": true, "n_kept": 60}]}
/// ```
/// The first run of a script that resumes from what it writes:
/// ```code
/// {"n_steps": 100, "ended": true, "missing_files": [{"path": "ckpt/last.pt", "looks_like": "checkpoint", "before_training": true,
///   "was_created_later": true}]}
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CheckpointNotLoaded {
    /// Below this share of loaded entries, of the file's and of the model's, a load is no load.
    pub share: f64,
    /// Share of a file's entries that must have the shapes of the model's, for it to be meant for the model.
    pub fits: f64,
}

impl Default for CheckpointNotLoaded {
    fn default() -> Self {
        Self { share: 0.5, fits: 0.5 }
    }
}

impl Rule for CheckpointNotLoaded {
    type Input = Code;
    const ID: &'static str = "checkpoint-not-loaded";
    const SEVERITY: Severity = Severity::Error;
    const SIGNALS: &'static [Signal] = &[Signal::Checkpoints];

    fn check(&mut self, code: &Code, report: &mut Report) {
        let loads = code.loads.iter().flatten();
        for load in loads {
            if let Some(problem) = self.problem(load, code) {
                report.raise(of_load(load, &problem));
            }
        }
        if code.n_steps == 0 {
            return;
        }
        for file in code.files_read.iter().filter(|file| self.is_unread(file)) {
            report.raise(of_file(file));
        }
        let is_any_loaded = code.loads.iter().flatten().any(|l| l.before_training && l.n_loaded > 0)
            || code.files_read.iter().any(|f| f.before_training && (f.loaded_into > 0 || f.n_in_use > 0));
        let is_lost = |file: &&MissingFile| {
            file.looks_like == "checkpoint"
                && file.before_training
                && !file.was_created_later
                && !file.is_saved_in_code
        };
        if code.ended && !is_any_loaded {
            for file in code.missing_files.iter().flatten().filter(is_lost) {
                report.raise(of_missing(file));
            }
        }
    }
}

impl CheckpointNotLoaded {
    /// Why a load is none.
    fn problem(&self, load: &Load, code: &Code) -> Option<String> {
        let share = |n: u64, of: u64| if of == 0 { 1.0 } else { n as f64 / of as f64 };
        let of_model = share(load.n_loaded, load.n_parameters);
        let of_file = share(load.n_loaded, load.n_in_file);
        let counts = format!("{} of {} were loaded", load.n_loaded, count_of(load.n_parameters, "parameter"));
        if load.is_own_memory && load.n_changed == 0 {
            return Some(
                "the state shares its memory with the model, so that loading it changes nothing".into(),
            );
        }
        if load.n_parameters > 0 && (load.n_loaded == 0 || (of_model < self.share && of_file < self.share)) {
            return Some(format!("{counts}{}", names(load)));
        }
        if let Some((missing, unexpected)) = load.renamed.first() {
            let what = format!("`{missing}` is called `{unexpected}` in the state");
            let more = load.renamed.len().saturating_sub(1);
            let more = if more > 0 { format!(", and {more} more like it") } else { String::new() };
            return Some(format!("{counts}: {what}{more}"));
        }
        let is_undone = code.n_steps > 0
            && load.before_training
            && load.n_kept.is_some_and(|kept| share(kept, load.n_loaded) < self.share);
        load.after_load.as_ref().filter(|_| is_undone).map(|how| {
            let at = load.undone_at.as_ref().map_or(String::new(), |place| format!(" at {}", place.at()));
            format!(
                "{} of {} were left when the training began: {how}{at}",
                load.n_kept.unwrap_or(0),
                count_of(load.n_loaded, "loaded parameter")
            )
        })
    }

    /// Whether a file of parameters of this model was read and nothing was made of it.
    fn is_unread(&self, file: &FileRead) -> bool {
        file.before_training
            && file.loaded_into == 0
            && file.n_in_use == 0
            && file.n_parameters > 0
            && file.fits >= self.fits
    }
}

/// ` (missing: …; not known to the model: …)`
fn names(load: &Load) -> String {
    let of = |names: &[String]| listing(&names.iter().map(String::as_str).collect::<Vec<_>>(), 2);
    match (load.missing.is_empty(), load.unexpected.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("; the model has no {}", of(&load.unexpected)),
        (false, true) => format!("; the state has no {}", of(&load.missing)),
        (false, false) => {
            format!("; the model has no {}, the state no {}", of(&load.unexpected), of(&load.missing))
        }
    }
}

fn of_load(load: &Load, problem: &str) -> Draft {
    let from = load.path.as_ref().map_or(String::new(), |path| format!(" from `{path}`"));
    let kept = load.n_kept.filter(|_| load.after_load.is_some()).unwrap_or(load.n_loaded);
    let remedy = if load.is_own_memory && load.n_changed == 0 {
        Remedy::safe("keep a copy of the state, not the state itself")
            .code("best = copy.deepcopy(model.state_dict())")
    } else if load.after_load.is_some() && load.renamed.is_empty() && load.n_loaded > 0 {
        Remedy::safe("load after everything that makes or initialises the model")
    } else if load.unexpected.iter().any(|name| name.starts_with("module.")) {
        Remedy::safe("take the prefix of `DataParallel` off the names, and load with `strict=True`").code(
            "state = {name.removeprefix(\"module.\"): value for name, value in state.items()}\nmodel.load_state_dict(state)",
        )
    } else {
        Remedy::safe("load with `strict=True`, and rename what does not fit")
            .code("model.load_state_dict(state)")
    };
    let given = if load.is_own_memory { load.n_changed } else { kept };
    let measure =
        Evidence::at_least("parameters that the load gave the model", given as f64, load.n_parameters as f64);
    let mut draft = Draft::new(
        load.place.to_place(),
        format!("`{}` did not get its weights{from} at {}: {problem}", load.model, load.place.at()),
        measure,
        remedy,
    );
    let rows = load.missing.iter().map(|name| [name.clone(), "missing".to_owned()]);
    let unexpected = load.unexpected.iter().map(|name| [name.clone(), "not known to the model".to_owned()]);
    let rows: Vec<_> = rows.chain(unexpected).collect();
    if !rows.is_empty() {
        draft = draft.evidence(Evidence::table("names that do not fit", ["name", "what"], rows));
    }
    draft
        .places(load.undone_at.iter().map(|place| place.to_place()))
        .topic(format!("load {}", load.place.at()))
}

fn of_file(file: &FileRead) -> Draft {
    Draft::new(
        file.place.to_place(),
        format!(
            "`{}` was read at {} and put into no model: none of its {} was in use when the training began",
            file.path,
            file.place.at(),
            count_of(file.n_parameters, "parameter")
        ),
        Evidence::at_least("parameters of the file in use", 0.0, file.n_parameters as f64),
        Remedy::safe("put what was read into the model").code("model.load_state_dict(state)"),
    )
    .topic(format!("file {}", file.place.at()))
}

fn of_missing(file: &MissingFile) -> Draft {
    let saved: Vec<&str> = file.saved_instead.iter().map(String::as_str).collect();
    let instead = if saved.is_empty() {
        String::new()
    } else {
        format!("; this run wrote {} instead", listing(&saved, 2))
    };
    Draft::new(
        file.place.to_place(),
        format!(
            "`{}` was asked for at {} (`{}`) and is not there: the training began from fresh weights{instead}",
            file.path,
            file.place.at(),
            file.how
        ),
        Evidence::at_least("checkpoints found", 0.0, 1.0),
        Remedy::advice("mend the path, or stop where a checkpoint that was asked for is not there")
            .code("if not os.path.exists(path):\n    raise FileNotFoundError(path)"),
    )
    .topic(format!("missing {}", file.path))
}
