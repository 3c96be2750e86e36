//! What a row of the table says, and how rows are written.

/// A refusal: what Entra says with one of its numbers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AadstsRefusal {
    pub(crate) number: u32,
    /// Microsoft's name for it.
    pub(crate) name: &'static str,
    /// `error` on a redirect back to the application.
    pub(crate) on_redirect: &'static str,
    /// `error` of the token endpoint, as documented.
    pub(crate) from_token: &'static str,
    /// `error` of the token endpoint, where another than the documented one was seen.
    pub(crate) seen_from_token: &'static str,
    /// Microsoft's page of error codes knows no sub-errors: they were all seen.
    pub(crate) suberror: Option<&'static str>,
    /// Whether a claims challenge comes with it.
    pub(crate) claims: bool,
    /// Whether the person is left on "Need admin approval": then nothing of it reaches the application.
    pub(crate) ends_on_page: bool,
    pub(crate) message: &'static str,
}

/// Makes an enum of the table's numbers, a list of each group, and the row of each number.
macro_rules! refusals {
    ($(
        $(#[$group_doc:meta])*
        $group:ident {
            $(
                $number:literal $name:ident : $redirect:ident, $token:ident
                $(, suberror $suberror:ident)? $(, seen $seen:ident)? $(+ $flag:ident)* => $message:literal ;
            )+
        }
    )+) => {
        /// An AADSTS number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(non_camel_case_types, reason = "one of Microsoft's names has an underscore")]
        pub(crate) enum Code {
            $($(
                #[doc = concat!("AADSTS", stringify!($number))]
                $name,
            )+)+
        }

        $(
            $(#[$group_doc])*
            pub(crate) const $group: &[Code] = &[$(Code::$name),+];
        )+

        impl Code {
            /// The row of this code.
            pub(crate) const fn refusal(self) -> &'static $crate::aadsts::refusal::AadstsRefusal {
                match self {
                    $($(
                        Self::$name => const {
                            &$crate::aadsts::refusal::AadstsRefusal {
                                number: $number,
                                name: stringify!($name),
                                on_redirect: stringify!($redirect),
                                from_token: stringify!($token),
                                seen_from_token: $crate::aadsts::refusal::first!($(stringify!($seen),)? stringify!($token)),
                                suberror: $crate::aadsts::refusal::first!($(Some(stringify!($suberror)),)? None),
                                claims: $crate::aadsts::refusal::flagged!(claims $($flag)*),
                                ends_on_page: $crate::aadsts::refusal::flagged!(page $($flag)*),
                                message: $message,
                            }
                        },
                    )+)+
                }
            }
        }
    };
}

/// The first of one or two values.
macro_rules! first {
    ($first:expr $(, $default:expr)?) => {
        $first
    };
}

/// Is the flag among those that follow?
macro_rules! flagged {
    (claims claims $($rest:ident)*) => { true };
    (page page $($rest:ident)*) => { true };
    ($flag:ident $other:ident $($rest:ident)*) => {
        $crate::aadsts::refusal::flagged!($flag $($rest)*)
    };
    ($flag:ident) => { false };
}

pub(crate) use {first, flagged, refusals};
