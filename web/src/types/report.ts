// written by `cargo xtask types` from the Rust definitions

export type Number = number | "NaN" | "Infinity" | "-Infinity";

export type Document = { 
/**
 * [`SCHEMA`].
 */
schema: number, 
/**
 * Version of the program.
 */
stetho: string, 
/**
 * The subcommand that made it.
 */
command: string, 
/**
 * What was examined.
 */
subject: Subject, 
/**
 * Findings, worst and surest first.
 */
findings: Array<Finding>, 
/**
 * What became of every enabled rule.
 */
outcomes: Array<RuleOutcome>, 
/**
 * Whether the examination was interrupted, so that the findings speak of a part only.
 */
partial?: boolean, 
/**
 * Facts for the head of the report: columns, types, class shares, time taken.
 */
facts: Record<string, unknown>, };

export type Subject = { 
/**
 * Files and folders, as the user named them.
 */
paths: Array<string>, 
/**
 * `table`, `images`, `boxes`, `run` …
 */
kind: string, 
/**
 * How many rows, pictures, steps.
 */
items: number, };

export type Finding = { 
/**
 * Id of the rule that raised it.
 */
rule: string, 
/**
 * How bad it is.
 */
severity: Severity, 
/**
 * How sure the rule is, from 0 to 1. Findings of one severity are ranked by it.
 */
certainty: number, 
/**
 * What was seen, with the number and the limit.
 */
message: string, 
/**
 * Why it matters.
 */
why: string, 
/**
 * How many things are affected in all.
 */
count: number, 
/**
 * Where, worst first.
 */
places: Array<Place>, 
/**
 * The proof.
 */
evidence: Array<Evidence>, 
/**
 * What to do, best first.
 */
remedies: Array<Remedy>, };

export type Severity = "info" | "warning" | "error";

export type Place = { "kind": "whole" } | { "kind": "column", 
/**
 * Its name in the header.
 */
name: string, } | { "kind": "rows", 
/**
 * The file, as the user named it.
 */
path: string, 
/**
 * 0-based, the header not counted.
 */
rows: Array<number>, 
/**
 * 1-based lines of the file, where it has lines; as long as `rows`.
 */
lines?: Array<number>, } | { "kind": "item", 
/**
 * The file, as the user named it.
 */
path: string, 
/**
 * Index within the file, 0-based.
 */
index?: number | null, 
/**
 * 1-based line in the file.
 */
line?: number | null, } | { "kind": "pair", 
/**
 * The first, by name.
 */
a: string, 
/**
 * The second, by name.
 */
b: string, } | { "kind": "layer", 
/**
 * Its name, as the framework or the log names it.
 */
name: string, } | { "kind": "steps", 
/**
 * First step.
 */
first: number, 
/**
 * Last step.
 */
last: number, } | { "kind": "parameter", 
/**
 * Its name in the model.
 */
name: string, } | { "kind": "sample", 
/**
 * 0-based.
 */
index: number, 
/**
 * Rank of the process that drew it, in distributed training.
 */
rank?: number | null, 
/**
 * The epoch in which it was drawn, 0-based.
 */
epoch?: number | null, } | { "kind": "source", 
/**
 * The file, as the user would name it.
 */
path: string, 
/**
 * 1-based.
 */
line: number, 
/**
 * The line itself, without blanks around it.
 */
text: string, } | { "kind": "op", 
/**
 * Its name in the framework: `log`, `SqrtBackward0`.
 */
name: string, };

