//! The declarations of a part in its header: its type, its encoding, and the name of its file.

use super::header_end::split;
use super::headers::Headers;
use super::parameters::Declared;
use super::{Fault, one_line};

/// The declarations of a part.
pub struct Head {
    /// In lower case, such as `text/plain`.
    pub content_type: String,
    /// Whether the type is declared, not supposed.
    pub has_type: bool,
    pub boundary: Option<Vec<u8>>,
    pub charset: Option<String>,
    pub encoding: String,
    /// On one line, without folders; none if it has no name.
    pub name: Option<String>,
    pub is_attachment: bool,
    /// Whether its text is in the format `flowed`, and whether the spaces at the ends of its lines are dropped.
    pub flowed: bool,
    pub joins: bool,
    pub id: Option<String>,
    /// Which of the parts of a page is the page itself.
    pub start: Option<String>,
    /// What its description or its address calls it.
    described: Option<String>,
}

impl Head {
    /// `default`: its type if it declares none.
    ///
    /// # Errors
    /// The header is too large.
    pub fn read(header: &[u8], default: &str) -> Result<Self, Fault> {
        let headers = Headers::read(header)?;
        let declared = |name| headers.value(name).map(Declared::read).unwrap_or_default();
        let (kind, disposition) = (declared("content-type"), declared("content-disposition"));
        let content_type = match kind.word.as_str() {
            "" => default.to_owned(),
            "text" | "text/" | "plain" | "plain/text" | "text/text" => "text/plain".to_owned(),
            "html" | "text/htm" | "html/text" => "text/html".to_owned(),
            other => other.to_owned(),
        };
        let is = |name, value: &str| kind.token(name).is_some_and(|it| it.eq_ignore_ascii_case(value));
        let names = [disposition.words("filename"), kind.words("name"), disposition.words("name")];
        let name = names.into_iter().flatten().map(|name| file_name(&name)).find(|name| !name.is_empty());
        let without_brackets = |id: &str| id.trim().trim_matches(['<', '>']).to_owned();
        let encoding = headers.value("content-transfer-encoding").map(Declared::read).unwrap_or_default();
        let described = ["content-description", "content-location"];
        Ok(Head {
            boundary: kind.bytes("boundary").filter(|_| content_type.starts_with("multipart/")),
            charset: kind.token("charset"),
            encoding: encoding.word,
            name,
            is_attachment: disposition.word == "attachment",
            id: headers.text("content-id").map(|id| without_brackets(&id)),
            start: kind.token("start").map(|start| without_brackets(&start)),
            flowed: is("format", "flowed"),
            joins: is("delsp", "yes"),
            described: described
                .iter()
                .filter_map(|name| headers.text(name))
                .find_map(|text| as_file_name(&text)),
            has_type: !kind.word.is_empty(),
            content_type,
        })
    }

    /// Whether its type is text that can be shown. A multipart without parts is read as text.
    pub fn is_readable(&self) -> bool {
        matches!(self.content_type.as_str(), "text/plain" | "text/markdown" | "text/x-markdown")
            || self.content_type.starts_with("multipart/")
            || self.is_page()
            || self.is_enriched()
    }

    pub fn is_page(&self) -> bool {
        self.content_type == "text/html" || self.is_xml_page()
    }

    pub fn is_xml_page(&self) -> bool {
        matches!(self.content_type.as_str(), "application/xhtml+xml" | "application/vnd.wap.xhtml+xml")
    }

    pub fn is_enriched(&self) -> bool {
        matches!(self.content_type.as_str(), "text/enriched" | "text/richtext")
    }

    /// Whether it is a file, not text to be shown inline.
    pub fn is_file(&self) -> bool {
        !self.is_readable() || self.is_attachment || self.name.is_some()
    }

    /// Its name, or one that its description or its type suggests.
    pub fn file_name(&self, bytes: &[u8]) -> String {
        if let Some(name) = self.name.as_ref().or(self.described.as_ref()) {
            return name.clone();
        }
        if self.content_type == "message/rfc822" {
            let header = split(bytes).0;
            let subject = Headers::read(header).map(|headers| headers.subject()).unwrap_or_default();
            return named_by_subject(&subject, "eml");
        }
        if self.content_type == "application/ms-tnef" {
            return "winmail.dat".to_owned();
        }
        format!("attachment.{}", extension(&self.content_type))
    }
}

/// The name of a file that contains a message with this subject.
pub fn named_by_subject(subject: &str, extension: &str) -> String {
    let subject = one_line(&subject.replace(['/', '\\'], "-"), 100);
    format!("{}.{extension}", if subject.is_empty() { "message" } else { &subject })
}

