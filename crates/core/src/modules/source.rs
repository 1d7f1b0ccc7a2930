//! What a `source` argument says.

use std::path::{Component, Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::diag::Diagnostic;

/// What can be a source, for messages.
const SUPPORTED: &str = "A module comes from a local directory (./x, ../x) or from a git repository \
                         (git::https://…, git::ssh://…, git::file:///…, github.com/OWNER/REPOSITORY), \
                         each with //DIRECTORY?ref=TAG after it where that is needed.";

/// How repositories are reached.
const SCHEMES: [&str; 5] = ["https", "http", "ssh", "file", "git"];

/// Where a module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A directory, from the one that the module is called in.
    Local(PathBuf),
    /// A directory of a repository.
    Git(GitSource),
}

/// A directory of a git repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GitSource {
    /// As git takes it.
    pub(super) url: String,
    /// The directory inside.
    pub(super) subdir: PathBuf,
    /// A tag, branch or commit; the default branch without one.
    pub(super) reference: Option<String>,
}

impl Source {
    /// Reads a source.
    ///
    /// # Errors
    /// What is wrong with it, without its place.
    pub(super) fn parse(text: &str) -> Result<Source, Box<Diagnostic>> {
        if text.starts_with("./") || text.starts_with("../") || Path::new(text).is_absolute() {
            return Ok(Source::Local(text.into()));
        }
        if let Some(address) = text.strip_prefix("git::") {
            return git(address).map(Source::Git);
        }
        for host in ["github.com", "bitbucket.org"] {
            if let Some(path) = text.strip_prefix(host).and_then(|rest| rest.strip_prefix('/')) {
                return hosted(host, path).map(Source::Git);
            }
        }
        match text.split(['/', ':']).next() {
            Some(user) if user.contains('@') && !text.contains("://") => git(text).map(Source::Git),
            _ => Err(unsupported(text)),
        }
    }
}

impl GitSource {
    /// What pins are kept under: the repository and the reference, without a
    /// secret that the address may hold.
    pub(super) fn label(&self) -> String {
        let url = match self.secret() {
            Some(secret) => self.url.replacen(&format!(":{secret}@"), "@", 1),
            None => self.url.clone(),
        };
        let reference = self.reference.iter().map(|reference| format!("?ref={reference}"));
        format!("git::{url}{}", reference.collect::<String>())
    }

    /// The password in the address.
    pub(super) fn secret(&self) -> Option<&str> {
        let (_, rest) = self.url.split_once("://")?;
        let (user, _) = rest.split('/').next()?.rsplit_once('@')?;
        user.split_once(':').map(|(_, secret)| secret).filter(|secret| !secret.is_empty())
    }

    /// The repository's own name.
    pub(super) fn name(&self) -> String {
        let last = self.url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
        let name = last.trim_end_matches(".git").chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-');
        name.take(40).collect()
    }
}

/// `OWNER/REPOSITORY`, and perhaps more, of a well-known host.
fn hosted(host: &str, path: &str) -> Result<GitSource, Box<Diagnostic>> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let (repository, subdir) = path.split_once("//").unwrap_or((path, ""));
    let mut parts = repository.splitn(3, '/');
    let (Some(owner), Some(name), more) = (parts.next(), parts.next(), parts.next()) else {
        return Err(invalid(format!("After {host} come the owner and the name of a repository.")));
    };
    let name = name.trim_end_matches(".git");
    let subdir = [more.unwrap_or_default(), subdir].join("/");
    git(&format!("https://{host}/{owner}/{name}.git//{}?{query}", subdir.trim_matches('/')))
}

fn git(address: &str) -> Result<GitSource, Box<Diagnostic>> {
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"\\<>{}|^`$".contains(c);
    if let Some(odd) = address.chars().find(|c| !is_plain(*c)) {
        return Err(invalid(format!("The character {odd:?} cannot stand in an address: percent-encode it.")));
    }
    let (address, query) = address.split_once('?').unwrap_or((address, ""));
    let after_scheme = address.find("://").map_or(0, |at| at + 3);
    let inside = address[after_scheme..].find("//").map(|at| at + after_scheme);
    let (url, subdir) = match inside {
        Some(at) => (&address[..at], address[at..].trim_matches('/')),
        None => (address, ""),
    };
    let (mut reference, subdir) = (None, PathBuf::from(subdir));
    if subdir.components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(invalid(format!("{} is no directory inside a repository.", subdir.display())));
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        match name {
            "ref" => reference = Some(value),
            // No more than one commit is ever fetched, where that is possible.
            "depth" => {}
            other => {
                return Err(invalid(format!(
                    "There is no parameter {other:?} of a git source, only \"ref\"."
                )));
            }
        }
    }
    if let Some(name) = &reference
        && (name.is_empty()
            || name.starts_with('-')
            || name.contains(|c: char| c.is_whitespace() || c.is_control() || ":\"\\$?*[~^".contains(c)))
    {
        return Err(invalid(format!("{name:?} cannot be the name of a tag, branch or commit.")));
    }
    Ok(GitSource { url: reachable(url)?, subdir, reference })
}

