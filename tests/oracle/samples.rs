//! What this program says of values that are not known yet, where OpenTofu says
//! less: right when it holds whatever they turn out to be.
//!
//! `samples/*.tfvars` has values for the variables of the console's module;
//! OpenTofu, given these, is the judge.

use std::collections::{BTreeMap, BTreeSet};

use super::consoles::{Answer, Console};
use super::{folder, is_like};

/// What both consoles write for a value that is not known.
const UNKNOWN: &str = "(known after apply)";
/// And for a type.
const DYNAMIC: &str = "dynamic";

/// Of expressions that are answered otherwise, those where this program knows
/// more and is right.
pub fn confirmed(found: &BTreeMap<&String, &(Answer, Answer)>) -> BTreeSet<String> {
    let is_open = |answer: &Answer| matches!(answer, Answer::Value { text, ty } if text.contains(UNKNOWN) || ty.contains(DYNAMIC));
    let asked: Vec<String> =
        found.iter().filter(|(_, (theirs, _))| is_open(theirs)).map(|(asked, _)| (*asked).clone()).collect();
    // Mistakes for some values only are no verdict on the others.
    let mut verdicts: BTreeMap<&String, Option<bool>> = asked.iter().map(|asked| (asked, None)).collect();
    for sample in ["1", "2", "3"] {
        let path = folder().join("samples").join(sample).with_extension("tfvars");
        for (asked, given) in asked.iter().zip(Console::opentofu_with(&path).ask(&asked)) {
            let (_, ours) = found[asked];
            let verdict = match (ours, &given) {
                (Answer::Value { text, ty }, Answer::Value { text: known, ty: of }) => Some(
                    is_like(&words(text), UNKNOWN, &words(known)) && is_like(&words(ty), DYNAMIC, &words(of)),
                ),
                (Answer::Value { .. }, Answer::Mistake(_)) => None,
                (Answer::Mistake(_), given) => Some(matches!(given, Answer::Mistake(_))),
            };
            let so_far = verdicts.get_mut(asked).expect("it was asked");
            *so_far = [*so_far, verdict].into_iter().flatten().reduce(|a, b| a && b);
        }
    }
    verdicts
        .into_iter()
        .filter(|(_, verdict)| *verdict == Some(true))
        .map(|(asked, _)| asked.clone())
        .collect()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
