//! The fields of a record by their names, whatever form of a log they stand in.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

macro_rules! fields {
    ($($field:ident = $name:literal,)*) => {
        /// A field that a comparison reads.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum LogField { $($field,)* }

        /// Their names, without `-` and `_` and in lower case.
        const NAMES: &[(&str, LogField)] = &[$(($name, LogField::$field),)*];
    };
}

fields! {
    EniId = "eniid",
    VmId = "vmid",
    VswitchId = "vswitchid",
    VpcId = "vpcid",
    Source = "srcaddr",
    SourcePort = "srcport",
    Destination = "dstaddr",
    DestinationPort = "dstport",
    Protocol = "protocol",
    Direction = "direction",
    Packets = "packets",
    Bytes = "bytes",
    Start = "start",
    End = "end",
    Status = "logstatus",
    Action = "action",
    TcpFlags = "tcpflags",
}

impl LogField {
    /// The field with this name; `-`, `_` and case do not count.
    pub(super) fn named(name: &str) -> Option<LogField> {
        let plain = || name.bytes().filter(|byte| !matches!(byte, b'-' | b'_')).map(|byte| byte.to_ascii_lowercase());
        NAMES.iter().find(|(known, _)| plain().eq(known.bytes())).map(|(_, field)| *field)
    }
}

/// The values of a record as they stand in its log.
#[derive(Clone, Debug, Default)]
pub(super) struct RecordText<'a> {
    values: [Option<Cow<'a, str>>; NAMES.len()],
}

impl<'a> RecordText<'a> {
    /// The value of a field; `None` where it is missing, empty or `-`.
    pub(super) fn get(&self, field: LogField) -> Option<&str> {
        let value = self.values[field as usize].as_deref()?.trim();
        (!value.is_empty() && value != "-").then_some(value)
    }

    /// True where there is a field that every flow log has.
    pub(super) fn is_of_flow_log(&self) -> bool {
        let telling = [LogField::Source, LogField::Destination, LogField::Action, LogField::Status];
        telling.into_iter().any(|field| self.values[field as usize].is_some())
    }

    pub(super) fn set(&mut self, field: LogField, value: impl Into<Cow<'a, str>>) {
        self.values[field as usize] = Some(value.into());
    }
}

impl<'de> Deserialize<'de> for RecordText<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RecordText<'de>, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = RecordText<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<RecordText<'de>, M::Error> {
        let mut record = RecordText::default();
        while let Some(FieldValue(name)) = map.next_key()? {
            let field = name.as_deref().and_then(LogField::named);
            let FieldValue(value) = map.next_value()?;
            if let (Some(field), Some(value)) = (field, value) {
                record.set(field, value);
            }
        }
        Ok(record)
    }
}

/// A name, or a value: text or a number. Of anything else nothing is kept.
struct FieldValue<'a>(Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for FieldValue<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FieldValue<'de>, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = FieldValue<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<FieldValue<'de>, E> {
        Ok(FieldValue(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<FieldValue<'de>, E> {
        Ok(FieldValue(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<FieldValue<'de>, E> {
        Ok(FieldValue(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<FieldValue<'de>, E> {
        Ok(FieldValue(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_f64<E>(self, number: f64) -> Result<FieldValue<'de>, E> {
        Ok(FieldValue(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_bool<E>(self, _: bool) -> Result<FieldValue<'de>, E> {
        Ok(FieldValue(None))
    }

    fn visit_unit<E>(self) -> Result<FieldValue<'de>, E> {
        Ok(FieldValue(None))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<FieldValue<'de>, S::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(FieldValue(None))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<FieldValue<'de>, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(FieldValue(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_without_hyphens_underscores_and_case() {
        for name in ["eni-id", "eni_id", "EniId", "ENIID"] {
            assert_eq!(LogField::named(name), Some(LogField::EniId), "{name}");
        }
        assert_eq!(LogField::named("log-status"), Some(LogField::Status));
        for name in ["", "eni", "eni id", "__topic__", "srctype"] {
            assert_eq!(LogField::named(name), None, "{name}");
        }
        for (index, (_, field)) in NAMES.iter().enumerate() {
            assert_eq!(*field as usize, index);
        }
    }

    #[test]
    fn values_are_text_or_numbers_and_a_hyphen_is_none() {
        let text = r#"{"SrcAddr": "10.0.0.1", "src\u0070ort": 80, "action": null, "eni-id": "-", "x": [{"bytes": 3}]}"#;
        let record: RecordText<'_> = serde_json::from_str(text).unwrap();
        assert_eq!((record.get(LogField::Source), record.get(LogField::SourcePort)), (Some("10.0.0.1"), Some("80")));
        for field in [LogField::Action, LogField::EniId, LogField::Bytes] {
            assert_eq!(record.get(field), None);
        }
        assert!(record.is_of_flow_log());
        assert!(!serde_json::from_str::<RecordText<'_>>(r#"{"bytes": "3"}"#).unwrap().is_of_flow_log());
    }
}
