//! Tables for people: aligned columns without lines around them, which read well on a terminal and in a file.

use crate::style;
use comfy_table::{CellAlignment, Row, Table};

/// A longer text is cut in a table, in characters; data outputs have all of it.
const CELL_CHARACTERS_MAX: usize = 48;

/// How the texts of a column stand under each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// The lines of a table, each indented by `indent` spaces and ended by a line end.
pub(crate) fn lines(columns: &[(String, Align)], rows: Vec<Vec<String>>, indent: u16) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(Row::from(columns.iter().map(|(name, _)| short(name)).collect::<Vec<_>>()));
    table.add_rows(
        rows.into_iter().map(|row| row.iter().map(|cell| short(cell)).collect::<Vec<_>>()),
    );
    for (place, (column, (_, align))) in table.column_iter_mut().zip(columns).enumerate() {
        column.set_padding((if place == 0 { indent } else { 2 }, 0));
        if *align == Align::Right {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// A cell's text, safe for a terminal and not too wide.
fn short(text: &str) -> String {
    let text = style::printable(text);
    match text.char_indices().nth(CELL_CHARACTERS_MAX) {
        None => text.into_owned(),
        Some(_) => text.chars().take(CELL_CHARACTERS_MAX - 1).chain(['\u{2026}']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_long_texts_cut() {
        let columns = [("name".to_owned(), Align::Left), ("count".to_owned(), Align::Right)];
        let rows =
            vec![vec!["a".to_owned(), "1".to_owned()], vec!["x".repeat(60), "12345678".to_owned()]];
        let long = "x".repeat(47) + "\u{2026}";
        let expect = format!(
            "  name{}     count\n  a{}         1\n  {long}  12345678\n",
            " ".repeat(44),
            " ".repeat(47)
        );
        assert_eq!(lines(&columns, rows, 2), expect);
    }
}
