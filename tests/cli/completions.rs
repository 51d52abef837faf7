//! `completions`: scripts for five shells, from the verbs and the vocabulary themselves.

use super::Place;

#[test]
fn shells_learn_verbs_and_stages() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.mmf(&["completions", shell]).ends(0).out();
        for word in ["report", "completions", "threads"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
        // The others complete no values of what stands without an option.
        if ["bash", "zsh"].contains(&shell) {
            assert!(script.contains("hsv_histogram"), "{shell} does not know the stages");
        }
    }
    assert!(place.mmf(&["completions", "tcsh"]).ends(2).err().contains("[possible values: bash, elvish, fish"));
}

/// What the shell is told is what the verb takes.
#[test]
fn bash_takes_the_script() {
    let Ok(found) = std::process::Command::new("bash").arg("-c").arg("complete -p >/dev/null 2>&1; echo ok").output()
    else {
        println!("skipped: there is no bash");
        return;
    };
    assert!(found.status.success());
    let place = Place::new();
    place.write("mmf.bash", place.mmf(&["completions", "bash"]).ends(0).out());
    let asks =
        "source ./mmf.bash; COMP_WORDS=(mmf stages hsv); COMP_CWORD=2; _mmf mmf hsv stages; echo \"${COMPREPLY[@]}\"";
    let said = std::process::Command::new("bash").args(["-c", asks]).current_dir(place.path("")).output().unwrap();
    assert_eq!(String::from_utf8(said.stdout).unwrap().trim(), "hsv_histogram");
}
