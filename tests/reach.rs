//! Nothing is reached that the operator did not bind: whatever a program names or says, only the
//! bound program runs and only the bound service is asked, and they get it as data.

#![cfg(unix)]

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use avm_ir::{
    NameKind, Opcode, Value,
    value::{HandleKind, Record, from_json},
    verify::CodePlace,
};
use avm_plugins::{
    host::Host,
    registry::{Binding, Origin, Registry},
};
use avm_vm::{Answer, EffectRequest, FailureCode, IdempotencyKey, Spend};
use tempfile::TempDir;

/// A folder with programs that write their names and arguments into `log`.
struct Bench {
    folder: TempDir,
    registry: Registry,
}

struct Machine {
    folder: PathBuf,
    start: Instant,
}

impl Host for Machine {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.path(path)).map_err(|error| error.to_string())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn variable(&self, name: &str) -> Option<std::ffi::OsString> {
        std::env::var_os(name)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn unix_time(&self) -> i64 {
        0
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Says which program it is and what it was given; one line a call, whatever is in it.
const PROGRAM: &str = "#!/bin/sh
printf '%s' \"${0##*/}\" >> log
for word; do printf ' [%s]' \"$word\" | /usr/bin/tr '\\n' '_' >> log; done
echo >> log
exec /bin/cat
";

fn bench(bindings: &[(NameKind, &str, &str, &str)]) -> Bench {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["tool.sh", "evil.sh", "Weather", "x"] {
        let path = folder.path().join(name);
        fs::write(&path, PROGRAM).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a flag");
    }
    let mut registry = Registry::embedded(Arc::new(machine(folder.path())));
    for (kind, name, provider, table) in bindings {
        let table = table.parse().expect("TOML");
        let (provider, origin) = ((*provider).to_owned(), Origin::Config);
        let binding = Binding { provider, table, host: None, origin };
        registry.bind(*kind, name, binding).expect("it can be bound");
    }
    Bench { folder, registry }
}

impl Bench {
    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn ask(&mut self, opcode: Opcode, args: &[Value]) -> Answer {
        let mut args: Vec<_> = args.iter().cloned().map(Some).collect();
        args.resize(opcode.info().inputs.len(), None);
        self.registry.answer(&EffectRequest {
            id: 0,
            opcode,
            reach: opcode.info().reach.expect("it reaches out"),
            args: args.into_iter().collect(),
            at: CodePlace { region: 0, pc: 0 },
            max_gas: u64::MAX,
            max_bytes: u64::MAX,
            max_units: u64::MAX,
            max_spend: Spend::UNLIMITED,
            code: None,
            idempotency_key: IdempotencyKey::Given([0; 32]),
        })
    }
}

fn failure(answer: &Answer) -> Option<FailureCode> {
    answer.result.as_ref().err().map(|failure| failure.code)
}

fn json(text: &str) -> Value {
    from_json(text, 1 << 20).expect("JSON")
}

const TOOL: &str =
    "command = [\"tool.sh\", \"--city\", \"{city}\"]\nfill = [\"city\"]\ncwd = \".\"";
const PLUGIN: &str = "command = [\"tool.sh\"]\n[functions.score]";

fn commands() -> Bench {
    bench(&[
        (NameKind::Tool, "Weather", "command", TOOL),
        (NameKind::Plugin, "Scorer", "command", PLUGIN),
    ])
}

/// Names that mean something elsewhere: to a shell, a file system, a resolver, a person.
fn hostile_names() -> Vec<Value> {
    let names = [
        "../x",
        "x",
        "./x",
        "evil.sh",
        "./evil.sh",
        "/bin/sh",
        "tool.sh",
        "tool.sh x",
        "command",
        "command:/bin/sh",
        "fixture",
        "http",
        "http://127.0.0.1:1/",
        "file:///etc/passwd",
        "",
        "Weather\0",
        "\0",
        "Weather/../x",
        "weather",
        "WEATHER",
        "Weather ",
        " Weather",
        "Weather\n",
        "Weather;evil.sh",
        "Weather && ./evil.sh",
        "$(./evil.sh)",
        "`./evil.sh`",
        "|./evil.sh",
        "tool:Weather",
        "%57eather",
        "Ｗeather",
        "Weather\u{200b}",
        "{city}",
        "*",
        "~",
        "-",
        "--",
        "__proto__",
        "constructor",
        "builtin:extractive",
        "169.254.169.254",
        "localhost",
    ];
    let mut values: Vec<Value> = names.map(Value::text).into();
    values.push(Value::text(&"x".repeat(100_000)));
    values
}

#[test]
fn a_name_that_nobody_bound_starts_nothing() {
    let mut bench = commands();
    let path = bench.folder.path().join("evil.sh");
    let mut names = hostile_names();
    names.push(Value::text(&path.to_string_lossy()));
    for name in names {
        let args = [name.clone(), json("{\"city\": \"Rome\"}")];
        for opcode in [Opcode::READ_FROM_TOOL, Opcode::WRITE_TO_TOOL] {
            let answer = bench.ask(opcode, &args);
            assert_eq!(failure(&answer), Some(FailureCode::NotGranted), "{opcode:?} {name:?}");
        }
        let call = [name.clone(), Value::text("score"), Value::Null];
        let answer = bench.ask(Opcode::CALL_PLUGIN, &call);
        assert_eq!(failure(&answer), Some(FailureCode::NotGranted), "{name:?}");
    }
    for name in [
        Value::Null,
        Value::Int(0),
        json("[\"Weather\"]"),
        Value::Handle(HandleKind::Capability, 1),
    ] {
        let answer = bench.ask(Opcode::READ_FROM_TOOL, &[name.clone(), Value::Null]);
        assert_eq!(failure(&answer), Some(FailureCode::InvalidArgument), "{name:?}");
    }
    // A right of one kind is none of another.
    let crossed = [Value::text("Scorer"), Value::Null];
    assert_eq!(
        failure(&bench.ask(Opcode::READ_FROM_TOOL, &crossed)),
        Some(FailureCode::NotGranted)
    );
    let crossed = [Value::text("Weather"), Value::text("read"), Value::Null];
    assert_eq!(failure(&bench.ask(Opcode::CALL_PLUGIN, &crossed)), Some(FailureCode::NotGranted));
    assert_eq!(bench.log(), "", "something was started");
}

#[test]
fn a_function_that_nobody_listed_starts_nothing() {
    let mut bench = commands();
    for function in hostile_names() {
        let answer =
            bench.ask(Opcode::CALL_PLUGIN, &[Value::text("Scorer"), function.clone(), Value::Null]);
        assert_eq!(failure(&answer), Some(FailureCode::NotFound), "{function:?}");
    }
    assert_eq!(bench.log(), "", "something was started");
}

#[test]
fn what_a_program_says_is_data() {
    let mut bench = commands();
    let mut wanted = String::new();
    for city in [
        "Rome",
        "$(./evil.sh)",
        "`./evil.sh`",
        "; ./evil.sh",
        "| ./evil.sh",
        "&& ./evil.sh",
        "a b",
        "'",
        "\"",
        "\\",
        "a\n./evil.sh",
        "> log",
        "*",
        "{city}",
        "../x",
        "/etc/passwd",
        "%s%n",
    ] {
        let fields = [("city", Value::text(city)), ("program", Value::text("./evil.sh"))];
        let args = Value::Record(Record::from_iter(fields));
        let answer = bench.ask(Opcode::READ_FROM_TOOL, &[Value::text("Weather"), args.clone()]);
        let echoed = [("function", Value::text("read")), ("args", args)];
        let echoed = Value::Record(Record::from_iter(echoed));
        assert_eq!(answer.result.as_deref(), Ok([echoed].as_slice()), "{city}");
        wanted += &format!("tool.sh [--city] [{}]\n", city.replace('\n', "_"));
    }
    // Fields that mean something in the operator's table mean nothing here.
    let args = json(
        r#"{"city": "Rome", "command": ["./evil.sh"], "cwd": "/", "env": ["HOME"], "set": {"A": "1"},
            "fill": ["command"], "url": "http://127.0.0.1:1/", "use": "command", "__proto__": {}}"#,
    );
    let answer = bench.ask(Opcode::READ_FROM_TOOL, &[Value::text("Weather"), args]);
    assert!(answer.result.is_ok(), "{answer:?}");
    wanted += "tool.sh [--city] [Rome]\n";
    for city in
        ["\"-x\"", "\"--exec=./evil.sh\"", "\"\"", "\"a\\u0000b\"", "[\"a\", \"b\"]", "{}", "null"]
    {
        let args = json(&format!("{{\"city\": {city}}}"));
        let answer = bench.ask(Opcode::READ_FROM_TOOL, &[Value::text("Weather"), args]);
        assert_eq!(failure(&answer), Some(FailureCode::InvalidArgument), "{city}");
    }
    assert_eq!(bench.log(), wanted);
}

#[test]
fn the_environment_of_the_command_is_not_that_of_its_programs() {
    let table = "command = [\"/usr/bin/env\"]\noutput = \"text\"";
    let mut bench = bench(&[(NameKind::Tool, "Env", "command", table)]);
    assert!(std::env::vars_os().count() > 0, "there is something to see");
    let args = json(r#"{"env": {"PATH": "/tmp"}, "LD_PRELOAD": "evil.so"}"#);
    let answer = bench.ask(Opcode::READ_FROM_TOOL, &[Value::text("Env"), args]);
    let key = format!("AVM_IDEMPOTENCY_KEY={}", "0".repeat(64));
    assert_eq!(answer.result, Ok(vec![Value::from(key)]));
}

#[test]
fn a_granted_name_without_a_provider_reaches_nobody() {
    let mut bench = bench(&[]);
    bench.registry.grants_mut().allow(NameKind::Tool, "./evil.sh", Origin::Operator);
    bench.registry.grants_mut().allow(NameKind::Plugin, "http://127.0.0.1:1/", Origin::Operator);
    let answer = bench.ask(Opcode::READ_FROM_TOOL, &[Value::text("./evil.sh"), Value::Null]);
    assert_eq!(failure(&answer), Some(FailureCode::NoProvider));
    let call = [Value::text("http://127.0.0.1:1/"), Value::text("f"), Value::Null];
    assert_eq!(failure(&bench.ask(Opcode::CALL_PLUGIN, &call)), Some(FailureCode::NoProvider));
    let list = bench.ask(Opcode::GET_TOOLS_LIST, &[]);
    assert_eq!(list.result, Ok(vec![Value::list(Vec::new())]), "nothing to choose from");
    assert_eq!(bench.log(), "");
}

/// A service of so many requests; gives the first lines of what it was asked.
fn service(requests: usize, response: String) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    let thread = std::thread::spawn(move || {
        let mut lines = Vec::new();
        while lines.len() < requests {
            let Ok((mut stream, _)) = listener.accept() else { break };
            let (mut buffer, mut text) = ([0; 4096], String::new());
            while !text.contains("\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(count) if count > 0 => text += &String::from_utf8_lossy(&buffer[..count]),
                    _ => break,
                }
            }
            lines.push(text.lines().next().unwrap_or("").to_owned());
            let _ = stream.write_all(response.as_bytes());
        }
        lines
    });
    (address, thread)
}

