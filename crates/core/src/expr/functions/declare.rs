//! How a function is declared, and what every call goes through before the
//! function itself runs: count, conversion, nulls, marks, unknowns.
//!
//! Guarantees: the body of a function sees arguments of the declared types,
//! not null unless declared so, known as deeply as declared, and without the
//! marks that this wrapper puts on the result.

use super::{FunctionContext, FunctionError, LIMIT};
use crate::value::{ConvertError, Kind, Marks, Number, Type, Value};

/// One entry of the table.
pub(super) struct Function {
    pub(super) name: &'static str,
    params: &'static [Param],
    /// How many of the last `params` may be left out.
    optional: usize,
    rest: Option<Param>,
    /// How many arguments `rest` must take at least.
    rest_least: usize,
    returns: Returns,
    run: Run,
}

/// The body of a function.
pub(super) type Run = fn(&[Value], &FunctionContext<'_>) -> Result<Value, Fault>;

/// The type of an unknown result.
pub(super) enum Returns {
    Bool,
    Number,
    String,
    Strings,
    /// From the converted arguments.
    Of(fn(&[Value]) -> Type),
    /// From the converted arguments. Such a result may be null.
    Maybe(fn(&[Value]) -> Type),
    Any,
}

/// A parameter.
#[derive(Clone, Copy)]
pub(super) struct Param {
    name: &'static str,
    want: Want,
    nullable: bool,
    known: Depth,
    marks: Depth,
}

/// The type that a parameter converts to.
#[derive(Clone, Copy)]
pub(super) enum Want {
    Any,
    Number,
    String,
    /// A string, and nothing that could be made one.
    Text,
    /// A list, set or tuple of anything, as it is.
    Sequence,
    List,
    Set,
    Bools,
    Strings,
    MapOfStrings,
}

/// How far down the wrapper looks: for unknowns, what must be known; for
/// marks, which are lifted off and put on the result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Deep,
    Own,
    None,
}

impl Want {
    fn ty(self) -> Type {
        match self {
            Want::Any | Want::Text | Want::Sequence => Type::Dynamic,
            Want::Number => Type::Number,
            Want::String => Type::String,
            Want::List => Type::list(Type::Dynamic),
            Want::Set => Type::set(Type::Dynamic),
            Want::Bools => Type::list(Type::Bool),
            Want::Strings => Type::list(Type::String),
            Want::MapOfStrings => Type::map(Type::list(Type::String)),
        }
    }
}

impl Want {
    /// What is wanted, when a value is of another type that is not converted.
    fn refuses(self, value: &Value) -> Option<&'static str> {
        // The whole type of what is known is as large as the value.
        let is_open = |value: &Value| value.is_null() || value.ty() == Type::Dynamic;
        let is_sequence = |value: &Value| match value.kind() {
            Kind::Unknown(unknown) => {
                matches!(unknown.ty, Type::List(_) | Type::Set(_) | Type::Tuple(_) | Type::Dynamic)
            }
            _ => value.is_null() || value.as_items().is_some(),
        };
        match self {
            Want::Text if !is_open(value) && value.ty() != Type::String => {
                Some("a string, as it is and not made of something else,")
            }
            Want::Sequence if !is_sequence(value) => Some("a list, set or tuple"),
            _ => None,
        }
    }
}

/// A parameter that must be wholly known, not null, and unmarked inside.
pub(super) const fn param(name: &'static str, want: Want) -> Param {
    Param { name, want, nullable: false, known: Depth::Deep, marks: Depth::Deep }
}

impl Param {
    /// May be null.
    pub(super) const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// The elements may be unknown or marked; the body hands them on.
    pub(super) const fn shallow(mut self) -> Self {
        self.known = Depth::Own;
        self.marks = Depth::Own;
        self
    }

    /// The elements may be unknown; the result depends on their content.
    pub(super) const fn partial(mut self) -> Self {
        self.known = Depth::Own;
        self
    }

    /// May be unknown altogether; own marks are still lifted.
    pub(super) const fn unknown(mut self) -> Self {
        self.known = Depth::None;
        self.marks = Depth::Own;
        self
    }

    /// May be unknown at any depth; all marks are lifted.
    pub(super) const fn open(mut self) -> Self {
        self.known = Depth::None;
        self
    }

