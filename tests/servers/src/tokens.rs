//! Bearer tokens: the file the API server reads at its start, and who has which.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::error::{Context, Failure, Result};
use crate::options::User;

/// The name of the user that `kubeconfig()` and `admin_token()` log in as.
pub(crate) const ADMIN: &str = "admin";
/// The group that may do everything, whatever the role bindings say.
pub(crate) const ADMINS: &str = "system:masters";

#[derive(Debug)]
pub(crate) struct Tokens {
    /// The administrator first.
    entries: Vec<(User, String)>,
}

impl Tokens {
    pub(crate) fn new(users: &[User]) -> Result<Self> {
        let entries = std::iter::once(User::new(ADMIN, &[ADMINS]))
            .chain(users.iter().cloned())
            .map(|user| Ok((user, secret()?)))
            .collect::<Result<_>>()?;
        Ok(Self { entries })
    }

    pub(crate) fn admin(&self) -> &str {
        &self.entries[0].1
    }

    pub(crate) fn of(&self, name: &str, groups: &[&str]) -> Result<&str> {
        self.entries
            .iter()
            .find(|(user, _)| user.is(name, groups))
            .map(|(_, token)| token.as_str())
            .ok_or_else(|| self.unknown(name, groups))
    }

    /// One line a user: token, name, uid, groups.
    pub(crate) fn csv(&self) -> String {
        let line = |(user, token): &(User, String)| {
            let fields = [token, &user.name, &user.name, &user.groups.join(",")];
            fields.map(|field| quoted(field)).join(",") + "\n"
        };
        self.entries.iter().map(line).collect()
    }

    fn unknown(&self, name: &str, groups: &[&str]) -> Failure {
        let known: Vec<_> =
            self.entries.iter().map(|(user, _)| format!("\n  {} in {:?}", user.name, user.groups)).collect();
        Failure::new(format!(
            "no token for user {name} in groups {groups:?}: tokens are given out at start. \
             Name the user in Options::users, or use client_certificate or kubeconfig_for, \
             which take any user. Users with a token:{}",
            known.concat()
        ))
    }
}

fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

fn secret() -> Result<String> {
    let mut bytes = [0; 18];
    getrandom(&mut bytes, GetRandomFlags::empty()).context("no random numbers")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_share_one_field() {
        let tokens = Tokens::new(&[User::new("eve \"e\"", &["a", "b"])]).expect("tokens");
        let csv = tokens.csv();
        let line = csv.lines().nth(1).expect("a line for eve");
        assert!(line.ends_with(r#","eve ""e""","eve ""e""","a,b""#), "{line}");
    }

    #[test]
    fn an_unknown_user_is_told_who_is_known() {
        let tokens = Tokens::new(&[]).expect("tokens");
        let failure = tokens.of("eve", &[]).expect_err("eve has no token");
        assert!(failure.to_string().contains("\n  admin in [\"system:masters\"]"));
    }
}
