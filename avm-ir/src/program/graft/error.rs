//! Why a region does not fit into a program.

use alloc::string::String;

use crate::verify::VerifyError;

/// Why a region does not fit into the place of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraftError {
    /// The program has no region of this name.
    NoRegion(String),
    /// `main` is locked: it is never patched.
    Main,
    /// The fragment has no region of this name.
    NotInFragment(String),
    /// The fragment is no valid program.
    Fragment(VerifyError),
    /// Its permission bits or its name differ.
    Bits,
    /// The registers after `in=` or `out=` differ.
    Interface,
    /// Control flows through the program's region (or does not), and the fragment's is otherwise.
    Flow {
        /// Whether it flows through the program's.
        attached: bool,
    },
    /// With this name the agent would have more than
    /// [`MAX_NAMED_REGISTERS`](crate::program::MAX_NAMED_REGISTERS) registers.
    Registers(String),
    /// The fragment uses a number without a name, which the program gave a name.
    Unnamed {
        /// The number.
        number: u8,
        /// The program's name of it.
        name: String,
    },
    /// It defines a label that another region has.
    LabelTaken {
        /// The label.
        label: String,
        /// The other region.
        region: String,
    },
    /// It defines a function that another region has.
    FunctionTaken {
        /// The function.
        function: String,
        /// The other region.
        region: String,
    },
    /// It lacks a label of the old body to which others jump.
    LabelNeeded {
        /// The label.
        label: String,
        /// Who jumps: a region or test, in words.
        user: String,
    },
    /// It lacks a function of the old region that others call.
    FunctionNeeded {
        /// The function.
        function: String,
        /// Who calls: a region or test, in words.
        user: String,
    },
    /// A function that others call has fewer parameters than they give arguments.
    Parameters {
        /// The function.
        function: String,
        /// Who calls: a region or test, in words.
        user: String,
        /// Most arguments that they give.
        arguments: usize,
        /// Its parameters now.
        params: u8,
    },
    /// The program would be larger than [`MAX_PROGRAM`](crate::program::MAX_PROGRAM).
    TooLarge,
    /// Something outside of the region changed; what.
    Outside(&'static str),
    /// The validator refuses the result.
    Result(VerifyError),
}

impl core::fmt::Display for GraftError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoRegion(name) => write!(f, "there is no region `{name}`"),
            Self::Main => f.write_str("`main` is locked and cannot be patched"),
            Self::NotInFragment(name) => write!(f, "the patch has no region `{name}`"),
            Self::Fragment(error) => write!(f, "the patch is no valid program: {error}"),
            Self::Bits => f.write_str("a patch cannot change the bits of its region"),
            Self::Interface => f.write_str("a patch cannot change the interface of its region"),
            Self::Flow { attached: true } => {
                f.write_str("control flows through the region, but the patch has it detached")
            }
            Self::Flow { attached: false } => {
                f.write_str("the region is detached, but control flows through that of the patch")
            }
            Self::Registers(name) => {
                write!(f, "`{name}` is one named register too many, the limit is 200")
            }
            Self::Unnamed { number, name } => {
                write!(f, "the patch uses register %{number}, which is `{name}` in the program")
            }
            Self::LabelTaken { label, region } => {
                write!(f, "label `{label}` is already one of region `{region}`")
            }
            Self::FunctionTaken { function, region } => {
                write!(f, "function `{function}` is already one of region `{region}`")
            }
            Self::LabelNeeded { label, user } => {
                write!(f, "{user} jumps to label `{label}`, which the new body lacks")
            }
            Self::FunctionNeeded { function, user } => {
                write!(f, "{user} calls function `{function}`, which the new body lacks")
            }
            Self::Parameters { function, user, arguments, params } => {
                let s = if *arguments == 1 { "" } else { "s" };
                write!(
                    f,
                    "{user} calls `{function}` with {arguments} argument{s}, the new body's takes {params}"
                )
            }
            Self::TooLarge => f.write_str("the program would be larger than 64 MiB"),
            Self::Outside(what) => write!(f, "the patch changes {what}"),
            Self::Result(error) => write!(f, "the result is no valid program: {error}"),
        }
    }
}

impl core::error::Error for GraftError {}
