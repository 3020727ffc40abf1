//! The guard against each cause of a number that is none, in the user's own words where those are simple.

use stetho_core::Remedy;
use stetho_core::run::{Cause, SourceLine, TrapDetails};

/// An expression longer than this is not written again.
const LONGEST: usize = 80;

/// What to do about a cause, best first. `NaN` is never merely replaced: that would hide what made it.
pub(crate) fn guards(trap: &TrapDetails) -> Vec<Remedy> {
    let operand = Operand::of(trap);
    let mut guards = of_values(trap.cause, &operand);
    if guards.is_empty() {
        guards = of_slopes(trap.cause, &operand);
    }
    if guards.is_empty() {
        guards = of_data_and_steps(trap.cause, &operand);
    }
    guards
}

/// Domains and ranges: values that a function does not bear.
fn of_values(cause: Cause, operand: &Operand<'_>) -> Vec<Remedy> {
    let tiny = operand.tiny();
    match cause {
        Cause::LogOfZero | Cause::LogOfNegative => logarithm(cause, operand),
        Cause::ZeroOverZero | Cause::DivisionByZero => vec![
            operand.rewrite(
                "keep the divisor away from 0",
                &format!("{{}}.clamp(min={tiny})"),
                &format!("a / b.clamp(min={tiny})"),
            ),
            Remedy::advice(
                "where the divisor counts things, a count of 0 needs an answer of its own: leave such rows out before dividing",
            ),
        ],
        Cause::ZeroStd => vec![
            operand.rewrite(
                "add an epsilon to the standard deviation",
                "({} + 1e-6)",
                "(x - x.mean()) / (x.std() + 1e-6)",
            ),
            Remedy::advice("a constant sample carries nothing: drop it, or do not normalise it"),
        ],
        Cause::SqrtOfNegative => vec![
            operand.rewrite(
                "bring the argument to 0 or above first",
                "{}.clamp(min=0)",
                "torch.sqrt(x.clamp(min=0))",
            ),
            Remedy::advice(
                "a variance worked out as E[x²] − E[x]² comes out below 0 by rounding: use `x.var()`",
            ),
        ],
        Cause::PowOfNegative => vec![
            operand.rewrite("bring the base to 0 or above first", "{}.clamp(min=0)", "x.clamp(min=0) ** p"),
            Remedy::advice(
                "see why the base is negative where it is meant to be a probability or a distance",
            ),
        ],
        Cause::AcosOutOfRange => vec![operand.rewrite(
            "bring the argument between -1 and 1, a little inside, where the slope is finite",
            "{}.clamp(-1 + 1e-6, 1 - 1e-6)",
            "torch.acos(x.clamp(-1 + 1e-6, 1 - 1e-6))",
        )],
        Cause::SingularMatrix => vec![
            Remedy::risky("add a little to the diagonal")
                .code("matrix = matrix + 1e-6 * torch.eye(matrix.shape[-1])"),
        ],
        _ => of_infinities(cause, operand),
    }
}