    /// Comes as given: null, unknown, marked.
    pub(super) const fn raw(mut self) -> Self {
        self.nullable = true;
        self.known = Depth::None;
        self.marks = Depth::None;
        self
    }

    fn ready(&self, value: &Value) -> bool {
        match self.known {
            Depth::None => true,
            Depth::Deep => value.is_wholly_known(),
            // A set with unknown elements does not know its length, unless there is one.
            Depth::Own if matches!(value.kind(), Kind::Set(set) if set.items.len() > 1) => {
                value.is_wholly_known()
            }
            Depth::Own => value.is_known(),
        }
    }
}

impl Function {
    pub(super) const fn new(
        name: &'static str,
        params: &'static [Param],
        returns: Returns,
        run: Run,
    ) -> Function {
        Function { name, params, optional: 0, rest: None, rest_least: 0, returns, run }
    }

    /// The last `count` parameters may be left out.
    pub(super) const fn optional(mut self, count: usize) -> Self {
        self.optional = count;
        self
    }

    /// Takes any number of further arguments, but `least`.
    pub(super) const fn rest(mut self, param: Param, least: usize) -> Self {
        self.rest = Some(param);
        self.rest_least = least;
        self
    }

    /// As documentation has it: `join(separator, lists...)`, what may be left
    /// out in brackets.
    pub(super) fn signature(&self) -> String {
        let needed = self.params.len() - self.optional;
        let one = |(at, param): (usize, &Param)| match at < needed {
            true => param.name.to_owned(),
            false => format!("[{}]", param.name),
        };
        let fixed = self.params.iter().enumerate().map(one);
        let all: Vec<String> =
            fixed.chain(self.rest.iter().map(|rest| format!("{}...", rest.name))).collect();
        format!("{}({})", self.name, all.join(", "))
    }

    fn param(&self, index: usize) -> Option<&Param> {
        self.params.get(index).or(self.rest.as_ref())
    }

    pub(super) fn call(&self, args: &[Value], context: &FunctionContext<'_>) -> Result<Value, FunctionError> {
        let mut marks = Marks::NONE;
        self.run(args, context, &mut marks)
            .map(|value| value.with_marks(marks))
            .map_err(|fault| self.error(fault, marks))
    }

    fn run(&self, args: &[Value], context: &FunctionContext<'_>, marks: &mut Marks) -> Result<Value, Fault> {
        self.check_count(args.len())?;
        let mut ready = true;
        let mut taken = Vec::with_capacity(args.len());
        // Before the loop, so that a fault in one argument hides all of them.
        *marks = args.iter().fold(Marks::NONE, |all, arg| all.union(arg.deep_marks()));
        let mut lifted = Marks::NONE;
        for (i, arg) in args.iter().enumerate() {
            let Some(param) = self.param(i) else { break };
            if let Some(wanted) = param.want.refuses(arg) {
                return Err(fault(i, format!("{wanted} is required")));
            }
            let value = arg.convert(&param.want.ty()).map_err(|e| conversion(i, &e))?;
            if value.is_null() && !param.nullable {
                return Err(fault(i, "must not be null"));
            }
            // Of the argument too: a set loses its doubts by becoming a list.
            ready &= param.ready(&value) && param.ready(arg);
            taken.push(match param.marks {
                Depth::Deep => {
                    lifted = lifted.union(value.deep_marks());
                    value.unmark_deep()
                }
                Depth::Own => {
                    lifted = lifted.union(value.marks());
                    value.unmark()
                }
                Depth::None => value,
            });
        }
        let result = if ready { (self.run)(&taken, context)? } else { self.unknown(&taken) };
        *marks = lifted;
        Ok(result)
    }

    fn check_count(&self, count: usize) -> Result<(), Fault> {
        let least = self.params.len() - self.optional + self.rest_least;
        if count < least
            && let Some(param) = self.param(count)
        {
            return Err(failure(format!("missing a value for {:?}", param.name)));
        }
        let most = self.params.len();
        if count > most && self.rest.is_none() {
            let only = if most == 1 { "argument is" } else { "arguments are" };
            let message = format!("too many arguments, where {most} {only} expected");
            return Err(Fault { argument: Some(most), ..failure(message) });
        }
        Ok(())
    }

