//! A large body, given to the network piece by piece.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

/// How many bytes a connection takes at a time. Of a body that is given as a whole it makes a copy before it sends any of
/// it, and a crowd that waits for large answers has each of them twice.
const PIECE: usize = 16 * 1024;

/// What is left of it.
struct Pieces(Bytes);

/// The body of an answer: as a whole where it is small.
pub fn body(bytes: Vec<u8>) -> BoxBody {
    if bytes.len() > PIECE { BoxBody::new(Pieces(bytes.into())) } else { BoxBody::new(bytes) }
}

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let length = self.0.len().min(PIECE);
        Poll::Ready((length > 0).then(|| Ok(self.0.split_to(length))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body;

    use super::*;

    #[actix_web::test]
    async fn the_pieces_are_the_whole() {
        for length in [0, 1, PIECE, PIECE + 1, 5 * PIECE + 7] {
            let whole: Vec<u8> = (0..length).map(|n| n.to_le_bytes()[0]).collect();
            let given = super::body(whole.clone());
            assert_eq!(given.size(), BodySize::Sized(length as u64));
            assert_eq!(body::to_bytes(given).await.unwrap(), whole);
        }
    }
}
