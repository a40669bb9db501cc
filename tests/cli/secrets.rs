//! What the operator keeps secret is in no file of a run: headers of a service, variables that a command is
//! given, what is in their files.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    thread,
};

use super::harness::Bench;

/// In the configuration itself, in a file that it names, in the environment.
const SECRETS: [&str; 5] =
    ["literal-5ecret", "filed-5ecret", "environment-5ecret", "given-5ecret", "handed-5ecret"];

const ASKS: &str = "\
READ_FROM_TOOL \"Service\", {city: \"Oslo\"} -> a
READ_FROM_TOOL \"Command\", {city: \"Oslo\"} -> b
READ_FROM_TOOL \"Gone\", {city: \"Oslo\"} -> c
GET_CURRENT_TIME -> d
RETURN [a, b]
";

/// Answers once, and gives what was asked.
fn service() -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let mut asked = String::new();
        let mut lines = BufReader::new(&stream);
        while !asked.ends_with("\r\n\r\n") {
            assert!(lines.read_line(&mut asked).expect("a line") > 0, "{asked}");
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n{\"n\": 1}";
        stream.write_all(answer.as_bytes()).expect("it listens");
        asked
    });
    (port, served)
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
            continue;
        }
        found.push((path.display().to_string(), fs::read(&path).expect("bytes")));
    }
}

#[test]
fn secrets_of_providers_are_in_no_file_of_a_run() {
    let bench = Bench::with(ASKS);
    let (port, served) = service();
    bench.file("key.txt", "filed-5ecret\n");
    bench.file(
        "avm.toml",
        format!(
            r#"
[tools.Service]
use = "http"
url = "http://127.0.0.1:{port}/"
headers = {{ X-Literal = "literal-5ecret" }}
header_file = {{ Authorization = "key.txt" }}
header_env = {{ X-Env = "SERVICE_KEY" }}
[tools.Command]
use = "command"
command = ["sh", "-c", "test $GIVEN = given-5ecret && test $HANDED = handed-5ecret && echo 2"]
env = ["PATH", "HANDED"]
set = {{ GIVEN = "given-5ecret" }}
[tools.Gone]
use = "http"
url = "http://127.0.0.1:1/"
header_env = {{ X-Env = "SERVICE_KEY" }}
"#
        ),
    );
    // It stands still at the end, so that machine and providers are kept too.
    let kept = ["--budget", "effects=3", "--on-exhausted", "suspend", "--trace", "a.avmt"];
    let mut command = bench.command(&[&["run", "a.avm"], &kept[..]].concat());
    command.env("SERVICE_KEY", "environment-5ecret").env("HANDED", "handed-5ecret");
    let output = command.output().expect("the command starts");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    let asked = served.join().expect("it was asked");
    for secret in &SECRETS[..3] {
        assert!(asked.contains(secret), "the service gets {secret}: {asked}\n{said:?}");
    }
    let mut found = vec![("what was said".to_owned(), said.join("").into_bytes())];
    found.push(("a.avmt".to_owned(), bench.read("a.avmt")));
    files(&bench.path().join(".avm"), &mut found);
    for kept in ["journal.avmj", "machine-1.avms", "providers-1.avmv", "run.toml"] {
        assert!(found.iter().any(|(name, _)| name.ends_with(kept)), "{kept}: {said:?}");
    }
    for (name, bytes) in found {
        for secret in SECRETS {
            let there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!there, "{secret} is in {name}");
        }
    }
}
