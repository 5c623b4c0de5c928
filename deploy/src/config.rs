//! Where the values of the configuration came from: whoever hears that one is bad hears where to mend it.

use std::{
    collections::HashMap,
    env,
    ffi::{OsStr, OsString},
};

use clap::{
    Arg, ArgMatches, Args, Command, CommandFactory, FromArgMatches,
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
};

use crate::cli::Cli;

/// Reads the command line and the environment; ends the process where they cannot be understood.
pub fn read() -> Cli {
    let mut command = Cli::command();
    let given: Vec<OsString> = env::args_os().collect();
    let matches = command.try_get_matches_from_mut(&given);
    match matches.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches)) {
        Ok(cli) => cli,
        Err(error) => named(error, &mut command, &given).exit(),
    }
}

/// Where each value came from. It goes before all other arguments: reading a value takes it out of the matches.
#[derive(Clone, Default)]
pub struct Origins(HashMap<String, ValueSource>);

impl Origins {
    /// To be said with what is wrong about the value of an argument (called as its field is), as in `from --listen`.
    pub fn of(&self, argument: &str) -> String {
        let command = Cli::command();
        let declared = arguments(&command).into_iter().find(|declared| declared.get_id() == argument);
        let option = declared.and_then(option).unwrap_or_else(|| argument.to_owned());
        let variable = declared.and_then(Arg::get_env).map(|name| name.to_string_lossy().into_owned());
        match (self.0.get(argument), variable) {
            (Some(ValueSource::EnvVariable), Some(variable)) => format!("from {variable}"),
            (Some(ValueSource::DefaultValue), Some(variable)) => format!("the default of {option} and {variable}"),
            (Some(_), _) => format!("from {option}"),
            (None, Some(variable)) => format!("neither {option} nor {variable} says otherwise"),
            (None, None) => format!("{option} does not say otherwise"),
        }
    }
}

impl FromArgMatches for Origins {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut origins = Self::default();
        origins.update_from_arg_matches(matches)?;
        Ok(origins)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let origin = |id: &clap::Id| Some((id.to_string(), matches.value_source(id.as_str())?));
        self.0.extend(matches.ids().filter_map(origin));
        Ok(())
    }
}

/// It has no arguments of its own.
impl Args for Origins {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

/// clap blames the option; where the value came from a variable, that is named too.
fn named(mut error: clap::Error, command: &mut Command, given: &[OsString]) -> clap::Error {
    match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let Some(ContextValue::String(refused)) = error.get(ContextKind::InvalidArg) else { return error };
            // Shown as `--option <VALUE>`.
            let refused_option = refused.split(' ').next();
            let is_meant =
                |argument: &&Arg| option(argument).as_deref() == refused_option && !is_given(argument, given);
            let variable = arguments(command).into_iter().filter(is_meant).find_map(variable_in_use);
            if let Some(variable) = variable {
                let named = format!("{} ({refused})", variable.to_string_lossy());
                error.insert(ContextKind::InvalidArg, ContextValue::String(named));
            }
            error
        }
        ErrorKind::InvalidUtf8 => {
            let unreadable = |name: &&OsStr| env::var_os(name).is_some_and(|value| value.to_str().is_none());
            let variable = arguments(command).into_iter().filter_map(variable_in_use).find(unreadable);
            match variable.map(|name| name.to_string_lossy().into_owned()) {
                Some(name) => command.error(ErrorKind::InvalidUtf8, format!("the value of {name} is not UTF-8")),
                None => error,
            }
        }
        _ => error,
    }
}

/// Those of all subcommands.
fn arguments(command: &Command) -> Vec<&Arg> {
    command.get_arguments().chain(command.get_subcommands().flat_map(arguments)).collect()
}

fn option(argument: &Arg) -> Option<String> {
    argument.get_long().map(|name| format!("--{name}"))
}

/// Whether the command line names the option: its value counts then, whatever a variable says.
fn is_given(argument: &Arg, given: &[OsString]) -> bool {
    let Some(option) = option(argument) else { return false };
    let mut words = given.iter().map(|word| word.to_string_lossy()).take_while(|word| word != "--");
    words.any(|word| word.strip_prefix(&option).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
}

fn variable_in_use(argument: &Arg) -> Option<&OsStr> {
    argument.get_env().filter(|name| env::var_os(name).is_some())
}