/// On one line, without the folders of its sender's computer.
pub fn file_name(name: &str) -> String {
    let line = one_line(name, 1000);
    let is_path = line.starts_with(['/', '~']) || line.get(1..3) == Some(":/") || line.starts_with("file:");
    let separators: &[char] = if is_path { &['/', '\\'] } else { &['\\'] };
    let last = line.rsplit(separators).map(str::trim).find(|part| !part.is_empty()).unwrap_or_default();
    one_line(last, 255)
}

/// A description that is the name of a file, or the last part of an address.
fn as_file_name(text: &str) -> Option<String> {
    let last = text.trim().rsplit(['/', '\\']).next()?;
    let (stem, extension) = last.rsplit_once('.')?;
    let is_extension =
        (2..=5).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_name =
        !stem.trim().is_empty() && stem.len() <= 200 && !extension.bytes().all(|byte| byte.is_ascii_digit());
    (is_extension && is_name).then(|| one_line(last, 255))
}

/// The usual ending of the name of a file of this type; `bin` if none is known.
pub fn extension(content_type: &str) -> &'static str {
    match content_type {
        "text/html" | "text/x-amp-html" => "html",
        "application/xhtml+xml" | "application/vnd.wap.xhtml+xml" => "xhtml",
        "text/calendar" => "ics",
        "text/csv" => "csv",
        "text/xml" | "application/xml" => "xml",
        "text/rtf" | "application/rtf" => "rtf",
        "text/vcard" | "text/x-vcard" | "text/directory" => "vcf",
        "message/delivery-status" | "message/disposition-notification" | "message/global-delivery-status" => {
            "txt"
        }
        "message/global" | "message/news" => "eml",
        "application/pdf" | "application/x-pdf" => "pdf",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "p7m",
        "application/pgp-signature" => "asc",
        "application/json" => "json",
        "application/zip" | "application/x-zip-compressed" => "zip",
        "application/gzip" | "application/x-gzip" => "gz",
        "application/x-7z-compressed" => "7z",
        "application/msword" => "doc",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.ms-powerpoint" => "ppt",
        "application/vnd.ms-outlook" => "msg",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation" => "pptx",
        "application/vnd.oasis.opendocument.text" => "odt",
        "application/vnd.oasis.opendocument.spreadsheet" => "ods",
        "image/jpeg" | "image/jpg" | "image/pjpeg" => "jpg",
        "image/png" | "image/x-png" => "png",
        "image/gif" => "gif",
        "image/bmp" | "image/x-ms-bmp" => "bmp",
        "image/tiff" => "tif",
        "image/webp" => "webp",
        "image/heic" => "heic",
        "image/svg+xml" => "svg",
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/ogg" | "audio/opus" => "ogg",
        "audio/amr" => "amr",
        "audio/mp4" | "audio/x-m4a" | "audio/m4a" => "m4a",
        "video/mp4" => "mp4",
        "video/quicktime" => "mov",
        "video/3gpp" => "3gp",
        "video/mpeg" => "mpg",
        "video/webm" => "webm",
        "video/x-msvideo" | "video/avi" => "avi",
        _ if content_type.starts_with("text/") => "txt",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(header: &str) -> String {
        Head::read(header.as_bytes(), "text/plain").unwrap().file_name(b"")
    }

    #[test]
    fn a_file_has_a_name_without_folders() {
        for (written, expected) in [
            ("C:\\Users\\Ana\\informe.pdf", "informe.pdf"),
            ("\\\\servidor\\actas\\informe.pdf", "informe.pdf"),
            ("/home/ana/informe.pdf", "informe.pdf"),
            ("C:/Users/informe.pdf", "informe.pdf"),
            ("Acta 12/2026.pdf", "Acta 12/2026.pdf"),
            ("informe\\", "informe"),
            ("\\", ""),
            ("a\r\n\tb.pdf", "a b.pdf"),
        ] {
            assert_eq!(file_name(written), expected);
        }
    }

    #[test]
    fn a_part_without_name_is_named_by_its_description_or_its_type() {
        for (header, expected) in [
            ("Content-Type: video/quicktime\r\nContent-Description: clip.mov\r\n", "clip.mov"),
            ("Content-Type: image/png\r\nContent-Location: https://x.test/a/logo.png\r\n", "logo.png"),
            ("Content-Type: image/png\r\nContent-Description: Foto de la placa\r\n", "attachment.png"),
            ("Content-Type: application/vnd.ms-excel\r\n", "attachment.xls"),
            ("Content-Type: message/delivery-status\r\n", "attachment.txt"),
            ("Content-Type: text/x-log\r\n", "attachment.txt"),
            ("Content-Type: application/x-nada\r\n", "attachment.bin"),
            ("Content-Type: application/pdf; name*=utf-8''ni%C3%B1o.pdf\r\n", "niño.pdf"),
            (
                "Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: inline; filename=b.pdf\r\n",
                "b.pdf",
            ),
            (
                "Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=\"\"\r\n",
                "a.pdf",
            ),
        ] {
            assert_eq!(name(header), expected, "{header}");
        }
    }
}
