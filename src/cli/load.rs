//! Reading and checking the file that a verb is given.

use std::path::Path;

use mmf_lang::analysis::{Checked, Options, check};
use mmf_lang::say;
use mmf_lang::world::WorldError;
use mmf_stages::world::DiskWorld;

use super::Global;
use super::trouble::Trouble;

/// Returns the text of an `.mmf` file, without a byte-order mark.
pub(crate) fn text(path: &Path) -> Result<String, Trouble> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => say!("there is no file `{shown}`", "文件 `{shown}` 不存在"),
            _ => say!("`{shown}` cannot be read: {error}", "无法读取 `{shown}`：{error}"),
        };
        Trouble::usage(reason)
    })?;
    let mark = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    match std::str::from_utf8(&bytes[mark..]) {
        Ok(text) => Ok(text.to_string()),
        Err(error) => {
            let at = mark + error.valid_up_to() + 1;
            let line = bytes[..at - 1].iter().filter(|&&b| b == b'\n').count() + 1;
            let byte = bytes[at - 1];
            let trouble = Trouble::usage(say!(
                "`{shown}` is not UTF-8: byte {at} is 0x{byte:02X}, in line {line}",
                "`{shown}` 不是 UTF-8 编码：第 {at} 个字节为 0x{byte:02X}，位于第 {line} 行"
            ));
            Err(trouble.help(Some(say!("save the file as UTF-8", "请将文件存为 UTF-8"))))
        }
    }
}

/// Checks a file; `data` says whether the data's headers and cells are looked at.
pub(crate) fn load(path: &Path, global: &Global, data: bool) -> Result<Checked, Trouble> {
    text(path)?;
    let world = DiskWorld::with_cache(global.store(path).join("scans"));
    let options = Options { data, params: global.params(), without: Vec::new() };
    let shown = path.display();
    let checked =
        check(&world, &mmf_stages::vocabulary(), &path.to_string_lossy(), &options).map_err(|error| match error {
            WorldError::Missing => Trouble::usage(say!("there is no file `{shown}`", "文件 `{shown}` 不存在")),
            WorldError::Broken(reason) => {
                let (en, zh) = (reason.en, reason.zh);
                Trouble::usage(say!("`{shown}` {en}", "`{shown}` {zh}"))
            }
        })?;
    // A `-p` that the file has no param for is a mistake of the command line, not of the file.
    if let Some(unknown) = checked.diagnostics.iter().find(|d| d.code == "E0121") {
        let (en, zh) = (&unknown.message.en, &unknown.message.zh);
        return Err(Trouble::usage(say!("`-p`, {shown}: {en}", "`-p`，{shown}：{zh}")).help(unknown.help.clone()));
    }
    Ok(checked)
}
