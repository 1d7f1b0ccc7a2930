//! Differences of lists, sets and texts of several lines.
//!
//! Lists are compared by their longest common subsequence, so that an element
//! put in front does not change all others.

use std::collections::HashMap;
use std::ops::Range;

use similar::{Algorithm, DiffOp, TextDiff};
use tenantctl_core::value::{Path, Value};

use super::text::printable;
use super::value_diff::{Place, ValueDiff};
use super::{Mark, scalar};

/// Lines of a text that are shown around a changed one.
const CONTEXT: usize = 3;

impl ValueDiff<'_> {
    /// Elements of a list or set, below its opening line.
    pub(super) fn items(&mut self, at: usize, old: &[Value], new: &[Value], path: &Path, sets: bool) {
        let (old_ids, new_ids) = ids(old, new);
        let operations = if sets {
            set_operations(&old_ids, &new_ids)
        } else {
            similar::capture_diff_slices(Algorithm::Myers, &old_ids, &new_ids)
        };
        let last = operations.len().saturating_sub(1);
        for (place, operation) in operations.into_iter().enumerate() {
            match operation {
                DiffOp::Equal { len, .. } if sets => self.hidden(at, len, "element"),
                DiffOp::Equal { new_index, len, .. } => {
                    self.unchanged(at, &new[new_index..new_index + len], place > 0, place < last);
                }
                DiffOp::Delete { old_index, old_len, .. } => {
                    self.gone(at, &old[old_index..old_index + old_len], path);
                }
                DiffOp::Insert { new_index, new_len, .. } => {
                    self.come(at, new, new_index..new_index + new_len, path);
                }
                DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                    let old = &old[old_index..old_index + old_len];
                    self.exchanged(at, old, new, new_index..new_index + new_len, path);
                }
            }
        }
    }

    /// Elements that stay: those next to what changes tell where that is, when a
    /// line is enough for them.
    fn unchanged(&mut self, at: usize, items: &[Value], follows: bool, precedes: bool) {
        let is_short = |item: Option<&Value>| item.is_some_and(|item| scalar::text(item).is_some());
        let head = usize::from(follows && is_short(items.first()));
        let tail = usize::from(precedes && items.len() > head && is_short(items.last()));
        let (first, rest) = items.split_at(head);
        let (middle, last) = rest.split_at(rest.len() - tail);
        let show = |this: &mut Self, items: &[Value]| {
            items.iter().for_each(|item| this.pair(element(at), Some(item), Some(item), &Path::root()));
        };
        show(self, first);
        self.hidden(at, middle.len(), "element");
        show(self, last);
    }

    fn gone(&mut self, at: usize, old: &[Value], path: &Path) {
        for item in old {
            self.pair(element(at), Some(item), None, path);
        }
    }

    fn come(&mut self, at: usize, new: &[Value], range: Range<usize>, path: &Path) {
        for i in range {
            self.pair(element(at), None, Some(&new[i]), &path.index(i));
        }
    }

    /// Elements in place of others: those with parts are compared part by
    /// part, one to one.
    fn exchanged(&mut self, at: usize, old: &[Value], new: &[Value], range: Range<usize>, path: &Path) {
        let pairs = old.len().min(range.len());
        for (item, i) in old.iter().zip(range.clone()) {
            if have_like_parts(item, &new[i]) {
                self.pair(element(at), Some(item), Some(&new[i]), &path.index(i));
            } else {
                self.gone(at, std::slice::from_ref(item), path);
                self.come(at, new, i..i + 1, path);
            }
        }
        self.gone(at, &old[pairs..], path);
        self.come(at, new, range.start + pairs..range.end, path);
    }

    /// Lines of a text, below its opening line.
    pub(super) fn text_lines(&mut self, at: usize, old: &str, new: &str) {
        let diff = TextDiff::from_lines(old, new);
        let mut shown = 0;
        for group in diff.grouped_ops(CONTEXT) {
            let start = group.first().map_or(0, |op| op.old_range().start);
            self.hidden(at, start.saturating_sub(shown), "line");
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let mark = match change.tag() {
                    similar::ChangeTag::Equal => Mark::Same,
                    similar::ChangeTag::Delete => Mark::Remove,
                    similar::ChangeTag::Insert => Mark::Add,
                };
                self.marked(at, mark, printable(change.value().trim_end_matches(['\n', '\r'])));
            }
            shown = group.last().map_or(shown, |op| op.old_range().end);
        }
        self.hidden(at, diff.old_slices().len().saturating_sub(shown), "line");
    }
}

fn element(at: usize) -> Place<'static> {
    Place { at, label: "", tail: "," }
}

fn have_like_parts(old: &Value, new: &Value) -> bool {
    (old.as_entries().is_some() && new.as_entries().is_some())
        || (old.as_items().is_some() && new.as_items().is_some())
}

/// The same number for equal values; a value with unknown parts equals none.
fn ids(old: &[Value], new: &[Value]) -> (Vec<usize>, Vec<usize>) {
    let all: Vec<&Value> = old.iter().chain(new).collect();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| all[*a].total_cmp(all[*b]));
    let mut ids = vec![0; all.len()];
    for pair in order.windows(2) {
        let (a, b) = (all[pair[0]], all[pair[1]]);
        let same = a == b && a.is_wholly_known();
        ids[pair[1]] = ids[pair[0]] + usize::from(!same);
    }
    let new_ids = ids.split_off(old.len());
    (ids, new_ids)
}

/// In a set no element has a place: what is on one side only goes or comes.
fn set_operations(old: &[usize], new: &[usize]) -> Vec<DiffOp> {
    let mut counts: HashMap<usize, (usize, usize)> = HashMap::new();
    old.iter().for_each(|id| counts.entry(*id).or_default().0 += 1);
    new.iter().for_each(|id| counts.entry(*id).or_default().1 += 1);
    let gone = old.iter().enumerate().filter(|(_, id)| counts[*id].1 == 0);
    let come = new.iter().enumerate().filter(|(_, id)| counts[*id].0 == 0);
    let mut operations: Vec<DiffOp> =
        gone.map(|(i, _)| DiffOp::Delete { old_index: i, old_len: 1, new_index: 0 }).collect();
    operations.extend(come.map(|(i, _)| DiffOp::Insert { old_index: 0, new_index: i, new_len: 1 }));
    let same = old.iter().filter(|id| counts[*id].1 > 0).count();
    if same > 0 {
        operations.push(DiffOp::Equal { old_index: 0, new_index: 0, len: same });
    }
    operations
}
