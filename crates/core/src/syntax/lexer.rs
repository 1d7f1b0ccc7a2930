//! Text to tokens, as HCL's native syntax has them, templates and heredocs
//! included. What the parser and the formatter both read.
//!
//! Guarantees: the tokens, with the blanks between them, cover the whole text
//! in order; what is no token is [`TokenKind::Invalid`] and lexing goes on; no
//! input makes it panic; time and memory are linear in the text.
//! Must not: know about blocks, expressions or indentation.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A name.
    Ident,
    /// A number.
    Number,
    /// The end of a line.
    Newline,
    /// `# …` or `// …`, without the end of the line.
    LineComment,
    /// `/* … */`.
    BlockComment,
    /// `"` before a template.
    QuoteOpen,
    /// `"` after a template.
    QuoteClose,
    /// Literal text of a template: of a heredoc, at most one line with its end.
    Text,
    /// `<<NAME` or `<<-NAME` with the end of the line.
    HeredocOpen,
    /// The line that ends a heredoc, without its end.
    HeredocClose,
    /// `${` or `${~`.
    InterpolationOpen,
    /// `%{` or `%{~`.
    DirectiveOpen,
    /// `}` or `~}` after either.
    TemplateClose,
    /// `{`
    BraceOpen,
    /// `}`
    BraceClose,
    /// `[`
    BracketOpen,
    /// `]`
    BracketClose,
    /// `(`
    ParenOpen,
    /// `)`
    ParenClose,
    /// `=`
    Assign,
    /// `,`
    Comma,
    /// `.`
    Dot,
    /// `...`
    Ellipsis,
    /// `:`
    Colon,
    /// `::`
    DoubleColon,
    /// `?`
    Question,
    /// `=>`
    Arrow,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `!`
    Not,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `%`
    Percent,
    /// No token of the language, or a template that its line or file ends.
    Invalid,
    /// The end of the text; always the last token, and only that.
    End,
}

/// A token and where it stands, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Offset of its first byte.
    pub start: u32,
    /// Offset after its last byte.
    pub end: u32,
}

impl Token {
    /// Its text.
    pub fn text(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// The tokens of a file or of one expression.
pub fn tokens(text: &str) -> Vec<Token> {
    Lexer::new(text, Mode::Code { braces: 0 }).run()
}

/// The tokens of a template that stands alone, such as a template file.
pub fn template_tokens(text: &str) -> Vec<Token> {
    Lexer::new(text, Mode::Template).run()
}

/// What is being read, innermost last.
enum Mode {
    /// Expressions and blocks; how many braces were opened in it.
    Code { braces: u32 },
    /// Between quotes.
    Quoted,
    /// Between a heredoc's first line and the line that is this name.
    Heredoc { name: (usize, usize) },
    /// A whole text that is one template.
    Template,
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    modes: Vec<Mode>,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str, mode: Mode) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Lexer {
            text,
            bytes: text.as_bytes(),
            at,
            modes: vec![mode],
            // Rather too many: what is not written costs nothing.
            tokens: Vec::with_capacity(text.len() / 3),
        }
    }

    fn run(mut self) -> Vec<Token> {
        while self.at < self.bytes.len() {
            match self.modes.last() {
                Some(Mode::Quoted) => self.quoted(),
                Some(Mode::Heredoc { name }) => self.heredoc(*name),
                Some(Mode::Template) => self.template(),
                Some(Mode::Code { .. }) | None => self.code(),
            }
        }
        self.push(TokenKind::End, self.at);
        self.tokens
    }

