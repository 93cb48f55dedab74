//! What a search finds: pairs of a text and the words that are looked for in it.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Client, Desk};

/// Texts, and words that must find them in tickets and articles.
const FOUND: &[(&str, &str)] = &[
    // Both parts of a token with separators, and the token.
    ("Falla correo/intranet desde ayer", "intranet"),
    ("Falla correo/intranet desde ayer", "correo"),
    ("Falla correo/intranet desde ayer", "correo/intranet"),
    ("No hay señal en el piso 3/oficina de archivo", "oficina"),
    ("No hay señal en el piso 3/oficina de archivo", "piso 3/oficina"),
    ("La factura INV-2026-001 quedó sin sello", "INV-2026-001"),
    ("La factura INV-2026-001 quedó sin sello", "2026-001"),
    ("La factura INV-2026-001 quedó sin sello", "inv"),
    ("La factura INV-2026-001 quedó sin sello", "factura inv-2026-001"),
    ("Se dañó informe_final.xlsx al guardarlo", "informe"),
    ("Se dañó informe_final.xlsx al guardarlo", "informe_final.xlsx"),
    ("Se dañó informe_final.xlsx al guardarlo", "informe final"),
    ("Se dañó informe_final.xlsx al guardarlo", "xlsx"),
    ("Abrir https://tramites.alcaldia.test/predial?vigencia=2026", "tramites.alcaldia.test"),
    ("Abrir https://tramites.alcaldia.test/predial?vigencia=2026", "predial"),
    ("Abrir https://tramites.alcaldia.test/predial?vigencia=2026", "vigencia"),
    ("Carpeta de vacunas COVID-19 sin permiso", "covid 19"),
    ("Carpeta de vacunas COVID-19 sin permiso", "COVID-19"),
    ("Carpeta de vacunas COVID 19 sin permiso", "COVID-19"),
    ("Escribir a ventanilla.unica@alcaldia.test", "ventanilla"),
    ("Escribir a ventanilla.unica@alcaldia.test", "ventanilla.unica@alcaldia.test"),
    (r"No abre la ruta \\servidor\nomina\cierre", "nómina"),
    ("Aparece el aviso <timeout> en la ventanilla", "timeout"),
    ("El puerto 192.168.14.7:8080 no responde", "192.168.14.7"),
    ("Error 0x80070005 (acceso denegado)", "denegado"),
    ("Tarea#77 del plan de alumbrado", "tarea"),
    ("Cédula 43.111.222 mal digitada", "43111222"),
    ("Cédula 43111222 mal digitada", "43.111.222"),
    // Signs that the locale C takes for letters.
    ("¿Cuándo instalan el acueducto?", "cuándo instalan"),
    ("Sale el letrero “radicado vencido”", "radicado vencido"),
    ("Predial—liquidación", "liquidación"),
    // Inflection and accents.
    ("Las impresoras del almacén", "impresora"),
    ("La CONEXIÓN se cae", "conexiones"),
    ("Se perdieron las configuraciones", "configuración"),
    ("Se perdió la configuración", "configuraciones"),
    ("Nuevas autorizaciones de pago", "autorizacion"),
    ("El escáner no prende", "escaner"),
    // The beginning of the last word.
    ("La impresora de recaudos", "impreso"),
    ("La impresora de recaudos", "impresora"),
    ("La impresora de recaudos", "impresoras rec"),
    ("Solicitud de certificaciones laborales", "certificaci"),
    ("Un contratista sin usuario", "contratis"),
    ("Equipo del Ñame en el vivero", "ñam"),
    ("Falla correo/intranet desde ayer", "correo/intra"),
    // Phrases, alternatives, exclusion.
    ("Cola de impresión detenida", "\"cola de impresión\""),
    ("Cola de impresión detenida", "“cola de impresión”"),
    ("Cola de impresión detenida", "\"cola de impresión"),
    ("Se borró la videollamada", "teleconferencia or videollamada"),
    ("Se borró la videollamada", "videollamada -teleconferencia"),
    ("Se borró la videollamada", "videollamada -COVID-19"),
];

/// Texts, and words that must not find them.
const NOT_FOUND: &[(&str, &str)] = &[
    ("La factura INV-2026-001 quedó sin sello", "INV-001-2026"),
    ("La factura INV-2026-001 quedó sin sello", "\"2026-002\""),
    ("La impresora de recaudos", "im"),
    ("La impresora de recaudos", "impre "),
    ("La impresora de recaudos", "\"impreso\""),
    ("La impresora de recaudos", "impre recaudos"),
    ("Carpeta de vacunas COVID-19 sin permiso", "vacunas -COVID-19"),
    ("Cola de impresión detenida", "\"impresión detenida cola\""),
    ("Cola de impresión detenida", "\"cola de impresi"),
    ("Acta 123456 archivada", "1234"),
    ("Acta 123456 archivada", "de la"),
    ("Acta 123456 archivada", "-"),
    ("Acta 123456 archivada", "\"\""),
];

fn query(words: &str) -> String {
    url::form_urlencoded::byte_serialize(words.as_bytes()).collect()
}

fn ids(client: &Client, path: &str) -> Vec<Value> {
    client.get(path).items().iter().map(|item| item["id"].clone()).collect()
}

fn ticket(client: &Client, description: &str) -> Value {
    client.post("/tickets", json!({"subject": "Ayuda", "description": description})).created()["id"].clone()
}

fn article(client: &Client, incident: &str) -> Value {
    let article = json!({"title": "Guía", "incident": incident, "resolution": "Hecho.", "visibility": "public",
        "status": "published", "no_steps": true});
    client.post("/kb/articles", article).created()["id"].clone()
}

