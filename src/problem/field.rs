//! What is wrong with one field of a request.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Text;
use crate::language::text_enum;

/// How many faults one problem names at most, so that its answer is not many times what was sent.
pub const MOST_FAULTS: usize = 100;

text_enum! {
    /// What is wrong with a field, as a client's program may tell it apart; stable.
    pub enum FieldCode {
        /// It must be there and is not.
        Required = "required",
        /// There is no such field or parameter.
        UnknownField = "unknown_field",
        /// A text where a number should be, or the like.
        WrongType = "wrong_type",
        /// A text that is not written as its format or pattern says.
        WrongFormat = "wrong_format",
        TooLong = "too_long",
        TooShort = "too_short",
        /// A number, a time or a length of time that is too small or too large.
        OutOfRange = "out_of_range",
        /// Not one of the values that may be, or not for this caller, or not beside what other fields say.
        NotAllowed = "not_allowed",
        /// It is valid, but the server does not evaluate it.
        NotSupported = "not_supported",
        /// The id of nothing, or of nothing that may be named here.
        NotFound = "not_found",
        /// It is over already.
        NotInFuture = "not_in_future",
        /// The person does not work then.
        OutsideShift = "outside_shift",
        /// It has time in common with another one.
        Overlaps = "overlaps",
        /// Another one has it already.
        Duplicate = "duplicate",
        /// A password that is among the first that anybody would try.
        TooGuessable = "too_guessable",
        /// Wrong in a way that no other code says.
        Unexpected = "unexpected",
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone)]
pub struct FieldError {
    pub pointer: String,
    pub code: FieldCode,
    pub detail: Text,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, code: FieldCode, detail: Text) -> Self {
        FieldError { pointer: pointer.into(), code, detail }
    }

    pub fn required(pointer: impl Into<String>) -> Self {
        Self::new(pointer, FieldCode::Required, Text::new("Es obligatorio.", "It is required."))
    }

    /// The id is well formed and nothing that may be named here has it.
    pub fn unknown_id(pointer: impl Into<String>) -> Self {
        Self::new(
            pointer,
            FieldCode::NotFound,
            Text::new("No existe o no está activo.", "It does not exist or is not active."),
        )
    }
}

/// What is wrong with one field.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProblemField {
    /// JSON Pointer to the field in the body; for a query parameter, `/` and its name.
    #[schema(max_length = 1000, example = "/subject")]
    pub pointer: String,
    pub code: FieldCode,
    /// The same in words, in the reader's language.
    #[schema(max_length = 2000, example = "Es obligatorio.")]
    pub detail: String,
}
