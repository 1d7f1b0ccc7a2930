//! `-var` and `-var-file`, in the order in which they are given: the last
//! counts.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, value_parser};
use tenantctl_core::ops::ValueOption;

use super::shared::assignment;

const VAR: &str = "var";
const FILE: &str = "var-file";

/// Values of variables, the last the strongest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(pub(crate) Vec<ValueOption>);

impl Args for Values {
    fn augment_args(command: Command) -> Command {
        let var = Arg::new(VAR)
            .long(VAR)
            .value_name("NAME=VALUE")
            .value_parser(assignment)
            .action(ArgAction::Append)
            .help("Set a variable; may be repeated");
        let file = Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .action(ArgAction::Append)
            .help("Set variables from a file; may be repeated");
        command.arg(var).arg(file)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Values {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut values = Values::default();
        values.update_from_arg_matches(matches)?;
        Ok(values)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        let places = |name| matches.indices_of(name).into_iter().flatten();
        let vars = matches.get_many::<(String, String)>(VAR).into_iter().flatten();
        let vars = vars.map(|(name, text)| ValueOption::Variable(name.clone(), text.clone()));
        let files = matches.get_many::<PathBuf>(FILE).into_iter().flatten();
        let files = files.map(|path| ValueOption::File(path.clone()));
        let mut all: Vec<(usize, ValueOption)> =
            places(VAR).zip(vars).chain(places(FILE).zip(files)).collect();
        all.sort_by_key(|(place, _)| *place);
        self.0 = all.into_iter().map(|(_, value)| value).collect();
        Ok(())
    }
}
