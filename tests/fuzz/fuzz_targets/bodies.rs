//! Any bytes as the JSON body of any operation: they become its type or a fault that says where, the same each time.

#![no_main]

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use actix_web::test::TestRequest;
use actix_web::{FromRequest, HttpMessage};
use libfuzzer_sys::fuzz_target;
use mesa::app::{self, Contract};
use mesa::http::Body;
use mesa::http::body::Patch;
use mesa::http::body_memory::BodyMemory;
use mesa::http::client_key::ClientKey;
use mesa::problem::{Code, MOST_FAULTS, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use uuid::Uuid;

/// A kind of body: the name of its schema, and what reads it.
type Kind = (Cow<'static, str>, fn(&[u8]));

macro_rules! kinds {
    (whole: $($whole:path),+; patched: $($patched:path),+ $(;)?) => {
        [$((<$whole as ToSchema>::name(), read::<$whole> as fn(&[u8])),)+
         $((format!("{}Patch", <$patched as ToSchema>::name()).into(), patch::<$patched>)),+]
    };
}

/// One for each body of the contract.
fn kinds() -> impl IntoIterator<Item = Kind> {
    kinds!(
        whole:
            mesa::people::me::PasswordChangeRequest,
            mesa::account::sessions::LoginRequest,
            mesa::account::sessions::RefreshRequest,
            mesa::http::body::EmptyBody,
            mesa::improvement::actions::completion::CompletionCreate,
            mesa::improvement::actions::followups::ImprovementFollowupCreate,
            mesa::improvement::actions::verification::VerificationCreate,
            mesa::improvement::actions::write::ImprovementActionCreate,
            mesa::improvement::risks::write::RiskCreate,
            mesa::inbound::emails::ProcessingCreate,
            mesa::indicators::definitions::IndicatorCreate,
            mesa::indicators::measure::MeasurementCreate,
            mesa::knowledge::articles::ArticleCreate,
            mesa::minutes::content::MeetingMinutesCreate,
            mesa::personal_data::anonymization::AnonymizationCreate,
            mesa::people::shifts::Shifts,
            mesa::people::units::UnitCreate,
            mesa::people::users::UserCreate,
            mesa::staff::absences::AbsenceCreate,
            mesa::staff::handover::HandoverCreate,
            mesa::surveys::submission::SurveyAnswerCreate,
            mesa::surveys::questions::SurveyQuestionCreate,
            mesa::tickets::attention::calendars::CalendarCreate,
            mesa::tickets::attention::reckonings::ReckoningCreate,
            mesa::tickets::categories::CategoryCreate,
            mesa::tickets::escalations::EscalationCreate,
            mesa::tickets::followups::FollowupCreate,
            mesa::tickets::register::TicketCreate,
            mesa::tickets::relations::RelationCreate,
            mesa::tickets::steps::accept::AcceptanceCreate,
            mesa::tickets::steps::archive::ArchiveCreate,
            mesa::tickets::steps::assign::AssignmentCreate,
            mesa::tickets::steps::classify::ClassificationCreate,
            mesa::tickets::steps::hold::HoldCreate,
            mesa::tickets::steps::merge::MergeCreate,
            mesa::tickets::steps::reopen::ReopeningCreate,
            mesa::tickets::steps::request_information::InformationRequestCreate,
            mesa::tickets::steps::reschedule::ReschedulingCreate,
            mesa::tickets::steps::resubmit::ResubmissionCreate,
            mesa::tickets::steps::return_ticket::ReturnCreate,
            mesa::tickets::steps::solve::SolutionCreate,
            mesa::tickets::watchers::WatcherCreate;
        patched:
            mesa::people::me::MeProfile,
            mesa::improvement::actions::write::ImprovementActionCreate,
            mesa::improvement::risks::write::RiskCreate,
            mesa::indicators::definitions::IndicatorCreate,
            mesa::indicators::measurements::MeasurementContent,
            mesa::knowledge::articles::ArticleCreate,
            mesa::minutes::content::MeetingMinutesCreate,
            mesa::people::units::UnitProfile,
            mesa::people::users::UserProfile,
            mesa::retention::rules::RetentionRuleProfile,
            mesa::staff::absences::AbsenceCreate,
            mesa::surveys::questions::SurveyQuestionContent,
            mesa::tickets::attention::calendars::CalendarProfile,
            mesa::tickets::attention::times::AttentionTimeProfile,
            mesa::tickets::categories::CategoryProfile,
            mesa::tickets::change::TicketRequest;
    )
}

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    static KINDS: Vec<Kind> = all_kinds();
    static CONTRACT: Contract = Contract::new().unwrap();
}

/// Checks that none of the contract's bodies is left out here.
fn all_kinds() -> Vec<Kind> {
    let document = mesa::contract::document(&app::openapi()).unwrap();
    let kinds: Vec<Kind> = kinds().into_iter().collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for (media_type, content) in operation["requestBody"]["content"].as_object().into_iter().flatten()
            {
                if !media_type.ends_with("json") {
                    continue;
                }
                let name = content["schema"]["$ref"].as_str().and_then(|path| path.rsplit('/').next());
                let Some(name) = name else { panic!("{method} {path}: {content}") };
                assert!(kinds.iter().any(|(known, _)| known == name), "{method} {path} takes a {name}");
            }
        }
    }
    kinds
}

