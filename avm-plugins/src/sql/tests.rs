use core::time::Duration;
use std::{path::PathBuf, sync::Arc};

use avm_ir::{Value, value::Record};
use avm_vm::{FailureCode, IdempotencyKey, Spend};
use proptest::prelude::*;

use super::Sqlite;
use crate::{
    host::{Host, NoHost},
    provider::{Call, Outcome, Provider, Refusal, Sql},
    settings::Settings,
};

const OPEN: Call = Call {
    max_bytes: u64::MAX,
    max_units: u64::MAX,
    max_gas: u64::MAX,
    max_spend: Spend::UNLIMITED,
    timeout: Duration::from_secs(60),
    idempotency_key: IdempotencyKey::Given([0; 32]),
};

/// Work that fits into any test: a million steps.
const SOME: Call = Call { max_units: 1000, ..OPEN };

/// A host with a folder and a clock that goes on by a second at every look.
struct Folder(PathBuf, NoHost);

impl Host for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.1.read(path)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    fn now(&self) -> Duration {
        self.1.sleep(Duration::from_secs(1));
        self.1.now()
    }

    fn unix_time(&self) -> i64 {
        0
    }

    fn sleep(&self, _: Duration) {}
}

fn with(keys: &str) -> Result<Sqlite, String> {
    in_folder(PathBuf::new(), keys)
}

fn in_folder(folder: PathBuf, keys: &str) -> Result<Sqlite, String> {
    let mut settings = Settings::empty("sql", Arc::new(Folder(folder, NoHost::default())));
    settings.table = keys.parse().expect("the keys are TOML");
    Sqlite::new(&settings).map_err(|error| error.0)
}

fn private() -> Sqlite {
    with("").expect("a private database needs no keys")
}

/// Tables `t` with the numbers 0 to 999 and their squares, and an empty `e`.
fn filled() -> Sqlite {
    let sqlite = private();
    for query in [
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b INT)",
        "CREATE TABLE e (a UNIQUE, b NOT NULL)",
        "WITH RECURSIVE n(a) AS (SELECT 0 UNION ALL SELECT a + 1 FROM n LIMIT 1000)
         INSERT INTO t SELECT a, a * a FROM n",
    ] {
        sqlite.execute(&SOME, query, &[]).expect("the tables are made");
    }
    sqlite
}

fn output(outcome: Outcome) -> Value {
    outcome.expect("it succeeds").outputs.remove(0)
}

fn fetch(sqlite: &Sqlite, query: &str) -> Value {
    output(sqlite.fetch(&SOME, query, &[]))
}

fn refused(outcome: Outcome) -> Refusal {
    outcome.expect_err("it is refused")
}

fn rows<const N: usize, const M: usize>(rows: [[(&str, Value); M]; N]) -> Value {
    Value::list(rows.map(|row| Value::Record(Record::from_iter(row))).to_vec())
}

#[test]
fn rows_are_records_of_typed_values() {
    let sqlite = private();
    let made = sqlite.execute(&SOME, "CREATE TABLE v (n, i, r, t, b, o, l)", &[]);
    assert_eq!(output(made), Value::text("OK"));
    let values = [
        Value::Null,
        Value::Int(i64::MIN),
        Value::Float(0.5),
        Value::text("a\0'; DROP TABLE v; --"),
        Value::Bytes(Arc::new(vec![0, 255])),
        Value::Bool(true),
        Value::list(vec![Value::Int(1), Value::text("x")]),
    ];
    let insert = "INSERT INTO v VALUES (?, ?, ?, ?, ?, ?, ?)";
    assert_eq!(output(sqlite.execute(&SOME, insert, &values)), Value::text("OK"));
    let mut wanted = values;
    wanted[5] = Value::Int(1);
    wanted[6] = Value::text("[1,\"x\"]");
    let names = ["n", "i", "r", "t", "b", "o", "l"];
    let row = Record::from_iter(names.into_iter().zip(wanted));
    assert_eq!(fetch(&sqlite, "SELECT * FROM v"), Value::list(vec![Value::Record(row)]));
    assert_eq!(
        fetch(&sqlite, "SELECT i FROM v WHERE o = 2; -- and nothing more"),
        rows::<0, 0>([])
    );
}

