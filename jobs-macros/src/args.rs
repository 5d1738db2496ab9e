//! The arguments that a schedule gives to its jobs: `args(greeting = "hi", count = 3)`.
//!
//! The names are judged here, the values by the compiler, as if each stood in a `let` with the type of its parameter.

use jobs_core::text::{did_you_mean, shown};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Expr, Lit, LitStr};

use crate::check::PRIMITIVES;
use crate::depth::too_deep_among;
use crate::entries::is_equals;
use crate::errors::Errors;
use crate::number;
use crate::signature::{Head, Param, flat, last_segment, plain_name};
use crate::value::{Value, is_comma, literal, stream, ungroup};

/// The longest value, in tokens. Parsing one recurses, and the stack is the compiler's.
const LONGEST_VALUE: usize = 256;

/// What stands between the brackets of `args(..)`.
pub(crate) struct Args {
    key: Ident,
    pub(crate) given: Vec<Given>,
    /// Whether something stands there that may have been meant for any parameter.
    is_unread: bool,
}

/// The value of one parameter.
pub(crate) struct Given {
    pub(crate) name: Ident,
    pub(crate) value: Vec<TokenTree>,
}

impl Given {
    /// The string that the value is, if it is nothing else.
    pub(crate) fn text(&self) -> Option<LitStr> {
        match literal(&ungroup(self.value.clone())) {
            Some(Lit::Str(text)) => Some(text),
            _ => None,
        }
    }
}

impl Args {
    /// Reads the names and the values.
    pub(crate) fn read(value: &Value, errors: &mut Errors) -> Self {
        let mut args = Self { key: value.key.clone(), given: Vec::new(), is_unread: false };
        let given = split(value);
        if given.is_empty() {
            errors.push(&value.key, "`args` is empty", "leave it out");
            args.is_unread = true;
        }
        for entry in &given {
            args.read_entry(entry, errors);
        }
        args
    }

    fn read_entry(&mut self, entry: &[TokenTree], errors: &mut Errors) {
        let (name, value) = match entry {
            [TokenTree::Ident(name), equals, value @ ..] if is_equals(equals) && !value.first().is_some_and(is_equals) => {
                (name, value.to_vec())
            }
            [] => {
                errors.push(&self.key, "a comma too many between the arguments", "write one comma between two of them");
                self.is_unread = true;
                return;
            }
            [TokenTree::Ident(name), ..] if entry.len() > 1 && !matches!(entry[1], TokenTree::Group(_)) || entry.len() == 1 => {
                errors.push(
                    stream(entry),
                    format_args!("`{name}` wants one `=` and a value"),
                    format_args!("write `{name} = ..`"),
                );
                self.is_unread = true;
                return;
            }
            _ => {
                let help = "write the parameter's name before it: `greeting = \"hi\"`";
                errors.push(stream(entry), "a value without the name of its parameter", help);
                self.is_unread = true;
                return;
            }
        };
        if self.given.iter().any(|given| given.name.unraw() == name.unraw()) {
            errors.push(name, format_args!("`{name}` is given twice"), "keep one of them");
            return;
        }
        self.given.push(Given { name: name.clone(), value: value.clone() });
        if let Err((token, message, help)) = readable(&value, name) {
            errors.push(token, message, help);
            if let Some(next) = without_comma(&value) {
                self.read_entry(&value[next..], errors);
            }
        }
    }

    /// Whether it has a value for this parameter, or may have been meant to.
    pub(crate) fn supplies(&self, head: &Head, parameter: &Ident) -> bool {
        let is_unknown = |given: &Given| arguments(head).all(|name| name.unraw() != given.name.unraw());
        self.is_unread || self.given.iter().any(|given| given.name.unraw() == parameter.unraw() || is_unknown(given))
    }

