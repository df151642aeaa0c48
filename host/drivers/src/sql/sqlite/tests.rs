//! Files of SQLite, and statements that would hurt.

use std::time::Instant;

use tokio::sync::Semaphore;

use super::*;

const CAPS: Caps = Caps { rows: 10, bytes: 1 << 20 };
const LONG: Duration = Duration::from_secs(20);

async fn session(file: &Path, read_only: bool) -> Result<Session, CallError> {
    let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
    Session::open(("db", file), "grants = { sql = [\"db\"] }", read_only, place, LONG).await
}

fn file(dir: &tempfile::TempDir) -> std::path::PathBuf {
    let file = dir.path().join("x.db");
    let made = Connection::open(&file).unwrap();
    made.execute_batch("CREATE TABLE t (n INTEGER, s TEXT); INSERT INTO t VALUES (1, 'one'), (2, NULL)").unwrap();
    file
}

async fn kind(session: &mut Session, statement: &str) -> ErrorKind {
    session.query(statement, &[], CAPS, LONG).await.unwrap_err().kind
}

// Rows come with their types, parameters go in, and a read-only session changes nothing.
#[tokio::test]
async fn rows_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = session(&file(&dir), true).await.unwrap();
    let reply = session.query("SELECT n, s FROM t WHERE n >= ?", &[Value::Integer(1)], CAPS, LONG).await.unwrap();
    assert_eq!(reply.columns[0], Column { name: "n".into(), type_name: "INTEGER".into() });
    assert_eq!(reply.rows, [[Value::Integer(1), Value::Text("one".into())], [Value::Integer(2), Value::Null]]);
    let denied = session.query("INSERT INTO t VALUES (3, '') RETURNING n", &[], CAPS, LONG).await.unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Denied);
    assert!(denied.message.ends_with("grants = { sql = [\"db:write\"] }"), "{}", denied.message);
    assert_eq!(kind(&mut session, "SELECT ?").await, ErrorKind::InvalidArgument);
}

// No statement opens another file, for reading or for writing, not even where changes are granted.
#[tokio::test]
async fn other_files_stay_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (file, other) = (file(&dir), dir.path().join("other.db"));
    for read_only in [true, false] {
        let mut session = session(&file, read_only).await.unwrap();
        for statement in ["ATTACH ? AS o", "VACUUM INTO ?"] {
            let name = [Value::Text(other.display().to_string())];
            let refused = session.query(statement, &name, CAPS, LONG).await.unwrap_err();
            assert!(matches!(refused.kind, ErrorKind::Denied | ErrorKind::Remote), "{refused:?}");
        }
        assert_eq!(kind(&mut session, "PRAGMA temp_store_directory = '/tmp'").await, ErrorKind::Denied);
        assert!(session.query("SELECT load_extension('x')", &[], CAPS, LONG).await.is_err());
    }
    assert!(!other.exists());
}