#[test]
fn what_is_wrong_is_said() {
    let sqlite = filled();
    let float = Value::vector(vec![0.5]);
    let cases: &[(&str, &[Value], FailureCode, &str)] = &[
        ("", &[], FailureCode::InvalidArgument, "the query is empty"),
        (" -- x", &[], FailureCode::InvalidArgument, "the query is empty"),
        ("SELEC", &[], FailureCode::InvalidArgument, "near \"SELEC\": syntax error (byte 0"),
        ("SELECT a FROM u", &[], FailureCode::InvalidArgument, "no such table: u"),
        ("SELECT \"x\"", &[], FailureCode::InvalidArgument, "no such column: \"x\""),
        ("SELECT 1; SELECT 2", &[], FailureCode::InvalidArgument, "one statement"),
        ("SELECT 1; garbage", &[], FailureCode::InvalidArgument, "one statement"),
        ("SELECT ?", &[], FailureCode::InvalidArgument, "has 1 parameters, and params has 0"),
        ("SELECT 1", &[Value::Null], FailureCode::InvalidArgument, "has 0 parameters"),
        (
            "SELECT ?",
            &[float],
            FailureCode::InvalidArgument,
            "params[0]: a database keeps no vector",
        ),
        (
            "INSERT INTO e VALUES (1, NULL)",
            &[],
            FailureCode::InvalidArgument,
            "NOT NULL constraint",
        ),
        ("SELECT zeroblob(1000000000)", &[], FailureCode::TooLarge, "too big"),
        ("INSERT INTO e VALUES (1, zeroblob(1000000000))", &[], FailureCode::TooLarge, "too big"),
    ];
    for (query, params, code, message) in cases {
        let refusal = refused(sqlite.execute(&SOME, query, params));
        assert_eq!(refusal.failure.code, *code, "{query}: {}", refusal.failure.message);
        assert!(refusal.failure.message.contains(message), "{query}: {}", refusal.failure.message);
    }
    let two = refused(sqlite.fetch(&SOME, "SELECT a, b AS a FROM t", &[]));
    assert_eq!(two.failure.message, "two columns are named a; name one of them with AS");
    assert_eq!(fetch(&sqlite, "SELECT count(*) AS n FROM e"), rows([[("n", Value::Int(0))]]));
}

#[test]
fn a_program_reaches_nothing_but_its_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = in_folder(folder.path().to_owned(), "database = \"a.db\"").expect("it opens");
    sqlite.execute(&SOME, "CREATE TABLE t (a)", &[]).expect("a table");
    let other = folder.path().join("b.db");
    let other = other.display();
    let outside = [
        &format!("ATTACH '{other}' AS b"),
        &format!("ATTACH 'file:{other}?mode=rwc' AS b"),
        "ATTACH ':memory:' AS b",
        "DETACH main",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT s",
        "PRAGMA journal_mode = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA max_page_count = 1000000",
        "PRAGMA temp_store_directory = '/tmp'",
        "SELECT load_extension('x')",
        "SELECT * FROM pragma_database_list",
        "SELECT random()",
        "SELECT RanDom()",
        "SELECT datetime('now')",
        "SELECT \"datetime\"('now')",
        "SELECT CURRENT_TIMESTAMP",
        "SELECT last_insert_rowid()",
        "SELECT a FROM t WHERE a IN (SELECT random())",
        "CREATE TEMP TABLE x (a)",
        "CREATE TABLE temp.x (a)",
        "CREATE TEMP VIEW x AS SELECT 1",
        "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END",
        "CREATE VIRTUAL TABLE x USING fts5 (a)",
    ];
    for query in outside {
        for outcome in [sqlite.execute(&SOME, query, &[]), sqlite.fetch(&SOME, query, &[])] {
            let failure = refused(outcome).failure;
            assert_eq!(failure.code, FailureCode::Denied, "{query}: {}", failure.message);
        }
    }
    let unknown = [
        &format!("VACUUM INTO '{other}'"),
        "VACUUM",
        "UPDATE sqlite_schema SET sql = 'x'",
        "SELECT writefile('x', 'y')",
        "SELECT readfile('x')",
    ];
    for query in unknown {
        refused(sqlite.execute(&SOME, query, &[]));
        refused(sqlite.fetch(&SOME, query, &[]));
    }
    // A view is compiled when it is used.
    sqlite.execute(&SOME, "CREATE VIEW v AS SELECT random()", &[]).expect("it is not used");
    refused(sqlite.fetch(&SOME, "SELECT * FROM v", &[]));
    assert!(sqlite.fetch(&SOME, "SELECT name FROM pragma_table_info('t')", &[]).is_ok());
    assert!(sqlite.fetch(&SOME, "PRAGMA table_info(t)", &[]).is_ok());
    sqlite.execute(&SOME, "ALTER TABLE t RENAME COLUMN a TO b", &[]).expect("it is ours");
    for query in ["INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TABLE u (a)", "DELETE FROM t"]
    {
        let refusal = refused(sqlite.fetch(&SOME, query, &[]));
        assert_eq!(refusal.failure.code, FailureCode::Denied, "{query}");
        assert_eq!(refusal.failure.message, "SQL_FETCH only reads; use SQL_EXECUTE");
    }
    let files = folder.path().read_dir().expect("the folder").count();
    assert_eq!(files, 1, "only a.db");
}