export type Evidence = { "kind": "measure", 
/**
 * What was measured, with its unit where it has one.
 */
name: string, 
/**
 * The value.
 */
value: Number, 
/**
 * The limit it broke.
 */
limit: Limit, } | { "kind": "table", 
/**
 * What the table shows.
 */
name: string, 
/**
 * Headings.
 */
columns: Array<string>, 
/**
 * Rows, each as long as `columns`.
 */
rows: Array<Array<string>>, } | { "kind": "bars", 
/**
 * What the bars show.
 */
name: string, 
/**
 * Label and amount, in the order to be drawn.
 */
bars: Array<[string, Number]>, } | { "kind": "histogram", 
/**
 * What is distributed.
 */
name: string, 
/**
 * Bin edges, one more than `counts`, ascending.
 */
edges: Array<Number>, 
/**
 * How many values lie in each bin.
 */
counts: Array<number>, } | { "kind": "curves", 
/**
 * What the lines show.
 */
name: string, 
/**
 * What runs along the horizontal axis.
 */
x: string, 
/**
 * Labels of evenly spaced places on it, where it has no numbers: names of models.
 */
ticks?: Array<string>, 
/**
 * The lines.
 */
lines: Array<Line>, } | { "kind": "pictures", 
/**
 * What they show.
 */
name: string, 
/**
 * Groups to be seen side by side: copies of one picture. A plain gallery has one picture a group.
 */
groups: Array<Array<Pictured>>, } | { "kind": "excerpt", 
/**
 * The file, as the user named it.
 */
path: string, 
/**
 * 1-based line of the first quoted line.
 */
line: number, 
/**
 * The quoted text, possibly shortened.
 */
text: string, };

export type Limit = { "at_least": Number } | { "at_most": Number };

export type Line = { 
/**
 * What it shows.
 */
label: string, 
/**
 * Points by rising first coordinate; where the axis has ticks, that is the index of one.
 */
points: Array<[Number, Number]>, };

export type Pictured = { 
/**
 * Its file, as the user named it.
 */
path: string, 
/**
 * 0-based number within an array file.
 */
index?: number | null, 
/**
 * Its class.
 */
label?: string | null, 
/**
 * Its part of the data: `train`, `validation`, `test`.
 */
part?: string, 
/**
 * Why it is shown: `sharpness 0.03`, `copy in validation`.
 */
caption?: string, 
/**
 * Boxes on it.
 */
boxes?: Array<Drawn>, 
/**
 * Sides in pixels as stored, 0 where unknown.
 */
width: number, 
/**
 * See `width`.
 */
height: number, 
/**
 * A small copy as a `data:` address; only in reports that show pictures.
 */
thumbnail?: string | null, };

export type Drawn = { 
/**
 * xmin, ymin, xmax, ymax in pixels of the picture as stored.
 */
corners: [Number, Number, Number, Number], 
/**
 * Class of the box.
 */
label: string, 
/**
 * Whether the finding is about this box rather than about its neighbours.
 */
is_culprit: boolean, };

export type Remedy = { 
/**
 * What to do, in the imperative.
 */
action: string, 
/**
 * What it risks.
 */
safety: Safety, 
/**
 * A shell command to copy.
 */
command?: string | null, 
/**
 * Python to copy.
 */
code?: string | null, };

export type Safety = "safe" | "unsafe" | "advice";

export type RuleOutcome = { 
/**
 * Id of the rule.
 */
rule: string, } & ({ "outcome": "ran" } | { "outcome": "skipped", 
/**
 * Why.
 */
reason: string, } | { "outcome": "failed", 
/**
 * The panic's message.
 */
reason: string, });

export type Outcome = { "outcome": "ran" } | { "outcome": "skipped", 
/**
 * Why.
 */
reason: string, } | { "outcome": "failed", 
/**
 * The panic's message.
 */
reason: string, };

export type PageData = { 
/**
 * The report, its pictures without thumbnails.
 */
document: Document, 
/**
 * `data:` addresses by path, line feed and number within an array file (empty for a file of its own).
 */
thumbnails: { [key in string]: string }, };

