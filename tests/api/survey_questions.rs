//! The questions of the survey, and answers that keep the text of their question.

use serde_json::{Value, json};

use crate::harness::Desk;
use crate::harness::smtp::MailServer;

fn clarity() -> Value {
    json!({"key": "clarity", "wording": {"es": "¿Qué tan claro fue?", "en": "How clear was it?"}, "position": 15})
}

fn ratings() -> Value {
    json!({"overall": 5, "timeliness": 4, "courtesy": 5, "solution": 3})
}

/// The path of the question with this key.
fn question(desk: &Desk, key: &str) -> String {
    let all = desk.director().get("/survey-questions").items();
    let found = all.iter().find(|question| question["key"] == key).unwrap();
    format!("/survey-questions/{}", found["id"].as_str().unwrap())
}

#[test]
fn a_question_is_added_answered_and_deactivated() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (requester, professional) = (desk.requester(), desk.professional());
    let one = desk.ticket_in("solved");
    let added = professional.post("/survey-questions", clarity()).created();
    assert_eq!(
        (&added["kind"], &added["standing"], &added["active"]),
        (&json!("rating"), &json!(false), &json!(true))
    );
    professional.post("/survey-questions", clarity()).problem(409, "already_exists");
    let keys = |client: &crate::harness::Client| -> Vec<String> {
        client
            .get("/survey-questions?active=true")
            .items()
            .iter()
            .map(|q| q["key"].as_str().unwrap().into())
            .collect()
    };
    assert_eq!(keys(&requester), ["overall", "clarity", "timeliness", "courtesy", "solution"]);

    desk.send_mail();
    let token = server.last_with_link().survey_token();
    let page = desk.nobody().get(&format!("//s/{token}")).text();
    assert!(page.contains("<legend>¿Qué tan claro fue? (opcional)</legend>"), "{page}");
    let form = "rating-overall=5&rating-timeliness=4&rating-courtesy=5&rating-solution=3&rating-clarity=2";
    let sent = desk.nobody().raw("POST", &format!("//s/{token}"), "application/x-www-form-urlencoded", form);
    assert_eq!(sent.status, 200);
    let path = question(&desk, "clarity");
    professional.patch(&path, json!({"wording": {"es": "¿Fue claro?"}, "active": false})).ok();
    let answers = requester.get(&format!("{one}/survey")).ok()["answers"].clone();
    assert_eq!(answers.as_array().unwrap().len(), 5);
    assert_eq!((&answers[1]["key"], &answers[1]["rating"]), (&json!("clarity"), &json!(2)));
    assert_eq!(answers[1]["wording"]["es"], "¿Qué tan claro fue?", "the original text");
    assert_eq!(professional.get("/surveys").items()[0]["answers"], answers);
    assert_eq!(keys(&requester), ["overall", "timeliness", "courtesy", "solution"]);
    // An answer to the inactive question is rejected.
    let other = desk.ticket_in("solved");
    let stale = json!({"ratings": ratings(), "answers": [{"question_id": added["id"], "rating": 1}]});
    let refused = requester.post(&format!("{other}/survey"), stale);
    assert_eq!(refused.faults(), [("/answers/0/question_id".into(), "not_found".into())]);
}

#[test]
fn additional_answers_are_optional_unique_and_not_to_standing_questions() {
    let desk = Desk::open();
    let (requester, path) = (desk.requester(), format!("{}/survey", desk.ticket_in("solved")));
    let clarity = desk.director().post("/survey-questions", clarity()).created()["id"].clone();
    let overall = question(&desk, "overall").rsplit('/').next().unwrap().to_owned();
    let answer = |id: &Value, rating: i32| json!({"question_id": id, "rating": rating});
    let answers = [answer(&clarity, 1), answer(&clarity, 2), answer(&json!(overall), 3)];
    let refused = requester.post(&path, json!({"ratings": ratings(), "answers": answers}));
    assert_eq!(
        refused.faults(),
        [
            ("/answers/1/question_id".into(), "duplicate".into()),
            ("/answers/2/question_id".into(), "not_allowed".into()),
        ]
    );
    let answered = requester.post(&path, json!({"ratings": ratings()})).created();
    assert_eq!(answered["answers"].as_array().unwrap().len(), 4);
}

#[test]
fn the_four_standing_questions_can_be_reworded_but_not_removed() {
    let desk = Desk::open();
    let director = desk.director();
    let path = question(&desk, "courtesy");
    let refused = director.patch(&path, json!({"active": false}));
    assert_eq!(refused.faults(), [("/active".into(), "not_allowed".into())]);
    assert_eq!(
        director.patch(&path, json!({"key": "manners"})).faults(),
        [("/key".into(), "unknown_field".into())]
    );
    let words = json!({"wording": {"es": "¿Fueron amables?", "en": "Were they kind?"}, "position": 1});
    assert_eq!(director.patch(&path, words).ok()["wording"]["en"], "Were they kind?");
    let one = desk.ticket_in("solved");
    let answered = desk.requester().post(&format!("{one}/survey"), json!({"ratings": ratings()})).created();
    assert_eq!(
        (&answered["answers"][0]["key"], &answered["answers"][0]["rating"]),
        (&json!("courtesy"), &json!(5))
    );
    assert_eq!(answered["answers"][0]["wording"]["es"], "¿Fueron amables?");
    for sql in [
        "UPDATE survey_questions SET active = false WHERE key = 'overall'",
        "UPDATE survey_questions SET standing = false WHERE key = 'overall'",
        "UPDATE survey_questions SET key = 'other' WHERE key = 'overall'",
        "DELETE FROM survey_questions WHERE key = 'timeliness'",
        "UPDATE survey_answers SET rating = 1",
        "UPDATE survey_answers SET text_es = 'otra cosa'",
        "INSERT INTO survey_answers SELECT survey_id, question_id, 'x', 'x', 6 FROM survey_answers",
        "UPDATE messages SET status = 'sent'",
        "UPDATE messages SET status = 'failed'",
    ] {
        let result = diesel::RunQueryDsl::execute(diesel::sql_query(sql), &mut desk.database.connect());
        assert!(result.is_err(), "{sql} was accepted");
    }
}
