//! Reads a settings file and tells *all* that is wrong with it at once, each with its line and key.
//!
//! A [`Reader`] holds the file and what was wrong so far; a [`Section`] is one table of it. Every getter takes the default and the bounds,
//! notes what is wrong and goes on with the default, so that one run names every mistake. Keys nobody asked for are mistakes too.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A settings file is small.
pub const MAX_SETTINGS_BYTES: usize = 256 * 1024;
/// So many mistakes are told; more are counted.
pub const MAX_TOLD: usize = 100;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// The key with its tables: `barrier.scan_ms`; empty for the file as a whole.
    pub key: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.line, self.key.is_empty()) {
            (0, true) => write!(f, "{}", self.what),
            (0, false) => write!(f, "{}: {}", self.key, self.what),
            (line, true) => write!(f, "line {line}: {}", self.what),
            (line, false) => write!(f, "line {line}: {}: {}", self.key, self.what),
        }
    }
}

/// The file, and what was wrong so far.
#[derive(Debug)]
pub struct Reader<'i> {
    text: &'i str,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'i> Reader<'i> {
    /// Starts reading `text`.
    #[must_use]
    pub fn new(text: &'i str) -> Self {
        Self { text, mistakes: RefCell::new(Vec::new()) }
    }

    /// Parses the file; syntax mistakes are noted, and what could be understood is returned.
    #[must_use]
    pub fn parse(&self) -> DeTable<'i> {
        if self.text.len() > MAX_SETTINGS_BYTES {
            self.note(0, "", format!("the file has {} bytes, at most {MAX_SETTINGS_BYTES} are read", self.text.len()));
            return DeTable::default();
        }
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let line = error.span().map_or(0, |span| self.line_at(span.start));
            self.note(line, "", error.message().to_owned());
        }
        table.into_inner()
    }

    /// Notes a mistake.
    pub fn note(&self, line: usize, key: &str, what: impl Into<String>) {
        self.mistakes.borrow_mut().push(Mistake { line, key: key.to_owned(), what: what.into() });
    }

    /// Everything that was wrong, in the order of the file.
    #[must_use]
    pub fn finish(self) -> Vec<Mistake> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort();
        mistakes.dedup();
        if mistakes.len() > MAX_TOLD {
            let more = mistakes.len() - MAX_TOLD;
            mistakes.truncate(MAX_TOLD);
            mistakes.push(Mistake { line: 0, key: String::new(), what: format!("and {more} more") });
        }
        mistakes
    }

    fn line_at(&self, offset: usize) -> usize {
        self.text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1
    }
}

/// One table of the file.
#[derive(Debug)]
pub struct Section<'r, 'i> {
    reader: &'r Reader<'i>,
    table: Option<&'r DeTable<'i>>,
    name: String,
    line: usize,
    asked: RefCell<BTreeSet<String>>,
}

impl<'r, 'i> Section<'r, 'i> {
    /// The whole file.
    #[must_use]
    pub fn root(reader: &'r Reader<'i>, table: &'r DeTable<'i>) -> Self {
        Self { reader, table: Some(table), name: String::new(), line: 1, asked: RefCell::default() }
    }

    /// Is the table in the file?
    #[must_use]
    pub fn present(&self) -> bool {
        self.table.is_some()
    }

