//! Models that the language can say: `pipelines/models`, a definition a file, shown beside the stages.

/// A file of definitions, by the name of the one that others are parts of.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! models {
    ($($name:literal in $file:literal,)*) => {
        &[$(Model { name: $name, file: $file, text: include_str!(concat!("../../pipelines/models/", $file)) }),*]
    };
}

pub(crate) const MODELS: &[Model] = models! {
    "amr" in "amr.mmf",
    "bm3" in "bm3.mmf",
    "bpr_mf" in "bpr.mmf",
    "freedom" in "freedom.mmf",
    "itemknn" in "itemknn.mmf",
    "lightgcn" in "lightgcn.mmf",
    "vbpr" in "vbpr.mmf",
};

impl Model {
    pub(crate) fn find(name: &str) -> Option<&'static Model> {
        MODELS.iter().find(|model| model.name == name)
    }

    /// Returns what its first comment says of it.
    pub(crate) fn about(&self) -> String {
        let lines = self.text.lines().map_while(|line| line.strip_prefix("## "));
        lines.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_models_of_the_folder_are_listed_and_say_what_they_are() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/models");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut there: Vec<String> = files.collect();
        there.sort();
        assert_eq!(there, MODELS.iter().map(|model| model.file).collect::<Vec<_>>());
        for model in MODELS {
            let name = model.name;
            assert!(model.about().len() > 20 && model.text.contains(&format!("\ndef {name}(")), "{name}");
            assert!(mmf_stages::find(name).is_none(), "{name} is a stage, which would be shown in its stead");
        }
    }
}
