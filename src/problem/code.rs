//! The kinds of problems: code, status, title and meaning.

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Text;

/// One row per problem: variant and code, status, title in Spanish and English, meaning in both.
macro_rules! codes {
    ($($variant:ident = $code:literal, $status:ident, ($title_es:literal, $title_en:literal),
        ($meaning_es:literal, $meaning_en:literal);)+) => {
        /// The stable code of a problem, for programs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $(
                #[doc = $meaning_en]
                $variant,
            )+
        }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status of the problem.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            pub fn title(self) -> Text {
                match self { $(Self::$variant => Text::new($title_es, $title_en)),+ }
            }

            /// The meaning, and what can be done.
            pub fn meaning(self) -> Text {
                match self { $(Self::$variant => Text::new($meaning_es, $meaning_en)),+ }
            }
        }
    };
}

codes! {
    BadRequest = "bad_request", BAD_REQUEST,
        ("La petición no se puede leer", "The request cannot be read"),
        ("El cuerpo no es JSON, o la línea de la petición o un encabezado no se pueden leer.", "The body is not JSON, or the request line or a header cannot be read.");
    InvalidQuery = "invalid_query", BAD_REQUEST,
        ("Parámetros de consulta no válidos", "Invalid query parameters"),
        ("Un parámetro de la consulta no existe o tiene un valor no válido; `errors` indica cada uno.", "A query parameter does not exist or has an invalid value; `errors` names each.");
    InvalidCursor = "invalid_cursor", BAD_REQUEST,
        ("Cursor no válido", "Invalid cursor"),
        ("El cursor no corresponde a esta lista o a este orden; empiece por la primera página.", "The cursor was not issued by this list for this order; start with the first page.");
    Unauthenticated = "unauthenticated", UNAUTHORIZED,
        ("Debe iniciar sesión", "Authentication required"),
        ("Falta el token de acceso, o ya no es válido; inicie sesión o renueve el token.", "The access token is missing or no longer valid; sign in or refresh the token.");
    InvalidCredentials = "invalid_credentials", UNAUTHORIZED,
        ("Correo o contraseña incorrectos", "Wrong email or password"),
        ("El correo y la contraseña no corresponden, o la cuenta no está activa.", "The email and the password do not match, or the account is not active.");
    InvalidRefreshToken = "invalid_refresh_token", UNAUTHORIZED,
        ("La sesión ha terminado", "The session has ended"),
        ("El token de renovación es desconocido, venció o ya se usó; inicie sesión de nuevo.", "The refresh token is unknown, expired or already used; sign in again.");
    Forbidden = "forbidden", FORBIDDEN,
        ("No permitido", "Not allowed"),
        ("El rol no permite esta acción; `GET /me` indica las acciones permitidas.", "The role does not allow this action; `GET /me` has the permissions.");
    NotTheAssignee = "not_the_assignee", FORBIDDEN,
        ("El caso no está asignado a usted", "Not the assignee"),
        ("Solo puede hacerlo quien tiene asignado el caso.", "Only the ticket's assignee may do this.");
    OwnerCannotVerify = "owner_cannot_verify", FORBIDDEN,
        ("Debe verificarlo otra persona", "Another person must verify it"),
        ("La eficacia de una acción debe verificarla una persona distinta de su responsable.", "The efficacy of an action must be verified by a person other than its owner.");
    AttendedByRequester = "attended_by_requester", FORBIDDEN,
        ("Usted atendió esta solicitud", "You attended this ticket"),
        ("Nadie responde la encuesta de una solicitud que atendió.", "Nobody answers the survey of a ticket that they attended.");
    NotFound = "not_found", NOT_FOUND,
        ("No existe", "Not found"),
        ("No existe, o usted no tiene permiso para consultarlo.", "It does not exist, or the caller may not see it.");
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED,
        ("Método no permitido", "Method not allowed"),
        ("La ruta existe con otros métodos; el encabezado `Allow` los indica.", "The path exists, with other methods; the `Allow` header names them.");
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT,
        ("La petición tardó demasiado", "The request took too long"),
        ("El cuerpo no llegó a tiempo; repita la petición.", "The body did not arrive in time; retry the request.");
    StepNotAllowed = "step_not_allowed", CONFLICT,
        ("El estado no permite este paso", "The state does not allow this step"),
        ("El estado del caso no permite este paso; `current_status` indica el estado y `allowed_steps` los pasos que usted puede dar.", "The ticket's state does not allow this step; `current_status` has the state, and `allowed_steps` the steps that the caller may take.");
    AlreadyExists = "already_exists", CONFLICT,
        ("Ya existe", "Already exists"),
        ("Ya existe, u otro recurso tiene o tuvo un valor que debe ser único.", "It already exists, or another resource has or had a value that must be unique.");
    PersonConflict = "person_conflict", CONFLICT,
        ("Los datos son de personas distintas", "The data belong to different people"),
        ("El documento y el correo son de personas distintas, o varias cuentas tienen ese documento; `user_ids` las nombra.", "The document and the email address belong to different people, or several accounts have the document; `user_ids` has them.");
    ContractEnded = "contract_ended", CONFLICT,
        ("El contrato terminó", "The contract has ended"),
        ("El contrato del solicitante terminó en `contract_ends_on`: no puede registrar solicitudes.", "The requester's contract ended on `contract_ends_on`: they cannot register requests.");
    NoEmailAddress = "no_email_address", CONFLICT,
        ("La persona no tiene correo", "The person has no email address"),
        ("La cuenta no tiene un correo al que se pueda escribir; registre uno primero.", "The account has no address to which mail can be sent; record one first.");
    AlreadyAssigned = "already_assigned", CONFLICT,
        ("El caso ya está asignado", "The ticket is already assigned"),
        ("El caso ya está asignado a la persona de `assignee_id`; para reemplazarla, indíquela en `replaced_assignee_id`.", "The ticket already has the assignee in `assignee_id`; give that id in `replaced_assignee_id` to replace them.");
    NoHigherLevel = "no_higher_level", CONFLICT,
        ("No hay un nivel superior", "There is no higher level"),
        ("El caso está en el nivel más alto de soporte.", "The ticket is at the highest support level.");
    OpenTickets = "open_tickets", CONFLICT,
        ("Tiene casos abiertos", "Open tickets"),
        ("La persona tiene casos abiertos que ya no podría atender; `ticket_ids` los nombra. Reasígnelos antes.", "The person has open tickets that they could no longer attend to, named in `ticket_ids`. Hand them over first.");
    NoLowerLevel = "no_lower_level", CONFLICT,
        ("No hay un nivel inferior", "There is no lower level"),
        ("El caso está en el nivel 1 de soporte.", "The ticket is at support level 1.");
    NoDueTime = "no_due_time", CONFLICT,
        ("No hay hora de vencimiento", "There is no due time"),
        ("El calendario no tiene suficientes horas de atención en veinte años, por lo que no hay hora de vencimiento.", "The calendar is not open for long enough within twenty years, so that there is no due time.");
    ShippedHoliday = "shipped_holiday", CONFLICT,
        ("Festivo de ley", "Statutory holiday"),
        ("Los festivos de ley no se pueden eliminar; indique en `last_year` su último año.", "Statutory holidays cannot be deleted; set `last_year` to their last year.");
    TooManyHolidays = "too_many_holidays", CONFLICT,
        ("Demasiados festivos", "Too many holidays"),
        ("Se pueden registrar hasta 500 festivos.", "The maximum is 500 holidays.");
    TooManyKeys = "too_many_keys", CONFLICT,
        ("Demasiadas claves", "Too many keys"),
        ("La cuenta tiene todas las claves vigentes que puede tener; revoque una.", "The account has all the usable keys that it may have; revoke one.");
    TooManyJobs = "too_many_jobs", CONFLICT,
        ("Demasiados trabajos", "Too many jobs"),
        ("La cuenta tiene 20 trabajos sin terminar; espere a que termine uno, o cancélelo.", "The account has 20 jobs that have not ended; wait until one has, or cancel one.");
    TooManyWebhooks = "too_many_webhooks", CONFLICT,
        ("Demasiados webhooks", "Too many webhooks"),
        ("Se pueden registrar hasta 50 webhooks; elimine uno.", "The maximum is 50 webhooks; delete one.");
    NotARequester = "not_a_requester", CONFLICT,
        ("No es solicitante", "Not a requester"),
        ("Los datos del personal no se anonimizan: sus actuaciones se conservan en el registro.", "Staff cannot be anonymized: their actions remain on record.");
    Anonymized = "anonymized", CONFLICT,
        ("Datos anonimizados", "Data were anonymized"),
        ("Los datos del solicitante se anonimizaron por ley: no se vuelven a registrar.", "The requester's data were anonymized by law: they are not recorded again.");
    HasOpenTickets = "has_open_tickets", CONFLICT,
        ("Tiene solicitudes abiertas", "The person has open tickets"),
        ("La persona tiene solicitudes que no están cerradas ni archivadas.", "The person has tickets that are neither closed nor archived.");
    LastDirector = "last_director", CONFLICT,
        ("Es el último director", "Last director"),
        ("La Mesa de Servicios quedaría sin un director activo.", "The desk would be left without an active director.");
    NobodyAvailable = "nobody_available", CONFLICT,
        ("No hay nadie disponible", "No one is available"),
        ("No hay nadie disponible en el nivel de soporte; `next_available_user` y `next_available_at` indican quién estará disponible y cuándo.", "No member of staff of the support level is available; `next_available_at` and `next_available_user` state who is available next, and when.");
    CircularRelation = "circular_relation", CONFLICT,
        ("La relación sería circular", "The relation would be circular"),
        ("Con la relación, un caso sería su propio padre, causa o duplicado, directamente o a través de otros.", "The relation would make a ticket its own parent, cause or duplicate, directly or through others.");
    AlreadyAnswered = "already_answered", CONFLICT,
        ("La encuesta ya fue respondida", "The survey was already answered"),
        ("La encuesta ya fue respondida.", "The survey was already answered.");
    QuarterNotOver = "quarter_not_over", CONFLICT,
        ("El trimestre no ha terminado", "The quarter has not ended"),
        ("Solo se puede aprobar el informe de un trimestre que ya terminó.", "Only the report of a quarter that has ended can be approved.");
    WrongState = "wrong_state", CONFLICT,
        ("El estado no lo permite", "The state does not allow it"),
        ("El estado del registro no permite esta acción; `current_status` lo indica.", "The state of the record does not allow this; `current_status` has the state.");
    Incomplete = "incomplete", CONFLICT,
        ("Faltan datos", "Incomplete"),
        ("Para que el registro quede en firme faltan los datos indicados en `errors`.", "The fields in `errors` are required before the record can be made final.");
    RequestInProgress = "request_in_progress", CONFLICT,
        ("La petición está en curso", "The request is in progress"),
        ("Una petición con la misma `Idempotency-Key` aún está en curso; espere y repítala.", "A request with the same `Idempotency-Key` is still in progress; wait and retry.");
    CursorGone = "cursor_gone", GONE,
        ("El registro no tiene este lugar", "The log has no such place"),
        ("El registro de eventos no tiene el lugar de este cursor para esta cuenta: su rol o sus permisos cambiaron, o se restauró una copia de seguridad. Construya de nuevo su copia y lea desde `start`, o siga desde `end`.", "The event log does not have the place of this cursor for this account: its role or permissions have changed, or a backup was restored. Build the copy anew and read from `start`, or continue from `end`.");
    SurveyExpired = "survey_expired", GONE,
        ("El enlace de la encuesta venció", "The survey's link has expired"),
        ("El enlace de la encuesta venció.", "The link to the survey has expired.");
    PasswordLinkInvalid = "password_link_invalid", GONE,
        ("El enlace para la contraseña no es válido", "The password link is not valid"),
        ("El enlace para establecer la contraseña venció, ya se usó, fue reemplazado por uno más reciente o está incompleto; solicite uno nuevo.", "The link to set a password has expired, was used, was replaced by a newer one or is incomplete; request a new one.");
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED,
        ("El recurso ha cambiado", "The resource has changed"),
        ("El recurso cambió después del `ETag` de `If-Match`; léalo de nuevo y repita el cambio.", "The resource has changed since the `ETag` in `If-Match`; read it again and repeat the change.");
    PreconditionRequired = "precondition_required", PRECONDITION_REQUIRED,
        ("Falta la versión", "The version is missing"),
        ("La firma de un acta y la aprobación de una medición deben indicar la versión en `If-Match`.", "The signature of minutes and the approval of a measurement must name the version in `If-Match`.");
    TooLarge = "too_large", PAYLOAD_TOO_LARGE,
        ("Demasiado grande", "Too large"),
        ("El cuerpo o el archivo es más grande de lo permitido.", "The body or the file is larger than allowed.");
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE,
        ("Tipo de contenido no admitido", "Unsupported content type"),
        ("Esta operación no recibe ese tipo de contenido, o el cuerpo viene comprimido (`Content-Encoding`).", "The operation does not support this content type, or the body is compressed (`Content-Encoding`).");
    RangeNotSatisfiable = "range_not_satisfiable", RANGE_NOT_SATISFIABLE,
        ("El rango no es válido", "Range not satisfiable"),
        ("El rango de `Range` empieza después del final del contenido; `Content-Range` indica su tamaño.", "The range in `Range` begins after the end of the content; `Content-Range` has its size.");
    InvalidBody = "invalid_body", UNPROCESSABLE_ENTITY,
        ("Datos no válidos", "Invalid data"),
        ("Hay campos que faltan, sobran o no son válidos; `errors` indica cada uno.", "Fields are missing, unknown or invalid; `errors` names each.");
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY,
        ("Clave de idempotencia reutilizada", "Idempotency key used for another request"),
        ("La `Idempotency-Key` ya se usó con otra petición (método, ruta o cuerpo); use una nueva.", "The `Idempotency-Key` was already used for another request (method, path or body); use a new one.");
    TooManyAttempts = "too_many_attempts", TOO_MANY_REQUESTS,
        ("Demasiados intentos", "Too many attempts"),
        ("Demasiadas contraseñas incorrectas o solicitudes de enlace; intente de nuevo después de los segundos que indica `Retry-After`.", "Too many wrong passwords or requests for password links; retry after `Retry-After` seconds.");
    TooManyRequests = "too_many_requests", TOO_MANY_REQUESTS,
        ("Demasiadas peticiones", "Too many requests"),
        ("Hubo más peticiones de las que un cliente puede hacer en un minuto, o más archivos de los que puede subir a la vez; repita la petición después de los segundos que indica `Retry-After`.", "More requests than one client may make in a minute, or more files than it may upload at a time; retry after `Retry-After` seconds.");
    HeadersTooLarge = "headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE,
        ("Encabezados demasiado grandes", "Headers too large"),
        ("Los encabezados de la petición son más grandes de lo permitido.", "The headers of the request are larger than allowed.");
    Internal = "internal", INTERNAL_SERVER_ERROR,
        ("Error interno", "Internal error"),
        ("Ocurrió un error en el servidor; indique el `request_id` al reportarlo.", "An error of the server; give the `request_id` when reporting it.");
    ReadOnly = "read_only", SERVICE_UNAVAILABLE,
        ("La mesa solo admite consultas", "The desk is read-only"),
        ("Este servidor lee de una copia de la base de datos y no registra nada: ni cambios ni las consultas que dejan constancia. Repita la petición cuando la mesa admita cambios de nuevo.", "This server reads from a copy of the database and records nothing: no changes, and no reads that leave a record. Repeat the request when the desk accepts changes again.");
    Unavailable = "unavailable", SERVICE_UNAVAILABLE,
        ("Servicio no disponible en este momento", "Service unavailable for now"),
        ("El servidor está muy ocupado o su base de datos no responde; repita la petición después de los segundos que indica `Retry-After`.", "The server is too busy or its database does not respond; retry after `Retry-After` seconds.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_as_it_is_named() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
