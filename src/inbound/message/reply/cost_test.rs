//! The work for a text is linear in its length, whatever it contains.

use std::time::Duration;

use super::super::cpu_time::cpu_time;
use super::{OwnTexts, new_words};

/// Bytes of the shorter of two texts.
const LENGTH: usize = 16 * 1024;

/// More than the longer text takes on a busy machine; a quadratic rule takes minutes.
const MOST: Duration = Duration::from_secs(5);

/// How often a comparison is repeated that another process could have disturbed.
const ATTEMPTS: usize = 4;

fn time(piece: &str, length: usize, own: &OwnTexts) -> Duration {
    let text = piece.repeat(length / piece.len());
    let fastest = (0..2).map(|_| {
        let start = cpu_time();
        std::hint::black_box(new_words(&text, own));
        cpu_time() - start
    });
    fastest.min().unwrap_or_default()
}

#[test]
fn twice_the_text_takes_about_twice_the_time() {
    let own = OwnTexts::new(["Su solicitud quedó registrada con el número 12.\n"].into_iter());
    for piece in [
        "On ",
        "On \n",
        "On Mon, 24 Nov 2026\n",
        "On Mon, 24 Nov 2026 at 10:00\nwrote\n",
        "El 24/11/2026 a las 10:00 Ana escribió:\n",
        "El 24/11/2026 a las 10:00 Ana escribió:\n\n\n\n",
        "Ana <a@b.co> escribió: ",
        "> a\n",
        ">",
        ">>> 24/11/2026 10:00 >>>x\n",
        "> On Mon, 24 Nov 2026 at 10:00\n",
        "De:\n",
        "De: Ana\nPara: Luis\n",
        "De: Ana <a@b.co>\n\n",
        "Ana:\nRecibí lo siguiente:\nDe: A <a@b.co>\nEnviado: lunes, 24 de noviembre de 2026 10:00\nPara: x\nAsunto: y\n",
        "Received: x\n",
        "-- \n",
        "--\nAna\n",
        "-- \nEnviado desde mi iPhone\n",
        "Enviado desde mi iPhone\n",
        "________________________________\n",
        "---",
        "-----Mensaje original\n",
        "```\n",
        "```a\n",
        "Hola\n```a\n",
        "Hola\nDe: Ana <a@b.co>\nEnviado: x\n\n",
        "Ana Ruiz Ana Ruiz ",
        "On Tue, 24 Nov 2026 at 10:00, Ana ",
        "```\nx\n",
        "a\n",
        "\n",
        " ",
        "Su solicitud quedó registrada con el número 12.\n",
        "x\nSu solicitud quedó registrada con el número 12.\n",
        "\u{200e}\u{a0}",
        "a\nEl 24/11/2026 a las 10:00, Mesa <a@b.co> escribió:\n> Su solicitud quedó registrada con el número 12.\n> b\n",
        "El 24/11/2026\na las 10:00\nMesa\n<a@b.co> escribió:\n",
        "<http",
        "<http://a.co> ",
        "> Su solicitud quedó registrada con el número 12.\n> confidencial\n",
    ] {
        let is_linear = || {
            let (once, twice) = (time(piece, LENGTH, &own), time(piece, 2 * LENGTH, &own));
            assert!(twice < MOST, "{piece:?}: {once:?}, {twice:?}");
            twice < once * 3 + Duration::from_millis(10)
        };
        assert!((0..ATTEMPTS).any(|_| is_linear()), "{piece:?}");
    }
}
