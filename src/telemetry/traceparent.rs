//! The trace that a request belongs to (W3C Trace Context).

use actix_web::http::header::HeaderMap;

/// The length of a `traceparent` of version 00.
const LENGTH: usize = 55;

/// The trace and the span of the program that sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: String,
    span_id: String,
    sampled: bool,
}

impl TraceParent {
    /// `None` without a valid header, or with several.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all("traceparent");
        let text = all.next()?.to_str().ok()?;
        if all.next().is_some() { None } else { Self::read(text) }
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        // A later version may add parts after a further dash.
        if !text.is_ascii() || text.len() < LENGTH || text.len() > LENGTH && text.as_bytes()[LENGTH] != b'-' {
            return None;
        }
        let [version, trace_id, span_id, flags] =
            <[&str; 4]>::try_from(text[..LENGTH].split('-').collect::<Vec<_>>()).ok()?;
        let lengths = [(version, 2), (trace_id, 32), (span_id, 16), (flags, 2)];
        let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !lengths.iter().all(|(part, length)| part.len() == *length && is_hex(part)) {
            return None;
        }
        let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
        if version == "ff" || version == "00" && text.len() > LENGTH || is_zero(trace_id) || is_zero(span_id)
        {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        Some(TraceParent { trace_id: trace_id.to_owned(), span_id: span_id.to_owned(), sampled })
    }

    /// 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// 16 hexadecimal digits: the span of the caller.
    pub fn span_id(&self) -> &str {
        &self.span_id
    }

    /// Whether the caller records the trace.
    pub fn sampled(&self) -> bool {
        self.sampled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn only_a_valid_traceparent_is_read() {
        let read = |text: &str| TraceParent::read(text).map(|read| (read.trace_id, read.sampled));
        let trace = |sampled| Some((TRACE.to_owned(), sampled));
        assert_eq!(read(&format!("00-{TRACE}-00f067aa0ba902b7-01")), trace(true));
        assert_eq!(read(&format!("00-{TRACE}-00f067aa0ba902b7-00")), trace(false));
        assert_eq!(read(&format!("cc-{TRACE}-00f067aa0ba902b7-03-more")), trace(true));
        for wrong in [
            "",
            "00",
            &format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            &format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            &format!("cc-{TRACE}-00f067aa0ba902b7-01.more"),
            &format!("00-{TRACE}-0000000000000000-01"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            &format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            &format!("00-{TRACE}-00f067aa0ba902b7-0g"),
            &format!("00-{TRACE}00f067aa0ba902b7--01-"),
            &format!("00-{TRACE}-00f067aa0ba902b-é"),
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
