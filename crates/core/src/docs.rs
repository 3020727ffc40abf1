//! Documentation of a rule, read from the doc comments of its own source file.
//!
//! The file *is* the rule: `stetho explain`, the pages in `docs/rules`, the tests of the examples and the `why` of a
//! finding all come from the comment above the struct.

/// A rule's documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Docs {
    /// First line: what the rule finds.
    pub summary: String,
    /// The whole comment, in Markdown, without the summary.
    pub body: String,
    /// Text under *Why it matters*.
    pub why: String,
    /// Text under *What to do*.
    pub remedy: String,
    /// Examples under *Fires on*.
    pub fires_on: Vec<Example>,
    /// Examples under *Stays quiet on*.
    pub quiet_on: Vec<Example>,
    /// The options: the fields of the struct.
    pub options: Vec<OptionDoc>,
}

/// A fenced block of an example: `format key=value … word …`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// First word after the fence: `csv`, `json`, `recipe` …
    pub format: String,
    /// The other words: `target=label`, `val`, …
    pub arguments: Vec<String>,
    /// The block's text.
    pub text: String,
    /// 1-based line of the opening fence in the source file.
    pub line: usize,
}

impl Example {
    /// The value of argument `key`, as in `target=label`.
    pub fn argument(&self, key: &str) -> Option<&str> {
        self.arguments.iter().find_map(|a| a.strip_prefix(key)?.strip_prefix('='))
    }

    /// Whether the bare word `word` is among the arguments.
    pub fn has(&self, word: &str) -> bool {
        self.arguments.iter().any(|a| a == word)
    }
}

/// An option of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionDoc {
    /// Field name, as in `stetho.toml`.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
}

impl Docs {
    /// Reads the documentation from the text of a rule's source file: the doc comment above its first `struct`,
    /// and those of its fields.
    pub fn parse(source: &str) -> Self {
        let lines: Vec<&str> = source.lines().collect();
        let Some(at) = lines.iter().position(|l| is_struct(l)) else { return Self::default() };
        let start = lines[..at].iter().rposition(|l| !is_attached(l)).map_or(0, |i| i + 1);
        let comment: Vec<(usize, &str)> =
            (start..at).filter_map(|i| Some((i + 1, doc_text(lines[i])?))).collect();
        let mut docs = Self { options: options(&lines[at..]), ..Self::default() };
        docs.summary = comment.first().map_or(String::new(), |(_, l)| (*l).to_owned());
        docs.body = comment.iter().skip(1).map(|(_, l)| *l).collect::<Vec<_>>().join("\n").trim().to_owned();
        docs.read_sections(&comment);
        docs
    }

    fn read_sections(&mut self, comment: &[(usize, &str)]) {
        let mut section = String::new();
        let mut open: Option<Example> = None;
        for &(number, line) in comment.iter().skip(1) {
            if let Some(fence) = line.trim_start().strip_prefix("```") {
                match open.take() {
                    Some(example) if section == "fires on" => self.fires_on.push(example),
                    Some(example) if section == "stays quiet on" => self.quiet_on.push(example),
                    Some(_) => {}
                    None => open = Some(example_header(fence, number)),
                }
            } else if let Some(example) = &mut open {
                example.text.push_str(line);
                example.text.push('\n');
            } else if let Some(heading) = line.strip_prefix("## ") {
                section = heading.trim().to_lowercase();
            } else if section == "why it matters" {
                push_line(&mut self.why, line);
            } else if section == "what to do" {
                push_line(&mut self.remedy, line);
            }
        }
    }
}

fn is_struct(line: &str) -> bool {
    line.strip_prefix("pub(crate) ").or(line.strip_prefix("pub ")).unwrap_or(line).starts_with("struct ")
}

fn is_attached(line: &str) -> bool {
    line.starts_with("///") || line.starts_with("#[")
}

fn doc_text(line: &str) -> Option<&str> {
    let text = line.trim_start().strip_prefix("///")?;
    Some(text.strip_prefix(' ').unwrap_or(text))
}

fn push_line(text: &mut String, line: &str) {
    if !line.is_empty() && !text.is_empty() {
        text.push(' ');
    }
    text.push_str(line);
}

fn example_header(fence: &str, line: usize) -> Example {
    let mut words = fence.split_whitespace().map(str::to_owned);
    Example {
        format: words.next().unwrap_or_default(),
        arguments: words.collect(),
        text: String::new(),
        line,
    }
}

/// Reads `/// doc` + `name: type` pairs of the struct that starts at `lines[0]`.
fn options(lines: &[&str]) -> Vec<OptionDoc> {
    let mut found = Vec::new();
    if lines[0].trim_end().ends_with(['}', ';']) {
        return found;
    }
    let mut doc = String::new();
    for line in lines.iter().skip(1).take_while(|l| !l.starts_with('}')) {
        let line = line.trim();
        if let Some(text) = doc_text(line) {
            push_line(&mut doc, text);
        } else if let Some((name, _)) = line.split_once(':').filter(|_| !line.starts_with('#')) {
            let name = name.rsplit(' ').next().unwrap_or(name).to_owned();
            found.push(OptionDoc { name, doc: std::mem::take(&mut doc) });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "//! module\nuse x;\n\n/// A thing.\n///\n/// ## Why it matters\n/// Because\n/// of this.\n///\n/// \
## What to do\n/// Act.\n///\n/// ## Fires on\n/// ```csv target=y\n/// y\n/// 1\n/// ```\n/// ## Stays quiet on\n/// ```recipe\n\
/// a = 1\n/// ```\n#[derive(Debug)]\npub(crate) struct Thing {\n    /// How much\n    /// at most.\n    pub limit: f64,\n}\n";

    #[test]
    fn reads_sections_examples_and_options() {
        let docs = Docs::parse(SOURCE);
        assert_eq!(docs.summary, "A thing.");
        assert_eq!(docs.why, "Because of this.");
        assert_eq!(docs.remedy, "Act.");
        assert_eq!(docs.fires_on.len(), 1);
        assert_eq!(docs.fires_on[0].argument("target"), Some("y"));
        assert_eq!(docs.fires_on[0].text, "y\n1\n");
        assert_eq!(docs.fires_on[0].line, 14);
        assert_eq!(docs.quiet_on[0].format, "recipe");
        assert_eq!(docs.options, [OptionDoc { name: "limit".into(), doc: "How much at most.".into() }]);
    }

    #[test]
    fn a_file_without_a_struct_has_no_docs() {
        assert_eq!(Docs::parse("fn main() {}"), Docs::default());
    }
}
