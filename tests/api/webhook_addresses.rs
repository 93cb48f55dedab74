//! Webhooks reach no internal address that the configuration does not list.

use serde_json::json;

use crate::harness::Desk;
use crate::harness::receiver::Receiver;

#[test]
fn an_internal_address_is_refused_at_the_creation_and_at_a_change() {
    let desk = Desk::open();
    let director = desk.director();
    let made = director.post("/webhooks", json!({"url": "https://erp.example.gov.co/mesa"})).created();
    let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00:ec2::254]/",
        "https://user@erp.example.gov.co/",
        "http://erp.example.gov.co/",
        "http://9.9.9.9/",
    ] {
        let refused = director.post("/webhooks", json!({"url": url})).faults();
        assert_eq!(refused, [("/url".to_owned(), "not_allowed".to_owned())], "{url}");
        let refused = director.patch(&path, json!({"url": url})).faults();
        assert_eq!(refused, [("/url".to_owned(), "not_allowed".to_owned())], "{url}");
    }
    for url in ["", "https://１２７.０.０.１/", "ftp://erp.example.gov.co/", "https://", "nada"] {
        assert_eq!(director.post("/webhooks", json!({"url": url})).faults()[0].0, "/url", "{url}");
    }
}

/// What is stored is checked again when it is sent: the configuration, and what a name leads to, can have changed.
#[test]
fn an_internal_address_is_not_called_whatever_leads_to_it() {
    let desk = Desk::open();
    let (director, receiver) = (desk.director(), Receiver::start());
    let made = director.post("/webhooks", json!({"url": "https://erp.example.gov.co/mesa"})).created();
    let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
    let port = receiver.port();
    for url in [
        format!("https://localhost:{port}/"),
        format!("https://LOCALHOST.:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.1:{port}/"),
        format!("https://[::ffff:7f00:1]:{port}/"),
        format!("https://0:{port}/"),
    ] {
        desk.database.run(&format!("UPDATE webhooks SET url = '{url}'"));
        director.post(&format!("{path}/test"), json!({})).expect(202);
        assert_eq!(desk.send_webhooks(), 1, "{url}");
        let last = &director.get(&format!("{path}/deliveries?limit=1")).items()[0];
        let error = last["error"].as_str().unwrap_or_default();
        // Not every resolver knows the name with a dot at its end.
        let is_unknown = url.contains("LOCALHOST.") && error.contains("lookup");
        assert!(error.contains("MESA_WEBHOOK_ALLOW") || is_unknown, "{url}: {last}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn a_name_that_leads_to_a_listed_address_is_called_also_without_tls() {
    let desk = Desk::configured(&[("MESA_WEBHOOK_ALLOW", "10.7.0.0/16, 127.0.0.1")]);
    let (director, receiver) = (desk.director(), Receiver::start());
    let url = format!("http://localhost:{}/mesa", receiver.port());
    let made = director.post("/webhooks", json!({"url": url})).created();
    director.post(&format!("/webhooks/{}/test", made["id"].as_str().unwrap()), json!({})).expect(202);
    desk.send_webhooks();
    assert_eq!(receiver.requests().len(), 1);
    assert_eq!(receiver.requests()[0].header("host"), format!("localhost:{}", receiver.port()));
}
