pub fn run(_: bool, _: bool) -> anyhow::Result<()> {
    Ok(())
}