/// Operations whose results, or operands, are too large for a number, and masks.
fn of_infinities(cause: Cause, operand: &Operand<'_>) -> Vec<Remedy> {
    match cause {
        Cause::ExpOverflow => exponential(operand),
        Cause::MaskedSoftmax => vec![
            Remedy::risky("mask with a large finite number instead of infinity: a row that is masked as a whole then becomes even")
                .code("scores = scores.masked_fill(mask, torch.finfo(scores.dtype).min)"),
            Remedy::advice("leave at least one position of each row unmasked, or drop samples of length 0"),
        ],
        Cause::InfiniteLogits => vec![
            Remedy::risky("mask with a large finite number instead of infinity, and never the class of the target")
                .code("logits = logits.masked_fill(mask, torch.finfo(logits.dtype).min)"),
        ],
        Cause::InfinityMinusInfinity => vec![Remedy::advice(
            "find what is infinite before this line: normalise scores before they are subtracted, as `F.log_softmax` and `torch.logsumexp` do",
        )],
        Cause::ZeroTimesInfinity => vec![
            Remedy::risky("choose instead of multiplying by a mask: 0 times infinity is NaN")
                .code("y = torch.where(mask, x, torch.zeros_like(x))"),
            Remedy::advice("`torch.xlogy(p, q)` is `p * log(q)`, and 0 where p is 0"),
        ],
        Cause::EmptyReduction => vec![
            Remedy::risky("divide by the count, of 1 at least, instead of taking the mean of what may be nothing")
                .code("loss = (loss * mask).sum() / mask.sum().clamp(min=1)"),
        ],
        Cause::HalfOverflow => vec![
            Remedy::risky("work this out in 32 bits")
                .code("with torch.autocast(device_type=x.device.type, enabled=False):\n    y = f(x.float())"),
            Remedy::risky("use bfloat16, which has the range of 32 bits").code("torch.autocast(device_type, dtype=torch.bfloat16)"),
        ],
        Cause::Overflow => vec![
            Remedy::advice("scale the values down before this line: normalise the inputs, and sums over long axes become means"),
            Remedy::advice("work with logarithms where values are multiplied"),
        ],
        _ => Vec::new(),
    }
}

/// The backward pass: functions without a slope.
fn of_slopes(cause: Cause, operand: &Operand<'_>) -> Vec<Remedy> {
    match cause {
        Cause::SqrtAtZero => vec![operand.rewrite(
            "add an epsilon under the root: its slope at 0 is infinite",
            "({} + 1e-8)",
            "torch.sqrt(x + 1e-8)",
        )],
        Cause::NormAtZero => vec![
            Remedy::risky(
                "take the norm with an epsilon under its root: its slope at a zero vector does not exist",
            )
            .code(format!(
                "({}.pow(2).sum(-1) + 1e-12).sqrt()",
                if operand.is_known() { operand.bracketed() } else { "x".to_owned() }
            )),
        ],
        Cause::PowAtZero => vec![operand.rewrite(
            "keep the base away from 0: a power below 1 has an infinite slope there",
            "{}.clamp(min=1e-6)",
            "x.clamp(min=1e-6) ** p",
        )],
        Cause::AcosAtOne => vec![operand.rewrite(
            "keep the argument away from 1 and -1, where the slope is infinite",
            "{}.clamp(-1 + 1e-6, 1 - 1e-6)",
            "torch.acos(x.clamp(-1 + 1e-6, 1 - 1e-6))",
        )],
        Cause::Atan2AtZero => vec![
            Remedy::risky("keep one argument away from 0: the angle of a zero vector does not exist")
                .code("torch.atan2(y, torch.where((x == 0) & (y == 0), torch.ones_like(x), x))"),
        ],
        Cause::WhereGradient => {
            let argument = if operand.is_known() { operand.argument } else { "x" };
            vec![
                Remedy::risky(
                    "choose the argument before the function is taken, not its result after: NaN times 0 is NaN in the backward pass",
                )
                .code(format!(
                    "safe = torch.where(mask, {argument}, torch.ones_like({argument}))\ny = torch.where(mask, f(safe), 0.0)"
                )),
            ]
        }
        Cause::CustomFunction => vec![
            Remedy::safe("hold the backward pass against finite differences, at the values of this batch")
                .code("torch.autograd.gradcheck(MyFunction.apply, x.double().requires_grad_())"),
            Remedy::advice("put the guard for 0 and for large values into `backward` itself"),
        ],
        _ => Vec::new(),
    }
}

