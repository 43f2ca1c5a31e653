/// What the value of a header such as `form-data; name="image"` begins with, and every value that it has for one parameter.
/// Of a value whose quotes are not closed nothing is left.
pub(crate) fn kind_and_parameter(value: &str, name: &str) -> (String, Vec<String>) {
    let mut parts = split_outside_quotes(value);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let pairs = parts.filter_map(|part| part.split_once('='));
    let named = pairs.filter(|(key, _)| key.trim_end().eq_ignore_ascii_case(name));
    (kind, named.map(|(_, value)| unquoted(value.trim_start()).to_owned()).collect())
}

/// The parts between semicolons. One within quotes belongs to the value, as in `filename="a; name=b"`.
fn split_outside_quotes(value: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = value.split(move |character| {
        let is_end = character == ';' && !is_quoted;
        is_quoted ^= character == '"' && !is_escaped;
        is_escaped = character == '\\' && is_quoted && !is_escaped;
        is_end
    });
    parts.map(|part| part.trim_matches([' ', '\t']))
}

fn unquoted(value: &str) -> &str {
    match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').unwrap_or_default(),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_read(value: &str, kind: &str, names: &[&str]) {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(kind_and_parameter(value, "name"), (kind.to_owned(), names), "{value}");
    }

    #[test]
    fn a_parameter_is_found_wherever_it_stands_and_however_it_is_written() {
        assert_read("form-data; name=\"image\"", "form-data", &["image"]);
        assert_read("Form-Data;NAME = image ; filename=x", "form-data", &["image"]);
        assert_read("form-data; filename=\"照 片.jpg\"; name=\"image\";", "form-data", &["image"]);
        assert_read("form-data", "form-data", &[]);
        assert_read("", "", &[]);
    }

    #[test]
    fn what_stands_within_quotes_is_no_parameter() {
        assert_read("form-data; filename=\"x; name=other\"; name=\"image\"", "form-data", &["image"]);
        assert_read("form-data; filename=\"x\\\"; name=other\"; name=\"image\"", "form-data", &["image"]);
        assert_read("form-data; filename=\"x; name=other", "form-data", &[]);
    }

    #[test]
    fn every_value_of_a_doubled_parameter_is_told() {
        assert_read("form-data; name=a; Name=\"b\"", "form-data", &["a", "b"]);
        assert_read("form-data; name=\"a", "form-data", &[""]);
    }
}
