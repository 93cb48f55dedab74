//! The form as it was filled in, and its errors.

use std::collections::HashMap;

use crate::problem::Text;
use crate::surveys::Ratings;
use crate::surveys::questions::SurveyQuestion;
use crate::surveys::submission::{QuestionAnswer, SurveyAnswerCreate};

/// The maximum length of a comment, in characters.
pub const COMMENT: usize = 2000;

/// The questions with the chosen ratings, and the comment.
pub struct Form {
    pub questions: Vec<Asked>,
    pub comment: String,
    pub comment_fault: Option<Text>,
}

/// A question on the form.
pub struct Asked {
    pub question: SurveyQuestion,
    pub chosen: Option<i16>,
    pub fault: Option<Text>,
}

impl Form {
    pub fn empty(questions: Vec<SurveyQuestion>) -> Self {
        let questions = questions.into_iter().map(|question| Asked { question, chosen: None, fault: None });
        Form { questions: questions.collect(), comment: String::new(), comment_fault: None }
    }

    /// Reads the form that a browser sent (`application/x-www-form-urlencoded`). Unknown fields are ignored.
    pub fn read(questions: Vec<SurveyQuestion>, body: &[u8]) -> Self {
        let mut sent: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        let mut form = Self::empty(questions);
        for asked in &mut form.questions {
            let value = sent.remove(&asked.name()).filter(|value| !value.is_empty());
            asked.chosen =
                value.as_deref().and_then(|value| value.parse().ok()).filter(|n| (1..=5).contains(n));
            if asked.chosen.is_none() && (asked.question.standing || value.is_some()) {
                asked.fault =
                    Some(Text::new("Elija una de las cinco opciones.", "Choose one of the five options."));
            }
        }
        let comment = sent.remove("comment").unwrap_or_default();
        form.comment = comment.replace("\r\n", "\n").replace('\0', "").trim().to_owned();
        if form.comment.chars().count() > COMMENT {
            form.comment_fault = Some(Text::made(
                format!("Admite hasta {COMMENT} caracteres."),
                format!("It may have up to {COMMENT} characters."),
            ));
        }
        form
    }

    pub fn is_sound(&self) -> bool {
        self.comment_fault.is_none() && self.questions.iter().all(|asked| asked.fault.is_none())
    }

    /// The answer to store; `None` if the form has errors.
    pub fn answer(&self) -> Option<SurveyAnswerCreate> {
        if !self.is_sound() {
            return None;
        }
        let standing = |key: &str| {
            let asked =
                self.questions.iter().find(|asked| asked.question.standing && asked.question.key == key);
            asked.and_then(|asked| asked.chosen)
        };
        let further = self.questions.iter().filter(|asked| !asked.question.standing);
        Some(SurveyAnswerCreate {
            ratings: Ratings {
                overall: standing("overall")?,
                timeliness: standing("timeliness")?,
                courtesy: standing("courtesy")?,
                solution: standing("solution")?,
            },
            answers: further
                .filter_map(|asked| {
                    Some(QuestionAnswer { question_id: asked.question.id, rating: asked.chosen? })
                })
                .collect(),
            comment: Some(self.comment.clone()).filter(|comment| !comment.is_empty()),
        })
    }
}

impl Asked {
    /// The name of its form field.
    pub fn name(&self) -> String {
        format!("rating-{}", self.question.key)
    }
}