    /// Holds the names against the parameters of the fn.
    pub(crate) fn check(&self, head: &Head, errors: &mut Errors) {
        let names: Vec<String> = arguments(head).map(|name| name.unraw().to_string()).collect();
        if names.is_empty() {
            let help = "an argument is a parameter that is not borrowed, such as `greeting: String`";
            return errors.push(&self.key, "`args` has nobody to give to: this fn has no arguments", help);
        }
        for given in &self.given {
            let name = given.name.unraw().to_string();
            if names.contains(&name) {
                given.check_text(head, errors);
            } else if head.typed().any(|param| plain_name(&param.pat).is_some_and(|param| param.unraw() == name)) {
                let help = "leave it out, or make it an argument by taking it without `&`";
                errors.push(&given.name, format_args!("`{}` is borrowed: the runtime gives it", shown(&name)), help);
            } else {
                let near = did_you_mean(&name, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`? "));
                let help = format!("{}its arguments are {}", near.unwrap_or_default(), names.join(", "));
                errors.push(&given.name, format_args!("this fn has no argument `{}`", shown(&name)), help);
            }
        }
    }
}

impl Given {
    /// A text cannot become an `Option` or a number.
    fn check_text(&self, head: &Head, errors: &mut Errors) {
        let ty = head.params().find_map(|param| match param {
            Param::Argument(name, ty) if name.unraw() == self.name.unraw() => last_segment(ty).map(|last| last.ident.to_string()),
            _ => None,
        });
        let (Some(ty), Some(text), name) = (ty, self.text(), &self.name) else { return };
        if ty == "Option" {
            let written = text.to_token_stream().to_string();
            let help = format!("write `{name} = Some({}.into())`", shown(&written));
            errors.push(&text, format_args!("`{name}` is an `Option`"), help);
        } else if PRIMITIVES.contains(&&*ty) && ty != "str" {
            let inside = text.value();
            let help = match inside.parse::<f64>() {
                Ok(_) => format!("write `{name} = {}`", shown(inside.trim())),
                Err(_) if ty == "bool" && matches!(&*inside, "true" | "false") => format!("write `{name} = {inside}`"),
                Err(_) => format!("write `{name} = ..`, with a value of that type"),
            };
            errors.push(&text, format_args!("`{name}` is of type `{ty}`, not a text"), help);
        }
    }
}

/// The names of the fn's arguments.
fn arguments(head: &Head) -> impl Iterator<Item = &Ident> {
    head.params().filter_map(|param| match param {
        Param::Argument(name, _) => Some(name),
        _ => None,
    })
}

/// The tokens between the commas, where a comma between the angle brackets of a value is none.
fn split(value: &Value) -> Vec<Vec<TokenTree>> {
    let tokens = ungroup(value.inside().into_iter().collect());
    let is_punct =
        |token: Option<&TokenTree>, sign: char| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
    let (mut entries, mut entry, mut angles) = (Vec::new(), Vec::<TokenTree>::new(), 0_usize);
    for token in tokens {
        let before = entry.last();
        if is_punct(Some(&token), '<') && (angles > 0 || is_punct(before, ':') || entry.len() == 2) {
            angles += 1;
        } else if is_punct(Some(&token), '>') && !is_punct(before, '-') {
            angles = angles.saturating_sub(1);
        } else if is_comma(&token) && angles == 0 {
            entries.push(std::mem::take(&mut entry));
            continue;
        }
        entry.push(token);
    }
    if !entry.is_empty() {
        entries.push(entry);
    }
    entries
}

/// Where the next argument begins in what cannot be read as one value.
fn without_comma(value: &[TokenTree]) -> Option<usize> {
    let begins = |pair: &[TokenTree]| matches!(pair[0], TokenTree::Ident(_)) && is_equals(&pair[1]);
    value.windows(2).position(begins).filter(|_| value.len() <= LONGEST_VALUE)
}

/// Whether the compiler will be able to read the value as an expression; else where it is wrong, what is wrong, and what to do.
fn readable(value: &[TokenTree], name: &Ident) -> Result<(), (TokenStream, String, String)> {
    let help = format!("write a fn that returns it, and call that here: `{name} = {name}()`");
    if value.is_empty() {
        return Err((name.to_token_stream(), format!("`{name}` has no value"), format!("write `{name} = ..`")));
    }
    if too_deep_among(value.to_vec()).is_some() {
        return Err((stream(&value[..1]), format!("the value of `{name}` is nested too deep"), help));
    }
    // What stands between the brackets of a macro is nobody's to read, but flat.
    if flat(&stream(value)).len() > LONGEST_VALUE {
        return Err((stream(&value[..1]), format!("the value of `{name}` has more than {LONGEST_VALUE} tokens"), help));
    }
    let is_short = |token: &TokenTree| !matches!(token, TokenTree::Literal(literal) if !number::is_short(literal));
    if !flat(&stream(value)).iter().all(is_short) {
        return Ok(());
    }
    let Err(error) = syn::parse2::<Expr>(stream(value)) else { return Ok(()) };
    Err(if let Some(next) = without_comma(value).and_then(|next| value.get(next)) {
        let message = format!("a comma is missing before `{next}`");
        (next.to_token_stream(), message, "write one comma between two arguments".to_owned())
    } else {
        let message = format!("the value of `{name}` is no expression: {error}");
        (stream(value), message, format!("write `{name} = ..`, with the value as it stands in code"))
    })
}
