//! The enabled rules of every data-set family, each with its record.

use serde_json::{Map, Value};
use stetho_core::boxes::Boxes;
use stetho_core::code::Code;
use stetho_core::fit::Fit;
use stetho_core::image::Pictures;
use stetho_core::preflight::Preflight;
use stetho_core::run::Run;
use stetho_core::table::Table;
use stetho_core::{OptionError, RuleInfo, Session, Signals, Verdict};

/// Judges a data set of any kind with the enabled rules of its family.
pub struct Judges {
    table: Session<Table>,
    image: Session<Pictures>,
    boxes: Session<Boxes>,
    fit: Session<Fit>,
    preflight: Session<Preflight>,
    run: Session<Run>,
    code: Session<Code>,
}

impl Judges {
    /// Seats the rules that `enabled` admits, with their `options` by rule id.
    ///
    /// # Errors
    /// When an option does not exist or has the wrong type.
    pub fn new(
        enabled: impl Fn(&RuleInfo) -> bool,
        options: &Map<String, Value>,
    ) -> Result<Self, OptionError> {
        Ok(Self {
            table: Session::new(crate::table::RULES, &enabled, options)?,
            image: Session::new(crate::image::RULES, &enabled, options)?,
            boxes: Session::new(crate::boxes::RULES, &enabled, options)?,
            fit: Session::new(crate::fit::RULES, &enabled, options)?,
            preflight: Session::new(crate::preflight::RULES, &enabled, options)?,
            run: Session::new(crate::run::RULES, &enabled, options)?,
            code: Session::new(crate::code::RULES, &enabled, options)?,
        })
    }

    /// The union of what the rules need or can use.
    pub fn wanted(&self) -> Signals {
        self.table.wanted().union(self.image.wanted()).union(self.boxes.wanted())
    }

    /// The verdict of the table rules.
    pub fn judge_table(mut self, table: &Table) -> Verdict {
        self.table.observe(table);
        self.table.finish()
    }

    /// The verdict of the image rules.
    pub fn judge_pictures(mut self, pictures: &Pictures) -> Verdict {
        self.image.observe(pictures);
        self.image.finish()
    }

    /// The verdict of the rules on simple models.
    pub fn judge_fit(mut self, fit: &Fit) -> Verdict {
        self.fit.observe(fit);
        self.fit.finish()
    }

    /// The verdict of the rules on experiments before training.
    pub fn judge_preflight(mut self, preflight: &Preflight) -> Verdict {
        self.preflight.observe(preflight);
        let mut verdict = self.preflight.finish();
        crate::causes::join_causes(&mut verdict.findings);
        verdict
    }

    /// The verdict of the rules on a run as it stands.
    pub fn judge_run(mut self, run: &Run) -> Verdict {
        self.run.observe(run);
        let mut verdict = self.run.finish();
        crate::symptoms::join_symptoms(&mut verdict.findings);
        verdict
    }

    /// The verdict of the rules on the script itself.
    pub fn judge_code(mut self, code: &Code) -> Verdict {
        self.code.observe(code);
        self.code.finish()
    }

    /// The verdict of the box rules, and that of the image rules on the same pictures.
    pub fn judge_boxes(mut self, boxes: &Boxes, pictures: &Pictures) -> Verdict {
        self.boxes.observe(boxes);
        self.image.observe(pictures);
        self.boxes.finish().join(self.image.finish())
    }
}
