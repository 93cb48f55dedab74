//! Templates that are part of the program.

use minijinja::{Environment, Error, Value};

use crate::problem::{Problem, Result};

/// Parsed templates, or the fault of one that cannot be parsed, which each rendering then returns.
pub struct Templates(std::result::Result<Environment<'static>, Error>);

impl Templates {
    /// `add` adds the templates to an environment, and the syntax and filters that they need.
    pub fn new(add: impl FnOnce(&mut Environment<'static>) -> std::result::Result<(), Error>) -> Self {
        let mut environment = Environment::new();
        Templates(add(&mut environment).map(|()| environment))
    }

    /// # Errors
    /// An internal error if a template cannot be parsed or does not fit the context, which is a fault of the build.
    pub fn render(&self, name: &str, context: impl Into<Value>) -> Result<String> {
        let environment = self.0.as_ref().map_err(Problem::internal)?;
        environment
            .get_template(name)
            .and_then(|template| template.render(context))
            .map_err(Problem::internal)
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.0.as_ref().unwrap().templates().count()
    }
}
