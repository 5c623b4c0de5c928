use super::problem::Problem;

const LARGEST_AMOUNT: i64 = 99_999_999;
const MOST_METADATA: usize = 50;
const LONGEST_METADATA_NAME: usize = 40;
const LONGEST_VALUE: usize = 500;

/// The parameters of a request, taken one by one; what nobody took is refused at the end.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub fn new(mut pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        pairs.sort();
        if let Some(twice) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let message = "This parameter was given more than once";
            return Err(Problem::invalid("parameter_duplicated", message).about(&twice[0].0));
        }
        for (name, value) in &pairs {
            if value.len() > LONGEST_VALUE {
                return Err(invalid(name, &format!("Longer than {LONGEST_VALUE} bytes")));
            }
            // The decoder puts the replacement character where the bytes were not UTF-8.
            if name.contains(char::REPLACEMENT_CHARACTER) || value.contains(char::REPLACEMENT_CHARACTER) {
                return Err(invalid(name, "Not valid UTF-8"));
            }
        }
        Ok(Self(pairs))
    }

    /// All parameters, sorted by name.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    pub fn optional(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(given, _)| given == name)?;
        Some(self.0.remove(at).1)
    }

    pub fn required(&mut self, name: &str) -> Result<String, Problem> {
        self.optional(name).filter(|value| !value.is_empty()).ok_or_else(|| Problem::missing_parameter(name))
    }

    /// A parameter for which the sandbox knows only one value.
    pub fn exactly(&mut self, name: &str, only: &str) -> Result<(), Problem> {
        if self.required(name)? == only { Ok(()) } else { Err(invalid(name, &format!("Must be '{only}' here"))) }
    }

    /// An amount in minor units: digits only, 1 to 99,999,999.
    pub fn amount(&mut self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.optional(name) else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // Digits that do not fit a number are above the largest amount too.
        let amount = if digits { text.parse::<i64>().unwrap_or(i64::MAX) } else { 0 };
        match amount {
            1..=LARGEST_AMOUNT => Ok(Some(amount)),
            _ if !digits => Err(Problem::invalid("parameter_invalid_integer", "Invalid integer").about(name)),
            0 => Err(Problem::invalid("amount_too_small", "The amount must be at least 1").about(name)),
            _ => Err(Problem::invalid("amount_too_large", format!("The amount must be at most {LARGEST_AMOUNT}"))
                .about(name)),
        }
    }

    /// An ISO 4217 code, in lower case as Stripe's objects have it.
    pub fn currency(&mut self) -> Result<String, Problem> {
        let code = self.required("currency")?;
        if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            Ok(code.to_ascii_lowercase())
        } else {
            Err(invalid("currency", "Must be three letters"))
        }
    }

    /// Everything given as `metadata[name]=value`.
    pub fn metadata(&mut self) -> Result<Vec<(String, String)>, Problem> {
        let mut metadata = Vec::new();
        for (param, value) in self.0.extract_if(.., |(param, _)| param.starts_with("metadata[")) {
            let name = param.strip_prefix("metadata[").and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
            if name.is_empty() || name.len() > LONGEST_METADATA_NAME || name.contains(['[', ']']) {
                return Err(invalid(&param, "Not a name for metadata"));
            }
            metadata.push((name.to_owned(), value));
        }
        if metadata.len() > MOST_METADATA {
            return Err(invalid("metadata", &format!("More than {MOST_METADATA} names")));
        }
        Ok(metadata)
    }

    pub fn finish(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::invalid("parameter_unknown", "Received unknown parameter").about(name)),
        }
    }
}

pub(super) fn invalid(param: &str, message: &str) -> Problem {
    Problem::invalid("parameter_invalid", message).about(param)
}