#[test]
fn chance_and_clock_do_not_hide_in_a_table() {
    let sqlite = private();
    for column in ["DEFAULT (random())", "DEFAULT CURRENT_TIMESTAMP", "AS (date(a))"] {
        let created = format!("CREATE TABLE t (a, b {column})");
        if sqlite.execute(&SOME, &created, &[]).is_err() {
            continue;
        }
        let inserted = sqlite.execute(&SOME, "INSERT INTO t (a) VALUES (1)", &[]);
        assert!(inserted.is_err(), "{column}: {:?}", fetch(&sqlite, "SELECT * FROM t"));
        sqlite.execute(&SOME, "DROP TABLE t", &[]).expect("it goes away");
    }
}

#[test]
fn a_statement_that_takes_too_much_work_changes_nothing() {
    let sqlite = filled();
    let before = sqlite.save();
    for (query, reads) in [
        ("SELECT count(*) AS n FROM t, t AS u, t AS v WHERE t.b + u.b = v.b", true),
        ("INSERT INTO e SELECT 1000 * t.a + u.a, 0 FROM t, t AS u", false),
        ("UPDATE t SET b = (SELECT count(*) FROM t AS u, t AS v WHERE u.a < v.a)", false),
        ("DELETE FROM t WHERE (SELECT max(u.b) FROM t AS u) > a", false),
        ("CREATE TABLE c AS SELECT t.a FROM t, t AS u", false),
    ] {
        for most in [1, 5, 50] {
            let call = Call { max_units: most, ..OPEN };
            let outcome = match reads {
                true => sqlite.fetch(&call, query, &[]),
                false => sqlite.execute(&call, query, &[]),
            };
            let Err(refusal) = outcome else {
                assert_eq!((most, &query[..6]), (50, "DELETE"));
                continue;
            };
            assert_eq!(refusal.failure.code, FailureCode::GasLimit, "{query}");
            assert_eq!(refusal.units, most + 1);
            let steps = sqlite.watch.turns();
            assert!(steps <= 2 * most, "{query}: {steps} thousand steps of {most}");
        }
        if query.starts_with("DELETE") {
            sqlite.restore(&before).expect("it was saved");
        }
        assert!(sqlite.save() == before, "{query}");
    }
}

#[test]
fn work_is_the_same_for_the_same_data() {
    let query = "SELECT u.a AS a, sum(t.b) AS b FROM t JOIN t AS u ON t.a < u.a
                 WHERE u.a % ? = 0 GROUP BY u.a ORDER BY b DESC";
    let units = |sqlite: &Sqlite| {
        sqlite.fetch(&SOME, query, &[Value::Int(500)]).expect("it is answered").units
    };
    let first = filled();
    let (cold, warm) = (units(&first), units(&first));
    assert_eq!(cold, warm);
    let second = private();
    second.restore(&first.save()).expect("it was saved");
    assert_eq!(units(&second), cold);
    let exact = Call { max_units: cold, ..OPEN };
    assert!(first.fetch(&exact, query, &[Value::Int(500)]).is_ok());
    let short = Call { max_units: cold - 1, ..OPEN };
    let refusal = refused(first.fetch(&short, query, &[Value::Int(500)]));
    assert_eq!((refusal.failure.code, refusal.units), (FailureCode::GasLimit, cold));
    // A change of exactly what is left is kept, of a unit more is not.
    let change = "UPDATE t SET b = -b WHERE a < 300";
    let work = first.execute(&SOME, change, &[]).expect("it is done").units;
    let state = first.save();
    let short = Call { max_units: work - 1, ..OPEN };
    refused(first.execute(&short, change, &[]));
    assert!(first.save() == state);
}