/// A place where nobody may come.
fn forbidden() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a flag");
    let address = listener.local_addr().expect("its address").to_string();
    (listener, address)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n1";

#[test]
fn a_service_cannot_be_talked_into_another() {
    let (guarded, other) = forbidden();
    let args = [
        format!("{{\"url\": \"http://{other}/\", \"host\": \"{other}\"}}"),
        format!("{{\"@{other}/\": \"//{other}/\"}}"),
        format!("{{\"a\": \"x HTTP/1.1\\r\\nHost: {other}\\r\\n\\r\\nGET / HTTP/1.1\"}}"),
        "{\"../../admin\": \"../..\", \"#\": \"?\"}".to_owned(),
    ];
    let (address, asked) = service(args.len(), OK.to_owned());
    let table = format!("url = \"http://{address}/v1/read?fixed=1\"");
    let mut bench = bench(&[(NameKind::Tool, "Api", "http", &table)]);
    for args in &args {
        let answer = bench.ask(Opcode::READ_FROM_TOOL, &[Value::text("Api"), json(args)]);
        assert_eq!(answer.result, Ok(vec![Value::Int(1)]), "{args}");
    }
    for line in asked.join().expect("the service") {
        assert!(line.starts_with("GET /v1/read?fixed=1&"), "{line}");
        assert!(line.ends_with(" HTTP/1.1") && line.matches(' ').count() == 2, "{line}");
    }
    let (address, _asked) = service(
        9,
        format!("HTTP/1.1 302 Found\r\nLocation: http://{other}/\r\nContent-Length: 0\r\n\r\n"),
    );
    let table = format!("url = \"http://{address}/\"\nretries = 0");
    let mut bench = bench_of("Api", &table);
    for opcode in [Opcode::READ_FROM_TOOL, Opcode::WRITE_TO_TOOL] {
        let answer = bench.ask(opcode, &[Value::text("Api"), Value::Null]);
        assert_eq!(failure(&answer), Some(FailureCode::Denied));
    }
    assert!(guarded.accept().is_err(), "somebody came");
}

