//! What is wrong with a file that a stage opens, at the check and in a run.

use mmf_data::error::Error;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;

#[derive(Debug)]
pub(crate) enum Fault {
    /// The system does not give it.
    Unreadable(std::io::Error),
    /// It is not as it should be.
    Broken(Text),
}

impl From<Text> for Fault {
    fn from(text: Text) -> Self {
        Fault::Broken(text)
    }
}

impl Fault {
    /// Returns the error of a run; `broken` makes that for a file which is not as it should be.
    pub(super) fn error(self, path: &str, broken: impl FnOnce(Text) -> Error) -> Error {
        match self {
            Fault::Unreadable(error) => {
                Error::new("E1046", say!("cannot read `{path}`: {error}", "无法读取 `{path}`：{error}"))
            }
            Fault::Broken(why) => broken(why),
        }
    }
}