/// What is not the operation's fault: data, and the step of the optimizer.
fn of_data_and_steps(cause: Cause, operand: &Operand<'_>) -> Vec<Remedy> {
    match cause {
        Cause::NanInInput | Cause::InfinityInInput | Cause::NanInTarget => vec![
            Remedy::risky("drop or repair these samples where the data set is made"),
            Remedy::safe("let the data set refuse such samples")
                .code("assert torch.isfinite(x).all(), f\"sample {index} is not finite\""),
        ],
        Cause::UpdateOverflow | Cause::LearningRate => vec![
            Remedy::risky("lower the learning rate by a factor of 10"),
            Remedy::risky("clip the gradient norm before the step")
                .code("torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)"),
        ],
        Cause::ZeroEpsilon => vec![
            Remedy::safe("give the optimizer an epsilon: 1e-8 in 32 bits, 1e-4 in half precision")
                .code("torch.optim.Adam(model.parameters(), lr=lr, eps=1e-8)"),
        ],
        Cause::OutlierInput | Cause::OutlierTarget => vec![
            Remedy::risky(
                "repair or drop these samples; look for others like them (`stetho check` lists outliers of a table)",
            ),
            Remedy::risky("let single samples weigh less")
                .code("F.smooth_l1_loss(prediction, target)  # instead of F.mse_loss"),
        ],
        Cause::Unknown if operand.is_known() => {
            vec![Remedy::advice(format!("see what `{}` is at this line", operand.argument))]
        }
        _ => Vec::new(),
    }
}

fn logarithm(cause: Cause, operand: &Operand<'_>) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    let expression = operand.expression;
    if expression.contains("softmax") {
        remedies.push(
            Remedy::safe("take the logarithm of the softmax in one: it never sees the 0")
                .code("F.log_softmax(logits, dim=-1)"),
        );
    } else if expression.contains("sigmoid") {
        remedies.push(
            Remedy::safe("take the logarithm of the sigmoid in one: it never sees the 0")
                .code("F.logsigmoid(logits)"),
        );
    } else if expression.contains("exp(") && expression.contains("sum") {
        remedies.push(
            Remedy::safe("take the logarithm of the sum of exponentials in one")
                .code("torch.logsumexp(x, dim=-1)"),
        );
    }
    let tiny = operand.tiny();
    remedies.push(operand.rewrite(
        "keep the argument above 0",
        &format!("{{}}.clamp(min={tiny})"),
        &format!("torch.log(x.clamp(min={tiny}))"),
    ));
    if cause == Cause::LogOfNegative {
        remedies.push(Remedy::advice(
            "see why the argument is negative where it is meant to be a size or a probability",
        ));
    }
    remedies
}

fn exponential(operand: &Operand<'_>) -> Vec<Remedy> {
    let most = if operand.dtype == "f16" { 11 } else { 80 };
    let mut remedies = Vec::new();
    if operand.expression.contains("sum") || operand.expression.contains('/') {
        remedies.push(
            Remedy::safe("use the softmax, or the sum of exponentials in logarithms, that subtract the greatest first")
                .code("torch.softmax(x, dim=-1)    # exp(x) / exp(x).sum(-1)\ntorch.logsumexp(x, dim=-1)  # log(exp(x).sum(-1))"),
        );
    }
    remedies.push(operand.rewrite(
        &format!("bound the exponent: beyond {most} it overflows"),
        &format!("{{}}.clamp(max={most})"),
        &format!("torch.exp(x.clamp(max={most}))"),
    ));
    if remedies.len() < 2 {
        remedies.push(
            Remedy::safe("where it is followed by a sum and a logarithm, take all in one")
                .code("torch.logsumexp(x, dim=-1)"),
        );
    }
    remedies
}

/// What an operation works on, as the script writes it.
struct Operand<'a> {
    expression: &'a str,
    argument: &'a str,
    dtype: &'a str,
}

impl<'a> Operand<'a> {
    fn of(trap: &'a TrapDetails) -> Self {
        let (expression, argument) = match &trap.source {
            Some(SourceLine { expression, argument, .. }) => (expression.as_str(), argument.as_str()),
            None => ("", ""),
        };
        Self { expression, argument, dtype: &trap.dtype }
    }

