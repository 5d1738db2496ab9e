//! The value of one key: which kinds of literals there are, and the sentence for each that is not what the key takes.

use std::fmt::Display;
use std::ops::RangeInclusive;

use jobs_core::{TextError, name};
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Expr, ExprLit, ExprUnary, Lit, LitStr, UnOp};

use crate::errors::Errors;

/// What stands behind `key =`, not yet judged.
pub(crate) struct Value {
    /// The key as the user wrote it.
    pub(crate) key: Ident,
    /// How the key is written, such as `queue = "mail"`.
    pub(crate) example: &'static str,
    /// The tokens behind `=`; `None` for a key alone.
    pub(crate) tokens: Option<TokenStream>,
}

impl Value {
    /// One string literal.
    pub(crate) fn string(&self, errors: &mut Errors) -> Option<LitStr> {
        match self.expr(errors)? {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => plain(text, errors),
            other => self.refuse(&other, "takes a string", errors),
        }
    }

    /// A string that `parse` accepts.
    pub(crate) fn parsed<T>(&self, parse: fn(&str) -> Result<T, TextError>, errors: &mut Errors) -> Option<T> {
        let text = self.string(errors)?;
        parse(&text.value()).map_err(|error| errors.push_text(&text, &error)).ok()
    }

    /// A string that may name something; `what` says whose name it is.
    pub(crate) fn name(&self, what: &str, errors: &mut Errors) -> Option<String> {
        let text = self.string(errors)?;
        checked_name(what, &text, errors)
    }

    /// A list of such strings.
    pub(crate) fn names(&self, what: &str, errors: &mut Errors) -> Option<Vec<String>> {
        let array = match self.expr(errors)? {
            Expr::Array(array) => array,
            other => return self.refuse(&other, "takes a list of strings", errors),
        };
        let mut names = Vec::new();
        for element in array.elems {
            match ungroup(element) {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                    names.extend(plain(text, errors).and_then(|text| checked_name(what, &text, errors)));
                }
                other => _ = self.refuse::<()>(&other, "takes a list of strings", errors),
            }
        }
        Some(names)
    }

    /// A whole number within `range`.
    pub(crate) fn integer(&self, range: RangeInclusive<i32>, errors: &mut Errors) -> Option<i32> {
        let expr = self.expr(errors)?;
        let (digits, suffix) = match &expr {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => (number.base10_digits().to_owned(), number.suffix()),
            Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr: inner, .. }) => match &**inner {
                Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => (format!("-{}", number.base10_digits()), number.suffix()),
                _ => return self.refuse(&expr, "takes a whole number", errors),
            },
            _ => return self.refuse(&expr, "takes a whole number", errors),
        };
        if !suffix.is_empty() {
            errors.push(&expr, format_args!("a number here has no suffix `{suffix}`"), format_args!("write `{digits}`"));
            return None;
        }
        let number = digits.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let message = format_args!("`{}` is {digits}, which is out of range {}", self.key, shown(&range));
            errors.push(&expr, message, format_args!("write for example `{}`", self.example));
        }
        number
    }

    /// `true` or `false`; the key alone means `true`.
    pub(crate) fn flag(&self, errors: &mut Errors) -> Option<bool> {
        if self.tokens.is_none() {
            return Some(true);
        }
        match self.expr(errors)? {
            Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. }) => Some(flag.value),
            other => self.refuse(&other, "takes `true` or `false`", errors),
        }
    }

    /// An absolute path, in quotes or not.
    pub(crate) fn path(&self, errors: &mut Errors) -> Option<syn::Path> {
        let path = match self.expr(errors)? {
            Expr::Path(path) if path.qself.is_none() => path.path,
            other => return self.refuse(&other, "takes a path", errors),
        };
        let begins_at_a_crate = |segment: &syn::PathSegment| segment.ident == "crate" || segment.ident == "$crate";
        if path.leading_colon.is_none() && !path.segments.first().is_some_and(begins_at_a_crate) {
            let help = "begin with `::`, `crate::` or `$crate::`: the path is used in places where other names are in scope";
            errors.push(&path, "`crate` takes an absolute path", help);
            return None;
        }
        Some(path)
    }

    fn expr(&self, errors: &mut Errors) -> Option<Expr> {
        let Some(tokens) = self.tokens.clone() else {
            errors.push(&self.key, format_args!("`{}` has no value", self.key), format_args!("write `{}`", self.example));
            return None;
        };
        match syn::parse2(tokens.clone()) {
            Ok(expr) => Some(ungroup(expr)),
            Err(_) => self.refuse(&tokens, "has a value that is no literal", errors),
        }
    }

    fn refuse<T>(&self, found: &impl ToTokens, takes: impl Display, errors: &mut Errors) -> Option<T> {
        errors.push(found, format_args!("`{}` {takes}", self.key), format_args!("write `{}`", self.example));
        None
    }
}

/// The expression without the invisible brackets that a `macro_rules!` leaves around what it passes on.
fn ungroup(mut expr: Expr) -> Expr {
    while let Expr::Group(group) = expr {
        expr = *group.expr;
    }
    expr
}

/// A string without a suffix, which the compiler would drop in silence.
fn plain(text: LitStr, errors: &mut Errors) -> Option<LitStr> {
    if text.suffix().is_empty() {
        return Some(text);
    }
    let message = format_args!("a string here has no suffix `{}`", text.suffix());
    errors.push(&text, message, format_args!("write `{:?}`", text.value()));
    None
}

fn checked_name(what: &str, text: &LitStr, errors: &mut Errors) -> Option<String> {
    let value = text.value();
    match name::check(what, &value) {
        Ok(()) => Some(value),
        Err(error) => {
            errors.push_text(text, &error);
            None
        }
    }
}

fn shown(range: &RangeInclusive<i32>) -> String {
    format!("{} to {}", range.start(), range.end())
}