export type TableFacts = { 
/**
 * Rows of the training part.
 */
rows: number, 
/**
 * Columns, the target counted.
 */
columns: number, 
/**
 * How many columns are of each kind, by the kind's name.
 */
kinds: { [key in string]: number }, 
/**
 * Files of the training part, in reading order.
 */
files: Array<FileLine>, 
/**
 * The target column, if there is one.
 */
target: TargetFacts | null, 
/**
 * Why there is no target.
 */
target_reason: string | null, 
/**
 * Validation and test sets.
 */
splits: Array<SplitFacts>, 
/**
 * One profile a column, in the order of the header.
 */
column_profiles: Array<ColumnFacts>, 
/**
 * Rows to look at, where the page asked for them.
 */
samples: SampleFacts | null, 
/**
 * Files that were stepped over, each with the reason.
 */
skipped_files: Array<string>, 
/**
 * The command that made the report, quoted for a shell.
 */
command_line: string, 
/**
 * Wall time from start to verdict, in seconds.
 */
seconds: number, };

export type FileLine = { 
/**
 * As the user named it.
 */
path: string, 
/**
 * What was detected, in words.
 */
format: string, 
/**
 * Rows read from it.
 */
rows: number, };

export type TargetFacts = { 
/**
 * Its name.
 */
column: string, 
/**
 * `classification` or `regression`.
 */
task: string, 
/**
 * `given`, `found` (by its name) or `guessed`.
 */
origin: string, 
/**
 * Why this column, where it was not given.
 */
reason: string, 
/**
 * Other columns that could be the target, most likely first.
 */
alternatives: Array<string>, 
/**
 * Classes with their counts, most frequent first; empty for regression.
 */
classes: Array<[string, number]>, };

export type SplitFacts = { 
/**
 * `validation` or `test`.
 */
part: string, 
/**
 * Its rows.
 */
rows: number, };

export type ColumnFacts = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its kind.
 */
kind: string, 
/**
 * Rows without a value.
 */
nulls: number, 
/**
 * How many different values.
 */
distinct: number, 
/**
 * Whether `distinct` is exact rather than an estimate.
 */
distinct_exact: boolean, 
/**
 * Arithmetic mean.
 */
mean?: Number | null, 
/**
 * Standard deviation of the sample.
 */
std?: Number | null, 
/**
 * Smallest value.
 */
min?: Number | null, 
/**
 * Median.
 */
median?: Number | null, 
/**
 * Largest value.
 */
max?: Number | null, 
/**
 * Counts in equal bins from `min` to `max`.
 */
histogram?: Array<number>, };

export type SampleFacts = { 
/**
 * Names of the columns that are shown, the target first.
 */
columns: Array<string>, 
/**
 * Shares of the variance that the two axes of the map explain.
 */
explained: [Number, Number], 
/**
 * The rows.
 */
rows: Array<SampleRow>, };

export type SampleRow = { 
/**
 * File and line, or row number where the file has no lines.
 */
name: string, 
/**
 * Its label, where there is a target.
 */
label?: string | null, 
/**
 * Its place on the map.
 */
at?: [Number, Number] | null, 
/**
 * Cells in the order of [`SampleFacts::columns`].
 */
values: Array<string>, };

export type PictureFacts = { 
/**
 * How the set is laid out, in words.
 */
layout: string, 
/**
 * Pictures in each part.
 */
parts: Array<[string, number]>, 
/**
 * Pictures in each class of the training part, most frequent first.
 */
classes: Array<[string, number]>, 
/**
 * Pictures in each file format, most frequent first.
 */
formats: Array<[string, number]>, 
/**
 * Pictures with each kind of channels and depth, most frequent first.
 */
channels: Array<[string, number]>, 
/**
 * Width, height and how many pictures have them, most frequent first.
 */
sizes: Array<[number, number, number]>, 
/**
 * How many pictures, taken evenly, `mean` and `std` rest on, where these are not all that could be looked at.
 */
coloured: number | null, 
/**
 * Mean of red, green and blue over all pictures, 0 … 1.
 */
mean: [Number, Number, Number], 
/**
 * Standard deviation of red, green and blue over all pixels.
 */
std: [Number, Number, Number], 
/**
 * Mean brightness of the pictures.
 */
brightness: Bins, 
/**
 * Sharpness of the pictures.
 */
sharpness: Bins, 
/**
 * Pictures to look at, of each class and part alike; the caption of held-out ones is their part. In detection sets they
 * have their boxes, and their label is the classes on them.
 */
samples: Array<Pictured>, 
/**
 * A map of the samples, where one was made.
 */
projection: PictureMap | null, };