fn now<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(work))
}

/// As it comes in by HTTP.
fn received<T>(bytes: &[u8]) -> Body<T> {
    let request = TestRequest::post().insert_header(("content-type", "application/json"));
    let budget = BodyMemory::new(64 * 1024 * 1024);
    let (request, mut payload) = request.app_data(budget).app_data(CONTRACT.with(|contract| Arc::clone(contract.schemas()))).set_payload(bytes.to_vec()).to_http_parts();
    request.extensions_mut().insert(ClientKey::Account(Uuid::nil()));
    now(Body::<T>::from_request(&request, &mut payload)).unwrap()
}

/// What a client is told: which fields, and where they are.
fn told(problem: &Problem) -> Vec<(String, String)> {
    assert!(matches!(problem.code, Code::BadRequest | Code::TooLarge | Code::InvalidBody), "{problem:?}");
    assert_eq!(problem.errors.is_empty(), problem.code != Code::InvalidBody, "{problem:?}");
    assert!(problem.errors.len() <= MOST_FAULTS);
    let all = problem.errors.iter().map(|error| {
        assert!(error.pointer.is_empty() || error.pointer.starts_with('/'), "{problem:?}");
        assert!(error.pointer.chars().count() <= 1000 && !error.pointer.contains('\0'), "{problem:?}");
        (error.pointer.clone(), format!("{:?} {:?}", error.code, error.detail))
    });
    all.collect()
}

fn read<T: DeserializeOwned + ToSchema>(bytes: &[u8]) {
    let [first, second] = [received::<T>(bytes), received::<T>(bytes)];
    assert_eq!(first.fingerprint(), second.fingerprint());
    match (first.read(), second.read()) {
        (Ok(_), Ok(_)) => {}
        (Err(first), Err(second)) => assert_eq!(told(&first), told(&second)),
        _ => panic!("read once and refused once"),
    }
}

/// The first line is what is there, and the others are the patch.
fn patch<T: DeserializeOwned + Serialize + ToSchema>(bytes: &[u8]) {
    let cut = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (there, patch) = (&bytes[..cut], bytes.get(cut + 1..).unwrap_or_default());
    let Ok(there) = received::<T>(there).read() else { return };
    let [first, second] = [(); 2].map(|()| received::<Patch<T>>(patch).merge(&there));
    match (first, second) {
        (Ok((first, _)), Ok((second, _))) => {
            let merged = serde_json::to_value(&first).unwrap();
            assert_eq!(merged, serde_json::to_value(&second).unwrap());
            // What came of it is sound, and the same patch changes nothing more.
            let again = received::<Patch<T>>(patch).merge(&first);
            let again = again.map(|(again, changes)| (serde_json::to_value(&again).unwrap(), changes));
            assert_eq!(again.ok(), Some((merged, false)));
        }
        (Err(first), Err(second)) => assert_eq!(told(&first), told(&second)),
        _ => panic!("merged once and refused once"),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    KINDS.with(|kinds| kinds[usize::from(*kind) % kinds.len()].1(bytes));
});
