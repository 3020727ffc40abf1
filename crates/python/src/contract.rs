//! A contract on samples as one call: whether a sample surely keeps it. What is not sure is left to Python, which also has the words.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};

use crate::kernel::{Dtype, Integer, Region, within, within_integers};

/// Fields that one call can answer for.
const MOST: usize = 64;
/// How far a corner may lie outside, as a share of the side: what rounding does. As in `contracts/boxes.py`.
const SLACK: f64 = 1e-3;

/// Kinds of values, by their code in calls from Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Float(Dtype),
    U8,
    I8,
    I16,
    I32,
    I64,
    /// An `int` of Python's.
    Int,
    /// A `float` of Python's.
    Number,
}

impl Kind {
    fn of(code: u8) -> Option<Self> {
        let others = [Self::U8, Self::I8, Self::I16, Self::I32, Self::I64, Self::Int, Self::Number];
        Dtype::of(code).map(Self::Float).or_else(|| others.get(usize::from(code).checked_sub(4)?).copied())
    }
}

/// One step of a path into a sample.
enum Step {
    At(isize),
    Key(Py<PyString>),
}

/// What is asked of a field.
enum Check {
    Kind(Vec<Kind>),
    Shape(Vec<Option<usize>>),
    /// Least and greatest number.
    Within(f64, f64),
    /// The whole numbers that may occur, in order.
    OneOf(Vec<i64>),
    Boxes {
        form: Form,
        least: f64,
        inside: Inside,
    },
}

#[derive(Clone, Copy)]
enum Form {
    Corners,
    CornerAndSides,
    CentreAndSides,
}

/// What boxes lie in.
enum Inside {
    Anything,
    Unit,
    /// The picture at this path.
    Picture(Vec<Step>),
}

struct Field {
    steps: Vec<Step>,
    /// `None` where Python alone can make them.
    checks: Option<Vec<Check>>,
}

/// A field as Python gives it: its path, and what is asked.
type Said<'py> = (Vec<Bound<'py, PyAny>>, Option<Vec<Bound<'py, PyTuple>>>);

/// The checks of a contract that can be made here.
#[pyclass(module = "stetho._core", frozen)]
pub(crate) struct Checks {
    tensor: Py<PyType>,
    dtypes: Vec<(Py<PyAny>, Kind)>,
    fields: Vec<Field>,
}

/// A value of a sample, as far as it is known here.
struct Seen {
    kind: Kind,
    shape: Vec<usize>,
    n: usize,
    content: Content,
}

enum Content {
    Memory(Region),
    Whole(i64),
    Number(f64),
}

#[pymethods]
impl Checks {
    #[new]
    fn new(tensor: Py<PyType>, dtypes: Vec<(Py<PyAny>, u8)>, fields: Vec<Said<'_>>) -> PyResult<Self> {
        if fields.len() > MOST {
            return Err(PyValueError::new_err(format!("{} fields are more than {MOST}", fields.len())));
        }
        let kind = |code: u8| Kind::of(code).ok_or_else(|| refused("code"));
        let dtypes =
            dtypes.into_iter().map(|(dtype, code)| Ok((dtype, kind(code)?))).collect::<PyResult<_>>()?;
        let fields = fields.into_iter().map(|(steps, checks)| {
            let checks = checks.map(|checks| checks.iter().map(check).collect::<PyResult<_>>());
            Ok(Field { steps: path(&steps)?, checks: checks.transpose()? })
        });
        Ok(Self { tensor, dtypes, fields: fields.collect::<PyResult<_>>()? })
    }

    /// The fields of a sample that do not surely keep the contract, as bits of a number: 0 where all do.
    fn look(&self, sample: &Bound<'_, PyAny>) -> u64 {
        let is_left = |field: &Field| !self.keeps(sample, field).unwrap_or(false);
        self.fields.iter().enumerate().fold(0, |left, (i, field)| left | u64::from(is_left(field)) << i)
    }
}

impl Checks {
    fn keeps(&self, sample: &Bound<'_, PyAny>, field: &Field) -> Option<bool> {
        let checks = field.checks.as_ref()?;
        let seen = self.seen(&value_at(sample, &field.steps)?)?;
        let keeps = |check: &Check| match check {
            Check::Kind(allowed) => Some(allowed.contains(&seen.kind)),
            Check::Shape(wanted) => Some(seen.has_shape(wanted)),
            Check::Within(low, high) => seen.is_within(*low, *high),
            Check::OneOf(allowed) => seen.is_one_of(allowed),
            Check::Boxes { form, least, inside } => {
                let sides = match inside {
                    Inside::Anything => None,
                    Inside::Unit => Some((1.0, 1.0)),
                    Inside::Picture(steps) => Some(self.seen(&value_at(sample, steps)?)?.sides()?),
                };
                seen.are_boxes(*form, *least, sides)
            }
        };
        checks.iter().try_fold(true, |all, check| Some(all && keeps(check)?))
    }

