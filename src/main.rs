//! The command line: the only room that prints.

mod cli;
mod report;

fn main() -> std::process::ExitCode {
    cli::main()
}
