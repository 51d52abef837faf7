//! A small world: a few tables, texts, pictures and ready features on disk, and pipelines checked and run on them within
//! this process, each in well under a second.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mmf_engine::store::Store;
use mmf_lang::analysis::{Checked, Options, check};
use mmf_lang::world::{FileKind, Ports, Scan, ScanRequest, World, WorldError};
use mmf_stages::world::DiskWorld;
use tempfile::TempDir;

pub(crate) const FILMS: usize = 40;
pub(crate) const USERS: usize = 24;
pub(crate) const RATINGS: usize = 400;
pub(crate) const POSTS: usize = 60;

/// Declares all that there is of films and their makers.
pub(crate) const FILM_SOURCES: &str = r#"
source studios = table("studios.csv") {
    studio:  key
    founded: int
    size:    float
}
source films = table("films.csv") {
    film:   key
    title:  text(language = en)
    name:   text(language = zh)
    plot:   text(language = en)?
    year:   int in 1900..=2100
    age:    float
    length: float?
    good:   bool
    genre:  category in ["comedy", "crime", "drama"]
    tone:   category
    mark:   category?
    studio: ref(studios)
    look:   vector[4](column = "look_*")
    poster: image("posters/{film}.ppm")?
    still:  image("stills/{film}.ppm")
    note:   text("notes/{film}.txt", language = en)?
}
"#;

/// Declares ratings: the later ones also lead to films that no earlier one leads to.
pub(crate) const RATING_SOURCES: &str = r#"
source ratings = table("ratings.csv") {
    user:   category
    film:   ref(films)
    rating: float in 0.5..=5
    at:     time(unix)
    like:   bool
    minutes: int?
    device: category
}
"#;

/// Declares posts, which carry their own parts.
pub(crate) const POST_SOURCES: &str = r#"
source posts = table("posts.csv") {
    post:    key
    label:   bool
    kind:    category
    part:    category
    likes:   int?
    seen:    float
    at:      time(unix)
    text:    text(language = en)
    weights: vector[3](column = "w_*")
    extra:   float?
}
"#;

/// Declares ready features.
pub(crate) const LOOK_SOURCES: &str = r#"
source looks = numpy("looks.npy", keys = "looks.txt") {
    film: key(films)
    gaze: vector[6]?
}
"#;

/// Random numbers that are the same everywhere (SplitMix64).
#[derive(Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `n`, which is not 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Returns a number between 0 and 1 with three digits.
    fn share(&mut self) -> f64 {
        (self.next() % 1000) as f64 / 1000.0
    }
}

/// A table of text cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cells {
    pub(crate) headers: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Cells {
    fn new(headers: &str) -> Cells {
        Cells { headers: headers.split(',').map(str::to_string).collect(), rows: Vec::new() }
    }

    fn push(&mut self, cells: &[String]) {
        assert_eq!(cells.len(), self.headers.len());
        self.rows.push(cells.to_vec());
    }

    pub(crate) fn place(&self, header: &str) -> usize {
        self.headers.iter().position(|h| h == header).unwrap_or_else(|| panic!("no header {header}"))
    }

    pub(crate) fn cell(&self, row: usize, header: &str) -> &str {
        &self.rows[row][self.place(header)]
    }

    pub(crate) fn set(&mut self, row: usize, header: &str, cell: &str) {
        let at = self.place(header);
        self.rows[row][at] = cell.to_string();
    }

    fn text(&self) -> String {
        let mut lines = vec![self.headers.join(",")];
        lines.extend(self.rows.iter().map(|r| r.join(",")));
        lines.join("\n") + "\n"
    }
}

/// What the files hold; changed copies are written to folders of their own.
#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) tables: BTreeMap<&'static str, Cells>,
    /// Posters, stills and notes by path.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

const WORDS: [&str; 14] = [
    "ship", "storm", "love", "crime", "night", "city", "river", "dance", "robot", "war", "garden", "letter", "snow",
    "train",
];
const CHINESE: [&str; 6] = ["电影", "爱情", "故事", "城市", "夜晚", "列车"];

fn words(random: &mut Random, count: usize) -> String {
    (0..count).map(|_| *random.pick(&WORDS)).collect::<Vec<_>>().join(" ")
}

