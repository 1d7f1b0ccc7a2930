//! Random expressions over a grammar of the language.
//!
//! Each is made to have a kind of value, so that most are valid; now and then
//! another kind is put in its place, so that conversions and mistakes come up
//! everywhere. The same seed gives the same expressions.

/// So many expressions, all different in their random numbers.
pub fn expressions(seed: u64, count: usize) -> Vec<String> {
    let mut random = Random(seed);
    (0..count)
        .map(|_| {
            let depth = 1 + random.below(4);
            let kind = random.pick(&KINDS);
            Generator { random: &mut random }.make(kind, depth)
        })
        .collect()
}

/// SplitMix64: small, and the same everywhere for ever.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Text,
    Truth,
    List,
    Map,
}

const KINDS: [Kind; 5] = [Kind::Number, Kind::Text, Kind::Truth, Kind::List, Kind::Map];

/// What stands for a place of a kind in a pattern: `N`, `S`, `B`, `L`, `M`;
/// `A` for any.
const NUMBERS: &[&str] = &[
    "N + N",
    "N - N",
    "N * N",
    "N / N",
    "N % N",
    "-N",
    "(N + N) * N",
    "abs(N)",
    "ceil(N)",
    "floor(N)",
    "max(N, N, N)",
    "min(N, N)",
    "signum(floor(N))",
    "length(L)",
    "length(M)",
    "length(S)",
    "sum([N, N])",
    "pow(N, 2)",
    "pow(2, N)",
    "log(N, 2)",
    "parseint(\"1f\", 16)",
    "tonumber(S)",
    "tonumber(tostring(N))",
    "B ? N : N",
    "try(N, 0)",
    "index([N, N], N)",
    "coalesce(N, N)",
    "element([N, N], N)",
    "L[0]",
    "[N, N][1]",
    "lookup({ a = N }, \"a\", N)",
    "{ a = N }.a",
    "one([N])",
    "sum([for x in [N, N] : x])",
    "length(setunion(L, L))",
    "max([N, N]...)",
    "timecmp(\"2024-01-01T00:00:00Z\", \"2024-01-01T00:00:00Z\")",
];
const TEXTS: &[&str] = &[
    "upper(S)",
    "lower(S)",
    "title(S)",
    "trimspace(S)",
    "trim(S, S)",
    "trimprefix(S, \"a\")",
    "join(\",\", L)",
    "join(S, [S, S])",
    "\"${A}\"",
    "\"a${S}b\"",
    "\"${N}-${B}\"",
    "\"%{ if B }${S}%{ else }no%{ endif }\"",
    "\"%{ for x in L }${x},%{ endfor }\"",
    "tostring(N)",
    "tostring(B)",
    "substr(S, 0, 2)",
    "substr(S, N, N)",
    "replace(S, \"a\", S)",
    "replace(S, \"/[a-c]+/\", \"<$0>\")",
    "format(\"%s|%s\", S, A)",
    "format(\"%d\", N)",
    "format(\"%.2f\", N)",
    "format(\"%v %#v\", A, A)",
    "format(\"%5s|%-5s\", S, S)",
    "jsonencode(A)",
    "base64encode(S)",
    "md5(S)",
    "B ? S : S",
    "coalesce(S, S)",
    "try(S, \"none\")",
    "strrev(S)",
    "chomp(S)",
    "indent(2, S)",
    "regex(\"[a-z]+\", S)",
    "element([S, S], N)",
    "keys(M)[0]",
    "{ a = S }[\"a\"]",
    "urlencode(S)",
    "yamlencode(A)",
    "base64decode(base64encode(S))",
    "split(\",\", S)[0]",
    "sha1(S)",
    "[for k, v in M : k][0]",
    "format(\"%q\", S)",
];
const TRUTHS: &[&str] = &[
    "!B",
    "B && B",
    "B || B",
    "N == N",
    "S == S",
    "A == A",
    "A != A",
    "N < N",
    "N >= N",
    "L == L",
    "M == M",
    "contains(L, A)",
    "can(A)",
    "tobool(S)",
    "startswith(S, S)",
    "endswith(S, S)",
    "strcontains(S, \"a\")",
    "alltrue([B, B])",
    "anytrue([B, B])",
    "B ? B : B",
    "issensitive(A)",
    "try(B, false)",
    "length(L) > N",
    "contains(keys(M), S)",
    "A == null",
    "tobool(tostring(B))",
];
const LISTS: &[&str] = &[
    "[]",
    "[A]",
    "[A, A]",
    "[N, N, N]",
    "[S, S]",
    "[L, L]",
    "[M, M]",
    "tolist([N, N])",
    "tolist([A, A])",
    "toset([S, S])",
    "toset([A, A])",
    "tolist(L)",
    "toset(L)",
    "[for x in L : x]",
    "[for x in L : A]",
    "[for i, x in L : i]",
    "[for k, v in M : v]",
    "[for x in L : x if B]",
    "concat(L, L)",
    "flatten([L, L])",
    "flatten(L)",
    "distinct(L)",
    "reverse(L)",
    "sort([S, S, S])",
    "compact([S, S])",
    "keys(M)",
    "values(M)",
    "range(3)",
    "range(N, N)",
    "split(\",\", S)",
    "split(\"\", S)",
    "slice(L, 0, 1)",
    "chunklist(L, 2)",
    "setunion(L, L)",
    "setintersection(L, L)",
    "setsubtract(L, L)",
    "setproduct(L, L)",
    "B ? L : L",
    "L[*]",
    "[M, M][*].a",
    "[M, M].*.a",
    "coalescelist(L, L)",
    "matchkeys([A, A], [S, S], [S])",
    "try(L, [])",
    "tolist(keys(M))",
    "jsondecode(jsonencode(L))",
    "[A, A, A][*]",
    "formatlist(\"%s\", L)",
    "regexall(\"[a-z]\", S)",
    "[for x in [N, N] : x > N ? A : A]",
    "tolist([M, M])",
    "toset([M, M])",
    "tolist([[A], [A]])",
];
const MAPS: &[&str] = &[
    "{}",
    "{ a = A }",
    "{ a = A, b = A }",
    "{ (S) = A }",
    "{ a = M }",
    "tomap({ a = N, b = N })",
    "tomap({ a = A, b = A })",
    "tomap(M)",
    "merge(M, M)",
    "merge(M, { z = A })",
    "zipmap([S, S], [A, A])",
    "zipmap(keys(M), values(M))",
    "{ for x in [S, S] : x => A }",
    "{ for k, v in M : k => v }",
    "{ for k, v in M : k => v if B }",
    "{ for i, x in L : i => x }",
    "{ for x in [S, S] : x => A... }",
    "B ? M : M",
    "try(M, {})",
    "jsondecode(jsonencode(M))",
    "{ a = { b = A } }.a",
    "tomap({ a = L, b = L })",
    "transpose({ a = [S], b = [S, S] })",
    "[M, M][0]",
    "yamldecode(yamlencode(M))",
    "merge([M, M]...)",
    "{ for k, v in M : upper(k) => { x = v } }",
];
const ANYTHING: &[&str] = &[
    "null",
    "sensitive(A)",
    "local.nothing",
    "local.objects[0]",
    "local.mixed",
    "nonsensitive(sensitive(A))",
    "A",
];