    /// Is the key in the file?
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The keys of this table, in the order of the file.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.table.into_iter().flatten().map(|(key, _)| key.get_ref().to_string()).collect()
    }

    /// Keys that may be absent and were not asked for.
    pub fn allow(&self, keys: &[&str]) {
        self.asked.borrow_mut().extend(keys.iter().map(|key| (*key).to_owned()));
    }

    /// Notes a mistake of this table's key.
    pub fn wrong(&self, key: &str, what: impl Into<String>) {
        let line = self.find(key).map_or(self.line, |v| self.reader.line_at(v.span().start));
        self.reader.note(line, &self.path(key), what);
    }

    /// A table within this one; absent is fine.
    #[must_use]
    pub fn section(&self, key: &str) -> Section<'r, 'i> {
        let value = self.take(key);
        let table = value.and_then(|v| {
            let table = v.get_ref().as_table();
            if table.is_none() {
                self.wrong(key, format!("must be a table, not {}", v.get_ref().type_str()));
            }
            table
        });
        let line = value.map_or(self.line, |v| self.reader.line_at(v.span().start));
        Section { reader: self.reader, table, name: self.path(key), line, asked: RefCell::default() }
    }

    /// A list of tables; absent is empty. More than `max_rows` is a mistake.
    #[must_use]
    pub fn sections(&self, key: &str, max_rows: usize) -> Vec<Section<'r, 'i>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(key, format!("must be a list of tables, not {}", value.get_ref().type_str()));
            return Vec::new();
        };
        if array.len() > max_rows {
            self.wrong(key, format!("has {} rows, at most {max_rows} are taken", array.len()));
        }
        let mut sections = Vec::new();
        for (index, row) in array.iter().take(max_rows).enumerate() {
            let name = format!("{}[{index}]", self.path(key));
            let line = self.reader.line_at(row.span().start);
            match row.get_ref().as_table() {
                Some(table) => {
                    sections.push(Section { reader: self.reader, table: Some(table), name, line, asked: RefCell::default() });
                }
                None => self.reader.note(line, &name, format!("must be a table, not {}", row.get_ref().type_str())),
            }
        }
        sections
    }

    /// A text of `bytes` length; absent: the default, or a mistake where there is none.
    #[must_use]
    pub fn text(&self, key: &str, default: Option<&str>, bytes: RangeInclusive<usize>) -> String {
        let fallback = default.unwrap_or_default().to_owned();
        let Some(value) = self.take(key) else {
            if default.is_none() {
                self.wrong(key, "is missing");
            }
            return fallback;
        };
        match value.get_ref().as_str() {
            Some(text) if bytes.contains(&text.len()) => text.to_owned(),
            Some(text) => {
                let what = format!("has {} bytes, must have {} to {}", text.len(), bytes.start(), bytes.end());
                self.wrong(key, what);
                fallback
            }
            None => {
                self.wrong(key, format!("must be a text, not {}", value.get_ref().type_str()));
                fallback
            }
        }
    }

    /// A text that may be absent.
    #[must_use]
    pub fn optional_text(&self, key: &str, bytes: RangeInclusive<usize>) -> Option<String> {
        self.allow(&[key]);
        self.has(key).then(|| self.text(key, Some(""), bytes)).filter(|text| !text.is_empty())
    }

    /// A whole number within bounds.
    #[must_use]
    pub fn number<T: TryFrom<i64> + Copy>(&self, key: &str, default: T, bounds: RangeInclusive<i64>) -> T {
        let Some(value) = self.take(key) else { return default };
        let number = match value.get_ref() {
            DeValue::Integer(i) => i64::from_str_radix(&i.as_str().replace('_', ""), i.radix()).ok(),
            other => {
                self.wrong(key, format!("must be a whole number, not {}", other.type_str()));
                return default;
            }
        };
        let good = number.filter(|n| bounds.contains(n)).and_then(|n| T::try_from(n).ok());
        if good.is_none() {
            self.wrong(key, format!("must be {} to {}", bounds.start(), bounds.end()));
        }
        good.unwrap_or(default)
    }

    /// Yes or no.
    #[must_use]
    pub fn flag(&self, key: &str, default: bool) -> bool {
        let Some(value) = self.take(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong(key, format!("must be true or false, not {}", value.get_ref().type_str()));
            default
        })
    }

    /// One of some words; absent: the default, or a mistake where there is none.
    #[must_use]
    pub fn word<T: Copy>(&self, key: &str, default: Option<T>, words: &[(&str, T)]) -> Option<T> {
        let Some(value) = self.take(key) else {
            if default.is_none() {
                self.wrong(key, format!("is missing: {}", list(words)));
            }
            return default;
        };
        let found = value.get_ref().as_str().and_then(|text| words.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            self.wrong(key, format!("must be {}", list(words)));
        }
        found.map(|(_, value)| *value).or(default)
    }

    /// A list of texts.
    #[must_use]
    pub fn texts(&self, key: &str, max_rows: usize, max_bytes: usize) -> Vec<String> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let rows = value.get_ref().as_array().map(|array| array.iter().map(|v| v.get_ref().as_str().map(str::to_owned)).collect());
        match rows {
            Some(Some(rows)) if Vec::len(&rows) <= max_rows && rows.iter().all(|r: &String| (1..=max_bytes).contains(&r.len())) => rows,
            _ => {
                self.wrong(key, format!("must be a list of at most {max_rows} texts of 1 to {max_bytes} bytes"));
                Vec::new()
            }
        }
    }

    /// Refuses keys that nobody asked for, and ends the section.
    pub fn close(self) {
        self.check_known();
    }

    /// Refuses keys that nobody asked for.
    pub fn check_known(&self) {
        let Some(table) = self.table else { return };
        let asked = self.asked.borrow();
        for (key, _) in table {
            if !asked.contains(key.get_ref().as_ref()) {
                let line = self.reader.line_at(key.span().start);
                let known = asked.iter().cloned().collect::<Vec<_>>().join(", ");
                self.reader.note(line, &self.path(key.get_ref()), format!("is not a setting; here are: {known}"));
            }
        }
    }

    fn take(&self, key: &str) -> Option<&'r Spanned<DeValue<'i>>> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.find(key)
    }

    fn find(&self, key: &str) -> Option<&'r Spanned<DeValue<'i>>> {
        self.table.and_then(|table| table.iter().find(|(k, _)| k.get_ref() == key).map(|(_, v)| v))
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

fn list<T>(words: &[(&str, T)]) -> String {
    words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let reader = Reader::new(text);
        let table = reader.parse();
        let root = Section::root(&reader, &table);
        let lane = root.section("lane");
        let _ = lane.text("site", None, 1..=4);
        let _ = lane.number("scan_ms", 50_u16, 10..=500);
        let _ = lane.flag("on", true);
        let _ = lane.word("direction", None, &[("inbound", 1), ("outbound", 2)]);
        lane.close();
        for row in root.sections("module", 2) {
            let _ = row.text("address", None, 1..=20);
            row.close();
        }
        root.close();
        reader.finish().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_line_and_key() {
        let told = mistakes("[lane]\nsite = \"abcdef\"\nscan_ms = 5\non = \"yes\"\ndirektion = \"in\"\n[[module]]\naddress = 3\n[other]\n");
        assert_eq!(
            told,
            [
                "line 1: lane.direction: is missing: \"inbound\" or \"outbound\"",
                "line 2: lane.site: has 6 bytes, must have 1 to 4",
                "line 3: lane.scan_ms: must be 10 to 500",
                "line 4: lane.on: must be true or false, not string",
                "line 5: lane.direktion: is not a setting; here are: direction, on, scan_ms, site",
                "line 7: module[0].address: must be a text, not integer",
                "line 8: other: is not a setting; here are: lane, module",
            ]
        );
    }

    #[test]
    fn broken_toml_is_told_with_its_line_and_the_rest_is_still_read() {
        let told = mistakes("[lane]\nsite = \"ab\nscan_ms = 5000\n");
        assert!(told.iter().any(|m| m.starts_with("line 2:")), "{told:?}");
        assert!(told.iter().any(|m| m.contains("lane.scan_ms: must be 10 to 500")), "{told:?}");
    }

    #[test]
    fn a_good_file_has_no_mistakes() {
        assert_eq!(mistakes("[lane]\nsite = \"ab\"\ndirection = \"inbound\"\n"), Vec::<String>::new());
    }
}
