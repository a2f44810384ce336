//! What can be typed after `flows`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(in crate::cli) const FLOWS_EXAMPLES: &str = "\
Reads flow logs of SLS: JSON (a list, or one object behind the other) or CSV,
told apart by content, plain or compressed. Exit code: 0 where no record
disagrees with the model but for a cause that the log shows; 1 where one does; 2
where a log is damaged (its good records are still compared) or cannot be read.

Examples:
  biplane flows account.toml week.json.gz
  biplane flows account.toml monday.csv tuesday.csv --max-disagreement 0.1%
  biplane flows account.toml week.json --format ndjson |
      grep '\"judgement\":\"disagrees\"'
  biplane flows account.toml week.json -w week.pcapng
  biplane replay account.toml week.pcapng --by connection";

#[derive(Debug, Args)]
pub(in crate::cli) struct Flows {
    /// The topology file; `-` is standard input.
    pub(in crate::cli) topology: PathBuf,
    /// Flow logs, in any order; `-` is standard input.
    #[arg(required = true, value_name = "LOG")]
    pub(in crate::cli) logs: Vec<PathBuf>,
    /// Write the packets that stand for the records to this pcapng file, with the log's action in their comments; `-` is
    /// standard output, and the summary goes to standard error then.
    #[arg(short = 'w', long = "write", value_name = "OUT")]
    pub(in crate::cli) write: Option<PathBuf>,
    /// Exit with 0 although records disagree with the model for no cause, up to this share of the judged ones.
    #[arg(long, value_name = "PERCENT", value_parser = percentage, default_value = "0%")]
    pub(in crate::cli) max_disagreement: f64,
    /// What to print.
    #[arg(long, value_enum, default_value_t = FlowsFormat::Text)]
    pub(in crate::cli) format: FlowsFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FlowsFormat {
    /// A summary for people.
    Text,
    /// The summary as one JSON object.
    Json,
    /// One JSON object a line for each record, in the order of time.
    Ndjson,
}

fn percentage(text: &str) -> Result<f64, &'static str> {
    let number = text.strip_suffix('%').map(str::trim_end).and_then(|number| number.parse().ok());
    number.filter(|percent| (0.0..=100.0).contains(percent)).ok_or("expected a share from 0% to 100%, as 0.1%")
}

#[cfg(test)]
mod tests {
    use super::percentage;

    #[test]
    fn a_share_is_a_number_and_a_percent_sign() {
        assert_eq!((percentage("0.1%"), percentage("100 %"), percentage("0%")), (Ok(0.1), Ok(100.0), Ok(0.0)));
        for wrong in ["", "%", "0.1", "-1%", "101%", "NaN%", "inf%", "one%"] {
            assert!(percentage(wrong).is_err(), "{wrong}");
        }
    }
}