// A statement without end is stopped when its time is over, and soon after its caller has gone.
#[tokio::test]
async fn endless_statements_end() {
    const ENDLESS: &str = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c";
    let dir = tempfile::tempdir().unwrap();
    let mut session = session(&file(&dir), true).await.unwrap();
    let late = session.query(ENDLESS, &[], CAPS, Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(late.kind, ErrorKind::Timeout);
    assert!(session.is_usable());
    let place = Arc::downgrade(&session.place);
    let call = session.query(ENDLESS, &[], CAPS, LONG);
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    assert!(!session.is_usable());
    drop(session);
    let end = Instant::now() + Duration::from_secs(5);
    while place.strong_count() > 0 {
        assert!(Instant::now() < end, "the thread goes on");
        tokio::time::sleep(Duration::from_millis(5)).await; // the distance of two looks
    }
}

/// How long the statement keeps its thread, with this much time.
async fn takes(session: &mut Session, statement: &str, params: &[Value], budget: Duration) -> Duration {
    let start = Instant::now();
    // What it says is not the question.
    let _ = session.query(statement, params, CAPS, budget).await;
    start.elapsed()
}

fn text(part: &str, times: usize) -> Value {
    Value::Text(part.repeat(times))
}

// Functions that took minutes, or the stack, end in time; nothing computes on for long when its time is over.
#[tokio::test]
async fn every_function_ends_in_time() {
    const N: usize = guard::VALUE_BYTES_MAX as usize - 100;
    let dir = tempfile::tempdir().unwrap();
    let mut session = session(&file(&dir), true).await.unwrap();
    let (all, half) = (text("a", N), Value::Text(format!("{}b", "a".repeat(N / 2))));
    let numbers = Value::Text(format!("[{}1]", "1,".repeat(N / 2 - 10)));
    let wide = |function: &str| vec![function; 60].join(" + ");
    for (statement, params) in [
        ("SELECT instr(?, ?)".to_owned(), vec![all.clone(), half.clone()]),
        ("SELECT replace(?, ?, '')".to_owned(), vec![all.clone(), half.clone()]),
        ("SELECT trim(?, ?)".to_owned(), vec![all.clone(), text("bcdefa", N / 6)]),
        ("SELECT unhex(?, ?)".to_owned(), vec![text("-", N), text("+", N)]),
        ("SELECT ? LIKE ?".to_owned(), vec![all.clone(), Value::Text(format!("%{}b", "a".repeat(990)))]),
        ("SELECT ? GLOB ?".to_owned(), vec![all.clone(), text("*a", 450)]),
        ("SELECT ? GLOB ?".to_owned(), vec![all.clone(), text("*[a]", 200)]),
        ("SELECT ? GLOB replace(hex(zeroblob(25000)), '0', '*x')".to_owned(), vec![all.clone()]),
        ("SELECT json_patch(?1, ?1)".to_owned(), vec![numbers.clone()]),
        (format!("SELECT {}", wide("length(json_remove(?1, '$[0]'))")), vec![numbers]),
        (format!("SELECT {}", wide("length(strftime(?1, 'now'))")), vec![text("%f", N / 7)]),
        (format!("SELECT {}", wide("(?1 GLOB '*a*a*a*b')")), vec![all.clone()]),
        (format!("SELECT {}", vec!["?1 || 1 > 2"; 1_900].join(", ")), vec![all.clone()]),
        (format!("SELECT {}1{}", "abs(".repeat(60), ")".repeat(60)), vec![]),
        (format!("SELECT {}1{}", "(".repeat(900), ")".repeat(900)), vec![]),
        (format!("SELECT * FROM {}(SELECT 1){}", "(SELECT * FROM ".repeat(300), ")".repeat(300)), vec![]),
        ("SELECT json(?)".to_owned(), vec![text("[", N)]),
    ] {
        let took = takes(&mut session, &statement, &params, Duration::from_millis(10)).await;
        assert!(took < Duration::from_secs(3), "{took:?}: {}", &statement[..statement.len().min(80)]);
        assert!(session.is_usable());
    }
}

// What is asked of functions in other ways than SQLite's own is answered as SQLite answers it.
#[tokio::test]
async fn replaced_functions_answer_alike() {
    let dir = tempfile::tempdir().unwrap();
    let mut session = session(&file(&dir), true).await.unwrap();
    let original = Connection::open_in_memory().unwrap();
    for statement in [
        "SELECT instr('äbc', 'c'), instr(x'0102', x'02'), instr(1.5, '.'), instr(NULL, 'a'), instr('a', '')",
        "SELECT replace('abcabc', 'b', 'xyz'), replace(1.50, '.', ','), replace('a', '', 'b'), replace('a', 'a', NULL)",
        "SELECT trim('xxaxx', 'x'), ltrim('xya', 'xy'), rtrim('äöä', 'ä'), trim(' a '), trim(100, '0')",
        "SELECT unhex('61-62', '-'), unhex('61'), hex(unhex('6', 'x'))",
        "SELECT 'Abc' LIKE 'aB_', 'Ä' LIKE 'ä', 'a%c' LIKE 'a!%_' ESCAPE '!', 'a_' LIKE 'a__' ESCAPE '_', 12 LIKE '1%'",
        "SELECT NULL LIKE 'a', 'a' LIKE NULL, 1.0 LIKE '1.0', 'x' LIKE 'x' ESCAPE NULL, x'61' LIKE 'a', 'a' NOT LIKE '%'",
        "SELECT 'a]' GLOB 'a[]]', 'b' GLOB '[^a-c]', '-' GLOB '[a-]', 'a' GLOB 'A', 'a' GLOB '[a', 'aXbXc' GLOB '*X?'",
    ] {
        let expected = gather(&original, statement, vec![], CAPS).unwrap().finish().unwrap().rows;
        let found = session.query(statement, &[], CAPS, LONG).await.unwrap().rows;
        assert_eq!(found, expected, "{statement}");
    }
}

proptest::proptest! {
    // Patterns match what they match in SQLite itself.
    #[test]
    fn patterns_match_alike(
        pattern in "[ab%_!*?\\[\\]^Ä-]{0,8}",
        subject in "[abAB%_!*?\\[\\]^Äé-]{0,8}",
    ) {
        let ours = Connection::open_in_memory().unwrap();
        functions::replace_quadratic(&ours, &Arc::new(Watch::new())).unwrap();
        let original = Connection::open_in_memory().unwrap();
        for statement in ["SELECT ?1 LIKE ?2", "SELECT ?1 GLOB ?2", "SELECT ?1 LIKE ?2 ESCAPE '!'", "SELECT ?1 LIKE ?2 ESCAPE '_'"] {
            let ask = |connection: &Connection| {
                connection.query_row(statement, [&subject, &pattern], |row| row.get::<_, bool>(0)).unwrap()
            };
            proptest::prop_assert_eq!(ask(&ours), ask(&original), "{} {:?} {:?}", statement, &subject, &pattern);
        }
    }
}

// What the file is not: a pipe or a device, which would hold the thread for ever.
#[cfg(unix)]
#[tokio::test]
async fn only_regular_files_open() {
    let dir = tempfile::tempdir().unwrap();
    let (pipe, database) = (dir.path().join("pipe"), file(&dir));
    let make = |path: &Path| assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    make(&pipe);
    for path in [pipe.as_path(), Path::new("/dev/zero"), dir.path()] {
        let refused = session(path, true).await.err().unwrap();
        assert_eq!(refused.kind, ErrorKind::Unreachable, "{refused:?}");
        assert!(refused.message.ends_with("is no regular file"), "{refused:?}");
    }
    make(&dir.path().join("x.db-journal"));
    assert_eq!(session(&database, true).await.err().unwrap().kind, ErrorKind::Unreachable);
}

// A schema that somebody else wrote does only what is safe, and neither it nor a statement widens that.
#[tokio::test]
async fn schemas_are_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let database = file(&dir);
    let made = Connection::open(&database).unwrap();
    // Views on views without end, and one that calls what is not for strangers.
    let mut views = "CREATE VIEW v0 AS SELECT 1 AS n; CREATE VIEW w AS SELECT json_patch('{}', '{}') AS n;".to_owned();
    for level in 1..2_000 {
        views += &format!("CREATE VIEW v{level} AS SELECT * FROM v{};", level - 1);
    }
    made.execute_batch(&format!("BEGIN; {views} COMMIT")).unwrap();
    drop(made);
    let mut session = session(&database, true).await.unwrap();
    assert_eq!(kind(&mut session, "SELECT * FROM v1999").await, ErrorKind::Remote);
    let refused = session.query("SELECT * FROM w", &[], CAPS, LONG).await.unwrap_err();
    assert!(refused.message.contains("not authorized to use function: json_patch"), "{refused:?}");
    for statement in [
        "PRAGMA trusted_schema = 1",
        "PRAGMA mmap_size = 1000000000",
        "PRAGMA temp_store = 1",
        "PRAGMA writable_schema = 1",
        "PRAGMA hard_heap_limit",
        "CREATE TEMP TABLE x (n)",
        "CREATE VIRTUAL TABLE temp.x USING fts5(n)",
        "ATTACH ':memory:' AS x",
    ] {
        assert_eq!(kind(&mut session, statement).await, ErrorKind::Denied, "{statement}");
    }
    for statement in ["PRAGMA integrity_check", "PRAGMA user_version", "SELECT * FROM pragma_table_info('t')"] {
        session.query(statement, &[], CAPS, LONG).await.unwrap();
    }
    assert_eq!(session.query("SELECT * FROM v20", &[], CAPS, LONG).await.unwrap().rows.len(), 1);
}

// A file that is not there is not made; one that is no database says so.
#[tokio::test]
async fn only_databases_open() {
    let dir = tempfile::tempdir().unwrap();
    let (missing, text) = (dir.path().join("missing.db"), dir.path().join("text"));
    for read_only in [true, false] {
        assert_eq!(session(&missing, read_only).await.err().unwrap().kind, ErrorKind::Unreachable);
    }
    assert!(!missing.exists());
    std::fs::write(&text, "no database, and long enough to be one by its size alone ".repeat(20)).unwrap();
    assert_eq!(session(&text, true).await.err().unwrap().kind, ErrorKind::Protocol);
}
