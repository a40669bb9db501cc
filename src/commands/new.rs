//! `avm new`: a folder with an agent that runs at once.

use std::{fs, io, path::Path};

use crate::{
    cli::New,
    config,
    exit::{Exit, Failure, Outcome},
    files,
    output::Out,
};

const AGENT: &str = include_str!("new/agent.avm");
const CONFIG: &str = include_str!("new/avm.toml");
const README: &str = include_str!("new/README.md");
/// Stands for the agent's name in the files above.
const NAME: &str = "@NAME@";
/// The program's file.
const PROGRAM: &str = "agent.avm";

/// Creates the folder; one that exists stays as it is.
pub(crate) fn run(args: &New) -> Outcome {
    let name = args.name.file_name().map(|name| name.to_string_lossy().into_owned());
    let Some(name) = name.filter(|name| usable(name)) else {
        let name = args.name.display();
        return Err(Failure::usage(format!("{name}: a name is made of letters, digits, - and _")));
    };
    fs::create_dir(&args.name).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::files(format!("{}: exists already", args.name.display()))
        }
        _ => files::about(&args.name, error),
    })?;
    for (file, text) in [(PROGRAM, AGENT), (config::NAME, CONFIG), ("README.md", README)] {
        let path = args.name.join(file);
        let text = text.replace(NAME, &name);
        fs::write(&path, text).map_err(|error| files::about(&path, error))?;
    }
    let program = Path::new(&args.name).join(PROGRAM);
    Out::new().line(&format!("created {0}; run it with: avm run {0}", program.display()));
    Ok(Exit::Done)
}

fn usable(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(letters)
}
