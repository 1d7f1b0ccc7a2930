//! Constraints on versions, in Terraform's notation: `~> 1.2`, `>= 1, < 2`.

use semver::Version;

/// What a version has to be; all conditions at once.
#[derive(Debug)]
pub(super) struct Constraints(Vec<Condition>);

#[derive(Debug)]
struct Condition {
    operator: Operator,
    version: Version,
    /// How many parts of the version were written.
    parts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Above,
    AtLeast,
    Below,
    AtMost,
    /// The last part that is written may grow.
    Pessimistic,
}

/// The longer ones first, since they begin with others.
const OPERATORS: [(&str, Operator); 7] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("~>", Operator::Pessimistic),
    ("=", Operator::Equal),
    (">", Operator::Above),
    ("<", Operator::Below),
];

impl Constraints {
    /// Reads constraints.
    ///
    /// # Errors
    /// Which part is none, in words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| condition(part.trim())).collect::<Result<_, _>>().map(Constraints)
    }

    /// Whether a version meets them all.
    pub(super) fn allow(&self, version: &Version) -> bool {
        self.0.iter().all(|condition| condition.allows(version))
    }
}

fn condition(text: &str) -> Result<Condition, String> {
    let wrong = || format!("{text:?} is no version constraint, such as \">= 1.2\" or \"~> 1.2.3\"");
    let (operator, written) = OPERATORS
        .iter()
        .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?)))
        .unwrap_or((Operator::Equal, text));
    let written = written.trim();
    let written = written.strip_prefix('v').unwrap_or(written);
    let end = written.find(['-', '+']).unwrap_or(written.len());
    let (core, rest) = written.split_at(end);
    let parts = core.split('.').count();
    if parts > 3 {
        return Err(wrong());
    }
    let padded = format!("{core}{}{rest}", ".0".repeat(3 - parts));
    let version = Version::parse(&padded).map_err(|_| wrong())?;
    Ok(Condition { operator, version, parts })
}

impl Condition {
    fn allows(&self, version: &Version) -> bool {
        let order = version.cmp_precedence(&self.version);
        // A version before a release is only what asks for such a one.
        let is_comparable = version.pre.is_empty() || {
            let base = |v: &Version| (v.major, v.minor, v.patch);
            !self.version.pre.is_empty() && base(version) == base(&self.version)
        };
        match self.operator {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Above => is_comparable && order.is_gt(),
            Operator::AtLeast => is_comparable && order.is_ge(),
            Operator::Below => is_comparable && order.is_lt(),
            Operator::AtMost => is_comparable && order.is_le(),
            Operator::Pessimistic => {
                let head = |v: &Version| {
                    [v.major, v.minor, v.patch].into_iter().take(self.parts - 1).collect::<Vec<_>>()
                };
                is_comparable && order.is_ge() && head(version) == head(&self.version)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_terraforms() {
        for (constraints, version, allowed) in [
            ("1.2.3", "1.2.3", true),
            ("= 1.2", "1.2.0", true),
            ("1.2", "1.2.1", false),
            ("!= 1.2.3", "1.2.3", false),
            (">= 1, < 2", "1.9.9", true),
            (">= 1, < 2", "2.0.0", false),
            (">1.2", "1.2.0", false),
            ("<= v1.2.0", "1.2.0", true),
            ("~> 1.2", "1.9.0", true),
            ("~> 1.2", "2.0.0", false),
            ("~> 1.2", "1.1.9", false),
            ("~> 1.2.3", "1.2.9", true),
            ("~> 1.2.3", "1.3.0", false),
            // One part is no bound from above, as OpenTofu has it.
            ("~> 0", "1.12.6", true),
            (">= 1.0.0", "1.1.0-rc1", false),
            (">= 1.1.0-beta", "1.1.0-rc1", true),
            (">= 1.1.0-beta", "1.1.0", true),
        ] {
            let parsed = Constraints::parse(constraints).expect(constraints);
            let version = Version::parse(version).expect("a version");
            assert_eq!(parsed.allow(&version), allowed, "{version} by {constraints}");
        }
        for wrong in ["", "x", ">= ", "1.2.3.4", ">= 1,", "1..2", "=> 1", "~> 1.*"] {
            assert!(Constraints::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
