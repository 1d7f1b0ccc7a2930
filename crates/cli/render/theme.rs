//! Colours, and the symbols of actions.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};

/// Whether and how text is coloured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Theme {
    coloured: bool,
}

/// What happens to a line: its symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing.
    Same,
    /// It comes.
    Add,
    /// It changes.
    Change,
    /// It goes.
    Remove,
    /// It goes, then comes anew.
    RemoveAdd,
    /// Forgotten, then made anew.
    ForgetAdd,
    /// It comes anew, then the old one goes.
    AddRemove,
    /// It is read.
    Read,
    /// It is left alone from now on.
    Forget,
}

impl Mark {
    /// The symbol.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Mark::Same => "",
            Mark::Add => "+",
            Mark::Change => "~",
            Mark::Remove => "-",
            Mark::RemoveAdd => "-/+",
            Mark::ForgetAdd => "./+",
            Mark::AddRemove => "+/-",
            Mark::Read => "<=",
            Mark::Forget => ".",
        }
    }

    fn style(self) -> Style {
        let colour = match self {
            Mark::Same => return Style::new(),
            Mark::Add => AnsiColor::Green,
            Mark::Change => AnsiColor::Yellow,
            Mark::Remove | Mark::RemoveAdd | Mark::AddRemove => AnsiColor::Red,
            Mark::Read => AnsiColor::Cyan,
            Mark::Forget | Mark::ForgetAdd => AnsiColor::Magenta,
        };
        Style::new().fg_color(Some(colour.into()))
    }
}

impl Theme {
    /// With colours or without.
    pub(crate) fn new(coloured: bool) -> Self {
        Theme { coloured }
    }

    /// Whether there are colours.
    pub(crate) fn is_coloured(self) -> bool {
        self.coloured
    }

    /// The symbol, right-aligned so that it ends in column `at + 1`.
    pub(crate) fn mark(self, mark: Mark, at: usize) -> impl Display {
        let symbol = mark.symbol();
        let pad = (at + 1).saturating_sub(symbol.len());
        let style = if self.coloured { mark.style() } else { Style::new() };
        fmt::from_fn(move |f| write!(f, "{:pad$}{style}{symbol}{style:#}", ""))
    }

    /// What matters.
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// What matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// What went well.
    pub(crate) fn good(self, text: &str) -> String {
        self.paint(Style::new().bold().fg_color(Some(AnsiColor::Green.into())), text)
    }

    /// What went wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.paint(Style::new().bold().fg_color(Some(AnsiColor::Red.into())), text)
    }

    /// What has grave consequences.
    pub(crate) fn warn(self, text: &str) -> String {
        self.paint(Style::new().fg_color(Some(AnsiColor::Red.into())), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if !self.coloured || text.is_empty() || style == Style::new() {
            return text.to_owned();
        }
        format!("{style}{text}{style:#}")
    }
}
