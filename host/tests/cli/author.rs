//! What `probity new` and `probity build` refuse. That they work is the subject of `tests/tests/all/author.rs`.

use crate::kit::Folder;

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
