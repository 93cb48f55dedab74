//! The words of the lines that mail programs add below a message. Each table is a text, so that it can be read.

use std::collections::HashSet;
use std::sync::LazyLock;

/// A set of words.
pub type Words = LazyLock<HashSet<&'static str>>;

/// How such a line begins.
pub static BEGINNINGS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    "enviado desde; enviado de; enviado con; enviado mediante; enviado usando; enviado por; enviado vía; \
     enviado a través de; mensaje enviado desde; enviado do; enviado da; enviado pelo; enviado com; \
     enviada do; enviado a partir do; enviado através do; sent from; sent with; sent via; sent using; sent by; \
     sent on; from my; message sent from; envoyé de; envoyé depuis; envoyé avec; envoyé par; \
     envoyé à partir de; envoyé via; von mein; gesendet mit; gesendet von; gesendet aus; gesendet über; \
     gesendet via; diese nachricht wurde von mein; inviato da; inviato dal; inviato con; inviato tramite; \
     verzonden vanaf; verstuurd vanaf; verzonden met; sendt fra; skickat från; wysłane z; wysłano z; \
     get outlook; get bluemail; obtener bluemail; obtén bluemail; descargar bluemail; consigue bluemail; obtén outlook; obtenga outlook; obtener outlook; descargar outlook; \
     descargue outlook; descarga outlook; consigue outlook; obter o outlook; obter outlook; obtenha o outlook; \
     baixe o outlook; baixar o outlook; télécharger outlook; téléchargez outlook; obtenez outlook; \
     obtenir outlook; outlook für; outlook for; outlook para; outlook per; outlook pour; \
     holen sie sich outlook; laden sie outlook; scarica outlook; ottieni outlook; libre de virus; virus-free; \
     yahoo mail:; yahoo mail"
        .split("; ")
        .collect()
});

/// Names of devices and programs. One of them must be in the line.
pub static NAMES: Words = LazyLock::new(|| {
    "iphone ipad ipod imac mac macbook samsung galaxy huawei xiaomi redmi poco motorola moto lg sony xperia \
     nokia lumia oppo vivo realme honor htc alcatel zte tecno infinix oneplus pixel blackberry android \
     windows outlook gmail yahoo hotmail aol mail correo courrier airmail mailbox spark k-9 proton protonmail \
     tutanota fairemail bluemail nine zoho thunderbird newton canary edison acompli mailspring gmx smartphone \
     teléfono telefono celular móvil movil tablet tableta telemóvel handheld handy mobiltelefon mobilgerät \
     téléphone portable cellulare telefonino phone cellphone android-mobiltelefon avast avg www.avast.com ios \
     mobile wireless dispositivo device smartphone-ul posta e-mail-app postfach mail-app treo palm"
        .split(' ')
        .collect()
});

/// Those that also name things that write no mail: beside them another name is needed.
pub static WEAK: Words = LazyLock::new(|| {
    "correo mail mobile portable nine honor pixel vivo spark canary posta windows wireless"
        .split(' ')
        .collect()
});

/// Words around the names.
pub static FILLERS: Words = LazyLock::new(|| {
    "enviado enviada mensaje message sent from with via vía using by on desde de del do da dal con com por \
     pelo mi mis meu minha mio my un una um a an the o la el para for pour für per in en em gesendet von \
     meinem mit meiner aus der dem diese nachricht wurde über envoyé depuis mon ma avec partir à inviato \
     verzonden verstuurd vanaf mijn met sendt fra min skickat från wysłane wysłano z mojego get obtén obtenga \
     obtener descargar descargue descarga consigue obter obtenha baixe baixar télécharger téléchargez obtenez \
     obtenir holen sie sich laden herunter beziehen herunterladen scarica ottieni libre virus virus-free app \
     aplicación aplicativo electrónico electronico email e-mail secure seguro cifrado pro plus max mini lite ultra note edge tab \
     prime neo duos se air mobile device pc 4g 5g lte red network claro movistar tigo wom telcel vodafone \
     verizon orange t-mobile at&t entel personal search organize conquer mailbox wireless smart inalámbrico \
     handheld tutti tablette avast inc através usando mediante cell powered free version"
        .split(' ')
        .collect()
});

/// Beginnings of words of the excuse that may follow.
pub const EXCUSES: &[&str] = &[
    "excuse",
    "disculp",
    "perdon",
    "typo",
    "brevity",
    "brevedad",
    "errores",
    "conquer",
    "forgive",
    "entschuldig",
];
