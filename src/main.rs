//! The command line: the only room that prints.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
