//! What `probity new` and `probity build` refuse. That they work is the subject of `tests/tests/all/author.rs`.

use crate::kit::{Folder, command};

// Nothing is written over, and a name that would not do is refused with what would.
#[test]
fn new_refuses_what_it_cannot_make() {
    let folder = Folder::new().with_file("plugins/precious", "mine");
    let taken = folder.probity(["new", "a", "--dir", "plugins"]);
    assert_eq!(taken.code, Some(1));
    taken.complains("plugins is not empty");
    let named = folder.probity(["new", "Queue Depth"]);
    assert_eq!(named.code, Some(1));
    named.complains("use lower-case letters");
}

// Where there is nothing to build, or something else, the answer says so.
#[test]
fn build_says_what_it_wants() {
    let folder = Folder::new();
    folder.probity(["build"]).complains("start one with `probity new NAME --lang LANGUAGE`");
    let javascript = folder.with_file("package.json", "{}").probity(["build"]);
    assert_eq!(javascript.code, Some(1));
    javascript.complains("neither check.js nor check.ts");
}

// `new .` makes the check in the empty folder one is in, which names it; short words name a language.
#[test]
fn new_takes_the_folder_one_is_in() {
    let folder = Folder::new();
    let inner = folder.path().join("open-orders");
    std::fs::create_dir_all(inner.join(".git")).unwrap();
    let made = command(&inner).args(["new", ".", "--lang", "ts"]).output().unwrap();
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.status.success() && said.contains("next:\n  npm install\n"), "{said}");
    let manifest = std::fs::read_to_string(inner.join("package.json")).unwrap();
    assert!(manifest.contains("\"open-orders\"") && inner.join("check.ts").is_file(), "{manifest}");
    let ignored = std::fs::read_to_string(inner.join(".gitignore")).unwrap();
    assert!(
        ["/target", "*.log", "node_modules/"].iter().all(|line| ignored.lines().any(|one| one == *line)),
        "{ignored}"
    );
    let other = folder.probity(["new", "checks/cxx-check", "--lang", "c++"]);
    assert!(other.code == Some(0) && folder.path().join("checks/cxx-check/check.cpp").is_file(), "{other:?}");
}
