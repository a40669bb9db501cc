//! Workloads in Lua, whichever Lua this is built with.

use std::time::{Duration, Instant};

use mlua::{Function, Lua, LuaString, Table};

/// A workload that is loaded and ready to run.
pub struct Script {
    lua: Lua,
    run: Function,
    size: i64,
    content: LuaString,
}

impl Script {
    /// Loads a source that defines `run(n, text)`.
    ///
    /// # Errors
    /// What Lua says about the source.
    pub fn new(source: &str, size: i64, content: &str) -> mlua::Result<Self> {
        let lua = Lua::new();
        if cfg!(feature = "luajit") {
            lua.load("jit.off()").exec()?;
        }
        lua.globals().set("lookup", lua.create_function(lookup)?)?;
        lua.load(source).exec()?;
        let run = lua.globals().get("run")?;
        let content = lua.create_string(content)?;
        Ok(Self { lua, run, size, content })
    }

    /// Runs it once, on a heap without garbage.
    ///
    /// # Errors
    /// What Lua says about the run.
    pub fn run(&self) -> mlua::Result<(i64, Duration)> {
        self.lua.gc_collect()?;
        let begin = Instant::now();
        let check = self.run.call((self.size, &self.content))?;
        Ok((check, begin.elapsed()))
    }
}

/// What the host answers in the workload `agent`.
fn lookup(lua: &Lua, args: Table) -> mlua::Result<Table> {
    let id: i64 = args.get("id")?;
    let item = lua.create_table_with_capacity(0, 3)?;
    item.set("name", format!("item {id}"))?;
    item.set("price", id * 7 % 97)?;
    item.set("stock", id % 5)?;
    Ok(item)
}
