//! The page in a browser: it fits a phone, needs no script and no network, and its points speak to keyboard and finger.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::shell::{Place, repository, shop};

/// Returns a Chromium, where there is one.
fn browser() -> Option<PathBuf> {
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .iter()
        .map(PathBuf::from)
        .find(|p| p.is_file())
}

/// Opens a page and returns what became of it.
fn dom(browser: &Path, folder: &Path, page: &str, size: &str) -> String {
    let user = tempfile::tempdir().unwrap();
    let out = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--allow-file-access-from-files", "--virtual-time-budget=8000", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", user.path().display()))
        .arg(format!("--window-size={size}"))
        .args(["--dump-dom", &format!("file://{}/{page}", folder.display())])
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Asks a page, in a frame as wide as a phone or a desk, for what a script can see.
const FRAME: &str = r#"<!DOCTYPE html><meta charset="utf-8"><iframe id="f" width="WIDTH" height="900" src="report.html"></iframe><pre id="o"></pre>
<script>
f.onload = () => {
    const d = f.contentDocument, w = f.contentWindow;
    const points = [...d.querySelectorAll('.p input')];
    const shown = e => w.getComputedStyle(e).display !== 'none';
    const tip = points[1].parentElement.querySelector('.tip');
    const before = shown(tip);
    points[1].checked = true;
    const figures = [...d.querySelectorAll('figure')].filter(e => e.getBoundingClientRect().height < 20).length;
    const unnamed = [...d.querySelectorAll('svg[role=img]')].filter(e => !e.getAttribute('aria-label')).length
        + points.filter(e => !e.getAttribute('aria-label')).length;
    o.textContent = JSON.stringify({
        wide: d.documentElement.scrollWidth, width: w.innerWidth, points: points.length, before, after: shown(tip), figures, unnamed,
        sections: [...d.querySelectorAll('main > section')].map(e => e.id).join(' '),
        empty: [...d.querySelectorAll('a')].filter(a => !d.querySelector(a.getAttribute('href'))).length,
        pictures: [...d.querySelectorAll('.tip .pic')].filter(e => w.getComputedStyle(e).backgroundImage.startsWith('url("data:')).length,
    });
};
</script>"#;

fn seen(browser: &Path, folder: &Path, width: u32) -> serde_json::Value {
    std::fs::write(folder.join("frame.html"), FRAME.replace("WIDTH", &width.to_string())).unwrap();
    let dom = dom(browser, folder, "frame.html", "1400,1000");
    let text = dom.split("<pre id=\"o\">").nth(1).and_then(|rest| rest.split("</pre>").next()).unwrap_or_default();
    let text = text.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text:?} in {dom}"))
}

#[test]
fn the_page_fits_and_speaks() {
    let Some(browser) = browser() else {
        println!("skipped: there is no Chromium");
        return;
    };
    let place = shop(60, 12);
    place.mmf(&["run", "shop.mmf"]).ends(0);
    let folder = place.path("runs/latest").canonicalize().unwrap();
    for width in [390, 1280] {
        let page = seen(&browser, &folder, width);
        assert_eq!(
            (&page["wide"], &page["width"]),
            (&width.into(), &width.into()),
            "nothing lies beside the page: {page}"
        );
        assert_eq!(page["points"], 12, "{page}");
        assert_eq!(page["pictures"], 12, "{page}");
        assert_eq!((&page["before"], &page["after"]), (&false.into(), &true.into()), "a point says what it is: {page}");
        assert_eq!((&page["figures"], &page["unnamed"], &page["empty"]), (&0.into(), &0.into(), &0.into()), "{page}");
        let sections = "results predictions training space graph rows coverage made-of pipeline";
        assert_eq!(page["sections"], sections, "{page}");
    }
    // The page itself is as it was written: no script has run.
    let dom = dom(&browser, &folder, "report.html", "390,800");
    assert!(!dom.contains("<script") && dom.contains("id=\"space\"") && dom.contains("</footer>"));
}

/// Of a large part only some points are drawn, and the page stays small.
#[test]
fn the_page_is_bounded() {
    let place = Place::new();
    let path = repository("pipelines/digits.mmf");
    place.mmf(&["run", path.to_str().unwrap(), "--store", "store", "--runs", "runs"]).ends(0);
    let page = place.read("runs/latest/report.html");
    assert!(page.len() < 400_000, "{} bytes", page.len());
    assert!(page.contains("<label class=\"p\">") && page.contains("class=\"matrix\""));
}