    /// A tensor in the processor's memory, its numbers one after the other, or a number of Python's; `None` for all else.
    fn seen<'py>(&self, value: &Bound<'py, PyAny>) -> Option<Seen> {
        let py = value.py();
        if value.get_type().is(&self.tensor) {
            let get = |name: &Bound<'py, PyString>| value.getattr(name).ok();
            let dtype = get(pyo3::intern!(py, "dtype"))?;
            let (_, kind) = self.dtypes.iter().find(|(known, _)| dtype.is(known))?;
            let is = |name: &Bound<'py, PyString>| value.call_method0(name).ok()?.is_truthy().ok();
            if !get(pyo3::intern!(py, "is_cpu"))?.is_truthy().ok()?
                || !is(pyo3::intern!(py, "is_contiguous"))?
            {
                return None;
            }
            let shape = get(pyo3::intern!(py, "shape"))?;
            let shape =
                shape.cast::<PyTuple>().ok()?.iter().map(|side| side.extract()).collect::<PyResult<_>>();
            let shape: Vec<usize> = shape.ok()?;
            let n = shape.iter().product();
            let pointer = value.call_method0(pyo3::intern!(py, "data_ptr")).ok()?.extract().ok()?;
            return Some(Seen { kind: *kind, shape, n, content: Content::Memory(Region::at(pointer)) });
        }
        let (kind, content) = if value.is_exact_instance_of::<PyInt>() {
            (Kind::Int, Content::Whole(value.extract().ok()?))
        } else if value.is_exact_instance_of::<PyFloat>() {
            (Kind::Number, Content::Number(value.extract().ok()?))
        } else {
            return None;
        };
        Some(Seen { kind, shape: Vec::new(), n: 1, content })
    }
}

impl Seen {
    fn has_shape(&self, wanted: &[Option<usize>]) -> bool {
        let fits = |(side, wanted): (&usize, &Option<usize>)| wanted.is_none_or(|wanted| wanted == *side);
        self.shape.len() == wanted.len() && self.shape.iter().zip(wanted).all(fits)
    }

    fn is_within(&self, low: f64, high: f64) -> Option<bool> {
        match (&self.content, self.kind) {
            (Content::Memory(region), Kind::Float(dtype)) => within(dtype, *region, self.n, low, high),
            (Content::Number(x), _) => Some(low <= *x && *x <= high),
            _ => self.is_within_integers(whole(low.ceil())?, whole(high.floor())?),
        }
    }

    fn is_within_integers(&self, low: i64, high: i64) -> Option<bool> {
        let region = match self.content {
            Content::Memory(region) => region,
            Content::Whole(x) => return Some(low <= x && x <= high),
            Content::Number(_) => return None,
        };
        match self.kind {
            Kind::U8 => within_integers::<u8>(region, self.n, low, high),
            Kind::I8 => within_integers::<i8>(region, self.n, low, high),
            Kind::I16 => within_integers::<i16>(region, self.n, low, high),
            Kind::I32 => within_integers::<i32>(region, self.n, low, high),
            Kind::I64 => within_integers::<i64>(region, self.n, low, high),
            _ => None,
        }
    }

    fn is_one_of(&self, allowed: &[i64]) -> Option<bool> {
        let (low, high) = (*allowed.first()?, *allowed.last()?);
        if i64::try_from(allowed.len() - 1).is_ok_and(|n| high.checked_sub(low) == Some(n)) {
            return self.is_within_integers(low, high);
        }
        let is_known = |x: i64| allowed.binary_search(&x).is_ok();
        match self.content {
            Content::Whole(x) => Some(is_known(x)),
            _ => Some(self.integers()?.into_iter().all(is_known)),
        }
    }

    /// Whole numbers, of which a field of labels holds few.
    fn integers(&self) -> Option<Vec<i64>> {
        fn of<T: Integer>(region: Region, n: usize) -> Option<Vec<i64>> {
            Some(region.integers::<T>(n)?.iter().map(|x| (*x).into()).collect())
        }
        let Content::Memory(region) = self.content else { return None };
        match self.kind {
            Kind::U8 => of::<u8>(region, self.n),
            Kind::I8 => of::<i8>(region, self.n),
            Kind::I16 => of::<i16>(region, self.n),
            Kind::I32 => of::<i32>(region, self.n),
            Kind::I64 => of::<i64>(region, self.n),
            _ => None,
        }
    }

    /// Height and width of a picture or mask: of three dimensions the channels are the one with at most 4, or the first.
    fn sides(&self) -> Option<(f64, f64)> {
        let (height, width) = match *self.shape.as_slice() {
            [height, width] => (height, width),
            [height, width, n] if n <= 4 && height > 4 => (height, width),
            [_, height, width] => (height, width),
            _ => return None,
        };
        Some((height as f64, width as f64))
    }