fn picture(random: &mut Random) -> Vec<u8> {
    let mut bytes = b"P6\n16 16\n255\n".to_vec();
    let base = [random.below(200), random.below(200), random.below(200)];
    bytes.extend((0..16 * 16 * 3).map(|i| (base[i % 3] + random.below(50)) as u8));
    bytes
}

impl Data {
    pub(crate) fn new() -> Data {
        let mut random = Random(11);
        let mut tables = BTreeMap::new();
        let mut files = BTreeMap::new();
        let text = |x: &str| x.to_string();

        let mut studios = Cells::new("studio,founded,size");
        for i in 0..5 {
            studios.push(&[format!("s{i}"), (1920 + i * 9).to_string(), format!("{:.2}", 1.0 + random.share())]);
        }
        tables.insert("studios.csv", studios);

        let mut films =
            Cells::new("film,title,name,plot,year,age,length,good,genre,tone,mark,studio,look_1,look_2,look_3,look_4");
        for i in 0..FILMS {
            let film = format!("f{i:02}");
            let hole = |empty: bool, cell: String| if empty { String::new() } else { cell };
            let name = format!("{}{}", random.pick(&CHINESE), random.pick(&CHINESE));
            let plot = hole(i % 7 == 3, words(&mut random, 6));
            let mut cells = vec![
                film.clone(),
                words(&mut random, 2),
                name,
                plot,
                (1950 + random.below(70)).to_string(),
                format!("{:.3}", 1.0 + 9.0 * random.share()),
                hole(i % 6 == 5, format!("{:.1}", 60.0 + 60.0 * random.share())),
                ["true", "false"][random.below(2)].into(),
                ["comedy", "crime", "drama"][i % 3].into(),
                ["light", "dark", "dry", "warm"][random.below(4)].into(),
                hole(i % 9 == 4, text(["a", "b"][random.below(2)])),
                format!("s{}", random.below(5)),
            ];
            cells.extend((0..4).map(|_| format!("{:.3}", random.share())));
            films.push(&cells);
            if i % 8 != 2 {
                files.insert(format!("posters/{film}.ppm"), picture(&mut random));
            }
            files.insert(format!("stills/{film}.ppm"), picture(&mut random));
            if i % 5 != 1 {
                files.insert(format!("notes/{film}.txt"), words(&mut random, 5).into_bytes());
            }
        }
        tables.insert("films.csv", films);

        let mut ratings = Cells::new("user,film,rating,at,like,minutes,device");
        for i in 0..RATINGS {
            // The last films are only rated late.
            let user = (i * 7 + random.below(3)) % USERS;
            let film = if i < 300 { random.below(34) } else { random.below(FILMS) };
            let rating = 1.0 + random.below(9) as f64 / 2.0;
            let minutes = if i % 11 == 6 { String::new() } else { random.below(120).to_string() };
            ratings.push(&[
                format!("u{user:02}"),
                format!("f{film:02}"),
                rating.to_string(),
                (1_600_000_000 + i * 5000).to_string(),
                text(if rating >= 3.0 { "1" } else { "0" }),
                minutes,
                text(["phone", "tv", "web"][random.below(3)]),
            ]);
        }
        tables.insert("ratings.csv", ratings);

        let mut posts = Cells::new("post,label,kind,part,likes,seen,at,text,w_1,w_2,w_3,extra");
        for i in 0..POSTS {
            let likes = if i % 5 == 4 { String::new() } else { random.below(50).to_string() };
            let extra = if i % 4 == 1 { String::new() } else { format!("{:.2}", random.share()) };
            let mut cells = vec![
                format!("p{i:02}"),
                text(if random.chance(50) { "yes" } else { "no" }),
                text(["news", "fun", "ad"][i % 3]),
                text(if i % 10 < 7 { "train" } else { ["dev", "test", "test"][i % 3] }),
                likes,
                format!("{:.2}", 1.0 + 5.0 * random.share()),
                (1_500_000_000 + i * 777).to_string(),
                words(&mut random, 5),
            ];
            cells.extend((0..3).map(|_| format!("{:.3}", random.share())));
            cells.push(extra);
            posts.push(&cells);
        }
        tables.insert("posts.csv", posts);

        let mut looks = Cells::new("film,1,2,3,4,5,6");
        for i in (0..FILMS).rev().filter(|i| i % 10 != 7) {
            let mut cells = vec![format!("f{i:02}")];
            cells.extend((0..6).map(|_| format!("{:.3}", random.share())));
            looks.push(&cells);
        }
        tables.insert("looks", looks);
        tables.insert("none.csv", Cells::new("id,size"));
        Data { tables, files }
    }

