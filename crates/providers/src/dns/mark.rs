//! Whose a record set is: a mark beside each set that this program made.
//!
//! Pure. The mark of the A records of `www.example.com.` is the text record
//! `www._a._tenantctl.example.com.`, which says
//!
//! ```text
//! tenantctl/1 workspace=acme/production token=1f0e…
//! ```
//!
//! It is written and removed together with the set, in one message, so there is
//! never the one without the other. The token is that of the creation: by it a
//! creation whose answer was lost knows its own work. The workspace says whom
//! to ask. Everyone who can read the zone can read both; neither is a secret.

use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{Name, RData, Record};
use tenantctl_core::provider::Target;

use super::records::joined;

const FORM: &str = "tenantctl/1";
/// How long resolvers may keep a mark: nobody asks them for it.
const TTL: u32 = 300;

/// A mark of ownership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) workspace: String,
    pub(super) token: String,
}

/// What stands where a mark would.
#[derive(Clone, Debug, Default)]
pub(super) struct Marked {
    /// The records as they are.
    pub(super) records: Vec<Record>,
    /// What they say, when they are a mark.
    pub(super) mark: Option<Mark>,
}

impl Mark {
    /// The mark of what a creation makes.
    pub(super) fn of(target: &Target<'_>) -> Self {
        Mark { workspace: target.workspace.to_owned(), token: target.token.to_owned() }
    }

    /// The mark's record.
    pub(super) fn record(&self, at: &Name) -> Record {
        let text = format!("{FORM} workspace={} token={}", self.workspace, self.token);
        let strings: Vec<&[u8]> = text.as_bytes().chunks(255).collect();
        Record::from_rdata(at.clone(), TTL, RData::TXT(TXT::from_bytes(strings)))
    }

    fn read(text: &str) -> Option<Self> {
        let (workspace, token) =
            text.strip_prefix(FORM)?.strip_prefix(" workspace=")?.rsplit_once(" token=")?;
        Some(Mark { workspace: workspace.to_owned(), token: token.to_owned() })
    }

    /// Whether it is of this very creation.
    pub(super) fn is_of_creation(&self, target: &Target<'_>) -> bool {
        !self.token.is_empty() && self.token == target.token
    }

    /// Whether it is of the object that a record of state is about. An import
    /// has no token; then the workspace decides. Two states may have one
    /// workspace name, so that alone is not enough where there are tokens.
    pub(super) fn is_of_object(&self, target: &Target<'_>) -> bool {
        let unnamed = self.token.is_empty() || target.token.is_empty();
        self.is_of_creation(target) || self.workspace == target.workspace && unnamed
    }
}

impl Marked {
    /// What live records say.
    pub(super) fn of(records: Vec<Record>) -> Self {
        let mark = records.iter().find_map(|record| match &record.data {
            RData::TXT(txt) => Mark::read(&joined(txt)),
            _ => None,
        });
        Marked { records, mark }
    }
}

#[cfg(test)]
mod tests {
    use tenantctl_core::provider::Value;

    use super::*;

    fn mark(workspace: &str, token: &str) -> Mark {
        Mark { workspace: workspace.into(), token: token.into() }
    }

    #[test]
    fn marks_read_as_written() {
        let at = Name::root();
        for mark in [mark("acme/dev", "t-1"), mark(&"w".repeat(400), ""), mark("a token=b", "c")] {
            assert_eq!(Marked::of(vec![mark.record(&at)]).mark, Some(mark));
        }
        let other = Record::from_rdata(at, 1, RData::TXT(TXT::from_bytes(vec![b"v=spf1 -all"])));
        assert_eq!(Marked::of(vec![other]).mark, None);
    }

    #[test]
    fn tokens_decide_and_workspaces_where_there_is_none() {
        let target = |token| Target { kind: "", connection: &Value::NULL, token, workspace: "a" };
        for (mark, token, creation, object) in [
            (mark("a", "1"), "1", true, true),
            (mark("moved", "1"), "1", true, true),
            (mark("a", "1"), "2", false, false),
            (mark("a", "1"), "", false, true),
            (mark("a", ""), "2", false, true),
            (mark("b", ""), "", false, false),
            (mark("b", "1"), "2", false, false),
        ] {
            assert_eq!(mark.is_of_creation(&target(token)), creation, "{mark:?} {token}");
            assert_eq!(mark.is_of_object(&target(token)), object, "{mark:?} {token}");
        }
    }
}
