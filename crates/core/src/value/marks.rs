//! Marks: what travels with a value besides its content.

/// Properties that travel with a value through every operator and function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u8);

impl Marks {
    /// None.
    pub const NONE: Marks = Marks(0);
    /// Not to be shown, nor kept in plain text.
    pub const SENSITIVE: Marks = Marks(1);
    /// Lives in one phase only; never stored.
    pub const EPHEMERAL: Marks = Marks(2);

    /// Both sets of marks.
    #[must_use]
    pub const fn union(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }

    /// These marks without `other`.
    #[must_use]
    pub const fn without(self, other: Marks) -> Marks {
        Marks(self.0 & !other.0)
    }

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Marks) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no mark is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}
