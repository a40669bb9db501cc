pub fn run(_: bool) -> anyhow::Result<()> {
    Ok(())
}
pub fn kernel(_: &str) -> anyhow::Result<()> {
    Ok(())
}
