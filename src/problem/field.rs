//! The error of one field of a request.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Text;
use crate::language::text_enum;

/// The maximum number of errors in one problem, so that a response is not much larger than the request.
pub const MOST_FAULTS: usize = 100;

text_enum! {
    /// The stable code of a field error, for programs.
    pub enum FieldCode {
        /// The field is required and missing.
        Required = "required",
        /// There is no such field or parameter.
        UnknownField = "unknown_field",
        /// The value has the wrong JSON type, for example a text instead of a number.
        WrongType = "wrong_type",
        /// The text does not match the format or pattern.
        WrongFormat = "wrong_format",
        TooLong = "too_long",
        TooShort = "too_short",
        /// The number, time or duration is too small or too large.
        OutOfRange = "out_of_range",
        /// Not one of the allowed values, not allowed for this caller, or not allowed in combination with other
        /// fields.
        NotAllowed = "not_allowed",
        /// Valid, but not supported by the server.
        NotSupported = "not_supported",
        /// The id does not exist, or cannot be used here.
        NotFound = "not_found",
        /// The time must be in the future.
        NotInFuture = "not_in_future",
        /// The time is outside of the person's shifts.
        OutsideShift = "outside_shift",
        /// It overlaps another one.
        Overlaps = "overlaps",
        /// The value is already in use.
        Duplicate = "duplicate",
        /// The password is too easy to guess.
        TooGuessable = "too_guessable",
        /// Any other error.
        Unexpected = "unexpected",
    }
}

text_enum! {
    /// What an error refers to: a part of the request, or the resource.
    pub enum FieldPlace {
        /// The body: `pointer` leads to the field.
        Body = "body",
        /// The query string: `pointer` is `/` and the name of the parameter.
        Query = "query",
        /// A header: `pointer` is `/` and its name.
        Header = "header",
        /// Not the request: the resource lacks what `pointer` leads to. Change the resource first.
        Resource = "resource",
    }
}

/// The error of one field.
#[derive(Debug, Clone)]
pub struct FieldError {
    pub place: FieldPlace,
    pub pointer: String,
    pub code: FieldCode,
    pub detail: Text,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, code: FieldCode, detail: Text) -> Self {
        FieldError { place: FieldPlace::Body, pointer: pointer.into(), code, detail }
    }

    pub fn required(pointer: impl Into<String>) -> Self {
        Self::new(pointer, FieldCode::Required, Text::new("Es obligatorio.", "It is required."))
    }

    /// The error of a well-formed id that does not exist or cannot be used here.
    pub fn unknown_id(pointer: impl Into<String>) -> Self {
        Self::new(
            pointer,
            FieldCode::NotFound,
            Text::new("No existe o no está activo.", "It does not exist or is not active."),
        )
    }
}

/// The error of one field.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProblemField {
    /// What the error refers to: a part of the request, or the resource.
    pub r#in: FieldPlace,
    /// JSON Pointer (RFC 6901) to the field in the body; `/` and the name of a query parameter or header. Empty for the
    /// body as a whole.
    #[schema(max_length = 1000, example = "/subject")]
    pub pointer: String,
    /// The stable code of the error, for programs.
    pub code: FieldCode,
    /// A description of the error, in the reader's language.
    #[schema(max_length = 2000, example = "Es obligatorio.")]
    pub detail: String,
}
