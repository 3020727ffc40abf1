//! Score against the number of training rows.

/// The score at one number of training rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Training rows.
    pub n: u64,
    /// Score on them.
    pub train: f64,
    /// Score on unseen rows.
    pub validation: f64,
    /// Standard error of the latter.
    pub error: f64,
}

/// A learning curve of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearningCurve {
    /// The model.
    pub model: String,
    /// Points by rising number of rows.
    pub points: Vec<CurvePoint>,
    /// What twice the rows would add to the score by the power law fitted to the points (Hestness et al. 2017, *Deep
    /// learning scaling is predictable*: error = a + b·n^−c), and the ends of its 95 % interval; `None` where there is no fit.
    pub gain_of_doubling: Option<[f64; 3]>,
}