    /// Whether the operand stands in the script in a way that can be written again.
    fn is_known(&self) -> bool {
        let is_short = |text: &str| !text.is_empty() && text.len() <= LONGEST && !text.contains('\n');
        is_short(self.argument) && is_short(self.expression) && self.expression.contains(self.argument)
    }

    /// The operand, in brackets where something put behind it would take its last part alone.
    fn bracketed(&self) -> String {
        let mut depth = 0i32;
        let is_one = self.argument.chars().enumerate().all(|(i, c)| {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            depth > 0 || c.is_alphanumeric() || "._)]}".contains(c) && i > 0
        });
        if is_one { self.argument.to_owned() } else { format!("({})", self.argument) }
    }

    /// A remedy with the user's expression as it should be, its operand put into `guard` in place of `{}`; `sample` where the expression is
    /// not known.
    fn rewrite(&self, action: &str, guard: &str, sample: &str) -> Remedy {
        let remedy = Remedy::risky(action);
        if !self.is_known() {
            return remedy.code(sample);
        }
        let guarded = guard.replace("{}", &self.bracketed());
        let guarded = if let Some(at) = self.expression.rfind(self.argument) {
            let (before, after) = (&self.expression[..at], &self.expression[at + self.argument.len()..]);
            // Brackets that were there already are not doubled.
            let guarded = guarded.strip_prefix('(').and_then(|g| g.strip_suffix(')')).filter(|_| {
                guard.ends_with(')')
                    && guard.starts_with('(')
                    && before.ends_with('(')
                    && after.starts_with(')')
            });
            let inner = guarded.map_or_else(|| guard.replace("{}", &self.bracketed()), str::to_owned);
            format!("{before}{inner}{after}")
        } else {
            guarded
        };
        remedy.code(guarded)
    }

    /// A number that is small and not 0 in the precision of the operation.
    fn tiny(&self) -> &'static str {
        match self.dtype {
            "f16" => "1e-4",
            "f64" => "1e-12",
            _ => "1e-6",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(cause: Cause, expression: &str, argument: &str) -> String {
        let source =
            SourceLine { expression: expression.into(), argument: argument.into(), ..SourceLine::default() };
        let trap = TrapDetails { cause, source: Some(source), ..TrapDetails::default() };
        guards(&trap)[0].code.clone().unwrap_or_default()
    }

    #[test]
    fn the_guard_is_written_into_the_users_expression() {
        assert_eq!(
            code(Cause::LogOfZero, "torch.log(w / 20)", "w / 20"),
            "torch.log((w / 20).clamp(min=1e-6))"
        );
        assert_eq!(
            code(Cause::LogOfZero, "torch.log(p[mask])", "p[mask]"),
            "torch.log(p[mask].clamp(min=1e-6))"
        );
        assert_eq!(code(Cause::SqrtAtZero, "torch.sqrt(d)", "d"), "torch.sqrt(d + 1e-8)");
        assert_eq!(
            code(Cause::SqrtAtZero, "d.pow(2).sum(1).sqrt()", "d.pow(2).sum(1)"),
            "(d.pow(2).sum(1) + 1e-8).sqrt()"
        );
        assert_eq!(code(Cause::ZeroOverZero, "inter / union", "union"), "inter / union.clamp(min=1e-6)");
        assert_eq!(
            code(Cause::ExpOverflow, "torch.exp(logvar)", "logvar"),
            "torch.exp(logvar.clamp(max=80))"
        );
        assert_eq!(
            code(Cause::LogOfZero, "torch.log(torch.softmax(x, 1))", "torch.softmax(x, 1)"),
            "F.log_softmax(logits, dim=-1)"
        );
    }

    #[test]
    fn an_expression_that_is_not_known_gets_an_example() {
        assert_eq!(code(Cause::LogOfZero, "", ""), "torch.log(x.clamp(min=1e-6))");
        assert!(guards(&TrapDetails::default()).is_empty());
    }
}