fn bench_of(name: &str, table: &str) -> Bench {
    bench(&[(NameKind::Tool, name, "http", table)])
}

/// Names the service to the child process.
const VARIABLE: &str = "AVM_REACH_URL";

/// The child: asks a service, with a proxy in its environment.
#[test]
fn child() {
    let Ok(url) = std::env::var(VARIABLE) else { return };
    let mut bench = bench_of("Api", &format!("url = \"{url}\""));
    let answer = bench.ask(Opcode::READ_FROM_TOOL, &[Value::text("Api"), Value::Null]);
    assert_eq!(answer.result, Ok(vec![Value::Int(1)]));
}

#[test]
fn a_proxy_in_the_environment_is_not_asked() {
    let (guarded, proxy) = forbidden();
    let (address, asked) = service(1, OK.to_owned());
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "child"]).env(VARIABLE, format!("http://{address}/direct"));
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, format!("http://{proxy}/"));
    }
    let output = child.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(asked.join().expect("the service"), ["GET /direct HTTP/1.1"]);
    assert!(guarded.accept().is_err(), "the proxy was asked");
}

#[test]
fn another_computer_is_bound_only_if_it_is_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut registry = Registry::embedded(Arc::new(machine(folder.path())));
    for url in [
        "http://example.com/",
        "http://169.254.169.254/latest/",
        "http://10.0.0.1/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://127.1/",
        "http://localhost.example.com/",
        "file:///etc/passwd",
        "http://127.0.0.1@example.com/",
        "gopher://127.0.0.1/",
        "unix:///run/docker.sock",
    ] {
        let table = format!("url = \"{url}\"\nallow = [\"api.example.com\"]").parse();
        let (provider, origin) = ("http".to_owned(), Origin::Config);
        let binding = Binding { provider, table: table.expect("TOML"), host: None, origin };
        let bound = registry.bind(NameKind::Tool, "Api", binding);
        assert!(bound.is_err(), "{url}");
        assert_eq!(registry.granted(NameKind::Tool, "Api"), None, "{url}");
    }
}

fn machine(folder: &Path) -> Machine {
    Machine { folder: folder.to_owned(), start: Instant::now() }
}