    pub(crate) fn table(&self, name: &str) -> &Cells {
        &self.tables[name]
    }

    pub(crate) fn table_mut(&mut self, name: &str) -> &mut Cells {
        self.tables.get_mut(name).unwrap()
    }

    /// Writes all files, as old ones, so that scans may be kept.
    pub(crate) fn write(&self, folder: &Path) {
        let mut files: Vec<(String, Vec<u8>)> = self.files.clone().into_iter().collect();
        for (name, cells) in &self.tables {
            if *name == "looks" {
                let keys: Vec<&str> = cells.rows.iter().map(|r| r[0].as_str()).collect();
                files.push(("looks.txt".into(), (keys.join("\n") + "\n").into_bytes()));
                let numbers = cells.rows.iter().flat_map(|r| &r[1..]).map(|c| c.parse::<f32>().unwrap());
                files.push(("looks.npy".into(), npy(cells.rows.len(), 6, numbers)));
            } else {
                files.push((name.to_string(), cells.text().into_bytes()));
            }
        }
        for (name, bytes) in files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        age(folder);
    }
}

/// Writes an array in NumPy's format 1.0.
pub(crate) fn npy(rows: usize, width: usize, numbers: impl Iterator<Item = f32>) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    numbers.for_each(|x| bytes.extend(x.to_le_bytes()));
    bytes
}

/// Makes files and folders an hour old.
fn age(path: &Path) {
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|e| age(&e.unwrap().path()));
    }
    let file = std::fs::File::open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
}

/// The files in a folder, and pipelines beside them that exist in memory only.
pub(crate) struct Small {
    pub(crate) folder: TempDir,
    disk: DiskWorld,
    text: String,
}

impl Small {
    pub(crate) fn new(data: &Data) -> Small {
        let folder = TempDir::new().unwrap();
        data.write(folder.path());
        Small { folder, disk: DiskWorld::new(), text: String::new() }
    }

    pub(crate) fn check(&mut self, text: &str, without: &[&str]) -> Checked {
        self.text = text.to_string();
        let without = without.iter().map(|c| c.to_string()).collect();
        let options = Options { data: true, without, ..Options::default() };
        check(&*self, &mmf_stages::vocabulary(), "main.mmf", &options).unwrap()
    }
}

impl World for Small {
    fn text(&self, _: &str, path: &str) -> Result<Arc<str>, WorldError> {
        if path == "main.mmf" { Ok(self.text.as_str().into()) } else { Err(WorldError::Missing) }
    }

    fn folder(&self, _: &str, _: &str) -> String {
        self.folder.path().to_string_lossy().into_owned()
    }

    fn scan(&self, request: &ScanRequest) -> Result<Arc<Scan>, (usize, WorldError)> {
        self.disk.scan(request)
    }

    fn ports(&self, base: &str, path: &str, kind: FileKind) -> Result<Arc<Ports>, WorldError> {
        self.disk.ports(base, path, kind)
    }

    fn memory(&self) -> Option<u64> {
        Some(64 << 20)
    }
}

/// A store whose contents live in memory, and the folder that it reads.
pub(crate) struct Shelf {
    pub(crate) store: Store,
    _folder: TempDir,
}

impl Shelf {
    pub(crate) fn new() -> Shelf {
        let folder = TempDir::new().unwrap();
        let options = mmf_engine::store::Options { read_only: true, room: None };
        Shelf { store: Store::open_with(folder.path(), options).unwrap(), _folder: folder }
    }
}

/// Returns how a run goes: two threads, the metrics of the vocabulary.
pub(crate) fn running() -> mmf_engine::Options {
    let mut options = mmf_engine::Options::new(PathBuf::new());
    options.measures = mmf_stages::measure;
    options
}

/// Returns what a panic said.
pub(crate) fn panicked(cause: Box<dyn std::any::Any + Send>) -> String {
    cause
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| cause.downcast_ref::<&str>().map(|s| s.to_string()))
        .unwrap_or_else(|| "a panic without words".into())
}