    /// Whether each four numbers are a box, inside `sides` (height and width) where there are any.
    fn are_boxes(&self, form: Form, least: f64, sides: Option<(f64, f64)>) -> Option<bool> {
        if self.n == 0 {
            return Some(true);
        }
        if !matches!(self.shape.as_slice(), [4] | [_, 4]) {
            return None;
        }
        let Content::Memory(region) = self.content else { return None };
        let numbers: Vec<f64> = match self.kind {
            Kind::Float(Dtype::F32) => region.numbers::<f32>(self.n)?.iter().map(|x| f64::from(*x)).collect(),
            Kind::Float(Dtype::F64) => region.numbers::<f64>(self.n)?.to_vec(),
            Kind::Float(_) => return None,
            _ => self.integers()?.into_iter().map(|x| x as f64).collect(),
        };
        Some(numbers.as_chunks::<4>().0.iter().all(|numbers| is_box(*numbers, form, least, sides)))
    }
}

fn is_box([a, b, c, d]: [f64; 4], form: Form, least: f64, sides: Option<(f64, f64)>) -> bool {
    let [left, top, right, bottom] = match form {
        Form::Corners => [a, b, c, d],
        Form::CornerAndSides => [a, b, a + c, b + d],
        Form::CentreAndSides => [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0],
    };
    let is_inside = sides.is_none_or(|(height, width)| {
        let (x, y) = (SLACK * width, SLACK * height);
        -x <= left && -y <= top && right <= width + x && bottom <= height + y
    });
    left < right && top < bottom && right - left >= least && bottom - top >= least && is_inside
}

/// A bound on whole numbers; infinite ones are none.
#[allow(clippy::cast_possible_truncation, reason = "bounds beyond the type are bounds at its end")]
fn whole(x: f64) -> Option<i64> {
    (!x.is_nan()).then_some(x as i64)
}

/// The value at a path, in tuples, lists and dictionaries.
fn value_at<'py>(sample: &Bound<'py, PyAny>, steps: &[Step]) -> Option<Bound<'py, PyAny>> {
    let mut value = sample.clone();
    for step in steps {
        value = match step {
            Step::At(at) if value.is_exact_instance_of::<PyTuple>() => {
                let tuple = value.cast::<PyTuple>().ok()?;
                tuple.get_item(index(*at, tuple.len())?).ok()?
            }
            Step::At(at) if value.is_exact_instance_of::<PyList>() => {
                let list = value.cast::<PyList>().ok()?;
                list.get_item(index(*at, list.len())?).ok()?
            }
            Step::Key(key) if value.is_exact_instance_of::<PyDict>() => {
                value.cast::<PyDict>().ok()?.get_item(key).ok()??
            }
            _ => return None,
        };
    }
    Some(value)
}

fn index(at: isize, n: usize) -> Option<usize> {
    if at < 0 { n.checked_sub(at.unsigned_abs()) } else { Some(at.unsigned_abs()) }
}

fn refused(what: &str) -> PyErr {
    PyValueError::new_err(format!("no such {what} of a contract"))
}

fn path(steps: &[Bound<'_, PyAny>]) -> PyResult<Vec<Step>> {
    let step = |step: &Bound<'_, PyAny>| match step.cast::<PyString>() {
        Ok(key) => Ok(Step::Key(key.clone().unbind())),
        Err(_) => step.extract().map(Step::At),
    };
    steps.iter().map(step).collect()
}

/// A check by its name and what goes with it; see `_core.pyi`.
fn check(said: &Bound<'_, PyTuple>) -> PyResult<Check> {
    let name: String = said.get_item(0)?.extract()?;
    match name.as_str() {
        "kind" => {
            let codes: Vec<u8> = said.get_item(1)?.extract()?;
            codes
                .into_iter()
                .map(|code| Kind::of(code).ok_or_else(|| refused("code")))
                .collect::<PyResult<_>>()
                .map(Check::Kind)
        }
        "shape" => said.get_item(1)?.extract().map(Check::Shape),
        "within" => Ok(Check::Within(said.get_item(1)?.extract()?, said.get_item(2)?.extract()?)),
        "one of" => {
            let mut allowed: Vec<i64> = said.get_item(1)?.extract()?;
            allowed.sort_unstable();
            allowed.dedup();
            Ok(Check::OneOf(allowed))
        }
        "boxes" => {
            let form: String = said.get_item(1)?.extract()?;
            let form = match form.as_str() {
                "xyxy" => Form::Corners,
                "xywh" => Form::CornerAndSides,
                "cxcywh" => Form::CentreAndSides,
                _ => return Err(refused("form of boxes")),
            };
            let within = said.get_item(3)?;
            let inside = if within.is_none() {
                Inside::Anything
            } else if within.cast::<PyString>().is_ok() {
                Inside::Unit
            } else {
                Inside::Picture(path(&within.extract::<Vec<Bound<'_, PyAny>>>()?)?)
            };
            Ok(Check::Boxes { form, least: said.get_item(2)?.extract()?, inside })
        }
        _ => Err(refused("check")),
    }
}
