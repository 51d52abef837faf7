//! What the engine is told by the command line: threads, kernels, the store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mmf_engine::Options;
use mmf_engine::store::Store;
use mmf_lang::say;

use super::Global;
use super::exit::Exit;
use super::screen::Screen;
use super::trouble::Trouble;

/// Returns the kernel class of this machine: what its matrix products are computed with.
pub(crate) fn kernel() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "avx512";
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return "avx2";
        }
    }
    if cfg!(target_arch = "aarch64") { "neon" } else { "scalar" }
}

/// Returns how many threads are to compute.
pub(crate) fn threads(global: &Global) -> usize {
    global.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// Returns the engine's options for a file.
pub(crate) fn options(file: &Path, global: &Global) -> Options {
    let mut options = Options::new("");
    options.threads = threads(global);
    options.kernel = kernel().into();
    options.measures = mmf_stages::measure;
    options.pipeline = name(file, &global.store(file));
    options
}

/// Returns the file's name among those that share a store: its path from the folder that the store is in, so that a
/// folder may move.
fn name(file: &Path, store: &Path) -> String {
    let whole = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let folder = store.parent().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p });
    let folder = folder.and_then(|p| p.canonicalize().ok());
    let name = folder.and_then(|f| whole.strip_prefix(f).ok()).unwrap_or(&whole);
    name.to_string_lossy().into_owned()
}

/// Opens the store; one that cannot be written is read, and that is said.
pub(crate) fn store(folder: &Path, screen: &Screen) -> Result<Store, Trouble> {
    let (store, reason) = Store::open_or_read_only(folder)?;
    if let Some(reason) = reason {
        let (en, zh) = (&reason.message.en, &reason.message.zh);
        let text = say!(
            "warning: {en}; results are not stored, and the next run makes them again",
            "警告：{zh}；结果不会存储，下次运行将重新生成"
        );
        screen.tell(screen.pick(&text));
    }
    Ok(store)
}

/// Lets Ctrl-C raise the flag; a second one ends the process at once.
pub(crate) fn on_interrupt(stop: Arc<AtomicBool>, screen: &Screen) {
    let screen = *screen;
    let handler = move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Failed as i32);
        }
        screen.tell(screen.pick(&say!("stopping; once more ends at once", "正在停止；再按一次立即结束")));
    };
    // Without it Ctrl-C ends the process, and the store is whole all the same.
    let _ = ctrlc::set_handler(handler);
}
