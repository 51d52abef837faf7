//! `mmf completions`: what a shell needs to complete verbs, options, and the names of stages.

use std::io::Write;

use clap::builder::PossibleValuesParser;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Command;
use super::exit::Exit;

/// Write what a shell needs to complete verbs, options and the names of stages
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bash        mmf completions bash > ~/.local/share/bash-completion/completions/mmf
  zsh         mmf completions zsh > ~/.zfunc/_mmf         with ~/.zfunc in fpath
  fish        mmf completions fish > ~/.config/fish/completions/mmf.fish
  elvish      mmf completions elvish >> ~/.config/elvish/rc.elv
  PowerShell  mmf completions powershell >> $PROFILE")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn completions(verb: &Completions) -> Exit {
    let names = || mmf_stages::all().map(|stage| stage.signature().name);
    // Only here: on the command line an unknown name is told what is near to it.
    let mut command = Command::command().mut_subcommand("stages", |stages| {
        stages.mut_arg("name", |name| name.value_parser(PossibleValuesParser::new(names())))
    });
    let mut script = Vec::new();
    generate(verb.shell, &mut command, "mmf", &mut script);
    // A reader that went away is no error.
    let _ = std::io::stdout().lock().write_all(&script);
    Exit::Sound
}
