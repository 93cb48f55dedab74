//! The configuration that results from variables of the environment.

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::read(&move |name| variables.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()))
}

#[test]
fn nothing_set_is_a_desk_on_the_loopback_with_a_private_postgresql() {
    let config = read(&[]).unwrap();
    assert!(config.database_url.is_none() && config.jwt_secret.is_none());
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.data_dir, PathBuf::from("./data"));
    assert_eq!(config.timezone, chrono_tz::America::Bogota);
}

#[test]
fn every_variable_is_read_whatever_else_is_set() {
    // Every name in the tables of the documentation.
    let table =
        include_str!("../../docs/configuration.md").lines().filter(|line| line.starts_with("| `MESA_"));
    let names: Vec<String> = table
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split(',').map(|name| name.trim().trim_matches('`').to_owned()))
        .filter(|name| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase()))
        .collect();
    assert!(names.len() > 30, "{names:?}");
    let reader = &mut Reader::new(&|_| None);
    Config::read_from(reader).unwrap();
    assert_eq!(reader.unknown(names.into_iter()), Vec::<String>::new());
}

#[test]
fn the_memory_for_bodies_holds_two_of_the_largest_messages() {
    const MIB: usize = 1024 * 1024;
    assert_eq!(read(&[]).unwrap().body_memory_bytes, 64 * MIB);
    let large = read(&[("MESA_MAIL_MAX_BYTES", "104857600")]).unwrap();
    assert_eq!(large.body_memory_bytes, 202 * MIB);
    let error = read(&[("MESA_BODY_MEMORY_BYTES", "33554432")]).unwrap_err();
    assert_eq!(error.0[0].variable, "MESA_BODY_MEMORY_BYTES");
    let small = [("MESA_BODY_MEMORY_BYTES", "33554432"), ("MESA_MAIL_MAX_BYTES", "10485760")];
    assert_eq!(read(&small).unwrap().body_memory_bytes, 32 * MIB);
}

#[test]
fn every_wrong_variable_is_named_at_once() {
    let error = read(&[
        ("DATABASE_URL", "mysql://x"),
        ("MESA_LISTEN", "nowhere"),
        ("MESA_TIMEZONE", "America/Itagui"),
        ("MESA_POOL_SIZE", "0"),
        ("MESA_ENTITY_LOGO", "Cargo.toml"),
        ("MESA_CLOSE_AFTER_DAYS", "soon"),
        ("MESA_INFORMATION_DAYS", "366"),
        ("MESA_PROVISIONAL_CRITICALITY", "urgent"),
        ("MESA_DEMO_PASSWORD", "corta"),
        ("MESA_ATTACHMENTS_URL", "gs://bucket"),
        ("MESA_ATTACHMENT_TYPES", "nonsense"),
        ("MESA_RATE_LIMIT", "many"),
        ("MESA_TRUSTED_PROXIES", "10.0.0.1,proxy"),
        ("MESA_CORS_ORIGINS", "https://portal.example/"),
    ])
    .unwrap_err();
    let mut named: Vec<&str> = error.0.iter().map(|wrong| wrong.variable).collect();
    let mut expected = [
        "DATABASE_URL",
        "MESA_JWT_SECRET",
        "MESA_LISTEN",
        "MESA_TIMEZONE",
        "MESA_POOL_SIZE",
        "MESA_ENTITY_LOGO",
        "MESA_CLOSE_AFTER_DAYS",
        "MESA_INFORMATION_DAYS",
        "MESA_PROVISIONAL_CRITICALITY",
        "MESA_DEMO_PASSWORD",
        "MESA_ATTACHMENTS_URL",
        "MESA_ATTACHMENT_TYPES",
        "MESA_RATE_LIMIT",
        "MESA_TRUSTED_PROXIES",
        "MESA_CORS_ORIGINS",
    ];
    named.sort();
    expected.sort();
    assert_eq!(named, expected);
}

