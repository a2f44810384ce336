//! What criterion wrote.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What one way of looking up took.
pub(crate) struct PlotLine {
    pub(crate) name: String,
    /// Nanoseconds per lookup by number of routes, in order.
    pub(crate) points: Vec<(f64, f64)>,
}

/// The ways whose throughput was measured over sizes, the fastest at the largest size first.
pub(crate) fn read_figures(directory: &Path) -> io::Result<Vec<PlotLine>> {
    let mut lines: BTreeMap<String, BTreeMap<u64, f64>> = BTreeMap::new();
    for size in folders(directory)?.into_iter().filter(|folder| name(folder).starts_with("sizes_")) {
        for way in folders(&size)? {
            let new = way.join("throughput/new");
            if new.is_dir() {
                let about = json(&new.join("benchmark.json"))?;
                let estimates = json(&new.join("estimates.json"))?;
                let routes = about["group_id"].as_str().and_then(|group| group.strip_prefix("sizes/")?.parse().ok());
                let elements = about["throughput"]["Elements"].as_f64();
                let taken = estimates["median"]["point_estimate"].as_f64();
                let (Some(routes), Some(elements), Some(taken), Some(name)) =
                    (routes, elements, taken, about["function_id"].as_str())
                else {
                    return Err(io::Error::other(format!("{}: not as criterion writes it", new.display())));
                };
                lines.entry(name.to_owned()).or_default().insert(routes, taken / elements);
            }
        }
    }
    lines.remove("empty loop");
    let points = |points: BTreeMap<u64, f64>| points.into_iter().map(|(routes, time)| (routes as f64, time)).collect();
    let mut lines: Vec<PlotLine> =
        lines.into_iter().map(|(name, by_size)| PlotLine { name, points: points(by_size) }).collect();
    let last = |line: &PlotLine| line.points.last().map_or(0.0, |point| point.1);
    lines.sort_by(|one, other| last(one).total_cmp(&last(other)));
    Ok(lines)
}

fn json(path: &Path) -> io::Result<Value> {
    let text = fs::read_to_string(path).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

fn folders(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(directory).map_err(|error| io::Error::other(format!("{}: {error}", directory.display())))?;
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    Ok(folders)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