#[test]
fn each_text_is_found_by_its_words() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let mut wrong = Vec::new();
    for (pairs, expected) in [(FOUND, true), (NOT_FOUND, false)] {
        for (text, words) in pairs {
            let (ticket, article) = (ticket(&requester, text), article(&technician, text));
            let q = query(words);
            for (who, list, id) in [
                (&requester, "/tickets", &ticket),
                (&technician, "/tickets", &ticket),
                (&requester, "/kb/articles", &article),
                (&technician, "/kb/articles", &article),
            ] {
                if ids(who, &format!("{list}?q={q}&limit=100")).contains(id) != expected {
                    wrong.push(format!("{list}: {words:?} in {text:?}, expected {expected}"));
                }
            }
        }
    }
    assert!(FOUND.len() >= 50 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_ticket_is_offered_the_articles_that_have_its_words() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let mut wrong = Vec::new();
    let wanted = [
        ("Falla correo/intranet desde ayer", "No abre la intranet"),
        ("El equipo del piso 3/bodega", "Equipo en la bodega"),
        ("Carpeta de vacunas", "VACUNAS/biológicos sin permiso"),
        ("La factura INV-2026-777", "Se perdió la INV-2026-777"),
        ("Se dañó balance_final.ods", "El balance no abre"),
        ("Abrir https://catastro.alcaldia.test/avaluo", "El catastro no carga"),
        ("Aviso <timeout> en la ventanilla", "Sale timeout"),
        ("¿Alumbrado?", "El alumbrado del parque"),
    ];
    let articles: Vec<Value> = wanted.iter().map(|(text, _)| article(&technician, text)).collect();
    for ((text, words), article) in wanted.iter().zip(&articles) {
        let one = ticket(&requester, words);
        for who in [&requester, &technician] {
            if !ids(who, &format!("/tickets/{one}/suggestions")).contains(article) {
                wrong.push(format!("{text:?} for {words:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The requester's data are not words of the request.
    let name = desk.another(Role::Requester);
    desk.database
        .run(&format!("UPDATE users SET full_name = 'Alumbrado Catastro' WHERE id = '{}'", name.id()));
    let one = ticket(&name, "Xilófono");
    assert_eq!(ids(&technician, &format!("/tickets/{one}/suggestions")), Vec::<Value>::new());
}

/// The matching part of a token is marked, and nothing else than marks is added to the text.
#[test]
fn the_parts_of_a_token_are_marked() {
    let desk = Desk::open();
    let technician = desk.technician();
    article(&technician, "Se dañó informe_final.xlsx & <b>otro</b>");
    let excerpt = |words: &str| {
        technician.get(&format!("/kb/articles?q={}", query(words))).items()[0]["excerpt"].clone()
    };
    assert_eq!(
        excerpt("final"),
        "Guía … Se dañó informe_<mark>final</mark>.xlsx &amp; &lt;b&gt;otro&lt;/b&gt; … Hecho"
    );
    assert_eq!(
        excerpt("info"),
        "Guía … Se dañó <mark>informe</mark>_final.xlsx &amp; &lt;b&gt;otro&lt;/b&gt; … Hecho"
    );
}

#[test]
fn staff_find_tickets_by_the_data_of_the_requester() {
    let desk = Desk::open();
    let (her, other, technician) =
        (desk.another(Role::Requester), desk.another(Role::Requester), desk.technician());
    desk.database.run(&format!(
        "UPDATE users SET full_name = 'Zunilda Arrieta Pájaro', document_id = 'C.C. 52.777.411', \
            email = 'zunilda.arrieta@corregimiento.test' WHERE id = '{}'",
        her.id()
    ));
    let (one, another) = (ticket(&her, "No hay red"), ticket(&other, "No hay red"));
    let unit = technician.get(&format!("/tickets/{one}")).ok()["requester"]["unit"]["name"].clone();
    let found =
        |who: &Client, words: &str| ids(who, &format!("/tickets?q={}&sort=received_at", query(words)));
    let number = one.to_string();
    for words in [
        "Zunilda",
        "zunilda arrieta",
        "PAJARO",
        "52777411",
        "52.777.411",
        "527774",
        "zunilda.arrieta@corregimiento.test",
        "zunilda.arrieta@corr",
        "arrieta red",
        &number,
        &format!("#{number}"),
    ] {
        assert!(found(&technician, words).contains(&one), "{words}");
        assert!(found(&her, words).contains(&one), "{words}");
        assert_eq!(found(&other, words), Vec::<Value>::new(), "{words}");
    }
    assert!(!found(&technician, "corregimiento").contains(&one), "not by the host of the address alone");
    assert_eq!(found(&technician, "red"), [one.clone(), another.clone()]);
    let of_unit = found(&technician, unit.as_str().unwrap());
    assert_eq!(of_unit, [one.clone(), another]);

    // A corrected or erased name is no longer found.
    desk.database.run(&format!("UPDATE tickets SET requester_full_name = 'Rosa Meza' WHERE id = {one}"));
    assert_eq!(found(&technician, "Pájaro"), Vec::<Value>::new());
    assert_eq!(found(&technician, "Rosa Meza"), std::slice::from_ref(&one));
    technician.post(&format!("/tickets/{one}/archive"), json!({"reason": "withdrawn"})).ok();
    let reason = json!({"reason": "Solicitud de supresión"});
    desk.director().post(&format!("/users/{}/anonymization", her.id()), reason).ok();
    for words in ["Rosa Meza", "52777411", "zunilda.arrieta@corregimiento.test", "Zunilda"] {
        assert_eq!(found(&technician, words), Vec::<Value>::new(), "{words}");
    }
    assert!(found(&technician, "red").contains(&one));
}
