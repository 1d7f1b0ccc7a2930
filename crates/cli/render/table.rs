//! Tables of plain text: columns padded, numbers to the right.

/// A table as it is filled.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these column heads.
    pub(crate) fn new(heads: &[&str]) -> Self {
        Table { rows: vec![heads.iter().map(|head| (*head).to_owned()).collect()] }
    }

    /// With one row more.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The text, each line indented.
    pub(crate) fn render(&self, indent: usize) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let cell = |row: &Vec<String>, i: usize| row.get(i).cloned().unwrap_or_default();
        let widths: Vec<(usize, bool)> = (0..columns)
            .map(|i| {
                let width =
                    self.rows.iter().map(|row| cell(row, i).chars().count()).max().unwrap_or_default();
                let numbers = self.rows.iter().skip(1).all(|row| is_number(&cell(row, i)));
                (width, numbers && self.rows.len() > 1)
            })
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells: Vec<String> = (0..columns).map(|i| pad(&cell(row, i), widths[i])).collect();
            text.push_str(format!("{:indent$}{}", "", cells.join("  ")).trim_end());
            text.push('\n');
        }
        text
    }
}

fn is_number(cell: &str) -> bool {
    !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

fn pad(cell: &str, (width, right): (usize, bool)) -> String {
    if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["tenant", "add"]);
        table.row(["acme".into(), "12".into()]);
        table.row(["initech-eu".into(), "3".into()]);
        insta::assert_snapshot!(table.render(2), @r"
          tenant      add
          acme         12
          initech-eu    3
        ");
    }
}