export type PictureMap = { 
/**
 * Shares of the variance that the two axes explain.
 */
explained: [Number, Number], 
/**
 * Place of each of [`PictureFacts::samples`], in their order.
 */
points: Array<[Number, Number]>, };

export type Bins = { 
/**
 * Bin edges, ascending, one more than `counts`.
 */
edges: Array<Number>, 
/**
 * How many values lie in each bin.
 */
counts: Array<number>, };

export type BoxFacts = { 
/**
 * `COCO`, `Pascal VOC`, `YOLO`.
 */
format: string, 
/**
 * Boxes in all.
 */
boxes: number, 
/**
 * Pictures with an annotation, with boxes or without.
 */
annotated: number, 
/**
 * Pictures that are annotated and have no box.
 */
empty: number, 
/**
 * Boxes of each class, most frequent first.
 */
classes: Array<[string, number]>, 
/**
 * Annotated pictures with 0, 1, 2 … boxes; the last counts those with as many or more.
 */
per_picture: Array<number>, 
/**
 * Width (from left) and height (from top) of boxes, as shares of the picture's sides.
 */
sizes: Grid, 
/**
 * Centres of boxes, as shares of the picture's sides.
 */
positions: Grid, 
/**
 * Base-2 logarithm of width over height: 0 square, 1 twice as wide as high.
 */
aspects: Bins, 
/**
 * Base-10 logarithm of the shorter side in pixels.
 */
sides: Bins, };

export type ModelFacts = { 
/**
 * Its name.
 */
name: string, 
/**
 * What it was set to.
 */
settings: string, 
/**
 * Mean score on the rows that it was fitted to.
 */
train: number | null, 
/**
 * Mean score on rows that it has not seen.
 */
validation: number | null, 
/**
 * Half the width of the 95 % interval of the latter.
 */
half: number | null, 
/**
 * Folds it rests on.
 */
folds: number, 
/**
 * Seconds to fit and score.
 */
seconds: number, };

export type FitFacts = { 
/**
 * The verdict in one sentence.
 */
verdict: string, 
/**
 * What is predicted.
 */
target: string, 
/**
 * `classification` or `regression`.
 */
task: string, 
/**
 * How predictions are scored.
 */
score: string, 
/**
 * How rows were divided.
 */
folds: string, 
/**
 * Rows used.
 */
rows: number, 
/**
 * Columns used.
 */
columns: number, 
/**
 * Classes with their rows.
 */
classes: Array<[string, number]>, 
/**
 * The models, simple to complex.
 */
models: Array<ModelFacts>, 
/**
 * What did not run or was left out, in words.
 */
notes: Array<string>, 
/**
 * Drawings: the ladder, the learning curve, calibration, what is confused, importances, doubted labels.
 */
figures: Array<Evidence>, };

export type Grid = { 
/**
 * Cells from left to right.
 */
columns: number, 
/**
 * Counts, `columns` in each row.
 */
counts: Array<number>, };

export type RunFacts = { 
/**
 * Its name: the path of its log, as the user named it.
 */
name: string, 
/**
 * What the step axis counts: `step`, `epoch`, `line`.
 */
unit: string, 
/**
 * Why the training loss is not meant to fall, where it is not.
 */
contest: string | null, 
/**
 * Settings that the log tells, by name: hyperparameters of event files, of `trainer_state.json`; none where it tells none.
 */
settings?: Array<[string, string]>, 
/**
 * Where restarts stepped back to.
 */
restarts: Array<number>, 
/**
 * The newest step.
 */
last_step: number, 
/**
 * Seconds since 1970 at which the first value was written, where the log says.
 */
start: number | null, 
/**
 * Seconds from the first value to the newest, where the log says.
 */
seconds: number | null, 
/**
 * Whether nobody follows it any more.
 */
is_over: boolean, 
/**
 * Its series, in the order of the log.
 */
series: Array<SeriesFacts>, 
/**
 * Its layers, a map for each quantity.
 */
layers: Array<HeatFacts>, 
/**
 * Numbers of the findings of the report that are about this run.
 */
findings: Array<number>, };

