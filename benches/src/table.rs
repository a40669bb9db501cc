//! The main table.

use avm_bench_ours::table::render;

use crate::{contender::Contender, measure::Row};

/// Our times and every peer's ratio, with the geometric mean below.
pub fn speed(all: &[Box<dyn Contender>], rows: &[Row], quick: bool) -> String {
    let peers = &all[1..];
    let names = peers.iter().map(|peer| {
        let mark = if peer.is_slow() && !quick { "¹" } else { "" };
        format!("{}{mark}", peer.name())
    });
    let ours = format!("{}, ms", all[0].name());
    let header: Vec<String> =
        [String::from("workload"), ours, "median".into()].into_iter().chain(names).collect();
    let mut lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let ratios = row.ratios.iter().map(|value| ratio(*value));
            let millis = |time: std::time::Duration| format!("{:.2}", time.as_secs_f64() * 1e3);
            [row.workload.label(quick), millis(row.ours.min), millis(row.ours.median)]
                .into_iter()
                .chain(ratios)
                .collect()
        })
        .collect();
    let means =
        (0..peers.len()).map(|peer| ratio(mean(rows.iter().filter_map(|row| row.ratios[peer]))));
    let title = ["geometric mean".to_owned(), String::new(), String::new()];
    lines.push(title.into_iter().chain(means).collect());
    render(&header, &lines, 1..header.len())
}

fn ratio(ratio: Option<f64>) -> String {
    match ratio {
        None => "-".into(),
        Some(ratio) if ratio < 10.0 => format!("{ratio:.2}"),
        Some(ratio) => format!("{ratio:.0}"),
    }
}

/// The geometric mean; `None` of nothing.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value.ln(), count + 1));
    (count > 0).then(|| (sum / f64::from(count)).exp())
}
