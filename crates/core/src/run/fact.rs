//! What only a live run can tell: how the training loop behaves, apart from the numbers that people log.

use super::Part;

/// A fact of the training loop. `docs/run-logs.md` has the table of how they stand in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// Of each model: 1 where it was in training mode at an optimizer step, else 0.
    ModelMode,
    /// Of each module that acts differently while training (dropout, batch normalisation) and belongs to a part that is trained: 1
    /// where it was in training mode at an optimizer step.
    TrainingMode,
    /// Of each such module: 1 where it was in training mode during a pass over validation data.
    EvaluationMode,
    /// Of each optimizer: 1 where the gradients of its step before were still there when it stepped again, else 0.
    GradientLeft,
    /// Of each parameter: 1 where it asks for a gradient.
    Trainable,
    /// Of each parameter: 1 where an optimizer holds it.
    InOptimizer,
    /// Of each learning-rate scheduler: its steps so far.
    SchedulerSteps,
    /// Of each scheduler: the steps that it made before its optimizer had made any.
    SchedulerEarly,
    /// Of each scheduler: the steps that its schedule lasts.
    SchedulerLength,
    /// Of each scheduler: the steps of its optimizer so far.
    OptimizerSteps,
    /// Samples drawn for training so far.
    Drawn,
    /// How many different samples are among them.
    Distinct,
    /// Samples that the training data holds, by the length of its sampler.
    DatasetSize,
    /// How mixed the labels of a batch are against those of all batches: the mean variance within batches over the whole variance; 1
    /// where batches are drawn at random, near 0 where they follow the label.
    LabelMixing,
    /// Share of the samples of an epoch that follow in the data set the one that was drawn before them; 1 where it goes through the file.
    DrawOrder,
    /// Worker processes that load the data.
    Workers,
    /// Samples in a batch.
    BatchSize,
    /// Of the batches looked at, the share that are copies of another one, drawn under other indices.
    TwinBatches,
    /// Of each set that is evaluated: the share of its samples that were trained on before.
    SeenInTraining,
    /// Of each set that is evaluated: how many samples it holds.
    Evaluated,
    /// The loss on training samples outside of training: in evaluation mode, as the samples are.
    PlainLoss,
    /// Of each class: its share among the labels of the training batches, 0 to 1.
    LabelShare,
    /// Graphs of earlier steps that something keeps alive.
    KeptGraphs,
    /// A hash of the first batches of a process, at its first step: the same where it starts over with the data.
    OrderHash,
    /// Of each rank: a hash of a batch.
    RankBatch,
    /// Of each rank: the norm of all parameters, bit for bit.
    RankWeights,
    /// Of each rank: seconds of a step without the waiting for others.
    RankTime,
    /// A line of the script that makes a call of interest; its name is a [`Site`], its value the step at which it was first seen.
    Site,
}

impl Fact {
    /// Every fact.
    pub const ALL: [Self; 28] = [
        Self::ModelMode,
        Self::TrainingMode,
        Self::EvaluationMode,
        Self::GradientLeft,
        Self::Trainable,
        Self::InOptimizer,
        Self::SchedulerSteps,
        Self::SchedulerEarly,
        Self::SchedulerLength,
        Self::OptimizerSteps,
        Self::Drawn,
        Self::Distinct,
        Self::DatasetSize,
        Self::LabelMixing,
        Self::DrawOrder,
        Self::Workers,
        Self::BatchSize,
        Self::TwinBatches,
        Self::SeenInTraining,
        Self::Evaluated,
        Self::PlainLoss,
        Self::LabelShare,
        Self::KeptGraphs,
        Self::OrderHash,
        Self::RankBatch,
        Self::RankWeights,
        Self::RankTime,
        Self::Site,
    ];