export type SeriesFacts = { 
/**
 * Its name in the log.
 */
tag: string, 
/**
 * What it is about.
 */
group: SeriesGroup, 
/**
 * The chart that it is drawn on: series of one chart have one unit.
 */
chart: string, 
/**
 * `training`, `validation`, `test`, or empty.
 */
part: string, 
/**
 * What it is measured of: a term, a metric, a parameter group. Empty for the whole.
 */
name: string, 
/**
 * How many finite points were logged.
 */
points: number, 
/**
 * Number of the first stretch that is here: 0 but in what the live page is sent of a series that grew.
 */
from: number, 
/**
 * First step of each stretch.
 */
first: Array<number>, 
/**
 * Last step of each stretch.
 */
last: Array<number>, 
/**
 * Seconds from the start of the run to the last point of each stretch; NaN where the log does not say.
 */
time: Array<Number>, 
/**
 * Mean of each stretch, in six significant digits, as are the next two.
 */
mean: Array<Number>, 
/**
 * Least value of each stretch.
 */
min: Array<Number>, 
/**
 * Greatest value of each stretch.
 */
max: Array<Number>, 
/**
 * Values that are no numbers.
 */
broken: BrokenFacts | null, };

export type SeriesGroup = "loss" | "metric" | "learning_rate" | "gradient" | "time" | "memory" | "other";

export type BrokenFacts = { 
/**
 * How many values are NaN or infinite.
 */
count: number, 
/**
 * Step of the first.
 */
first: number, 
/**
 * Step of the last.
 */
last: number, 
/**
 * Whether the newest value is one of them.
 */
is_last: boolean, };

export type HeatFacts = { 
/**
 * What is shown, in words.
 */
name: string, 
/**
 * How values are spread.
 */
scale: HeatScale, 
/**
 * The layers, from the input to the output; none in what the live page is sent of a map that grew.
 */
layers: Array<string>, 
/**
 * Layers that are left out at the end.
 */
left_out: number, 
/**
 * Number of the first column that is here; see [`SeriesFacts::from`].
 */
from: number, 
/**
 * First step of each column.
 */
first: Array<number>, 
/**
 * Last step of each column.
 */
last: Array<number>, 
/**
 * For each column the mean of every layer, in three significant digits; NaN where there is none.
 */
columns: Array<Array<Number>>, };

export type HeatScale = "logarithmic" | "share" | "linear";

export type CheckState = "passed" | "found" | "skipped";

export type CheckFacts = { 
/**
 * Key of the experiment.
 */
name: string, 
/**
 * What it does.
 */
title: string, 
/**
 * What became of it.
 */
state: CheckState, 
/**
 * How bad the worst is that was found.
 */
severity?: Severity, 
/**
 * Rules that found something.
 */
rules: Array<string>, 
/**
 * What was measured, in a few words; or why it was not.
 */
note: string, 
/**
 * Seconds.
 */
seconds: number, };

export type PreflightFacts = { 
/**
 * Seconds in all.
 */
seconds: number, 
/**
 * Seconds that were allowed.
 */
budget: number, 
/**
 * The model in a line; empty where none was seen.
 */
model: string, 
/**
 * The first batch in a line.
 */
batch: string, 
/**
 * What the step raised, where it failed.
 */
raised: string, 
/**
 * The checklist.
 */
checks: Array<CheckFacts>, 
/**
 * The first batch as the network sees it: pictures, and how values are distributed.
 */
seen: Array<Evidence>, 
/**
 * Curves of the experiments.
 */
figures: Array<Evidence>, };
