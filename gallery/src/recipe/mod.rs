//! Recipes: data sets in a few lines.

mod evaluate;
mod formula;
mod frame;
mod parse;
mod token;

pub use frame::Frame;

use evaluate::Evaluator;
use parse::Statement;

use crate::random::Random;

/// Rows a recipe makes unless told otherwise.
pub const DEFAULT_ROWS: usize = 200;

/// A recipe makes at most this many cells.
const MAX_CELLS: usize = 50_000_000;

/// A recipe that cannot be read or followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RecipeError {
    /// 1-based line of the recipe.
    pub line: usize,
    /// What is wrong with it, lower case, no full stop.
    pub problem: String,
}

/// A table described by formulas: one line a column, in the order of the header.
///
/// Later lines may use earlier columns; assigning again changes a column; names that start with `_` are helpers and
/// are not written. Random numbers depend on the text of the recipe alone (comments and spaces around lines left
/// out), so that the same recipe makes the same table on every machine.
///
/// - Random: `normal(mean, std)`, `uniform(lo, hi)`, `integer(lo, hi)` (both included), `lognormal(mu, sigma)`,
///   `exponential(mean)`, `choice("a": 0.9, "b": 0.1)` (weights may be left out), `shuffled(x)`.
/// - Numbers: `row()` from 0, `sin cos exp log sqrt abs floor`, `round(x, digits)`, `min(a, b)`, `max(a, b)`,
///   `+ - * / % ^`, comparisons and `and or not`, which give 1 and 0.
/// - Cells: `pick(condition, a, b)`, `text(prefix, x)`, `missing(x, share)` or `missing(x, share, "NA")`,
///   `at(x, row, value)`. What is worked out from a missing cell is missing.
/// - Directives act on the rows made so far: `sort by x`, `shuffle`, `repeat rows 0..5`, and in the recipe of a
///   held-out part `take rows 0..5 from train`. Ranges count from 0 and leave out their end.
///
/// ```
/// use stetho_gallery::Recipe;
/// let recipe = Recipe::parse(
///     "age   = round(normal(40, 12), 0)   # a comment
///      score = 0.3 * age + normal(0, 1)
///      risk  = pick(score > 12, \"high\", \"low\")
///      sort by risk
///      repeat rows 0..10",
/// )?;
/// let table = recipe.make(100)?;
/// assert_eq!(table.n_rows(), 110);
/// assert_eq!(table.to_csv(), recipe.make(100)?.to_csv());
/// # Ok::<(), stetho_gallery::RecipeError>(())
/// ```
///
/// Errors name the line:
///
/// ```
/// use stetho_gallery::Recipe;
/// let error = Recipe::parse("x = row()\ny = 2 *").unwrap_err();
/// assert_eq!(error.to_string(), "line 2: expected a value, found the end of the line");
/// ```
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Statements with their 1-based line.
    statements: Vec<(usize, Statement)>,
    /// The words and signs, from which the random numbers are seeded.
    essence: Vec<String>,
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// When a line is neither a column nor a directive; names the first such line.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let mut recipe = Self { statements: Vec::new(), essence: Vec::new() };
        for (index, line) in text.lines().enumerate() {
            let at = |problem| RecipeError { line: index + 1, problem };
            let tokens = token::tokens(line).map_err(at)?;
            if let Some(statement) = parse::statement(&tokens).map_err(at)? {
                recipe.statements.push((index + 1, statement));
                recipe.essence.extend(tokens.iter().map(token::Token::shown));
            }
        }
        Ok(recipe)
    }

    /// Makes the train part with `rows` rows.
    ///
    /// # Errors
    /// When a line uses a column or row that does not exist, or calculates with text; names the line.
    pub fn make(&self, rows: usize) -> Result<Frame, RecipeError> {
        self.follow("train", rows, None)
    }

    /// Makes the held-out part `part` (`val`, `test`) with `rows` rows of its own, which may `take rows … from
    /// train`. Its random numbers differ from those of the train part even where the recipe is the same.
    ///
    /// # Errors
    /// As [`Recipe::make`].
    pub fn make_held_out(&self, part: &str, rows: usize, train: &Frame) -> Result<Frame, RecipeError> {
        self.follow(part, rows, Some(train))
    }

    fn follow(&self, part: &str, rows: usize, train: Option<&Frame>) -> Result<Frame, RecipeError> {
        let seed = std::iter::once(part).chain(self.essence.iter().map(String::as_str));
        let mut random = Random::from_texts(seed);
        let mut frame = Frame::default();
        for (line, statement) in &self.statements {
            step(statement, &mut frame, rows, &mut random, train)
                .map_err(|problem| RecipeError { line: *line, problem })?;
        }
        Ok(frame)
    }
}

fn step(
    statement: &Statement,
    frame: &mut Frame,
    rows: usize,
    random: &mut Random,
    train: Option<&Frame>,
) -> Result<(), String> {
    match statement {
        Statement::Assign(name, formula) => {
            let is_first = frame.names().next().is_none();
            let n_rows = if is_first { rows } else { frame.n_rows() };
            within_limit(frame.n_cells(), n_rows)?;
            let cells = Evaluator { frame, n_rows, random }.cells(formula)?;
            frame.set(name, cells);
        }
        Statement::SortBy(name) => {
            let order = frame.order_by(name).ok_or_else(|| format!("there is no column `{name}`"))?;
            frame.reorder(&order);
        }
        Statement::Shuffle => {
            let mut order: Vec<usize> = (0..frame.n_rows()).collect();
            random.shuffle(&mut order);
            frame.reorder(&order);
        }
        Statement::Repeat(range) => {
            within_limit(frame.n_cells(), frame.n_cells())?;
            let copy = frame.clone();
            frame.append(&copy, range.clone())?;
        }
        Statement::TakeFromTrain(range) => {
            let train = train.ok_or("only a held-out part can take rows from train")?;
            within_limit(frame.n_cells(), train.n_cells())?;
            frame.append(train, range.clone())?;
        }
    }
    Ok(())
}

fn within_limit(n_cells: usize, more: usize) -> Result<(), String> {
    match n_cells.checked_add(more) {
        Some(n) if n <= MAX_CELLS => Ok(()),
        _ => Err(format!("a recipe makes at most {MAX_CELLS} cells")),
    }
}
