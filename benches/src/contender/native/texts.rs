//! Workloads on texts.

use std::{collections::HashMap, hint::black_box};

pub fn words(text: &str) -> i64 {
    let mut counts: HashMap<&str, i64> = HashMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word).or_default() += 1;
    }
    counts.values().fold(counts.len() as i64, |check, n| (check + n * n) % 2_147_483_647)
}

pub fn strings(n: i64) -> i64 {
    let parts: Vec<String> = (0..n).map(|i| format!("item {i}")).collect();
    let text = parts.join("; ");
    let (mut lines, mut line) = (0, String::new());
    for _ in 0..n {
        line.push('x');
        if black_box(&line).len() == 80 {
            lines += 1;
            line = String::new();
        }
    }
    text.len() as i64 + lines
}

/// What the others' values of any type are.
enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Json>),
    Record(HashMap<String, Json>),
}

pub fn json(text: &str) -> i64 {
    let (Json::List(items), _) = value(text.as_bytes(), 0) else { return -1 };
    let mut check = 0;
    for item in &items {
        let Json::Record(item) = item else { return -1 };
        check += match (&item["id"], &item["name"], &item["tags"], &item["ok"], &item["next"]) {
            (Json::Int(id), Json::Text(name), Json::List(tags), Json::Bool(ok), Json::Null) => {
                id + name.len() as i64 + tags.len() as i64 + i64::from(*ok)
            }
            _ => return -1,
        };
    }
    check
}

fn value(text: &[u8], mut at: usize) -> (Json, usize) {
    match text[at] {
        b' ' => value(text, at + 1),
        b'{' => object(text, at + 1),
        b'[' => array(text, at + 1),
        b'"' => {
            let (part, end) = string(text, at + 1);
            (Json::Text(part), end)
        }
        b't' => (Json::Bool(true), at + 4),
        b'f' => (Json::Bool(false), at + 5),
        b'n' => (Json::Null, at + 4),
        _ => {
            let mut number = 0;
            while text[at].is_ascii_digit() {
                number = number * 10 + i64::from(text[at] - b'0');
                at += 1;
            }
            (Json::Int(number), at)
        }
    }
}

fn string(text: &[u8], start: usize) -> (String, usize) {
    let mut at = start;
    while text[at] != b'"' {
        at += 1;
    }
    (String::from_utf8_lossy(&text[start..at]).into_owned(), at + 1)
}

fn array(text: &[u8], mut at: usize) -> (Json, usize) {
    let mut items = Vec::new();
    while text[at] != b']' {
        at += usize::from(text[at] == b',');
        let (item, end) = value(text, at);
        items.push(item);
        at = end;
    }
    (Json::List(items), at + 1)
}

fn object(text: &[u8], mut at: usize) -> (Json, usize) {
    let mut fields = HashMap::new();
    while text[at] != b'}' {
        at += usize::from(text[at] == b',');
        let (key, colon) = value(text, at);
        let (field, end) = value(text, colon + 1);
        if let Json::Text(key) = key {
            fields.insert(key, field);
        }
        at = end;
    }
    (Json::Record(fields), at + 1)
}

struct Item {
    name: String,
    price: i64,
    stock: i64,
}

#[inline(never)]
fn lookup(id: i64) -> Item {
    Item { name: format!("item {id}"), price: id * 7 % 97, stock: id % 5 }
}

pub fn agent(n: i64) -> i64 {
    let mut notes = Vec::new();
    let (mut missing, mut dear, mut cheap) = (0, 0, 0);
    for id in 0..n {
        let item = lookup(black_box(id));
        if item.stock == 0 {
            missing += 1;
        } else if item.price > 50 {
            dear += item.price;
            notes.push(format!("{}: {}", item.name.to_uppercase(), item.price));
        } else {
            cheap += item.price;
        }
    }
    notes.join("\n").len() as i64 + missing + dear + cheap
}
