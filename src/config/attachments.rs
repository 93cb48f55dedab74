//! The storage of file contents, and the accepted media types.

use super::reader::Reader;

const DEFAULT_TYPES: &str = "image/*,text/plain,text/csv,text/xml,text/html,application/pdf,application/zip,application/json,\
application/rtf,application/msword,application/vnd.ms-excel,application/vnd.ms-powerpoint,application/vnd.ms-outlook,\
application/vnd.openxmlformats-officedocument.*,application/vnd.oasis.opendocument.*,message/rfc822,video/mp4,video/webm,\
video/quicktime,audio/mpeg,audio/ogg,audio/opus,audio/m4a,audio/x-wav";

impl Reader<'_> {
    pub fn attachments_url(&mut self) -> Option<String> {
        self.checked(
            "MESA_ATTACHMENTS_URL",
            |url| !url.contains("://") || url.starts_with("s3://") || url.starts_with("file://"),
            "a folder, or s3://bucket/prefix",
        )
    }

    pub fn attachment_max_bytes(&mut self) -> usize {
        self.parse(
            "MESA_ATTACHMENT_MAX_BYTES",
            25 * 1024 * 1024,
            |n| (1..=1024 * 1024 * 1024).contains(n),
            "a number of bytes from 1 to 1073741824",
        )
    }

    pub fn attachment_types(&mut self) -> Vec<String> {
        self.checked(
            "MESA_ATTACHMENT_TYPES",
            |types| types.split(',').all(|media_type| media_type.contains('/')),
            "media types separated by commas, such as image/*,application/pdf",
        )
        .unwrap_or_else(|| DEFAULT_TYPES.to_owned())
        .split(',')
        .map(|media_type| media_type.trim().to_ascii_lowercase())
        .filter(|media_type| !media_type.is_empty())
        .collect()
    }
}
