//! Due times computed by hand, in Bogotá's time.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};

use super::Calendar;

const ALWAYS: &str = "24/7";
/// Ten hours a day.
const DAY: &str = "Mo-Fr 08:00-18:00; PH off";
/// Eight hours a day: four before and four after lunch.
const LUNCH: &str = "Mo-Fr 08:00-12:00,14:00-18:00; PH off";
/// Twelve hours a day, five on Saturdays.
const SATURDAY: &str = "Mo-Fr 07:00-19:00; Sa 08:00-13:00; PH off";
/// Eight hours a night, every night.
const NIGHT: &str = "22:00-06:00";
/// Three hours, on holidays only.
const HOLIDAYS: &str = "PH 09:00-12:00";

/// Sixteen hours on weekdays, eighteen at the weekend.
const WEEKEND: &str = "Mo-Fr 06:00-22:00; Sa-Su 08:00-02:00";
const WEEKEND_FIRST: &str = "Sa-Su 08:00-02:00; Mo-Fr 06:00-22:00";

/// The attention times of the procedure, in minutes.
const CRITICAL: i32 = 60;
const HIGH: i32 = 120;
const MEDIUM: i32 = 300;
const LOW: i32 = 1080;

/// Calendar, reception, attention time, due time, and its computation.
type Case = (&'static str, &'static str, i32, &'static str, &'static str);

