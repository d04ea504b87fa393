//! Plain tables and goals, for people and for pasting.

use std::io::{self, Write};

/// Prints rows under a header: the first two columns to the left, figures to the right.
pub(crate) fn print(out: &mut impl Write, header: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    let widths: Vec<usize> = (0..header.len()).map(|column| width(&header, rows, column)).collect();
    for row in std::iter::once(&header).chain(rows) {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < 2 { format!("{cell:width$}") } else { format!("{cell:>width$}") }
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    out.flush()
}

fn width(header: &[String], rows: &[Vec<String>], column: usize) -> usize {
    let cells = std::iter::once(header)
        .chain(rows.iter().map(Vec::as_slice))
        .filter_map(|row| row.get(column));
    cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
}

/// Prints a goal, whether it was met, and the figure. A goal that was missed fails nothing.
pub(super) fn print_goal(
    out: &mut impl Write,
    goal: &str,
    met: bool,
    figure: &str,
) -> io::Result<()> {
    writeln!(out, "goal {}: {goal} ({figure})", if met { "met" } else { "MISSED" })?;
    out.flush()
}

/// `first / second` with so many places, without floats: `ratio(3, 2, 2)` is `1.50`.
pub(crate) fn ratio(first: i64, second: i64, places: u32) -> String {
    let (first, second) = (i128::from(first), i128::from(second.max(1)));
    let scale = 10_i128.pow(places);
    let scaled = (first * scale + second / 2) / second;
    let fraction = if places == 0 {
        String::new()
    } else {
        format!(".{:0width$}", scaled % scale, width = usize::try_from(places).unwrap_or(0))
    };
    format!("{}{fraction}", scaled / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut out = Vec::new();
        let rows = [
            vec!["A".into(), "plain".into(), "1.5".into()],
            vec!["B".into(), "x".into(), "10.25".into()],
        ];
        print(&mut out, &["work", "command", "s"], &rows).unwrap();
        let expect = "work  command      s\nA     plain      1.5\nB     x        10.25\n";
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn ratios_are_rounded() {
        assert_eq!(ratio(3, 2, 2), "1.50");
        assert_eq!(ratio(2, 3, 2), "0.67");
        assert_eq!(ratio(1, 3, 0), "0");
        assert_eq!(ratio(5, 0, 1), "5.0");
    }

    #[test]
    fn goals_say_whether_they_were_met() {
        let mut out = Vec::new();
        print_goal(&mut out, "at most 64 MB", false, "70 MB").unwrap();
        assert_eq!(out, b"goal MISSED: at most 64 MB (70 MB)\n");
    }
}
