//! Reads TOML strictly: unknown keys are refused, and *all* faults of a text are told at once, each with its line.
//!
//! A deserializer stops at its first fault. After each one the offending entry is blanked (its lines are kept, so that numbers
//! stay right) and the text is read again, at most [`MAX_PROBLEMS`] times. A blanked table header takes its table with it.

use std::fmt;

use serde::de::DeserializeOwned;

/// Most faults told for one text.
pub const MAX_PROBLEMS: usize = 50;

/// One fault of a settings or scenario text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// 1-based; absent where a fault belongs to no line.
    pub line: Option<usize>,
    pub message: String,
}

impl Problem {
    pub fn new(message: impl Into<String>) -> Problem {
        Problem { line: None, message: message.into() }
    }
}

/// All faults of one text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match problem.line {
                Some(line) => write!(f, "line {line}: {}", problem.message)?,
                None => write!(f, "{}", problem.message)?,
            }
        }
        Ok(())
    }
}

/// Reads a whole text, or tells every fault in it.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Problems> {
    let mut work = text.to_owned();
    let mut problems: Vec<Problem> = Vec::new();
    for _ in 0..MAX_PROBLEMS {
        let error = match toml::from_str::<T>(&work) {
            Ok(value) if problems.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error,
        };
        let message = error.message().replace('\n', " ");
        let Some(span) = error.span() else {
            problems.push(Problem { line: None, message });
            break;
        };
        let line = line_of(&work, span.start);
        // A blanked entry leaves a hole where something is required: that is not a new fault.
        if !(message.starts_with("missing field") && disturbed(text, &work, line)) {
            problems.push(Problem { line: Some(line), message });
        }
        let blanked = blank(&work, span);
        if blanked == work {
            break;
        }
        work = blanked;
    }
    problems.sort_by_key(|problem| problem.line);
    Err(Problems(problems))
}

/// Whether the table that begins at this line has lost a line.
fn disturbed(text: &str, work: &str, line: usize) -> bool {
    let lines = text.split('\n').zip(work.split('\n')).skip(line - 1);
    let table = lines.enumerate().take_while(|(index, (before, _))| *index == 0 || !before.trim_start().starts_with('['));
    table.into_iter().any(|(_, (before, after))| before != after)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}

/// Empties the lines a fault covers; from a table header, the whole table.
fn blank(text: &str, span: std::ops::Range<usize>) -> String {
    let first = line_of(text, span.start);
    let last = line_of(text, span.end.max(span.start + 1) - 1);
    let mut in_table = false;
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        let number = index + 1;
        if index > 0 {
            out.push('\n');
        }
        let header = line.trim_start().starts_with('[');
        if in_table && header && number > last {
            in_table = false;
        }
        if number == first && header {
            in_table = true;
        }
        if !in_table && !(first..=last).contains(&number) {
            out.push_str(line);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(default)]
        width: u32,
        #[serde(default)]
        inner: Inner,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[serde(default)]
        depth: u32,
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let text = "width = \"x\"\nwidht = 1\n[inner]\ndepth = 2\ndepht = 3\n[iner]\ndepth = 4\n";
        let problems = parse::<Outer>(text).unwrap_err();
        let mut lines: Vec<_> = problems.0.iter().filter_map(|problem| problem.line).collect();
        lines.sort_unstable();
        assert_eq!(lines, [1, 2, 5, 6], "{problems}");
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Needs {
        #[serde(rename = "entry")]
        #[allow(dead_code)]
        entries: Vec<Entry>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Entry {
        name: String,
    }

    #[test]
    fn a_misspelt_required_key_is_told_once_and_a_missing_one_too() {
        let problems = parse::<Needs>("[[entry]]\nnam = \"a\"\n[[entry]]\n[[entry]]\nname = \"c\"\n").unwrap_err();
        let lines: Vec<_> = problems.0.iter().filter_map(|problem| problem.line).collect();
        assert_eq!(lines, [2, 3], "{problems}");
    }

    #[test]
    fn a_good_text_is_read() {
        let outer: Outer = parse("width = 3\n[inner]\ndepth = 4\n").unwrap();
        assert_eq!((outer.width, outer.inner.depth), (3, 4));
    }

    #[test]
    fn broken_syntax_ends_with_a_line_and_does_not_loop() {
        let problems = parse::<Outer>("width = \n= = =\n[inner\n").unwrap_err();
        assert_eq!(problems.0[0].line, Some(1), "{problems}");
    }
}