#[test]
fn bytes_are_work_too() {
    let sqlite = filled();
    let text = [Value::from("x".repeat(100_000))];
    let inserted = sqlite.execute(&SOME, "INSERT INTO e VALUES (?, 1)", &text);
    assert!((100..110).contains(&inserted.expect("it is done").units));
    let row = sqlite.fetch(&SOME, "SELECT a FROM e", &[]).expect("it is answered");
    assert!((100..110).contains(&row.units));
    let few = Call { max_units: 99, ..OPEN };
    let refusal = refused(sqlite.execute(&few, "INSERT INTO e VALUES (?, 2)", &text));
    assert_eq!(refusal.failure.code, FailureCode::GasLimit);
    assert_eq!(refused(sqlite.fetch(&few, "SELECT a FROM e", &[])).units, 100);
    assert_eq!(sqlite.fetch(&few, "SELECT 1", &[]).expect("it is answered").units, 1);
}

#[test]
fn answers_are_capped() {
    let sqlite = filled();
    let room = Call { max_bytes: 5000, ..OPEN };
    let refusal = refused(sqlite.fetch(&room, "SELECT a, b FROM t", &[]));
    assert_eq!(refusal.failure.code, FailureCode::TooLarge);
    assert!(refusal.units > 0);
    assert!(sqlite.fetch(&room, "SELECT a, b FROM t LIMIT 10", &[]).is_ok());
    let few = with("max_rows = 2").expect("it opens");
    few.restore(&sqlite.save()).expect("it was saved");
    assert!(few.fetch(&SOME, "SELECT a FROM t LIMIT 2", &[]).is_ok());
    let refusal = refused(few.fetch(&SOME, "SELECT a FROM t LIMIT 3", &[]));
    assert_eq!(refusal.failure.message, "more than 2 rows; ask for fewer with LIMIT");
}

#[test]
fn a_database_grows_to_its_size() {
    let sqlite = with("max_size = 100000").expect("it opens");
    sqlite.execute(&SOME, "CREATE TABLE t (a)", &[]).expect("a table");
    let blob = [Value::Bytes(Arc::new(vec![1; 20_000]))];
    let insert = || sqlite.execute(&SOME, "INSERT INTO t VALUES (?)", &blob);
    let kept = std::iter::repeat_with(insert).take_while(Result::is_ok).count();
    assert_eq!(kept, 4);
    assert_eq!(refused(insert()).failure.code, FailureCode::TooLarge);
    let copy = with("max_size = 100000").expect("it opens");
    copy.restore(&sqlite.save()).expect("it was saved");
    let full = copy.execute(&SOME, "INSERT INTO t VALUES (?)", &blob);
    assert_eq!(refused(full).failure.code, FailureCode::TooLarge);
    sqlite.execute(&SOME, "DELETE FROM t", &[]).expect("there is room to delete");
    insert().expect("there is room again");
}

#[test]
fn time_is_bounded() {
    let sqlite = filled();
    let call = Call { timeout: Duration::from_secs(5), ..OPEN };
    let refusal = refused(sqlite.fetch(&call, "SELECT count(*) FROM t, t AS u, t AS v", &[]));
    assert_eq!(refusal.failure.code, FailureCode::Timeout);
    assert_eq!(fetch(&sqlite, "SELECT 1 AS a"), rows([[("a", Value::Int(1))]]));
}

#[test]
fn files_are_shared_and_can_be_read_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |keys: &str| in_folder(folder.path().to_owned(), keys);
    let error = open("database = \"a.db\"\nread_only = true").expect_err("no file yet");
    assert!(error.starts_with("a.db: "), "{error}");
    let first = open("database = \"a.db\"").expect("it is made");
    first.execute(&SOME, "CREATE TABLE t (a)", &[]).expect("a table");
    let second = open("database = \"a.db\"\nread_only = true").expect("it opens");
    first.execute(&SOME, "INSERT INTO t VALUES (7)", &[]).expect("a row");
    assert_eq!(fetch(&second, "SELECT a FROM t"), rows([[("a", Value::Int(7))]]));
    let refusal = refused(second.execute(&SOME, "DELETE FROM t", &[]));
    assert_eq!(refusal.failure.message, "the database is bound to be read only");
    assert_eq!(first.save(), Value::Null);
    assert!(first.restore(&private().save()).is_err());
    let error = open("database = \".\"").expect_err("a folder");
    assert!(error.starts_with(".: unable to open"), "{error}");
}

#[test]
fn a_file_in_use_is_unavailable() {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = in_folder(folder.path().to_owned(), "database = \"a.db\"").expect("it is made");
    let other = rusqlite::Connection::open(folder.path().join("a.db")).expect("it opens");
    other.execute_batch("BEGIN EXCLUSIVE").expect("it is locked");
    let call = Call { timeout: Duration::ZERO, ..SOME };
    let refusal = refused(sqlite.execute(&call, "CREATE TABLE t (a)", &[]));
    assert_eq!(refusal.failure.code, FailureCode::Unavailable);
    other.execute_batch("COMMIT").expect("it is free");
    sqlite.execute(&SOME, "CREATE TABLE t (a)", &[]).expect("a table");
}

