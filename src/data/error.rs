//! What can go wrong while a stage runs (`E10xx`: what only a run can find).

use mmf_lang::diagnostic::Text;

pub type Result<T> = std::result::Result<T, Error>;

/// A failure of a stage, in words for its user. The engine adds the node and its place in the file.
#[derive(Clone, Debug)]
pub struct Error {
    /// Stable, `E10xx`.
    pub code: &'static str,
    pub message: Text,
    pub help: Option<Text>,
    pub note: Option<Text>,
    /// Set where the stage was asked to stop; nothing is wrong then.
    pub cancelled: bool,
}

impl Error {
    pub fn new(code: &'static str, message: Text) -> Self {
        Error { code, message, help: None, note: None, cancelled: false }
    }

    /// A state that the checker should have refused: a mistake in mmf, said so.
    pub fn bug(what: impl Into<String>) -> Self {
        let what = what.into();
        Error::new(
            "E1099",
            Text {
                en: format!("this is a mistake in mmf, not in your file: {what}"),
                zh: format!("这是 mmf 自身的错误，与您的文件无关：{what}"),
            },
        )
        .help(Text {
            en: "please report it with the pipeline that shows it".into(),
            zh: "请附上能重现问题的管道文件并报告".into(),
        })
    }

    pub fn cancelled() -> Self {
        Error { cancelled: true, ..Error::new("E1000", Text { en: "stopped".into(), zh: "已停止".into() }) }
    }

    pub fn help(mut self, text: Text) -> Self {
        self.help = Some(text);
        self
    }

    pub fn note(mut self, text: Text) -> Self {
        self.note = Some(text);
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message.en)
    }
}

impl std::error::Error for Error {}
