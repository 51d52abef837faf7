//! Why a verb could not do its work, in words for its user.

use mmf_data::error::Error;
use mmf_lang::diagnostic::Text;

use super::exit::Exit;

/// What ends a verb early.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) exit: Exit,
    /// Where it has one: `E1040`.
    pub(crate) code: Option<&'static str>,
    pub(crate) message: Text,
    pub(crate) help: Option<Text>,
    pub(crate) note: Option<Text>,
}

impl Trouble {
    /// The command line is wrong, or the `.mmf` cannot be read.
    pub(crate) fn usage(message: Text) -> Trouble {
        Trouble { exit: Exit::Usage, code: None, message, help: None, note: None }
    }

    /// What was begun could not be done.
    pub(crate) fn failed(message: Text) -> Trouble {
        Trouble { exit: Exit::Failed, ..Trouble::usage(message) }
    }

    pub(crate) fn help(mut self, help: Option<Text>) -> Trouble {
        self.help = help;
        self
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble {
            exit: Exit::Failed,
            code: Some(error.code),
            message: error.message,
            help: error.help,
            note: error.note,
        }
    }
}