    /// Takes in what stands between `start` and here.
    fn push(&mut self, kind: TokenKind, start: usize) {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.tokens.push(Token { kind, start: offset(start), end: offset(self.at) });
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn take(&mut self, kind: TokenKind, length: usize) {
        let start = self.at;
        self.at += length;
        self.push(kind, start);
    }

    fn code(&mut self) {
        use TokenKind as K;
        match (self.peek(0), self.peek(1), self.peek(2)) {
            (b' ' | b'\t', ..) => self.at += 1,
            (b'\n', ..) => self.take(K::Newline, 1),
            (b'\r', b'\n', _) => self.take(K::Newline, 2),
            (b'#', ..) | (b'/', b'/', _) => self.line_comment(),
            (b'/', b'*', _) => self.block_comment(),
            (b'"', ..) => {
                self.take(K::QuoteOpen, 1);
                self.modes.push(Mode::Quoted);
            }
            (b'<', b'<', _) => self.heredoc_open(),
            (b'{', ..) => {
                if let Some(Mode::Code { braces }) = self.modes.last_mut() {
                    *braces += 1;
                }
                self.take(K::BraceOpen, 1);
            }
            (b'}', ..) => self.brace_close(1),
            (b'~', b'}', _) if self.modes.len() > 1 => self.brace_close(2),
            (b'.', b'.', b'.') => self.take(K::Ellipsis, 3),
            (b'=', b'>', _) => self.take(K::Arrow, 2),
            (b'=', b'=', _) => self.take(K::Equal, 2),
            (b'!', b'=', _) => self.take(K::NotEqual, 2),
            (b'<', b'=', _) => self.take(K::LessOrEqual, 2),
            (b'>', b'=', _) => self.take(K::GreaterOrEqual, 2),
            (b'&', b'&', _) => self.take(K::And, 2),
            (b'|', b'|', _) => self.take(K::Or, 2),
            (b':', b':', _) => self.take(K::DoubleColon, 2),
            (b'[', ..) => self.take(K::BracketOpen, 1),
            (b']', ..) => self.take(K::BracketClose, 1),
            (b'(', ..) => self.take(K::ParenOpen, 1),
            (b')', ..) => self.take(K::ParenClose, 1),
            (b'=', ..) => self.take(K::Assign, 1),
            (b',', ..) => self.take(K::Comma, 1),
            (b'.', ..) => self.take(K::Dot, 1),
            (b':', ..) => self.take(K::Colon, 1),
            (b'?', ..) => self.take(K::Question, 1),
            (b'<', ..) => self.take(K::Less, 1),
            (b'>', ..) => self.take(K::Greater, 1),
            (b'!', ..) => self.take(K::Not, 1),
            (b'+', ..) => self.take(K::Plus, 1),
            (b'-', ..) => self.take(K::Minus, 1),
            (b'*', ..) => self.take(K::Star, 1),
            (b'/', ..) => self.take(K::Slash, 1),
            (b'%', ..) => self.take(K::Percent, 1),
            (b'0'..=b'9', ..) => self.number(),
            _ => self.name(),
        }
    }

    /// A brace closes the block or object that it is in, or the template
    /// sequence that is being read.
    fn brace_close(&mut self, length: usize) {
        let inside = self.modes.len() > 1;
        match self.modes.last_mut() {
            Some(Mode::Code { braces: 0 }) if inside => {
                self.modes.pop();
                self.take(TokenKind::TemplateClose, length);
            }
            Some(Mode::Code { braces }) if length == 1 => {
                *braces = braces.saturating_sub(1);
                self.take(TokenKind::BraceClose, 1);
            }
            // A `~` that strips nothing.
            _ => self.take(TokenKind::Invalid, 1),
        }
    }

    fn line_comment(&mut self) {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        let length = if rest[..length].ends_with(b"\r") { length - 1 } else { length };
        self.take(TokenKind::LineComment, length);
    }

    fn block_comment(&mut self) {
        match self.text[self.at + 2..].find("*/") {
            Some(length) => self.take(TokenKind::BlockComment, length + 4),
            None => self.take(TokenKind::Invalid, self.bytes.len() - self.at),
        }
    }

    fn number(&mut self) {
        let digits =
            |lexer: &Self, from: usize| lexer.bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut end = self.at + digits(self, self.at);
        if self.bytes.get(end) == Some(&b'.') {
            let fraction = digits(self, end + 1);
            end += if fraction > 0 { fraction + 1 } else { 0 };
        }
        if matches!(self.bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(self, (end + 1 + sign).min(self.bytes.len()));
            end += if exponent > 0 { exponent + sign + 1 } else { 0 };
        }
        self.take(TokenKind::Number, end - self.at);
    }

    fn name(&mut self) {
        let rest = &self.text[self.at..];
        let length = name_length(rest);
        if length > 0 {
            return self.take(TokenKind::Ident, length);
        }
        let length = rest.chars().next().map_or(1, char::len_utf8);
        self.take(TokenKind::Invalid, length);
    }

    /// `<<NAME`, or a `<` when no name and end of line follow.
    fn heredoc_open(&mut self) {
        let indented = usize::from(self.peek(2) == b'-');
        let start = self.at + 2 + indented;
        let name = start + name_length(&self.text[start..]);
        let newline = match self.bytes.get(name..) {
            Some([b'\n', ..]) => 1,
            Some([b'\r', b'\n', ..]) => 2,
            _ => 0,
        };
        if name == start || newline == 0 {
            return self.take(TokenKind::Invalid, 2);
        }
        self.take(TokenKind::HeredocOpen, name + newline - self.at);
        self.modes.push(Mode::Heredoc { name: (start, name) });
    }

    fn heredoc(&mut self, (start, end): (usize, usize)) {
        let rest = &self.text[self.at..];
        if self.at_line_start() {
            let line = rest.split('\n').next().unwrap_or_default();
            if line.trim() == &self.text[start..end] {
                self.modes.pop();
                return self.take(TokenKind::HeredocClose, line.trim_end_matches('\r').len());
            }
        }
        self.text_until(|bytes, at| (bytes[at] == b'\n').then_some(at + 1));
    }

    fn at_line_start(&self) -> bool {
        // After `}` of an interpolation the line goes on.
        self.bytes[..self.at].ends_with(b"\n")
    }

    fn quoted(&mut self) {
        match self.peek(0) {
            b'"' => {
                self.modes.pop();
                self.take(TokenKind::QuoteClose, 1);
            }
            // The string is not closed on its line: the line is code again.
            b'\n' => {
                self.modes.pop();
                self.take(TokenKind::Invalid, 0);
            }
            _ => self.text_until(|bytes, at| matches!(bytes[at], b'"' | b'\n').then_some(at)),
        }
    }

    fn template(&mut self) {
        self.text_until(|bytes, at| (bytes[at] == b'\n').then_some(at + 1));
    }

    /// Literal text up to where `ends` says, or to a `${` or `%{`, which is
    /// then opened.
    fn text_until(&mut self, ends: impl Fn(&[u8], usize) -> Option<usize>) {
        let quoted = matches!(self.modes.last(), Some(Mode::Quoted));
        let start = self.at;
        let mut at = start;
        let (end, opens) = loop {
            if at >= self.bytes.len() {
                break (self.bytes.len(), None);
            }
            if let Some(end) = ends(self.bytes, at) {
                break (end, None);
            }
            match &self.bytes[at..] {
                // An escape that stays text: `\"`, `$${`, `%%{`.
                [b'\\', next, ..] if quoted && *next != b'\n' => at += 2,
                [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => at += 3,
                [b'$', b'{', ..] => break (at, Some(TokenKind::InterpolationOpen)),
                [b'%', b'{', ..] => break (at, Some(TokenKind::DirectiveOpen)),
                _ => at += 1,
            }
        };
        if end > start {
            self.at = end.min(self.bytes.len());
            self.push(TokenKind::Text, start);
        }
        if let Some(kind) = opens {
            let strip = usize::from(self.peek(2) == b'~');
            self.take(kind, 2 + strip);
            self.modes.push(Mode::Code { braces: 0 });
        }
    }
}

/// The bytes of the name at the start of a text; 0 when there is none. Names
/// are as in HCL's specification: Unicode identifiers with `-`, and `_` may
/// come first.
pub fn name_length(text: &str) -> usize {
    let mut end = 0;
    for c in text.chars() {
        let fits = match c {
            'a'..='z' | 'A'..='Z' | '_' => true,
            '0'..='9' | '-' => end > 0,
            c if c.is_ascii() => false,
            c => unicode_ident::is_xid_start(c) || (end > 0 && unicode_ident::is_xid_continue(c)),
        };
        if !fits {
            break;
        }
        end += c.len_utf8();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let tokens = tokens(text);
        tokens
            .iter()
            .map(|t| format!("{:?}:{}", t.kind, t.text(text).escape_debug()))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn tokens_of_each_kind() {
        let cases = [
            ("a = 1", "Ident:a Assign:= Number:1 End:"),
            ("1.5e-3.x", "Number:1.5e-3 Dot:. Ident:x End:"),
            ("1.e", "Number:1 Dot:. Ident:e End:"),
            ("a-b_é", "Ident:a-b_é End:"),
            ("\u{feff}a", "Ident:a End:"),
            ("a\r\n# c\r\nb", "Ident:a Newline:\\r\\n LineComment:# c Newline:\\r\\n Ident:b End:"),
            ("/* x", "Invalid:/* x End:"),
            (
                "p::f(x...)",
                "Ident:p DoubleColon::: Ident:f ParenOpen:( Ident:x Ellipsis:... ParenClose:) End:",
            ),
            ("\"a$${b}\"", "QuoteOpen:\\\" Text:a$${b} QuoteClose:\\\" End:"),
            (
                "\"x${~ {a=1} ~}y\"",
                "QuoteOpen:\\\" Text:x InterpolationOpen:${~ BraceOpen:{ Ident:a Assign:= Number:1 BraceClose:} \
                 TemplateClose:~} Text:y QuoteClose:\\\" End:",
            ),
            ("\"a\nb", "QuoteOpen:\\\" Text:a Invalid: Newline:\\n Ident:b End:"),
            (
                "<<-E\n  a ${b}c\n  E\n",
                "HeredocOpen:<<-E\\n Text:  a  InterpolationOpen:${ Ident:b TemplateClose:} Text:c\\n \
                 HeredocClose:  E Newline:\\n End:",
            ),
            ("<<E x", "Invalid:<< Ident:E Ident:x End:"),
            ("'", "Invalid:\\' End:"),
        ];
        for (text, want) in cases {
            assert_eq!(shown(text), want, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn tokens_and_blanks_cover_any_text(text in "([a-z\"${}%~<\\-\n\r #/*\\\\]|E|\\PC)*") {
            for tokens in [tokens(&text), template_tokens(&text)] {
                let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
                for token in &tokens {
                    proptest::prop_assert!(token.start >= at);
                    proptest::prop_assert!(text[at as usize..token.start as usize].bytes().all(|b| b == b' ' || b == b'\t'));
                    proptest::prop_assert!(text.is_char_boundary(token.end as usize));
                    at = token.end;
                }
                proptest::prop_assert_eq!(at as usize, text.len());
            }
        }
    }
}