    /// The word for it in the run log: a number is tagged `stetho/<word>`, a vector with names `layers/<word>`.
    pub fn word(self) -> &'static str {
        self.words().0
    }

    /// In words.
    pub fn name(self) -> &'static str {
        self.words().1
    }

    /// The fact of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.word() == word)
    }

    /// Whether each rank of a distributed training has its own.
    pub fn is_of_rank(self) -> bool {
        matches!(self, Self::RankBatch | Self::RankWeights | Self::RankTime)
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ModelMode => ("model_mode", "mode of the model while stepping"),
            Self::TrainingMode => ("training_mode", "mode of modules while stepping"),
            Self::EvaluationMode => ("evaluation_mode", "mode of modules while validating"),
            Self::GradientLeft => ("gradient_left", "gradients left from the step before"),
            Self::Trainable => ("trainable", "parameters that ask for a gradient"),
            Self::InOptimizer => ("in_optimizer", "parameters held by an optimizer"),
            Self::SchedulerSteps => ("scheduler_steps", "steps of the scheduler"),
            Self::SchedulerEarly => ("scheduler_early", "steps of the scheduler before any of the optimizer"),
            Self::SchedulerLength => ("scheduler_length", "length of the schedule"),
            Self::OptimizerSteps => ("optimizer_steps", "steps of the optimizer"),
            Self::Drawn => ("drawn", "samples drawn"),
            Self::Distinct => ("distinct", "different samples drawn"),
            Self::DatasetSize => ("dataset_size", "size of the training data"),
            Self::LabelMixing => ("label_mixing", "how mixed labels are within batches"),
            Self::DrawOrder => ("draw_order", "share of samples drawn in the order of the data"),
            Self::Workers => ("workers", "worker processes"),
            Self::BatchSize => ("batch_size", "batch size"),
            Self::TwinBatches => ("twin_batches", "share of batches that are copies of another"),
            Self::SeenInTraining => ("seen_in_training", "share of evaluated samples that were trained on"),
            Self::Evaluated => ("evaluated", "samples evaluated"),
            Self::PlainLoss => ("plain_loss", "loss on training samples outside of training"),
            Self::LabelShare => ("label_share", "shares of labels by class"),
            Self::KeptGraphs => ("kept_graphs", "graphs of earlier steps kept alive"),
            Self::OrderHash => ("order_hash", "hash of the first batches of a process"),
            Self::RankBatch => ("rank_batch", "hashes of the batches of several ranks"),
            Self::RankWeights => ("rank_weights", "norms of the parameters of several ranks"),
            Self::RankTime => ("rank_time", "step times of several ranks"),
            Self::Site => ("site", "lines of the script"),
        }
    }
}

/// What a line of the script calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// `optimizer.step()`.
    Step,
    /// `loss.backward()`.
    Backward,
    /// `optimizer.zero_grad()`.
    ZeroGrad,
    /// `scheduler.step()`.
    Scheduler,
    /// `model.eval()`.
    Eval,
    /// `model.train()`.
    Train,
    /// The model is called on data of this part, without a gradient for validation.
    Forward(Part),
    /// Batches of this part are taken from here.
    Batches(Part),
}

impl Call {
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "step" => Self::Step,
            "backward" => Self::Backward,
            "zero_grad" => Self::ZeroGrad,
            "scheduler" => Self::Scheduler,
            "eval" => Self::Eval,
            "train" => Self::Train,
            "forward" => Self::Forward(Part::Train),
            "validation_forward" => Self::Forward(Part::Validation),
            "batches" => Self::Batches(Part::Train),
            "validation_batches" => Self::Batches(Part::Validation),
            _ => return None,
        })
    }
}

/// A line of the script, as the name of a [`Fact::Site`] tells it: call, path, line and text, with tabs between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site<'a> {
    /// What it calls.
    pub call: Call,
    /// The file, as the user would name it.
    pub path: &'a str,
    /// 1-based.
    pub line: u64,
    /// The line itself, without blanks around it.
    pub text: &'a str,
}

impl<'a> Site<'a> {
    /// Reads the name of a [`Fact::Site`].
    pub fn parse(name: &'a str) -> Option<Self> {
        let mut parts = name.splitn(4, '\t');
        let call = Call::of_word(parts.next()?)?;
        let path = parts.next()?;
        let line = parts.next()?.parse().ok()?;
        Some(Self { call, path, line, text: parts.next().unwrap_or("").trim() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_has_a_word_of_its_own() {
        for (i, fact) in Fact::ALL.into_iter().enumerate() {
            assert_eq!(Fact::of_word(fact.word()), Some(fact));
            assert_eq!(fact as usize, i, "{fact:?} is not in its place");
        }
    }

    #[test]
    fn a_site_is_read_from_its_name() {
        let site = Site::parse("step\tsrc/train.py\t57\t    optimizer.step()").unwrap();
        assert_eq!(site, Site { call: Call::Step, path: "src/train.py", line: 57, text: "optimizer.step()" });
        assert_eq!(Site::parse("step\tsrc/train.py"), None);
    }
}