/// An address as git takes it, of a kind that is known.
fn reachable(url: &str) -> Result<String, Box<Diagnostic>> {
    if let Some((scheme, rest)) = url.split_once("://") {
        if !SCHEMES.contains(&scheme) || rest.is_empty() {
            return Err(invalid(format!("Repositories are reached by {}.", SCHEMES.join(", "))));
        }
        return Ok(url.to_owned());
    }
    match url.split_once(':') {
        Some((host, path)) if host.contains('@') && !host.contains('/') && !path.is_empty() => {
            Ok(format!("ssh://{host}/{}", path.trim_start_matches('/')))
        }
        _ => Err(invalid(format!("{url:?} is no address of a git repository."))),
    }
}

fn invalid(detail: String) -> Box<Diagnostic> {
    Diagnostic::error("Invalid module source", detail).hint(SUPPORTED).into()
}

/// A source of a kind that there is elsewhere.
fn unsupported(text: &str) -> Box<Diagnostic> {
    let parts = text.split('/').count();
    let what = match () {
        () if text.starts_with("http://") || text.starts_with("https://") => "an archive on a web server",
        () if text.contains("::") => "fetched in a way that tenantctl does not have",
        () if text.contains("amazonaws.com/") || text.contains("googleapis.com/") => "in a bucket",
        () if parts == 3 || parts == 4 && text.contains('.') => "in a module registry",
        () => "of no kind that is known",
    };
    let shown = text.rsplit_once('@').filter(|_| text.contains("://")).map_or(text, |(_, host)| host);
    let problem =
        Diagnostic::error("Module source not supported", format!("{shown:?} is {what}. {SUPPORTED}"));
    let hint = match () {
        () if text.starts_with("http") && text.contains("://") => {
            "If it is a git repository, write git:: before it.".to_owned()
        }
        () if text.contains("::") || text.contains(' ') => return problem.into(),
        () if what == "in a module registry" => {
            "Registries list where each module's repository is: name that, as git::https://…?ref=TAG."
                .to_owned()
        }
        () => format!("If it is a directory, write ./{text}"),
    };
    problem.hint(hint).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git_source(text: &str) -> (String, String, Option<String>) {
        match Source::parse(text) {
            Ok(Source::Git(git)) => (git.url, git.subdir.display().to_string(), git.reference),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn sources_are_told_apart() {
        for local in ["./a", "../a/b", "/srv/a"] {
            assert_eq!(Source::parse(local).expect("local"), Source::Local(local.into()));
        }
        for (text, url, subdir, reference) in [
            ("git::https://h.example/a.git", "https://h.example/a.git", "", None),
            ("git::https://h.example/a.git//x/y?ref=v1.0", "https://h.example/a.git", "x/y", Some("v1.0")),
            ("git::file:///srv/a.git?depth=1&ref=x%2Fy", "file:///srv/a.git", "", Some("x/y")),
            ("git::ssh://git@h.example:22/a.git//x", "ssh://git@h.example:22/a.git", "x", None),
            ("git::git@h.example:o/a.git//x?ref=b", "ssh://git@h.example/o/a.git", "x", Some("b")),
            ("git@github.com:o/a.git", "ssh://git@github.com/o/a.git", "", None),
            ("github.com/o/a", "https://github.com/o/a.git", "", None),
            ("github.com/o/a.git//x?ref=v1", "https://github.com/o/a.git", "x", Some("v1")),
            ("github.com/o/a/x/y", "https://github.com/o/a.git", "x/y", None),
            ("bitbucket.org/o/a", "https://bitbucket.org/o/a.git", "", None),
        ] {
            assert_eq!(git_source(text), (url.into(), subdir.into(), reference.map(String::from)), "{text}");
        }
    }

    #[test]
    fn what_is_not_supported_is_said() {
        for (text, words) in [
            ("hashicorp/consul/aws", "in a module registry"),
            ("app.example.com/o/consul/aws", "in a module registry"),
            ("https://h.example/a.zip", "an archive on a web server"),
            ("s3::https://s3.amazonaws.com/b/a.zip", "fetched in a way"),
            ("hg::https://h.example/a", "fetched in a way"),
            ("s3.amazonaws.com/b/a.zip", "in a bucket"),
            ("modules", "of no kind"),
            ("", "of no kind"),
            ("github.com/o", "the owner and the name"),
            ("git::https://h.example/a.git//../x", "no directory inside"),
            ("git::https://h.example/a.git?ref=--upload-pack=x", "cannot be the name"),
            ("git::https://h.example/a.git?sshkey=x", "no parameter \"sshkey\""),
            ("git::ext::sh -c x", "cannot stand in an address"),
            ("git::ext::sh", "no address"),
            ("git::-x", "no address"),
        ] {
            let problem = Source::parse(text).expect_err(text);
            assert!(problem.detail.contains(words), "{text}: {}", problem.detail);
        }
        let problem = Source::parse("https://ann:hush@h.example/a.zip").expect_err("an archive");
        assert!(!format!("{problem:?}").contains("hush"));
    }

    #[test]
    fn a_label_holds_no_secret() {
        let Ok(Source::Git(git)) = Source::parse("git::https://ann:hush@h.example/a.git//x?ref=v1") else {
            panic!("a repository")
        };
        assert_eq!(git.label(), "git::https://ann@h.example/a.git?ref=v1");
        assert_eq!((git.secret(), git.name()), (Some("hush"), "a".to_owned()));
    }
}