#[test]
fn mail_needs_a_server_an_address_to_come_from_and_one_for_its_links() {
    let named = |variables: &[(&str, &str)]| -> Vec<&str> {
        read(variables).map_or_else(|e| e.0.iter().map(|wrong| wrong.variable).collect(), |_| Vec::new())
    };
    let server = ("MESA_SMTP_URL", "smtp://mesa:secreto@mail.example:587?tls=required");
    let from = ("MESA_MAIL_FROM", "Mesa de Servicios <mesa@example.gov.co>");
    assert!(named(&[server, from]).is_empty());
    assert!(named(&[("MESA_SMTP_URL", "smtps://mesa:secreto@mail.example"), from]).is_empty());
    assert_eq!(named(&[server]), ["MESA_MAIL_FROM"]);
    assert_eq!(named(&[server, ("MESA_MAIL_FROM", "mesa")]), ["MESA_MAIL_FROM"]);
    for url in ["mail.example", "http://mail.example", "smtp://mail.example?tls=maybe"] {
        let error = read(&[("MESA_SMTP_URL", url), from]).unwrap_err();
        assert_eq!(error.0[0].variable, "MESA_SMTP_URL", "{url}");
    }
    let shared =
        [("DATABASE_URL", "postgresql://x/y"), ("MESA_JWT_SECRET", "0123456789abcdef0123456789abcdef")];
    let with = |last| [shared[0], shared[1], server, from, ("MESA_PUBLIC_URL", last)];
    assert_eq!(named(&with("")), ["MESA_PUBLIC_URL"]);
    assert_eq!(named(&with("mesa.example")), ["MESA_PUBLIC_URL"]);
    assert_eq!(named(&with("https://mesa.example/?a=b")), ["MESA_PUBLIC_URL"]);
    assert_eq!(read(&with("https://mesa.example/")).unwrap().links_from(), "https://mesa.example");
    let own = read(&[("MESA_LISTEN", "0.0.0.0:8081")]).unwrap();
    assert_eq!(own.links_from(), "http://127.0.0.1:8081");
}

#[test]
fn what_is_wrong_with_the_mail_server_is_said_without_its_password() {
    let error = read(&[("MESA_SMTP_URL", "smtp://mesa:secreto@mail.example?tls=maybe")]).unwrap_err();
    assert!(!error.to_string().contains("secreto"));
}

#[test]
fn a_mailbox_is_named_by_a_url_whose_password_is_never_told() {
    let imap =
        |url| read(&[("MESA_IMAP_URL", url), ("MESA_MAIL_TRUST", "all")]).map(|config| config.imap.unwrap());
    let found = imap("imaps://mesa%40x.co:cl%C3%A1ve%2F@mail.x.co/Mesa/Entrada").unwrap();
    assert_eq!((found.host.as_str(), found.port, found.tls), ("mail.x.co", 993, true));
    assert_eq!((found.user.as_str(), found.password.as_str()), ("mesa@x.co", "cláve/"));
    assert_eq!((found.mailbox.as_str(), found.done.as_str()), ("Mesa/Entrada", "Processed"));
    assert!(!format!("{found:?}").contains("cláve"));
    assert!(!imap("imap://mesa:x@127.0.0.1:1143").unwrap().tls);
    for wrong in [
        "imap://mesa:secreto@mail.x.co",
        "https://x:secreto@y",
        "imaps://mail.x.co",
        "imaps://:secreto@x",
        "imaps://mesa:secreto@x/Atenci%C3%B3n",
        "imaps://mesa:secreto@x/A%0D%0AB",
    ] {
        let error = imap(wrong).unwrap_err();
        assert_eq!(error.0[0].variable, "MESA_IMAP_URL", "{wrong}");
        assert!(!error.to_string().contains("secreto"));
    }
    for done in ["A", "Atención", "A\r\nB"] {
        let wrong =
            [("MESA_IMAP_URL", "imaps://mesa:x@y/A"), ("MESA_IMAP_DONE", done), ("MESA_MAIL_TRUST", "all")];
        assert_eq!(read(&wrong).unwrap_err().0[0].variable, "MESA_IMAP_DONE");
    }
}

#[test]
fn a_short_secret_is_refused_and_a_missing_one_where_the_database_is_given() {
    let url = ("DATABASE_URL", "postgresql://mesa@localhost/mesa");
    assert!(read(&[url]).is_err());
    assert!(read(&[url, ("MESA_JWT_SECRET", "short")]).is_err());
    assert!(read(&[url, ("MESA_JWT_SECRET", "0123456789abcdef0123456789abcdef")]).is_ok());
}
