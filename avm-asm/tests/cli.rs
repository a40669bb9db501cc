//! The program `avm-asm`: files in, files out, exit codes.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A fresh folder for a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("avm-asm-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn run(folder: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_avm-asm"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("avm-asm runs");
    if let Some(mut stdin) = child.stdin.take() {
        // The program may end before it has read everything.
        let _ = stdin.write_all(input.as_bytes());
    }
    let Output { status, stdout, stderr } = child.wait_with_output().expect("avm-asm ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

#[test]
fn compiles_and_takes_apart() {
    let folder = folder("compile");
    fs::write(folder.join("a.avm"), "SET R = 1\nLOG R\n").expect("written");
    assert_eq!(run(&folder, &["a.avm"], ""), (0, String::new(), String::new()));
    assert!(folder.join("a.avmb").exists());
    let (code, text, _) = run(&folder, &["--dis", "a.avmb"], "");
    assert_eq!((code, text.as_str()), (0, ".registers R\n\n  SET R = 1\n  LOG R\n  HALT\n"));
    let (code, dump, _) = run(&folder, &["--dump", "a.avmb"], "");
    assert!(code == 0 && dump.contains("3 instructions") && dump.contains("with debug data"));
    assert_eq!(run(&folder, &["--strip", "-o", "b.avmb", "a.avm"], "").0, 0);
    let size = |name: &str| fs::metadata(folder.join(name)).expect("there").len();
    assert!(size("b.avmb") < size("a.avmb"));
    assert_eq!(run(&folder, &["--check", "-"], "LOG 1\n").0, 0);
}

#[test]
fn exit_codes() {
    let folder = folder("codes");
    fs::write(folder.join("wrong.avm"), "LOGG 1\nLOG x\n").expect("written");
    fs::write(folder.join("latin.avm"), b"LOG \"\xE9\"\n").expect("written");
    fs::write(folder.join("noise.avmb"), b"AVMB\x01\x00\x00\x00\x01\xFF\xFF").expect("written");
    let (code, _, errors) = run(&folder, &["wrong.avm"], "");
    assert!(code == 1 && errors.contains("AVM0200") && errors.contains("AVM0201"), "{errors}");
    assert!(!folder.join("wrong.avmb").exists());
    let (code, json, errors) = run(&folder, &["--json", "wrong.avm"], "");
    assert!(code == 1 && errors.is_empty() && json.lines().count() == 2, "{json}");
    assert_eq!(run(&folder, &["latin.avm"], "").0, 1);
    assert_eq!(run(&folder, &["--dis", "noise.avmb"], "").0, 1);
    assert_eq!(run(&folder, &[], "").0, 2);
    assert_eq!(run(&folder, &["--fmt", "--dis", "a"], "").0, 2);
    assert_eq!(run(&folder, &["--explain", "NOTHING_SUCH"], "").0, 2);
    assert_eq!(run(&folder, &["missing.avm"], "").0, 3);
    assert_eq!(run(&folder, &["-o", "no/such/folder", "-"], "HALT\n").0, 3);
    assert_eq!(run(&folder, &["--explain", "AVM0201"], "").0, 0);
    assert_eq!(run(&folder, &["--explain", "doc_search"], "").0, 0);
}

#[test]
fn formats() {
    let folder = folder("format");
    fs::write(folder.join("a.avm"), "set R=1\nkv_store key=\"a\",value=R\n").expect("written");
    assert_eq!(run(&folder, &["--fmt", "--check", "a.avm"], "").0, 1);
    assert_eq!(run(&folder, &["--fmt", "--write", "a.avm"], "").0, 0);
    assert_eq!(run(&folder, &["--fmt", "--check", "a.avm"], "").0, 0);
    let text = fs::read_to_string(folder.join("a.avm")).expect("there");
    assert_eq!(text, "  SET R = 1\n  KV_STORE key=\"a\", value=R\n");
    let (code, aliases, _) = run(&folder, &["--fmt", "-"], "CALL func=f, args=[1], OUT=R\n");
    assert_eq!((code, aliases.as_str()), (0, "  CALL function=f, arguments=[1] -> R\n"));
}

#[test]
fn includes_stay_in_the_project() {
    let outer = folder("include");
    let root = outer.join("project");
    fs::create_dir_all(root.join("src/lib")).expect("folders");
    fs::write(root.join("avm.toml"), "").expect("written");
    fs::write(outer.join("secret.avm"), "LOG \"secret\"\n").expect("written");
    fs::write(root.join("common.avm"), "LOG \"common\"\n").expect("written");
    fs::write(root.join("src/lib/two.avm"), ".include \"../../common.avm\"\n").expect("written");
    let check = |text: &str| {
        fs::write(root.join("src/main.avm"), text).expect("written");
        let (code, _, errors) = run(&root, &["--check", "src/main.avm"], "");
        let stdin = run(&root.join("src"), &["--check", "-"], text);
        assert_eq!(stdin.0, code, "{}", stdin.2);
        (code, errors)
    };
    assert_eq!(check(".include \"lib/two.avm\"\n").0, 0);
    for outside in ["../../secret.avm", "../../missing.avm", "/etc/hostname"] {
        let (code, errors) = check(&format!(".include \"{outside}\"\n"));
        assert!(code == 1 && errors.contains("AVM0501"), "{outside}: {errors}");
    }
    let (code, errors) = check(".include \"missing.avm\"\n");
    assert!(code == 1 && errors.contains("AVM0500"), "{errors}");
    #[cfg(unix)]
    {
        let link = root.join("src/link.avm");
        std::os::unix::fs::symlink(outer.join("secret.avm"), link).expect("a link");
        let (code, errors) = check(".include \"link.avm\"\n");
        assert!(code == 1 && errors.contains("AVM0501"), "{errors}");
    }
    let (code, errors) = check(".include \"main.avm\"\n");
    assert!(code == 1 && errors.contains("AVM0502"), "{errors}");
}