const PLAIN_NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "0.1",
    "2.5",
    "10",
    "1e3",
    "1e-3",
    "123456789012345678901234567890",
    "1 / 3",
    "length([1, 2])",
    "-0.5",
    "7",
];
const PLAIN_TEXTS: &[&str] = &[
    "\"\"",
    "\"a\"",
    "\"abc\"",
    "\"b,a\"",
    "\"1\"",
    "\"10\"",
    "\"true\"",
    "\"Hé\"",
    "\"e\\u0301x\"",
    "\"👍🏽z\"",
    "\" a b \"",
    "\"x\\ny\"",
    "\"$${q}\"",
    "\"<&>\"",
    "\"a: b\"",
    "\"0.50\"",
    "\"日本\"",
    "\"ß\"",
];
const PLAIN_TRUTHS: &[&str] = &["true", "false"];
const PLAIN_LISTS: &[&str] = &[
    "[]",
    "[1, 2, 3]",
    "[\"a\", \"b\"]",
    "[1, \"a\", true]",
    "[null]",
    "local.strings",
    "local.numbers",
    "local.letters",
    "[[1], [2]]",
    "tolist([])",
    "toset([1, 2])",
    "[true, null]",
    "[\"b\", \"a\", \"b\"]",
];
const PLAIN_MAPS: &[&str] = &[
    "{}",
    "{ a = 1 }",
    "{ a = 1, b = \"x\" }",
    "local.map",
    "{ a = null }",
    "tomap({ a = true })",
    "{ a = [1], b = {} }",
    "{ b = 2, a = 1 }",
];

struct Generator<'r> {
    random: &'r mut Random,
}

impl Generator<'_> {
    fn make(&mut self, kind: Kind, depth: usize) -> String {
        // Now and then something else than what is wanted.
        let kind = if self.random.one_in(15) { self.random.pick(&KINDS) } else { kind };
        if depth == 0 {
            return self.plain(kind);
        }
        let patterns = match kind {
            _ if self.random.one_in(25) => ANYTHING,
            Kind::Number => NUMBERS,
            Kind::Text => TEXTS,
            Kind::Truth => TRUTHS,
            Kind::List => LISTS,
            Kind::Map => MAPS,
        };
        let pattern = self.random.pick(patterns);
        self.fill(pattern, depth - 1)
    }

    /// Puts expressions in the places of a pattern.
    fn fill(&mut self, pattern: &'static str, depth: usize) -> String {
        let mut out = String::new();
        let mut before = ' ';
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            let alone = !before.is_alphanumeric() && chars.peek().is_none_or(|next| !next.is_alphanumeric());
            let kind = match c {
                'N' => Some(Kind::Number),
                'S' => Some(Kind::Text),
                'B' => Some(Kind::Truth),
                'L' => Some(Kind::List),
                'M' => Some(Kind::Map),
                'A' => Some(self.random.pick(&KINDS)),
                _ => None,
            };
            before = c;
            match kind.filter(|_| alone) {
                Some(kind) => {
                    let depth = self.random.below(depth + 1);
                    let inner = self.make(kind, depth);
                    // So that what was made stays one operand.
                    let simple = inner.chars().all(|c| c.is_alphanumeric() || c == '.')
                        || inner.starts_with(['[', '{', '"']);
                    out.push_str(&if simple { inner } else { format!("({inner})") });
                }
                None => out.push(c),
            }
        }
        out
    }

    fn plain(&mut self, kind: Kind) -> String {
        self.random
            .pick(match kind {
                Kind::Number => PLAIN_NUMBERS,
                Kind::Text => PLAIN_TEXTS,
                Kind::Truth => PLAIN_TRUTHS,
                Kind::List => PLAIN_LISTS,
                Kind::Map => PLAIN_MAPS,
            })
            .into()
    }
}