#[test]
fn settings_are_checked() {
    assert_eq!(
        with("read_only = true").unwrap_err(),
        "read_only needs a database to read; add database"
    );
    assert!(with("max_rows = 0").is_err());
    assert!(with("max_size = 1").is_err());
    assert!(with("path = \"x\"").unwrap_err().contains("unknown field `path`"));
    assert!(in_folder("/nowhere".into(), "database = \"a.db\"").unwrap_err().starts_with("a.db: "));
}

#[test]
fn damaged_state_is_refused() {
    let Value::Bytes(bytes) = filled().save() else { panic!("no bytes") };
    let sqlite = filled();
    let restore = |bytes: Vec<u8>| sqlite.restore(&Value::Bytes(Arc::new(bytes)));
    restore(bytes.to_vec()).expect("it was saved");
    assert!(restore(bytes[..bytes.len() / 2].to_vec()).is_err());
    assert!(restore(vec![7; 10_000]).is_err());
    let mut damaged = bytes.to_vec();
    damaged[4096..4200].fill(0xFF);
    assert!(restore(damaged).is_err());
    // What was there is still there.
    assert_eq!(fetch(&sqlite, "SELECT max(a) AS a FROM t"), rows([[("a", Value::Int(999))]]));
}

#[test]
fn many_statements_and_deep_ones_are_refused_and_not_followed() {
    let sqlite = filled();
    for query in [
        "SELECT 1;".repeat(11_000),
        ";".repeat(99_000),
        format!("SELECT {}1{}", "(".repeat(40_000), ")".repeat(40_000)),
        format!("SELECT 1{}", "+1".repeat(40_000)),
        format!("SELECT {}1", "-".repeat(2) + &"NOT ".repeat(20_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(6_000)),
        format!("SELECT * FROM t{}", ",t".repeat(40_000)),
        format!("SELECT {}1{}", "(SELECT ".repeat(10_000), ")".repeat(10_000)),
        "x".repeat(100_001),
    ] {
        assert!(sqlite.fetch(&SOME, &query, &[]).is_err(), "{}", &query[..40]);
    }
}

/// Pieces from which statements are made, so that some of them compile.
fn query() -> impl Strategy<Value = String> {
    let words = [
        "SELECT",
        "FROM",
        "WHERE",
        "t",
        "e",
        "a",
        "b",
        "*",
        "(",
        ")",
        ",",
        "1",
        "'x'",
        "?",
        "JOIN",
        "ON",
        "=",
        "<",
        "+",
        "INSERT INTO",
        "VALUES",
        "UPDATE",
        "SET",
        "DELETE FROM",
        "CREATE TABLE",
        "DROP TABLE",
        "ORDER BY",
        "GROUP BY",
        "LIMIT",
        "UNION ALL",
        "WITH RECURSIVE",
        "AS",
        "NULL",
        "count(*)",
        "max(a)",
        "json_each(a)",
        ";",
        "--",
        "\"",
        "RETURNING",
        "EXISTS",
        "x'00'",
        "CASE",
        "WHEN",
        "THEN",
        "END",
        "IN",
        "ALTER TABLE",
        "ADD",
        "RENAME TO",
        "EXPLAIN",
        "ANALYZE",
        "REINDEX",
    ];
    let word = prop_oneof![8 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
                           1 => "\\PC{0,4}"];
    proptest::collection::vec(word, 0..14).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_answered_within_its_limits(queries in proptest::collection::vec(query(), 1..6)) {
        let sqlite = filled();
        let call = Call { max_units: 100, max_bytes: 10_000, ..OPEN };
        for query in queries {
            for params in [&[][..], &[Value::Int(1)]] {
                for reads in [true, false] {
                    let before = sqlite.save();
                    let outcome = match reads {
                        true => sqlite.fetch(&call, &query, params),
                        false => sqlite.execute(&call, &query, params),
                    };
                    let units = match &outcome {
                        Ok(reply) => reply.units,
                        Err(refusal) => refusal.units,
                    };
                    prop_assert!(units <= 101);
                    // The state is too long to be printed.
                    let same = sqlite.save() == before;
                    prop_assert!(same || !reads && outcome.is_ok());
                }
                prop_assert!(sqlite.watch.turns() <= 200);
            }
        }
    }
}
