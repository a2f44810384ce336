//! What the program has to say to people and to other programs: the one place that knows layout, colour and names.
//!
//! Everything here writes into buffers that the caller gives, and prints nothing. [`Resolver`] leads from the ids of an
//! [`Outcome`](crate::datapath::Outcome) to names and lines of the topology file; all forms of output share it, and
//! the one-line [`Sentence`], so that they never call one thing by two names.
//!
//! ```
//! use biplane::lab::Lab;
//! use biplane::report::ConnectionFate;
//!
//! let mut lab = Lab::open("scenarios/topologies/shop.toml")?;
//! let replayed = lab.replay("pcaps/mysql.pcap")?;
//! assert_eq!(replayed.connections()[0].fate(), ConnectionFate::TwoWay);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod advice;
mod annotate;
mod because;
mod connections;
mod coverage;
mod csv;
#[doc(hidden)]
pub mod diagnostics;
mod diagram;
mod expectation;
mod flow_log;
mod guest_route;
mod hints;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod html;
mod layout;
mod ndjson;
#[cfg(feature = "parquet")]
mod parquet;
mod pieces;
mod reach;
mod reach_diff;
mod reach_like;
mod recent;
mod results;
mod sentence;
mod summary;
mod table;
mod tally;
mod timeline;
mod timing;
mod trace;
mod usage;
mod usage_records;
mod words;

#[cfg(test)]
mod fixture;

#[doc(hidden)]
pub use advice::{Advice, AdvisedConflict, AdvisedNow, AdvisedPlan, AdvisedSide, AdvisedStep, TopologyEdit};
#[doc(hidden)]
pub use annotate::Comments;
#[doc(hidden)]
pub use because::because;
pub(crate) use connections::is_misdelivered;
pub use connections::{Connection, ConnectionEnd, ConnectionFate, FirstRefusal};
#[doc(hidden)]
pub use connections::{
    ConnectionChange, ConnectionChangeCount, ConnectionCsv, ConnectionFrame, ConnectionRows, ConnectionTotals,
    TROUBLED, connection_change_json, connection_changes_text, connection_json,
};
#[doc(hidden)]
pub use coverage::{CoverageReport, TopologyCoverage, coverage_json, coverage_text};
#[doc(hidden)]
pub use diagram::{
    BoxClass, Diagram, DiagramBox, DiagramEdge, DiagramNode, EdgeClass, NodeClass, diagram_dot, diagram_svg,
};
#[doc(hidden)]
pub use expectation::{ExpectedCount, ExpectedVerdict, none_dropped};
#[doc(hidden)]
pub use flow_log::{
    Disagreement, DisagreementGroup, FlowComparison, Judgement, LogAction, LogCause, LogDirection, LogPlace, LogRecord,
    LoggedAmount, ModelAnswer, SetApart, flow_comparison_json, flow_comparison_text, log_comment, logged_record_json,
};
#[doc(hidden)]
pub use guest_route::{GuestSystem, guest_route_commands, guest_route_comment, guest_route_undo};
#[doc(hidden)]
pub use hints::{CaptureFacts, DefaultEntries, MISSING_DESTINATION, default_entries_text, hints_text};
#[doc(hidden)]
pub use layout::{Palette, Style, counted, thousands};
#[doc(hidden)]
pub use ndjson::{CaptureLabel, FrameNumber, FrameOrigin, Lines};
#[cfg(feature = "parquet")]
#[doc(hidden)]
pub use parquet::{ParquetRows, ParquetTable};
#[doc(hidden)]
pub use reach::{REACH_CSV_HEAD, ReachWords, reach_fixed_text, reach_flow_csv, reach_flow_json};
#[doc(hidden)]
pub use reach::{reach_flows_text, reach_matrix_text, reach_unlisted_text};
#[doc(hidden)]
pub use reach_diff::{DiffWords, reach_diff_json, reach_diff_text};
#[doc(hidden)]
pub use reach_like::flows_like_text;
#[doc(hidden)]
pub use results::{ResultPlace, ScenarioProgress, ScenarioResult, StepFailure, StepResult};
#[cfg(feature = "cli")]
#[doc(hidden)]
pub use results::{junit_xml, scenario_annotations};
#[doc(hidden)]
pub use results::{scenario_text, scenarios_json, scenarios_summary};
#[doc(hidden)]
pub use sentence::{Sentence, outcome_fields};
#[doc(hidden)]
pub use summary::{Replayed, ReplayedCapture, summary_json, summary_text};
#[doc(hidden)]
pub use table::table_text;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub use tally::TallyCounts;
pub use tally::{Delivered, Dropped, Tally};
#[doc(hidden)]
pub use tally::{DroppedAt, Imbalance};
#[doc(hidden)]
pub use timeline::{StretchCounts, Timeline};
#[doc(hidden)]
pub use timing::{EndpointRates, FrameTimes, RATE_COLUMNS, RateUse, rate_rows};
#[doc(hidden)]
pub use trace::{
    Fix, StatedRemedy, TopologyChange, Traced, blockers_text, destination, fixes, misdelivered_text, no_reply_text,
};
#[doc(hidden)]
pub use trace::{remedy_line, remedy_text, trace_brief_text, trace_json, trace_text};
#[cfg(feature = "cli")]
pub(crate) use usage::MOST_IN_PARTS;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub use usage::UsageHits;
#[doc(hidden)]
pub use usage::{EntryUse, UsageCounts, UsedFrame};
#[doc(hidden)]
pub use usage_records::{USAGE_CSV_HEADER, UsageKind, UsageRecord, usage_csv, usage_json, usage_text};
#[doc(hidden)]
pub use words::{Cause, Places, Resolver};
