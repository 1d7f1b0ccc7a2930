//! Two consoles, fed from a pipe. Both end at the first mistake, so a batch is
//! taken up again after each; marks between the answers tell them apart.

use std::fmt;
use std::path::{Path, PathBuf};

use super::place::{Place, copy, text};

/// What a console says to an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A value and its type, as the console writes them.
    Value { text: String, ty: String },
    /// A mistake, in the console's words.
    Mistake(String),
}

impl Answer {
    /// Whether two say the same, whatever their words for a mistake.
    pub fn agrees(&self, other: &Answer) -> bool {
        self == other || matches!((self, other), (Answer::Mistake(_), Answer::Mistake(_)))
    }
}

impl Answer {
    /// Whether the console itself failed, which is no verdict.
    pub fn is_panic(&self) -> bool {
        matches!(self, Answer::Mistake(message) if message.contains("panic in function"))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        match self {
            Answer::Value { text, ty } => write!(f, "{}   : {}", words(text), words(ty)),
            Answer::Mistake(message) => write!(f, "error: {}", words(message)),
        }
    }
}

/// A console in a module of its own.
pub struct Console {
    place: Place,
    program: PathBuf,
    args: Vec<String>,
}

impl Console {
    pub fn opentofu() -> Self {
        Self::new(tenantctl_test_servers::opentofu(), &["console", "-lock=false"])
    }

    /// With values for the module's variables.
    pub fn opentofu_with(values: &Path) -> Self {
        let values = format!("-var-file={}", values.display());
        Self::new(tenantctl_test_servers::opentofu(), &["console", "-lock=false", &values])
    }

    pub fn tenantctl() -> Self {
        Self::new(env!("CARGO_BIN_EXE_tenantctl").into(), &["console"])
    }

    fn new(program: PathBuf, args: &[&str]) -> Self {
        let place = Place::new();
        copy(&super::folder().join("module"), &place.root());
        Console { place, program, args: args.iter().map(|arg| (*arg).to_owned()).collect() }
    }

    /// The answer to each expression.
    pub fn ask(&self, expressions: &[String]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(expressions.len());
        while answers.len() < expressions.len() {
            let before = answers.len();
            self.batch(&expressions[before..], &mut answers);
            assert!(answers.len() > before, "no answer to {:?}", expressions[before]);
        }
        answers
    }

    /// Answers up to the first mistake, that included.
    fn batch(&self, expressions: &[String], answers: &mut Vec<Answer>) {
        let mut input = String::new();
        for expression in expressions {
            // A type cannot be asked of a type.
            let ty = if expression.starts_with("type(") { "1".into() } else { format!("type({expression})") };
            input.push_str(&format!("\"{MARK}\"\n{expression}\n\"{MARK}\"\n{ty}\n"));
        }
        input.push_str(&format!("\"{MARK}\"\n"));
        let (output, mistake) = self.run(input);
        let mark = format!("\"{MARK}\"\n");
        let parts: Vec<&str> = output.split(&mark).skip(1).collect();
        // The last part is what came after the last mark: nothing is known to
        // be complete about it.
        for pair in parts[..parts.len().saturating_sub(1)].chunks_exact(2) {
            let [text, ty] = pair else { continue };
            answers.push(Answer::Value { text: text.trim_end().into(), ty: ty.trim_end().into() });
        }
        if parts.len() < 2 * expressions.len() + 1 {
            answers.push(Answer::Mistake(mistake));
        }
    }

    fn run(&self, input: String) -> (String, String) {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        let output = self.place.feed(&self.program, &args, input);
        (text(&output.stdout), text(&output.stderr))
    }
}

/// Text that no expression gives.
const MARK: &str = "@@@ next @@@";