    fn unknown(&self, args: &[Value]) -> Value {
        match &self.returns {
            Returns::Bool => Value::unknown_not_null(Type::Bool),
            Returns::Number => Value::unknown_not_null(Type::Number),
            Returns::String => Value::unknown_not_null(Type::String),
            Returns::Strings => Value::unknown_not_null(Type::list(Type::String)),
            Returns::Of(of) => Value::unknown_not_null(of(args)),
            Returns::Maybe(of) => Value::unknown(of(args)),
            Returns::Any => Value::unknown(Type::Dynamic),
        }
    }

    fn error(&self, fault: Fault, marks: Marks) -> FunctionError {
        let message = match fault.discreet {
            Some(discreet) if !marks.is_empty() => discreet.to_owned(),
            _ => fault.message,
        };
        let message = match fault.argument.and_then(|i| self.param(i)) {
            Some(param) => format!("Invalid value for {:?}: {message}.", param.name),
            None => format!("The call to {:?} failed: {message}.", self.name),
        };
        FunctionError { argument: fault.argument, message }
    }
}

/// Why a body failed: a phrase without a full stop, which the wrapper makes a
/// sentence of.
#[derive(Debug)]
pub(super) struct Fault {
    argument: Option<usize>,
    message: String,
    /// What to say instead when an argument is marked.
    discreet: Option<&'static str>,
}

/// A fault of one argument. The message quotes no content.
pub(super) fn fault(argument: usize, message: impl Into<String>) -> Fault {
    Fault { argument: Some(argument), message: message.into(), discreet: None }
}

/// A fault of one argument whose message quotes content, with the phrase that
/// takes its place when that content is sensitive.
pub(super) fn quoting(argument: usize, message: impl Into<String>, discreet: &'static str) -> Fault {
    Fault { argument: Some(argument), message: message.into(), discreet: Some(discreet) }
}

/// A fault of the arguments together. The message quotes no content.
pub(super) fn failure(message: impl Into<String>) -> Fault {
    Fault { argument: None, message: message.into(), discreet: None }
}

/// The fault of a part that does not convert.
pub(super) fn conversion(argument: usize, error: &ConvertError) -> Fault {
    match error.path.steps() {
        [] => fault(argument, error.message.clone()),
        _ => quoting(
            argument,
            format!("at {}: {}", error.path, error.message),
            "an element has an unsuitable type",
        ),
    }
}

/// Refuses a result of more than [`LIMIT`] bytes.
pub(super) fn check_size(size: Option<usize>) -> Result<(), Fault> {
    match size {
        Some(size) if size <= LIMIT => Ok(()),
        _ => Err(failure(format!("the result would be larger than {} MiB", LIMIT >> 20))),
    }
}

/// Refuses a result of more elements than would fit in [`LIMIT`] bytes.
pub(super) fn check_count(count: Option<usize>) -> Result<(), Fault> {
    check_size(count.and_then(|n| n.checked_mul(size_of::<Value>())))
}

/// The text of an argument declared as string.
pub(super) fn text(args: &[Value], index: usize) -> &str {
    args.get(index).and_then(Value::as_str).unwrap_or_default()
}

/// The number of an argument declared as number.
pub(super) fn number(args: &[Value], index: usize) -> Number {
    args.get(index).and_then(Value::as_number).cloned().unwrap_or_else(|| Number::from(0i64))
}

/// The number of an argument, when it is whole and of ordinary size.
pub(super) fn integer(args: &[Value], index: usize) -> Result<i64, Fault> {
    let number = number(args, index);
    let wanted = if number.is_integer() { "must be smaller" } else { "must be a whole number" };
    number.as_i64().ok_or_else(|| fault(index, wanted))
}

/// The elements of an argument declared as a collection.
pub(super) fn items(args: &[Value], index: usize) -> &[Value] {
    args.get(index).and_then(Value::as_items).unwrap_or_default()
}

/// A list of strings.
pub(super) fn strings<S: Into<Value>>(items: impl IntoIterator<Item = S>) -> Value {
    Value::list(Type::String, items.into_iter().map(Into::into).collect())
}

impl Fault {
    /// The phrase alone, to be put into another fault.
    pub(super) fn into_message(self) -> String {
        self.message
    }
}
