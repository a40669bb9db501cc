//! Golden runs: made, repeated, and what is said where a program no longer repeats them.

use super::harness::Bench;

const SHOP: &str = "\
;; What three things cost.
SET total = 0
FOR i IN 3 DO
  READ_FROM_TOOL \"Prices\", {item: i} -> price
  SET total = total + price * 2
ENDFOR
LOG total
RETURN total
";

fn blessed() -> Bench {
    let bench = Bench::new();
    bench.file("shop/a.avm", SHOP);
    bench.file("shop/avm.toml", "[tools.Prices]\nuse = \"fixture\"\nfile = \"prices.toml\"\n");
    bench.file("shop/prices.toml", "[[read]]\ngive = 7\n");
    let made = bench.run(&["test", "--bless", "shop/a.avm"]);
    assert_eq!((made.exit, made.stdout.as_str()), (0, "recorded shop/a.avmj\n"), "{}", made.stderr);
    // What is checked asks nobody.
    std::fs::remove_file(bench.path().join("shop/prices.toml")).expect("a file");
    bench
}

#[test]
fn what_is_the_same_passes() {
    let bench = blessed();
    let same = bench.run(&["test"]);
    assert_eq!((same.exit, same.stdout.as_str()), (0, "1 of 1 golden run the same\n"));
    // In other words, but not in what it does.
    bench.file("shop/a.avm", SHOP.replace("total + price * 2", "price * 2 + total"));
    for named in ["shop", "shop/a.avm", "shop/a.avmj"] {
        assert_eq!(bench.run(&["test", named]).exit, 0, "{named}");
    }
}

#[test]
fn what_differs_is_named() {
    let bench = blessed();
    let changed = |from: &str, to: &str| {
        bench.file("shop/a.avm", SHOP.replace(from, to));
        bench.run(&["test"]).show()
    };
    let shown = [
        changed("price * 2", "price * 3"),
        changed("{item: i}", "{item: i + 1}"),
        changed("LOG total\n", "LOG total\nLOG \"more\"\n"),
        changed("LOG total\n", "NOP\nLOG total\n"),
        changed("RETURN total", "RAISE \"no\""),
        changed("SET total", "SAT total"),
    ];
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn damaged_and_missing_golden_runs() {
    let bench = blessed();
    let mut bytes = bench.read("shop/a.avmj");
    bytes[700] ^= 1;
    bench.file("shop/a.avmj", &bytes);
    let damaged = bench.run(&["test"]);
    assert_eq!(damaged.exit, 1);
    assert!(damaged.stdout.contains("shop/a.avmj: damaged: record "), "{}", damaged.stdout);
    let none = Bench::with("HALT\n").run(&["test"]);
    assert_eq!(none.exit, 2);
    assert!(none.stderr.contains("avm test --bless PROGRAM.avm"), "{}", none.stderr);
}

#[test]
fn cases_of_one_program_keep_their_inputs() {
    let bench = Bench::with(".input n\nLOG n * 2\n");
    for n in ["1", "2"] {
        let journal = format!("a.{n}.avmj");
        let input = format!("n={n}");
        let ran = bench.run(&["run", "a.avm", "-q", "--input", &input, "--journal", &journal]);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
    }
    assert_eq!(bench.run(&["test"]).stdout, "2 of 2 golden runs the same\n");
    bench.file("a.avm", ".input n\nLOG n * 3\n");
    assert_eq!(bench.run(&["test"]).exit, 1);
    assert_eq!(bench.run(&["test", "--bless"]).stdout, "recorded a.1.avmj\nrecorded a.2.avmj\n");
    assert_eq!(bench.run(&["test"]).exit, 0);
    assert_eq!(bench.run(&["replay", "a.2.avmj", "-q"]).stdout, "6\n");
}

#[test]
fn blessing_says_what_a_program_needs() {
    let bench = Bench::new();
    bench.file("shop/a.avm", "READ_FROM_TOOL \"Prices\", {} -> price\nRETURN price\n");
    bench.file("shop/b.avm", "RETURN 1\n");
    let needs = bench.run(&["test", "--bless", "shop/a.avm", "shop/b.avm"]).show();
    bench.file("shop/avm.toml", "[grants]\ntool = [\"Prices\"]\n");
    let made = bench.run(&["test", "--bless", "shop/a.avm"]).show();
    insta::assert_snapshot!([needs, made, bench.run(&["test"]).show()].join("\n"));
}

#[test]
fn fields_that_are_not_compared() {
    let quote = |took: u32, id: u32, price: u32| {
        format!(
            "LOG {{took_ms: {took}, quote: {{id: {id}, price: {price}}}, id: 1}}\n\
             RETURN {{took_ms: {took}, all: [{{price: {price}}}]}}\n"
        )
    };
    let bench = Bench::with(&quote(5, 6, 7));
    assert_eq!(bench.run(&["test", "--bless", "a.avm"]).exit, 0);
    bench.file("a.avm", quote(8, 9, 7));
    let without = bench.run(&["test"]).show();
    bench.file("avm.toml", "[test]\nredact = [\"took_ms\", \"quote.id\"]\n");
    let with = bench.run(&["test"]);
    assert_eq!((with.exit, with.stdout.as_str()), (0, "1 of 1 golden run the same\n"));
    bench.file("a.avm", quote(8, 9, 6));
    let other = bench.run(&["test"]).show();
    bench.file("a.avm", quote(8, 9, 7).replace("id: 1", "id: 2"));
    // Not the one of a quote.
    let alike = bench.run(&["test"]).show();
    bench.file("avm.toml", "[test]\nredact = [\"quote.\"]\n");
    let wrong = bench.run(&["test"]).show();
    insta::assert_snapshot!([without, other, alike, wrong].join("\n"));
}

#[test]
fn a_table_says_what_each_line_costs() {
    let bench = blessed();
    bench.file("more/b.avm", "LOG \"b\"\n");
    assert_eq!(bench.run(&["test", "--bless", "more/b.avm"]).exit, 0);
    let none = bench.run(&["test", "--gas", "gas.txt"]).show();
    let made = bench.run(&["test", "--bless-gas", "gas.txt"]).show();
    let table = String::from_utf8(bench.read("gas.txt")).expect("a text");
    let same = bench.run(&["test", "--gas", "gas.txt"]).show();
    // Another line, and one further down that says the same and costs what it did.
    let dearer = SHOP.replace("  SET total = total", "  ;; More.\n  SET total = 0 + total");
    bench.file("shop/a.avm", dearer.replace("LOG total\n", "LOG total * 1\n"));
    bench.file("gas.txt", table.replace("more/b.avmj", "more/c.avmj"));
    let other = bench.run(&["test", "--gas", "gas.txt"]).show();
    bench.file("gas.txt", format!("{table}\nshop/a.avmj 1\n"));
    let twice = bench.run(&["test", "--gas", "gas.txt"]).show();
    bench.file("gas.txt", format!("{table}  much LOG 1\n"));
    let wrong = bench.run(&["test", "--gas", "gas.txt"]).show();
    bench.file("low/gas.txt", &table);
    let outside = bench.run(&["test", "more/b.avm", "--gas", "low/gas.txt"]).show();
    insta::assert_snapshot!([none, made, table, same, other, twice, wrong, outside].join("\n"));
}