#[rustfmt::skip]
const CASES: &[Case] = &[
    // Round the clock
    (ALWAYS, "2024-01-01 00:00:00", CRITICAL, "2024-01-01 01:00:00", "a holiday counts like any day"),
    (ALWAYS, "2024-02-28 23:30:00", HIGH, "2024-02-29 01:30:00", "leap year: 29 February follows"),
    (ALWAYS, "2024-02-29 23:59:30", CRITICAL, "2024-03-01 00:59:30", "seconds stay, over the leap day"),
    (ALWAYS, "2025-12-31 23:00:00", CRITICAL, "2026-01-01 00:00:00", "due as the year begins"),
    (ALWAYS, "2025-12-31 22:30:00", HIGH, "2026-01-01 00:30:00", "90 min in 2025, 30 in 2026"),
    (ALWAYS, "2026-07-10 10:00:30", CRITICAL, "2026-07-10 11:00:30", "seconds stay"),
    (ALWAYS, "2026-11-23 20:00:00", MEDIUM, "2026-11-24 01:00:00", "4 h to midnight, 1 h after"),
    (ALWAYS, "2026-12-31 12:00:00", LOW, "2027-01-01 06:00:00", "12 h in 2026, 6 in 2027"),
    (ALWAYS, "2027-02-28 20:00:00", MEDIUM, "2027-03-01 01:00:00", "no leap year: 1 March follows"),
    (ALWAYS, "2028-02-28 20:00:00", LOW, "2028-02-29 14:00:00", "4 h, and 14 of the leap day"),
    (ALWAYS, "2029-07-20 03:15:00", LOW, "2029-07-20 21:15:00", "18 h within Independence Day"),
    (ALWAYS, "2030-04-19 23:00:00", HIGH, "2030-04-20 01:00:00", "Good Friday counts"),
    (ALWAYS, "2031-12-31 18:00:00", LOW, "2032-01-01 12:00:00", "6 h in 2031, 12 in 2032"),
    // Office hours, 2024
    (DAY, "2024-01-01 10:00:00", CRITICAL, "2024-01-02 09:00:00", "Mon New Year off: Tue 08 + 1 h"),
    (DAY, "2024-01-05 17:30:00", CRITICAL, "2024-01-09 08:30:00", "Fri 30 min; Mon 8 is Reyes (6, Sat); Tue 30 min"),
    (DAY, "2024-01-05 17:00:00", CRITICAL, "2024-01-05 18:00:00", "Fri 60 min: due as it closes"),
    (DAY, "2024-03-22 16:00:00", MEDIUM, "2024-03-26 11:00:00", "Fri 2 h; Mon 25 is San José (19, Tue); Tue 3 h"),
    (DAY, "2024-03-27 17:00:00", HIGH, "2024-04-01 09:00:00", "Wed 1 h; Easter 31 March: Thu 28, Fri 29 off; Mon 1 h"),
    (DAY, "2024-05-10 15:00:00", LOW, "2024-05-15 13:00:00", "Fri 3; Mon 13 is the Ascension (Easter + 43); Tue 10; Wed 5"),
    (DAY, "2024-06-07 17:59:30", CRITICAL, "2024-06-11 08:59:30", "Fri 30 s; Mon 10 is the Sacred Heart (+ 71); Tue 59 min 30 s"),
    (DAY, "2024-06-28 18:00:00", CRITICAL, "2024-07-02 09:00:00", "at 18:00 it is closed; Mon 1 is San Pedro (29, Sat); Tue 1 h"),
    (DAY, "2024-12-24 17:00:00", HIGH, "2024-12-26 09:00:00", "Tue 1 h; Wed Christmas; Thu 1 h"),
    (DAY, "2024-12-31 16:00:00", MEDIUM, "2025-01-02 11:00:00", "Tue 2 h; Wed New Year; Thu 3 h"),
    // 2025
    (DAY, "2025-04-16 10:00:00", LOW, "2025-04-21 18:00:00", "Wed 8; Easter 20 April: Thu 17, Fri 18 off; Mon 10: due as it closes"),
    (DAY, "2025-06-27 14:00:00", MEDIUM, "2025-07-01 09:00:00", "Fri 4; Mon 30 is San Pedro and the Sacred Heart; Tue 1"),
    (DAY, "2025-07-18 17:00:00", HIGH, "2025-07-21 09:00:00", "Fri 1; Sun 20 July is not moved; Mon 1"),
    (DAY, "2025-11-14 12:00:00", LOW, "2025-11-19 10:00:00", "Fri 6; Mon 17 is Cartagena (11, Tue); Tue 10; Wed 2"),
    (DAY, "2025-12-24 08:00:00", LOW, "2025-12-26 16:00:00", "Wed 10; Thu Christmas; Fri 8"),
    // 2026
    (DAY, "2026-01-09 17:45:00", CRITICAL, "2026-01-13 08:45:00", "Fri 15 min; Mon 12 is Reyes (6, Tue); Tue 45 min"),
    (DAY, "2026-04-01 18:30:00", MEDIUM, "2026-04-06 13:00:00", "Wed closed; Easter 5 April: Thu 2, Fri 3 off; Mon 5 h"),
    (DAY, "2026-08-06 16:00:00", LOW, "2026-08-11 14:00:00", "Thu 2; Fri 7 Boyacá; Mon 10; Tue 6"),
    (DAY, "2026-11-13 17:00:00", HIGH, "2026-11-17 09:00:00", "Fri 1; Mon 16 is Cartagena (11, Wed); Tue 1"),
    (DAY, "2026-12-07 17:00:00", HIGH, "2026-12-09 09:00:00", "Mon 1; Tue 8 Inmaculada, not moved; Wed 1"),
    (DAY, "2026-12-31 17:00:00", LOW, "2027-01-05 15:00:00", "Thu 1; Fri New Year; Mon 10; Tue 7"),
    // 2027
    (DAY, "2027-03-24 17:00:00", MEDIUM, "2027-03-29 12:00:00", "Wed 1; Easter 28 March: Thu 25, Fri 26 off; Mon 4"),
    (DAY, "2027-05-01 09:00:00", CRITICAL, "2027-05-03 09:00:00", "Sat, and Labour Day: Mon 08 + 1 h"),
    (DAY, "2027-07-02 17:30:00", CRITICAL, "2027-07-06 08:30:00", "Fri 30 min; Mon 5 is San Pedro (29 June, Tue); Tue 30 min"),
    (DAY, "2027-10-12 17:00:00", HIGH, "2027-10-13 09:00:00", "Tue 12 works, the Raza is moved to Mon 18: Tue 1, Wed 1"),
    // 2028
    (DAY, "2028-02-29 17:30:00", CRITICAL, "2028-03-01 08:30:00", "Tue of the leap day 30 min; Wed 30 min"),
    (DAY, "2028-07-19 16:00:00", MEDIUM, "2028-07-21 11:00:00", "Wed 2; Thu 20 July; Fri 3"),
    (DAY, "2028-12-07 17:00:00", LOW, "2028-12-12 15:00:00", "Thu 1; Fri 8 Inmaculada; Mon 10; Tue 7"),
    // 2029
    (DAY, "2029-03-28 17:00:00", HIGH, "2029-04-02 09:00:00", "Wed 1; Easter 1 April: Thu 29, Fri 30 off; Mon 1"),
    (DAY, "2029-12-31 17:00:00", HIGH, "2030-01-02 09:00:00", "Mon 1; Tue New Year; Wed 1"),
    // 2030
    (DAY, "2030-01-04 12:00:00", LOW, "2030-01-09 10:00:00", "Fri 6; Mon 7 is Reyes (6, Sun); Tue 10; Wed 2"),
    (DAY, "2030-06-28 17:00:00", MEDIUM, "2030-07-02 12:00:00", "Fri 1; Mon 1 is San Pedro and the Sacred Heart; Tue 4"),
    // 2031
    (DAY, "2031-04-09 17:00:00", LOW, "2031-04-15 15:00:00", "Wed 1; Easter 13 April: Thu 10, Fri 11 off; Mon 10; Tue 7"),
    (DAY, "2031-08-06 17:30:00", CRITICAL, "2031-08-08 08:30:00", "Wed 30 min; Thu 7 Boyacá; Fri 30 min"),
    (DAY, "2031-12-31 16:00:00", MEDIUM, "2032-01-02 11:00:00", "Wed 2; Thu New Year; Fri 3"),
    // With a lunch break
    (LUNCH, "2024-07-03 11:30:00", CRITICAL, "2024-07-03 14:30:00", "30 min before lunch, 30 after"),
    (LUNCH, "2024-07-03 11:00:00", CRITICAL, "2024-07-03 12:00:00", "due as lunch begins, not as it ends"),
    (LUNCH, "2024-07-03 12:30:00", CRITICAL, "2024-07-03 15:00:00", "received at lunch: 14 + 1 h"),
    (LUNCH, "2025-03-21 17:00:00", HIGH, "2025-03-25 09:00:00", "Fri 1; Mon 24 is San José (19, Wed); Tue 1"),
    (LUNCH, "2025-09-10 09:00:00", MEDIUM, "2025-09-10 16:00:00", "3 before lunch, 2 after"),
    (LUNCH, "2026-02-10 08:00:00", LOW, "2026-02-12 10:00:00", "Tue 8, Wed 8, Thu 2"),
    (LUNCH, "2026-05-15 15:00:00", LOW, "2026-05-20 17:00:00", "Fri 3; Mon 18 is the Ascension; Tue 8; Wed 4 + 3"),
    (LUNCH, "2026-06-12 11:59:45", CRITICAL, "2026-06-12 14:59:45", "15 s before lunch, 59 min 45 s after"),
    (LUNCH, "2027-12-24 16:00:00", MEDIUM, "2027-12-27 11:00:00", "Fri 2; Sat Christmas, not moved; Mon 3"),
    (LUNCH, "2028-04-12 13:00:00", MEDIUM, "2028-04-17 09:00:00", "Wed 4 from 14:00; Easter 16 April: Thu 13, Fri 14 off; Mon 1"),
    (LUNCH, "2029-07-19 10:00:00", LOW, "2029-07-24 12:00:00", "Thu 2 + 4; Fri 20 July; Mon 8; Tue 4: due as lunch begins"),
    (LUNCH, "2030-12-24 14:00:00", MEDIUM, "2030-12-26 09:00:00", "Tue 4; Wed Christmas; Thu 1"),
    (LUNCH, "2031-01-01 14:00:00", CRITICAL, "2031-01-02 09:00:00", "Wed New Year; Thu 1"),
    (LUNCH, "2031-11-14 17:30:00", HIGH, "2031-11-18 09:30:00", "Fri 30 min; Mon 17 is Cartagena (11, Tue); Tue 90 min"),
    // With Saturdays
    (SATURDAY, "2024-08-16 18:30:00", HIGH, "2024-08-17 09:30:00", "Fri 30 min, Sat 90"),
    (SATURDAY, "2025-05-03 12:00:00", MEDIUM, "2025-05-05 11:00:00", "Sat 1, Mon 4 from 07:00"),
    (SATURDAY, "2026-07-18 12:30:00", CRITICAL, "2026-07-21 07:30:00", "Sat 30 min; Mon 20 July; Tue 30 min"),
    (SATURDAY, "2027-08-07 09:00:00", HIGH, "2027-08-09 09:00:00", "Sat 7 Boyacá off; Mon 2 from 07:00"),
    (SATURDAY, "2028-09-29 09:00:00", LOW, "2028-10-02 10:00:00", "Fri 10, Sat 5, Mon 3"),
    (SATURDAY, "2030-07-20 10:00:00", CRITICAL, "2030-07-22 08:00:00", "Sat 20 July off; Mon 1 from 07:00"),
    // At night
    (NIGHT, "2024-12-31 21:00:00", MEDIUM, "2025-01-01 03:00:00", "from 22:00: 2 h in 2024, 3 in 2025"),
    (NIGHT, "2026-03-10 05:30:00", CRITICAL, "2026-03-10 22:30:00", "30 min in the morning, 30 at night"),
    (NIGHT, "2029-10-05 12:00:00", LOW, "2029-10-08 00:00:00", "nights of the 5th and the 6th 8 h each, of the 7th 2"),
    (NIGHT, "2031-02-28 23:30:00", HIGH, "2031-03-01 01:30:00", "30 min in February, 90 in March"),
    // On holidays
    (DAY, "2026-07-10 17:30:00", CRITICAL, "2026-07-14 08:30:00", "Fri 30 min; Mon 13 is Chiquinquirá (9 July, Thu); Tue 30 min"),
    (DAY, "2025-07-11 17:30:00", CRITICAL, "2025-07-14 08:30:00", "Fri 30 min; Mon 14 is no holiday before 2026; Mon 30 min"),
    (DAY, "2027-07-09 17:00:00", HIGH, "2027-07-13 09:00:00", "Fri 1; Mon 12 is Chiquinquirá; Tue 1"),
    (DAY, "2029-07-06 17:00:00", HIGH, "2029-07-10 09:00:00", "Fri 1; Mon 9 is Chiquinquirá; Tue 1"),
    // Nights
    (WEEKEND, "2026-11-29 23:00:00", HIGH, "2026-11-30 01:00:00", "Sunday's hours go on until Monday 02:00"),
    (WEEKEND, "2026-11-30 01:30:00", CRITICAL, "2026-11-30 06:30:00", "30 min until 02:00; Monday from 06:00"),
    (WEEKEND_FIRST, "2026-11-29 23:00:00", HIGH, "2026-11-30 01:00:00", "in whatever order the rules are written"),
    (HOLIDAYS, "2026-07-15 10:00:00", MEDIUM, "2026-08-07 11:00:00", "20 July 3 h, 7 August 2"),
];

fn local(text: &str) -> DateTime<Utc> {
    let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
    chrono_tz::America::Bogota.from_local_datetime(&naive).unwrap().to_utc()
}

#[test]
fn due_times_are_as_reckoned_by_hand() {
    let holidays = crate::holidays::colombia::holidays();
    for (calendar, received, minutes, due, how) in CASES {
        let reckoned = Calendar::parse(calendar, chrono_tz::America::Bogota, &holidays).unwrap().due(
            local(received),
            *minutes,
            &[],
        );
        assert_eq!(reckoned, Ok(local(due)), "{calendar}, received {received}, {minutes} minutes: {how}");
    }
}

#[test]
fn each_criticality_and_each_year_has_its_cases() {
    assert!(CASES.len() >= 60);
    for minutes in [CRITICAL, HIGH, MEDIUM, LOW] {
        assert!(CASES.iter().filter(|case| case.2 == minutes).count() >= 10, "{minutes}");
    }
    for year in 2024..=2031 {
        assert!(CASES.iter().filter(|case| case.1.starts_with(&year.to_string())).count() >= 5, "{year}");
    }
}
